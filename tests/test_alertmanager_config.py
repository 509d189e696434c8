"""What Prometheus and Alertmanager are told to do: the files are valid, routes lead where they should, and a
real Alertmanager keeps quiet what an incident stands for."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.servers import HANGS_SECONDS, Alertmanager, eventually

Tool = Callable[[str], Path]
Labels = Mapping[str, str]

ALERTS = Path(__file__).resolve().parent.parent / "alerts"
CONFIG = ALERTS / "alertmanager.yml"
PROMTOOLS, AMTOOLS = ("promtool", "promtool3"), ("amtool", "amtool3")
EXAMPLE = re.compile(r"^#(?= {2,})", re.MULTILINE)

RUN = {"job": "llmtrain", "instance": "e:9848", "run": "qwen/v1", "profile": "grpo"}
EXPORTER = {"job": "llmtrain", "instance": "e:9848"}


def told(*command: object, within: Path | None = None) -> str:
    """What a program prints; it has to succeed."""
    said = subprocess.run(
        [str(part) for part in command], cwd=within, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def with_examples(text: str) -> str:
    """A file with all of its examples in use."""
    return EXAMPLE.sub("", text)


def copied(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    """A changed copy of a file of alerts/, beside which its rules and templates lie as well."""
    for other in ("rules", "templates", "zh"):
        (folder / other).symlink_to(ALERTS / other)
    (folder / name).write_text(change((ALERTS / name).read_text()))
    return folder / name


# Prometheus.


@pytest.mark.parametrize("tool", PROMTOOLS)
def test_prometheus_takes_its_configuration(real_tool: Tool, tool: str) -> None:
    """The file that compose mounts is valid as it is, and finds the rules beside it."""
    said = told(real_tool(tool), "check", "config", ALERTS / "prometheus.yml")
    assert said.count("rules found") == 3


@pytest.mark.parametrize("tool", PROMTOOLS)
def test_the_examples_of_discovery_are_valid(real_tool: Tool, tool: str, tmp_path: Path) -> None:
    """Static, file, HTTP and Kubernetes discovery work without their #; so do the Chinese rules."""
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets/a.json").write_text('[{"targets": ["gpu-01:9848"], "labels": {"rack": "a"}}]')

    def change(text: str) -> str:
        secrets = {name: str(tmp_path / name) for name in ("ca.pem", "exporter_password")}
        for name, path in secrets.items():
            Path(path).touch()
            text = text.replace(f"/run/secrets/{name}", path)
        if tool == "promtool":  # Debian builds it without
            text = re.sub(r"#    kubernetes_sd_configs:\n#.*\n", "", text)
        return with_examples(text).replace("- rules/*.yml", "- zh/rules/*.yml")

    path = copied(tmp_path, "prometheus.yml", change)
    said = told(real_tool(tool), "check", "config", "--syntax-only", path)
    assert "SUCCESS" in said
    job = yaml.safe_load(path.read_text())["scrape_configs"][0]
    discovery = {"file_sd_configs", "http_sd_configs"}
    discovery |= {"kubernetes_sd_configs"} if tool == "promtool3" else set()
    assert {name for name in job if name.endswith("_sd_configs")} == discovery
    assert [group["targets"][0] for group in job["static_configs"]] == [
        "exporter:9848",
        "host.docker.internal:9848",
        "gpu-01:9848",
    ]


def test_exporters_are_scraped_under_the_name_that_the_rules_know() -> None:
    """The job is `llmtrain`, often enough for the rules; the relay and the servers are scraped as well."""
    config = yaml.safe_load((ALERTS / "prometheus.yml").read_text())
    jobs = [job["job_name"] for job in config["scrape_configs"]]
    assert jobs[:4] == ["llmtrain", "relay", "alertmanager", "prometheus"]
    assert config["global"] == {"scrape_interval": "15s", "evaluation_interval": "15s"}


# Alertmanager: the file.


