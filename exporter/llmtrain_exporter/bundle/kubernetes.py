"""Kubernetes manifests: the exporter, the chat relay, and what Prometheus' operator makes of both.

Schemas: kubernetes.io/docs/reference/kubernetes-api and prometheus-operator.dev/docs/api-reference/api.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.bundle.alerting.rules import rule_files
from llmtrain_exporter.bundle.kustomize import BASE, NODES, OPERATOR, kustomizations
from llmtrain_exporter.bundle.yaml_text import TextBlocks
from llmtrain_exporter.knowledge.text import Lang

IMAGE = "registry.example.com/llmtrain-exporter:0.1.0"
LOGS = "/data/output"  # on each node
CLAIM, MEMORY_CLAIM = "training-output", "llmtrain-relay"
MEMORY = "/var/lib/llmtrain"
PORT, RELAY_PORT = 9848, 9849
PORT_NAME = "metrics"  # of the relay too
SCRAPE_INTERVAL = "15s"
NOBODY = 65534
MONITORING = "monitoring"  # the namespace of Prometheus and Alertmanager
TOKEN_SECRET = "llmtrain-relay-token"  # noqa: S105  # its name
TOKEN_FOLDER = "/run/relay-token"  # noqa: S105

Manifest = dict[str, Any]

_UNBROKEN = 1 << 20

_RENDERED = "# Rendered by `llmtrain-exporter render` from exporter/llmtrain_exporter/bundle/kubernetes.py.\n"
_EXPORTER = f"""{_RENDERED}#
# One exporter for a volume that all nodes share: the claim in which training writes, mounted read-only. It
# has to be one of this namespace. One that a single node may mount (ReadWriteOnce) holds the exporter there.
"""
_DAEMON_SET = f"""{_RENDERED}#
# One exporter on each node, for training that writes to a folder of its node, below `hostPath`. Of a volume
# that all nodes share each run would be there once per node.
"""
_RELAY = f"""{_RENDERED}#
# Addresses and secrets of bots come from a Secret with files called as in docs/chats.md, for each CHAT:
#   kubectl create secret generic llmtrain-relay --from-file=CHAT_url --from-file=CHAT_secret
# What bots were told is kept on a claim: a new pod tells nothing twice.
#
# Who posts alerts has to show a token; without this Secret the relay does not start:
#   openssl rand -hex 32 | kubectl create secret generic {TOKEN_SECRET} --from-file=token=/dev/stdin
# Alertmanager's receiver is a webhook to http://llmtrain-relay:{RELAY_PORT}/alerts, with the same token as
# http_config.authorization: docs/many-machines.md has both.
"""
_NETWORK = f"""{_RENDERED}#
# Alertmanager alone posts to the relay, and Prometheus alone scrapes; what goes out is left open, for chats
# are on the internet. It holds where the cluster's network knows policies. Both are looked for in the
# namespace {MONITORING} under the names that the operator gives their pods: change what differs, and add
# whoever brings people to the exporter's pages (an ingress, a gateway).
"""
_OPERATOR = f"""{_RENDERED}#
# The operator takes what its Prometheus selects by label; operator/en and operator/zh add such a label.
"""


def kubernetes(lang: Lang, places: Places) -> dict[str, str]:
    """The manifests by their path below the project's folder; only the rules are said in a language."""
    files = rule_files(lang, places)
    rules = _text(_OPERATOR, [prometheus_rule(files[name] for name in sorted(files))])
    found = {f"{OPERATOR}/{lang.value}/rules.yaml": rules}
    return found if lang is not Lang.EN else found | _manifests() | kustomizations()


def _manifests() -> dict[str, str]:
    return {
        f"{BASE}/exporter.yaml": _text(_EXPORTER, [_deployment(), _service("exporter", PORT)]),
        f"{BASE}/relay.yaml": _text(_RELAY, [_relay(), _service("relay", RELAY_PORT), _memory()]),
        f"{BASE}/network.yaml": _text(_NETWORK, [_exporter_policy(), _relay_policy()]),
        f"{NODES}/daemon-set.yaml": _text(_DAEMON_SET, [_daemon_set()]),
        f"{OPERATOR}/monitors/monitors.yaml": _text(_OPERATOR, [_monitor("exporter"), _monitor("relay")]),
    }


def prometheus_rule(rules: Iterable[str]) -> Manifest:
    """The groups of these rule files as one PrometheusRule."""
    groups = [group for text in rules for group in yaml.safe_load(text)["groups"]]
    return _object("monitoring.coreos.com/v1", "PrometheusRule", "llmtrain", {"groups": groups})


def _text(head: str, documents: Iterable[Manifest]) -> str:
    return head + "---\n".join(
        yaml.dump(document, Dumper=_Manifests, sort_keys=False, allow_unicode=True, width=_UNBROKEN)
        for document in documents
    )


class _Manifests(TextBlocks):
    """Lists set in, and no references from one place to another."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """List items stand deeper than their key."""
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Whatever is there twice is written twice."""
        del data
        return True


def _object(version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "llmtrain"}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }


def _deployment() -> Manifest:
    logs = {"name": "logs", "persistentVolumeClaim": {"claimName": CLAIM, "readOnly": True}}
    spec = {
        "replicas": 1,  # a second one would have all runs once more
        "strategy": {"type": "Recreate"},
        "selector": _selector("llmtrain-exporter"),
        "template": _pod("llmtrain-exporter", _exporter(), [logs]),
    }
    return _object("apps/v1", "Deployment", "llmtrain-exporter", spec)


