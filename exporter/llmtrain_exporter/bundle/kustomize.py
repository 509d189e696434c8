"""How the manifests are put together for `kubectl apply -k FOLDER`.

Schema: kubectl.docs.kubernetes.io/references/kustomize.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Lang

FOLDER = "docs/kubernetes"
BASE = f"{FOLDER}/base"
SHARED, NODES = f"{FOLDER}/overlays/shared", f"{FOLDER}/overlays/nodes"
OPERATOR = f"{FOLDER}/operator"
NAMESPACE = "llmtrain"

_RENDERED = "# Rendered by `llmtrain-exporter render` from exporter/llmtrain_exporter/bundle/kustomize.py.\n"
_KIND = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
_BASE = f"""{_RENDERED}#
# What every cluster has. Apply an overlay; overlays of your own name this folder as a resource.
{_KIND}resources:
  - exporter.yaml
  - relay.yaml
  - network.yaml
"""
_IMAGE = """images:
  - name: registry.example.com/llmtrain-exporter
    newName: registry.example.com/llmtrain-exporter # change it to yours
    newTag: 0.1.0
"""
_SHARED = f"""{_RENDERED}#
# All nodes write to one volume: one exporter mounts the claim.
#
# A claim is of one namespace. Where training has its own, name that below and leave namespace.yaml out: its
# labels would hold for the pods of training too.
{_KIND}namespace: {NAMESPACE}
resources:
  - namespace.yaml
  - ../../base
{_IMAGE}patches:
  - target: {{kind: Deployment, name: llmtrain-exporter}}
    patch: |-
      - op: replace # the claim in which training writes
        path: /spec/template/spec/volumes/0/persistentVolumeClaim/claimName
        value: training-output
      - op: replace # a user who may read it
        path: /spec/template/spec/securityContext/runAsUser
        value: 65534
"""
_NODES = f"""{_RENDERED}#
# Each node writes to a folder of its own: an exporter on each in place of the one with a claim.
{_KIND}namespace: {NAMESPACE}
resources:
  - namespace.yaml
  - ../../base
  - daemon-set.yaml
{_IMAGE}patches:
  - patch: |-
      $patch: delete
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: llmtrain-exporter
  - target: {{kind: DaemonSet, name: llmtrain-exporter}}
    patch: |-
      - op: replace # the folder on each node in which training writes
        path: /spec/template/spec/volumes/0/hostPath/path
        value: /data/output
      - op: replace # a user who may read it
        path: /spec/template/spec/securityContext/runAsUser
        value: 65534
"""
_WHY_RESTRICTED = (
    "All pods are within the strictest of the Pod Security standards, and others are not let in."
)
_WHY_PRIVILEGED = (
    "The standards baseline and restricted refuse `hostPath`. What is not within restricted is told."
)


def kustomizations() -> dict[str, str]:
    """Each kustomization.yaml, and the namespaces: path below the project's folder, and content."""
    return {
        f"{BASE}/kustomization.yaml": _BASE,
        f"{SHARED}/kustomization.yaml": _SHARED,
        f"{SHARED}/namespace.yaml": _namespace("restricted", _WHY_RESTRICTED),
        f"{NODES}/kustomization.yaml": _NODES,
        f"{NODES}/namespace.yaml": _namespace("privileged", _WHY_PRIVILEGED),
        f"{OPERATOR}/monitors/kustomization.yaml": f"{_RENDERED}{_KIND}resources: [monitors.yaml]\n",
        **{f"{OPERATOR}/{lang.value}/kustomization.yaml": _operator() for lang in Lang},
    }


def _operator() -> str:
    return f"""{_RENDERED}#
# For Prometheus' operator: what is scraped, and all rules. It takes what its Prometheus selects by label;
# with kube-prometheus-stack that is `release: NAME`, the name under which it was installed.
{_KIND}namespace: {NAMESPACE}
resources:
  - ../monitors
  - rules.yaml
labels:
  - pairs: {{release: kube-prometheus-stack}}
"""


def _namespace(enforced: str, why: str) -> str:
    return f"""{_RENDERED}#
# {why}
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: {enforced}
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/audit: restricted
"""
