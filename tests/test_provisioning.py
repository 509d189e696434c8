"""What Grafana, Prometheus and Kubernetes are given: the parts fit each other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.bundle.kustomize import BASE, FOLDER, NODES, OPERATOR

from tests.test_compose import ROOT, SERVICES, services

PROVISIONING = ROOT / "grafana" / "provisioning"
DASHBOARDS = ROOT / "grafana" / "dashboards"
MONITORS = f"{OPERATOR}/monitors/monitors.yaml"
CONFINED = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""The volumes that the Pod Security standard restricted lets pods have."""
KUSTOMIZED = ("overlays/shared", "overlays/nodes", "operator/en", "operator/zh")
BUILT_IN = {"grafana", "-- Grafana --", "-- Mixed --"}


def read(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def data_sources() -> list[dict[str, Any]]:
    """Every data source that is provisioned, the long-term one too."""
    files = (PROVISIONING / "datasources" / "llmtrain.yml", PROVISIONING / "long-term.yml")
    return [source for file in files for source in read(file)["datasources"]]


def asked_for(node: object) -> Iterator[str]:
    """The uids of data sources anywhere in a dashboard."""
    if isinstance(node, dict):
        source = node.get("datasource")
        if isinstance(source, dict) and "uid" in source:
            yield str(source["uid"])
        for each in node.values():
            yield from asked_for(each)
    elif isinstance(node, list):
        for each in node:
            yield from asked_for(each)


def dashboards(lang: str) -> dict[str, dict[str, Any]]:
    """The dashboards of a language by their path below its folder."""
    folder = DASHBOARDS / lang
    found = sorted(folder.rglob("*.json"))
    return {str(path.relative_to(folder)): json.loads(path.read_text(encoding="utf-8")) for path in found}


def test_data_sources_have_fixed_uids_and_cannot_be_changed() -> None:
    """Links and dashboards may count on them, and what is taken out of the files leaves Grafana."""
    assert [source["uid"] for source in data_sources()] == [
        "llmtrain-prometheus",
        "llmtrain-alertmanager",
        "llmtrain-long-term",
    ]
    assert [source["name"] for source in data_sources() if source["editable"] is not False] == []
    assert [source["name"] for source in data_sources() if source.get("isDefault")] == ["Prometheus"]
    assert read(PROVISIONING / "datasources" / "llmtrain.yml")["prune"] is True


def test_data_sources_are_the_services_of_compose() -> None:
    """Each URL is a service and the port that it is asked at for its health."""
    for source in data_sources():
        name, port = re.fullmatch(r"http://([a-z-]+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
        assert f":{port}/" in SERVICES[name]["healthcheck"]["test"][-1]


def test_grafana_knows_how_often_prometheus_scrapes() -> None:
    """`$__rate_interval` is made of it."""
    interval = read(ROOT / "alerts" / "prometheus.yml")["global"]["scrape_interval"]
    told = {source["jsonData"]["timeInterval"] for source in data_sources() if source["type"] == "prometheus"}
    assert told == {interval}


@pytest.mark.parametrize(("file", "folder"), [("dashboards/llmtrain.yml", "dashboards"), ("gpu.yml", "gpu")])
def test_dashboards_come_from_files_alone(file: str, folder: str) -> None:
    """The provider reads the folder that compose mounts, a folder of Grafana's for each folder there."""
    [provider] = read(PROVISIONING / file)["providers"]
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["foldersFromFilesStructure"] is True
    for lang in ("en", "zh"):
        mounted = dict(mount.split(":")[:2] for mount in services(LLMTRAIN_LANG=lang)["grafana"]["volumes"])
        assert mounted[f"./grafana/{folder}/{lang}"] == provider["options"]["path"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_dashboards_ask_for_what_is_provisioned(lang: str) -> None:
    """Each data source is the dashboard's variable or has a fixed uid; each dashboard has its own uid."""
    found = dashboards(lang)
    assert found
    provisioned = {source["uid"] for source in data_sources()} | BUILT_IN | {"${datasource}", "$datasource"}
    assert {path: set(asked_for(board)) - provisioned for path, board in found.items()} == {
        path: set() for path in found
    }
    assert len({board["uid"] for board in found.values()}) == len(found)
    assert [path for path in found if path.count("/") != 1] == []
    assert [path for path in found if path.endswith("/fleet.json")] != []


def start_prometheus(root: Path, **given: str) -> tuple[dict[str, Any], Path]:
    """With these variables the configuration that Prometheus starts with, and where its rules lie."""
    script = SERVICES["prometheus"]["entrypoint"][2].replace("$$", "$")
    script = re.sub("/etc/prometheus", str(ROOT / "alerts"), script.replace("/tmp/config", "$CONFIG"))
    config = root / "config"
    usual = {"PATH": os.environ["PATH"], "PROFILES": "", "RULES": "en", "CONFIG": str(config)}
    script = script.replace("exec prometheus", "exec echo")
    subprocess.run(
        ["sh", "-ec", script, "prometheus"], env={**usual, **given}, check=True, capture_output=True
    )
    return read(config / "prometheus.yml"), (config / "rules").resolve()


@pytest.mark.parametrize("profiles", ["long-term", "gpu,long-term", "*", "gpu", ""])
def test_prometheus_writes_to_the_long_term_store_where_it_runs(tmp_path: Path, profiles: str) -> None:
    """By the profiles of .env; nothing else of its configuration differs."""
    started, _ = start_prometheus(tmp_path, PROFILES=profiles)
    written = started.pop("remote_write", None)
    assert started == read(ROOT / "alerts" / "prometheus.yml")
    expected = profiles == "*" or "long-term" in profiles
    assert written == ([{"url": "http://victoriametrics:8428/api/v1/write"}] if expected else None)


@pytest.mark.parametrize(("lang", "folder"), [("en", "rules"), ("zh", "zh/rules")])
def test_prometheus_takes_the_rules_of_the_language(tmp_path: Path, lang: str, folder: str) -> None:
    """Its configuration names them beside itself."""
    started, rules = start_prometheus(tmp_path, RULES=lang)
    assert started["rule_files"] == ["rules/*.yml"]
    assert rules == ROOT / "alerts" / folder
    assert list(rules.glob("*.yml"))


def documents(name: str) -> list[dict[str, Any]]:
    """The objects of a manifest as it is committed."""
    return list(yaml.safe_load_all((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize(("lang", "folder"), [("en", "rules"), ("zh", "zh/rules")])
def test_the_prometheus_rule_holds_every_rule(lang: str, folder: str) -> None:
    """The groups of the rule files of a language, unchanged."""
    files = sorted((ROOT / "alerts" / folder).glob("*.yml"))
    groups = [group for path in files for group in read(path)["groups"]]
    [rule] = documents(f"{OPERATOR}/{lang}/rules.yaml")
    assert rule["kind"] == "PrometheusRule"
    assert rule["spec"]["groups"] == groups
    assert groups


@pytest.mark.parametrize(
    ("workloads", "services"),
    [
        (f"{BASE}/exporter.yaml", f"{BASE}/exporter.yaml"),
        (f"{NODES}/daemon-set.yaml", f"{BASE}/exporter.yaml"),
        (f"{BASE}/relay.yaml", f"{BASE}/relay.yaml"),
    ],
)
def test_pods_run_as_confined_as_the_containers_of_compose(workloads: str, services: str) -> None:
    """Not as root, on a read-only root, without capabilities and without a token of the cluster."""
    workload, service = documents(workloads)[0], documents(services)[1]
    pod = workload["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}
    assert container["args"][2] == f"0.0.0.0:{container['ports'][0]['containerPort']}"
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()


def test_who_posts_to_the_relay_shows_a_token_in_kubernetes_and_compose() -> None:
    """Neither starts without: a Secret that must be there, and a volume that a service of its own fills."""
    pod = documents(f"{BASE}/relay.yaml")[0]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    token = variables["LLMTRAIN_RELAY_WEBHOOK_TOKEN_FILE"]
    [mount] = [each for each in container["volumeMounts"] if token.startswith(f"{each['mountPath']}/")]
    [volume] = [each for each in pod["volumes"] if each["name"] == mount["name"]]
    assert mount["readOnly"] is True
    assert volume["secret"] == {"secretName": "llmtrain-relay-token"}
    assert SERVICES["relay"]["environment"]["LLMTRAIN_RELAY_WEBHOOK_TOKEN_FILE"] == token
    receivers = read(ROOT / "alerts" / "alertmanager.yml")["receivers"]
    shown = [
        each["http_config"]["authorization"]["credentials_file"]
        for receiver in receivers
        for each in receiver.get("webhook_configs", [])
        if "relay" in each["url"]
    ]
    assert shown == [token, token]
    for name in ("relay", "alertmanager"):
        assert "relay-token:/run/relay-token:ro" in SERVICES[name]["volumes"]
    assert SERVICES["relay"]["depends_on"]["relay-token"] == {"condition": "service_completed_successfully"}


def test_compose_makes_a_token_once(tmp_path: Path) -> None:
    """Long, for its user alone, and the same after the next start; what is half made is made anew."""
    script = SERVICES["relay-token"]["entrypoint"][-1].replace('"/tmp/', f'"{tmp_path}/')
    (tmp_path / "new").write_text("half")
    tokens = []
    for _ in range(2):
        subprocess.run([sys.executable, "-ISc", script], check=True)
        tokens.append((tmp_path / "token").read_text())
    assert tokens[0] == tokens[1]
    assert re.fullmatch("[0-9a-f]{64}", tokens[0])
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_only_the_servers_reach_the_pods() -> None:
    """Alertmanager and Prometheus the relay, Prometheus and the relay the exporters; the way out is open."""
    policies = {each["metadata"]["name"]: each["spec"] for each in documents(f"{BASE}/network.yaml")}
    expected = {
        "llmtrain-relay": (["alertmanager", "prometheus"], 9849),
        "llmtrain-exporter": (["prometheus", "llmtrain-relay"], 9848),
    }
    assert set(policies) == set(expected)
    for name, (callers, port) in expected.items():
        spec = policies[name]
        workload = documents(f"{BASE}/{name.removeprefix('llmtrain-')}.yaml")[0]
        assert spec["podSelector"] == workload["spec"]["selector"]
        assert spec["policyTypes"] == ["Ingress"]
        [rule] = spec["ingress"]
        assert rule["ports"] == [{"protocol": "TCP", "port": port}]
        found = [each["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for each in rule["from"]]
        assert found == callers


def test_monitors_select_the_services_and_keep_the_series_of_a_run() -> None:
    """A new pod goes on with the old one's series, under the job that rules and dashboards expect."""
    found = {monitor["metadata"]["name"]: monitor["spec"] for monitor in documents(MONITORS)}
    for name in ("exporter.yaml", "relay.yaml"):
        service = documents(f"{BASE}/{name}")[1]
        spec = found.pop(service["metadata"]["name"])
        assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        [endpoint] = spec["endpoints"]
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
        assert endpoint["interval"] == read(ROOT / "alerts" / "prometheus.yml")["global"]["scrape_interval"]
        dropped = next(each for each in endpoint["relabelings"] if each.get("action") == "labeldrop")
        assert re.fullmatch(dropped["regex"], "pod")
    assert found == {}
    [job] = [each for each in endpoint_of("llmtrain-exporter") if each.get("targetLabel") == "job"]
    assert job["replacement"] == read(ROOT / "alerts" / "prometheus.yml")["scrape_configs"][0]["job_name"]


def kustomized(folder: str) -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send of that folder below docs/kubernetes."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(ROOT / FOLDER / folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    return list(yaml.safe_load_all(said.stdout))


@pytest.mark.parametrize("folder", KUSTOMIZED)
def test_kustomize_puts_all_into_one_namespace(folder: str) -> None:
    """No object is there twice, and each has the namespace, but for that itself."""
    found = kustomized(folder)
    assert {each["metadata"].get("namespace") for each in found if each["kind"] != "Namespace"} == {
        "llmtrain"
    }
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert sorted(set(names)) == sorted(names)
    operator = {"PrometheusRule", "ServiceMonitor"}
    assert ({kind for kind, _ in names} <= operator) is folder.startswith("operator")


@pytest.mark.parametrize(
    ("folder", "kind", "enforced"),
    [("overlays/shared", "Deployment", "restricted"), ("overlays/nodes", "DaemonSet", "privileged")],
)
def test_an_overlay_has_one_exporter_and_a_namespace_that_lets_it_in(
    folder: str, kind: str, enforced: str
) -> None:
    """Only volumes that the enforced standard allows; the relay's memory outlives its pod."""
    found = {(each["kind"], each["metadata"]["name"]): each for each in kustomized(folder)}
    exporters = [
        kind
        for kind, name in found
        if name == "llmtrain-exporter" and kind not in ("Service", "NetworkPolicy")
    ]
    assert exporters == [kind]
    labels = found["Namespace", "llmtrain"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == enforced
    volumes = {
        name: {key for volume in pod["spec"]["template"]["spec"]["volumes"] for key in volume} - {"name"}
        for (what, name), pod in found.items()
        if what in ("Deployment", "DaemonSet")
    }
    assert volumes["llmtrain-relay"] <= CONFINED
    assert (volumes["llmtrain-exporter"] <= CONFINED) is (enforced == "restricted")
    assert ("PersistentVolumeClaim", "llmtrain-relay") in found


def test_the_manifests_that_are_put_together_are_all_that_there_are() -> None:
    """No file lies in the folder that no kustomization names."""
    folders = {path.parent for path in (ROOT / FOLDER).rglob("kustomization.yaml")}
    for folder in folders:
        named = {name for name in read(folder / "kustomization.yaml")["resources"] if name.endswith(".yaml")}
        assert {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"} == named
    files = {path.parent for path in (ROOT / FOLDER).rglob("*") if path.is_file()}
    assert files == folders


def endpoint_of(name: str) -> list[dict[str, Any]]:
    """How a monitor relabels."""
    [monitor] = [each for each in documents(MONITORS) if each["metadata"]["name"] == name]
    found: list[dict[str, Any]] = monitor["spec"]["endpoints"][0]["relabelings"]
    return found


def examples(name: str) -> list[str]:
    """The YAML that a page shows."""
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("version", ["promtool", "promtool3"])
@pytest.mark.parametrize("page", ["many-machines.md", "many-machines.zh.md"])
def test_prometheus_takes_the_examples(
    page: str, version: str, tmp_path: Path, real_tool: Callable[[str], Path]
) -> None:
    """Each example is a configuration, or a file of targets that one of them names."""
    promtool = real_tool(version)
    shown = examples(page)
    assert len(shown) == 5
    for text in shown:
        content = yaml.safe_load(text)
        if isinstance(content, list):
            assert all(set(each) <= {"targets", "labels"} for each in content)
            continue
        file = tmp_path / "prometheus.yml"
        file.write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
        for secret in ("ca.pem", "exporters", "mimir"):
            (tmp_path / secret).touch()
        checked = subprocess.run(
            [promtool, "check", "config", "--syntax-only", file], capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stderr


def test_both_languages_show_the_same_examples() -> None:
    """But for their comments."""
    pages = [[yaml.safe_load(text) for text in examples(f"many-machines{lang}.md")] for lang in ("", ".zh")]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("page", ["compose", "many-machines"])
def test_links_of_the_pages_lead_somewhere(page: str) -> None:
    """Every relative link is a file or folder of the project."""
    for name in (f"{page}.md", f"{page}.zh.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
        assert links
        assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