@pytest.mark.parametrize("tool", AMTOOLS)
def test_alertmanager_takes_its_configuration(real_tool: Tool, tool: str) -> None:
    """The file that compose mounts is valid for Alertmanager 0.25 and newer ones, texts included."""
    assert " - 1 templates" in told(real_tool(tool), "check-config", CONFIG)


def test_the_examples_of_routes_are_valid(real_tool: Tool, tmp_path: Path) -> None:
    """Routes by team, by profile and for finished runs work as soon as their # is deleted."""

    def change(text: str) -> str:
        routes, receivers = text.split("\nreceivers:\n")
        return f"{with_examples(routes)}\nreceivers:\n{receivers}"

    path = copied(tmp_path, "alertmanager.yml", change)
    assert " - 1 templates" in told(real_tool("amtool"), "check-config", path)
    for labels, receivers in (
        ({"alertname": "LlmTrainRunFinished", "severity": "info"}, "relay-once"),
        ({"alertname": "LlmTrainIncident", "severity": "critical", "team": "nlp"}, "slack,email,relay"),
        ({"alertname": "LlmTrainKlHigh", "severity": "warning", "team": "nlp"}, "slack,relay"),
        ({"alertname": "LlmTrainKlHigh", "severity": "warning", "team": "cv"}, "relay"),
    ):
        assert routed(real_tool("amtool"), path, {**RUN, **labels}) == receivers


def test_the_examples_of_receivers_are_valid_for_a_newer_alertmanager(
    real_tool: Tool, tmp_path: Path
) -> None:
    """Discord, Telegram and Teams, with their secrets from files."""
    path = copied(tmp_path, "alertmanager.yml", with_examples)
    assert " - 9 receivers" in told(real_tool("amtool3"), "check-config", path)


def routed(amtool: Path, path: Path, labels: Labels) -> str:
    """The receivers of an alert with these labels, in order."""
    given = [f"{name}={value}" for name, value in labels.items() if value]  # an empty one is none at all
    return told(amtool, "config", "routes", "test", f"--config.file={path}", *given).strip()


@pytest.mark.parametrize(
    ("name", "severity", "receiver"),
    [
        ("LlmTrainIncident", "critical", "relay"),
        ("LlmTrainKlHigh", "critical", "relay"),
        ("LlmTrainKlHigh", "warning", "relay"),
        ("LlmTrainLrOutOfRange", "info", "nobody"),
        ("LlmTrainRunFailed", "critical", "relay-once"),
        ("LlmTrainRunFinished", "info", "nobody"),
        ("LlmTrainExporterDown", "critical", "relay"),
        ("LlmTrainNoRuns", "info", "nobody"),
    ],
)
@pytest.mark.parametrize("profile", ["grpo", "sft", "dpo", "mine"])
@pytest.mark.parametrize("team", ["nlp", ""])
@pytest.mark.parametrize("tool", AMTOOLS)
def test_alerts_go_where_their_severity_says(
    real_tool: Tool, tool: str, name: str, severity: str, receiver: str, profile: str, team: str
) -> None:
    """As shipped neither team nor profile matters: the relay gets warnings and worse, infos go to nobody."""
    of_run = {"run": "a", "profile": profile, "team": team}
    labels = {**EXPORTER, **of_run, "alertname": name, "severity": severity}
    assert routed(real_tool(tool), CONFIG, labels) == receiver


def routes() -> Iterator[dict[str, Any]]:
    """The root route and those below it, with what they inherit."""
    root = yaml.safe_load(CONFIG.read_text())["route"]
    yield root
    yield from ({**root, **route} for route in root["routes"])