def _daemon_set() -> Manifest:
    logs = {"name": "logs", "hostPath": {"path": LOGS, "type": "Directory"}}
    spec = {
        "selector": _selector("llmtrain-exporter"),
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        "template": _pod("llmtrain-exporter", _exporter(), [logs], [_gpu_nodes_too()]),
    }
    return _object("apps/v1", "DaemonSet", "llmtrain-exporter", spec)


def _exporter() -> Manifest:
    return _container(
        "exporter",
        ["serve", "--listen", f"0.0.0.0:{PORT}", "/logs"],
        PORT,
        {"cpu": "1", "memory": "1Gi"},
        [{"name": "logs", "mountPath": "/logs", "readOnly": True}],
    )


def _gpu_nodes_too() -> Manifest:
    return {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def _relay() -> Manifest:
    container = _container(
        "relay",
        ["relay", "--listen", f"0.0.0.0:{RELAY_PORT}"],
        RELAY_PORT,
        {"cpu": "1", "memory": "512Mi"},
        [
            {"name": "chats", "mountPath": "/run/secrets", "readOnly": True},
            {"name": "memory", "mountPath": MEMORY},
            {"name": "token", "mountPath": TOKEN_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # in a container of its own
        ],
        {
            "LLMTRAIN_RELAY_MEMORY_FILE": f"{MEMORY}/relay.sqlite",
            "LLMTRAIN_RELAY_SECRETS": "/run/secrets",
            "LLMTRAIN_RELAY_WEBHOOK_TOKEN_FILE": f"{TOKEN_FOLDER}/token",
        },
    )
    volumes = [
        {"name": "chats", "secret": {"secretName": "llmtrain-relay", "optional": True}},
        {"name": "memory", "persistentVolumeClaim": {"claimName": MEMORY_CLAIM}},
        # Not optional: without it the pod waits, and says which Secret is missing.
        {"name": "token", "secret": {"secretName": TOKEN_SECRET}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
    ]
    spec = {
        "replicas": 1,  # it remembers what it has told: two would tell everything twice
        "strategy": {"type": "Recreate"},
        "selector": _selector("llmtrain-relay"),
        "template": _pod("llmtrain-relay", container, volumes),
    }
    return _object("apps/v1", "Deployment", "llmtrain-relay", spec)


def _memory() -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "256Mi"}}}
    return _object("v1", "PersistentVolumeClaim", MEMORY_CLAIM, spec)


def _service(part: str, port: int) -> Manifest:
    """A name for the relay; for the exporters, of which each is asked for itself, only their list."""
    spec: Manifest = {"clusterIP": "None"} if part == "exporter" else {}
    spec["selector"] = _selector(f"llmtrain-{part}")["matchLabels"]
    spec["ports"] = [{"name": PORT_NAME, "port": port, "targetPort": PORT_NAME}]
    return _object("v1", "Service", f"llmtrain-{part}", spec)


def _selector(name: str) -> Manifest:
    return {"matchLabels": {"app.kubernetes.io/name": name}}


def _pod(
    name: str, container: Manifest, volumes: list[Manifest], tolerations: Iterable[Manifest] = ()
) -> Manifest:
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "llmtrain"}},
        "spec": {
            "automountServiceAccountToken": False,
            **({"tolerations": list(tolerations)} if tolerations else {}),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": NOBODY,
                "runAsGroup": NOBODY,
                "fsGroup": NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": volumes,
        },
    }


def _container(
    name: str,
    arguments: list[str],
    port: int,
    limits: Mapping[str, str],
    mounts: list[Manifest],
    environment: Mapping[str, str] | None = None,
) -> Manifest:
    variables = [{"name": key, "value": value} for key, value in (environment or {}).items()]
    return {
        "name": name,
        "image": IMAGE,
        "args": arguments,
        **({"env": variables} if variables else {}),
        "ports": [{"name": PORT_NAME, "containerPort": port}],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": PORT_NAME}, "periodSeconds": 10},
        "livenessProbe": {"httpGet": {"path": "/-/healthy", "port": PORT_NAME}, "periodSeconds": 30},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": dict(limits)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def _exporter_policy() -> Manifest:
    return _ingress_only("exporter", PORT, [_monitoring_pod("prometheus"), _pods("llmtrain-relay")])


def _relay_policy() -> Manifest:
    return _ingress_only(
        "relay", RELAY_PORT, [_monitoring_pod("alertmanager"), _monitoring_pod("prometheus")]
    )


def _ingress_only(part: str, port: int, callers: list[Manifest]) -> Manifest:
    """Only these reach the pods of that part; what its own pods ask is left open."""
    name = f"llmtrain-{part}"
    spec = {
        "podSelector": _selector(name),
        "policyTypes": ["Ingress"],
        "ingress": [{"from": callers, "ports": [{"protocol": "TCP", "port": port}]}],
    }
    return _object("networking.k8s.io/v1", "NetworkPolicy", name, spec)


def _monitoring_pod(name: str) -> Manifest:
    """Pods of that name in the namespace of the servers; each namespace bears its own name as a label."""
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": MONITORING}}
    return {"namespaceSelector": namespace, **_pods(name)}


def _pods(name: str) -> Manifest:
    return {"podSelector": _selector(name)}


def _monitor(part: str) -> Manifest:
    """Labels that change with each pod would make new series of old runs, so they are not taken."""
    name = f"llmtrain-{part}"
    relabelings = [
        {"targetLabel": "job", "replacement": "llmtrain" if part == "exporter" else name},
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance"},
        {"action": "labeldrop", "regex": "container|endpoint|namespace|pod|service"},
    ]
    endpoint = {"port": PORT_NAME, "interval": SCRAPE_INTERVAL, "relabelings": relabelings}
    spec = {"selector": _selector(name), "endpoints": [endpoint]}
    return _object("monitoring.coreos.com/v1", "ServiceMonitor", name, spec)