def test_a_run_is_a_group_and_reminders_fit_its_interval() -> None:
    """One message per run; critical is told within seconds; reminders come at multiples of the interval."""
    minutes = {"5s": 1 / 12, "1m": 1, "2m": 2, "10m": 10, "4h": 240}
    for route in routes():
        assert route["group_by"] == ["job", "instance", "run"]
        assert minutes[route["repeat_interval"]] % minutes[route["group_interval"]] == 0
        matchers = " ".join(route.get("matchers", []))
        if "critical" in matchers or "Failed" in matchers:
            # Prometheus sends each alert once a minute: by then an incident is there that stands for signals.
            wait = "80s" if "signal" in matchers else "5s"
            assert (route["group_wait"], route["group_interval"]) == (wait, "1m")


def test_no_secret_stands_in_the_file() -> None:
    """Addresses with a key in them, tokens and passwords are read from files."""
    receivers = with_examples(CONFIG.read_text()).split("\nreceivers:\n")[1]
    secret = re.compile(r"^\s*-?\s*(api_url|webhook_url|bot_token|auth_password|credentials):", re.MULTILINE)
    assert not secret.search(receivers)
    assert len(re.findall(r"_file: /run/secrets/", receivers)) == 6


TOLD = {
    "labels": {**RUN, "alertname": "LlmTrainIncident", "severity": "critical"},
    "annotations": {
        "summary": "A run is breaking.",
        "description": "qwen/v1: incident from step 2480.",
        "advice": "Copy the checkpoint.",
        "run_url": "http://run",
        "dashboard_url": "http://dashboard",
        "runbook_url": "http://runbook",
    },
}


def notification(status: str) -> dict[str, Any]:
    """What the texts of a receiver are made from."""
    return {
        "receiver": "slack",
        "status": status,
        "alerts": [{**TOLD, "status": status}],
        "groupLabels": {"run": "qwen/v1"},
        "commonLabels": {**RUN, "severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
    }


@pytest.mark.parametrize(
    ("status", "template", "expected"),
    [
        ("firing", "title", "qwen/v1: A run is breaking."),
        ("resolved", "title", "Resolved: qwen/v1: A run is breaking."),
        ("firing", "colour", "danger"),
        ("resolved", "colour", "good"),
        ("firing", "link", "http://run"),
        (
            "firing",
            "text",
            "qwen/v1: incident from step 2480.\nCopy the checkpoint.\n"
            "http://run\nhttp://dashboard\nhttp://runbook",
        ),
        ("resolved", "text", "Resolved: qwen/v1: incident from step 2480."),
    ],
)
def test_native_receivers_say_the_same(
    real_tool: Tool, tmp_path: Path, status: str, template: str, expected: str
) -> None:
    """Slack, e-mail and the others get run, what happened, what to do, and links."""
    (tmp_path / "data.json").write_text(json.dumps(notification(status)))
    said = told(
        real_tool("amtool"),
        *("template", "render", f"--template.glob={ALERTS}/templates/*.tmpl"),
        f'--template.text={{{{ template "llmtrain.{template}" . }}}}',
        f"--template.data={tmp_path / 'data.json'}",
    )
    assert said.strip() == expected


# Alertmanager: a real one.


@pytest.fixture(scope="module", params=["alertmanager", "alertmanager3"])
def alertmanager(
    request: pytest.FixtureRequest, real_tool: Tool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alertmanager]:
    """A real Alertmanager with the shipped configuration."""
    folder = tmp_path_factory.mktemp("alertmanager")
    with Alertmanager(folder, CONFIG, binary=real_tool(request.param)) as process:
        yield process


def fire(process: Alertmanager, *alerts: Labels, over: bool = False) -> None:
    """Send alerts as Prometheus does; `over`: as resolved."""
    now = datetime.now(timezone.utc)
    ends = now if over else now + timedelta(minutes=4)
    sent = [
        {"labels": dict(labels), "startsAt": now.isoformat(), "endsAt": ends.isoformat()} for labels in alerts
    ]
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{process.url}/api/v2/alerts", json=sent, timeout=HANGS_SECONDS).raise_for_status()


def quiet(process: Alertmanager, run: str) -> dict[str, bool]:
    """Of a run's alerts by name and severity, whether they are kept quiet."""
    alerts = process.get("/api/v2/alerts", params={"filter": f'run="{run}"'}).json()
    return {
        f"{alert['labels']['alertname']} {alert['labels']['severity']}": bool(alert["status"]["inhibitedBy"])
        for alert in alerts
    }


def signal(run: str, name: str, severity: str) -> dict[str, str]:
    """An alert on a signal."""
    return {**RUN, "run": run, "alertname": name, "severity": severity, "signal": name.lower()}


def incident(run: str) -> dict[str, str]:
    """The alert on an incident."""
    return {**RUN, "run": run, "alertname": "LlmTrainIncident", "severity": "critical", "incident": "1"}


def test_an_incident_keeps_the_signals_of_its_run_quiet(alertmanager: Alertmanager) -> None:
    """Only the incident is told while it lasts; signals of other runs, and that a run failed, are told."""
    failed = {**RUN, "run": "a", "alertname": "LlmTrainRunFailed", "severity": "critical"}
    fire(alertmanager, incident("a"), failed)
    fire(
        alertmanager, signal("a", "LlmTrainKlSpike", "critical"), signal("a", "LlmTrainRewardDrop", "warning")
    )
    fire(alertmanager, signal("b", "LlmTrainKlSpike", "critical"))
    expected = {
        "LlmTrainIncident critical": False,
        "LlmTrainRunFailed critical": False,
        "LlmTrainKlSpike critical": True,
        "LlmTrainRewardDrop warning": True,
    }
    assert eventually(lambda: quiet(alertmanager, "a") == expected), quiet(alertmanager, "a")
    assert quiet(alertmanager, "b") == {"LlmTrainKlSpike critical": False}


def test_what_is_critical_keeps_the_lesser_signals_of_its_run_quiet(alertmanager: Alertmanager) -> None:
    """A critical signal without an incident is told, its run's warnings are not; how a run ended is."""
    finished = {**RUN, "run": "c", "alertname": "LlmTrainRunFinished", "severity": "info"}
    fire(
        alertmanager,
        signal("c", "LlmTrainOverfit", "critical"),
        signal("c", "LlmTrainOverfit", "warning"),
        signal("c", "LlmTrainLrOutOfRange", "info"),
        finished,
    )
    expected = {
        "LlmTrainOverfit critical": False,
        "LlmTrainOverfit warning": True,
        "LlmTrainLrOutOfRange info": True,
        "LlmTrainRunFinished info": False,
    }
    assert eventually(lambda: quiet(alertmanager, "c") == expected), quiet(alertmanager, "c")


def test_signals_are_told_again_once_the_incident_is_over(alertmanager: Alertmanager) -> None:
    """What is still there after an incident is no longer kept quiet."""
    fire(alertmanager, incident("d"), signal("d", "LlmTrainClippedHigh", "warning"))
    assert eventually(lambda: quiet(alertmanager, "d").get("LlmTrainClippedHigh warning"))
    fire(alertmanager, incident("d"), over=True)
    assert eventually(lambda: quiet(alertmanager, "d") == {"LlmTrainClippedHigh warning": False})


def test_an_exporter_that_is_away_keeps_its_runs_quiet(alertmanager: Alertmanager) -> None:
    """Neither its runs nor its other troubles are told; those of other exporters are."""
    away = {"job": "llmtrain", "instance": "away:9848"}
    fire(
        alertmanager,
        {**away, "alertname": "LlmTrainExporterDown", "severity": "critical"},
        {**away, "run": "e", "alertname": "LlmTrainIncident", "severity": "critical", "incident": "1"},
        incident("f"),
    )
    assert eventually(lambda: quiet(alertmanager, "e") == {"LlmTrainIncident critical": True})
    assert quiet(alertmanager, "f") == {"LlmTrainIncident critical": False}
    assert quiet(alertmanager, "") == {"LlmTrainExporterDown critical": False}
