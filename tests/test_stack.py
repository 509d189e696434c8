"""docker-compose.yml on a real Docker engine: up within a minute, and a collapse goes all the way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from llmtrain_exporter.publish.replay import Manner, Pace, replay

from tests.servers import HANGS_SECONDS, eventually, free_port
from tests.test_compose import DOCKERFILE, SERVICES

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "exporter" / "llmtrain_exporter" / "demo"
HEALTHY_SECONDS = 60.0
HEALTHY_STEPS = 200  # of the healthy demo, each of which it logs
ALERT_SECONDS = 90.0  # two scrapes, two evaluations and the group's wait, on a busy machine
BEFORE_THE_COLLAPSE = 6  # records of the demo that are healthy
PORTS = ("EXPORTER", "GRAFANA", "PROMETHEUS", "ALERTMANAGER", "VICTORIAMETRICS")


class Stack:
    """A compose project that watches `logs`; its name, ports, volumes and secrets are nobody else's.

    When its block ends, nothing of it is left but the images.
    """

    def __init__(self, folder: Path, logs: Path) -> None:
        self.logs = logs
        self.ports = {name: free_port() for name in PORTS}
        self.env = folder / "env"
        variables = {
            "COMPOSE_PROJECT_NAME": f"llmtrain-test-{self.ports['EXPORTER']}",
            "LLMTRAIN_LOGS": logs,
            "LLMTRAIN_SECRETS": folder / "secrets",
            "LLMTRAIN_VERSION": "test",
            **{f"LLMTRAIN_{name}_PORT": port for name, port in self.ports.items()},
        }
        lines = (f"{name}={value}\n" for name, value in variables.items())
        self.env.write_text("".join(lines), encoding="utf-8")

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.run("down", "--volumes", "--remove-orphans", check=False)

    def run(self, *arguments: str, within: float = 120.0, check: bool = True) -> str:
        """What docker compose says to these arguments."""
        command = ["docker", "compose", "--project-directory", str(ROOT), "--env-file", str(self.env)]
        environment = {key: text for key, text in os.environ.items() if not key.startswith("LLMTRAIN_")}
        answer = subprocess.run(
            [*command, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within,
            check=False,
        )
        assert not check or answer.returncode == 0, answer.stdout
        return answer.stdout

    def get(self, service: str, path: str, **parameters: str) -> Any:
        """The JSON that a service answers."""
        url = f"http://127.0.0.1:{self.ports[service]}{path}"
        return requests.get(url, params=parameters, timeout=HANGS_SECONDS).json()

    def value(self, query: str, **at: str) -> float | None:
        """The one value of an instant query to Prometheus, if there is one."""
        found = self.get("PROMETHEUS", "/api/v1/query", query=query, **at)["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def write(self, records: int | None, existing: str = "") -> None:
        """The first `records` lines of the demo's collapse, or what follows them."""
        manner = Manner(limit=records, existing=existing)
        for _ in replay(DEMO / "collapse" / "logging.jsonl", self.logs / "collapse", manner, Pace(0.0)):
            pass


def succeeds(*command: str, within: float = 30.0) -> bool:
    """Whether a command of docker does what it is told."""
    return not subprocess.run(
        ["docker", *command], capture_output=True, check=False, timeout=within
    ).returncode


def lacking() -> str:
    """What is missing to try this: the program, an engine, or images and a way to get them."""
    if shutil.which("docker") is None:
        return "needs the Docker command line"
    for question in ("version", "compose version"):
        if not succeeds(*question.split()):
            return f"needs a Docker engine with Compose: `docker {question}` fails"
    base = re.search(r"^ARG PYTHON=(.*)$", DOCKERFILE, re.MULTILINE)
    images = [f"python:{base[1]}"] if base else []
    images += [
        each["image"] for each in SERVICES.values() if not {"build", "pull_policy", "profiles"} & set(each)
    ]
    for image in images:
        if not succeeds("image", "inspect", image) and not succeeds("pull", image, within=600):
            return f"needs the image {image}, which is not here and cannot be pulled"
    return ""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The images at hand and nothing started; all but the images is gone afterwards."""
    if reason := lacking():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("stack")
    logs = folder / "logs"
    logs.mkdir(mode=0o755)
    with Stack(folder, logs) as stack:
        stack.run("build", "--quiet", within=900)
        yield stack


@pytest.fixture(scope="module")
def up(stack: Stack) -> tuple[Stack, float]:
    """The stack with every service healthy, and how many seconds that took."""
    began = time.monotonic()
    stack.run("up", "--detach", "--wait", within=300)
    return stack, time.monotonic() - began


pytestmark = [pytest.mark.timeout(1200), pytest.mark.real]


def test_every_service_is_healthy_within_a_minute(up: tuple[Stack, float]) -> None:
    """Counted from `docker compose up` with the images at hand."""
    _, seconds = up
    assert seconds < HEALTHY_SECONDS


def test_prometheus_finds_the_exporter(up: tuple[Stack, float]) -> None:
    """The shipped configuration scrapes the service by its name."""
    stack, _ = up
    assert eventually(lambda: stack.value('up{job="llmtrain"}')) == 1


def test_a_run_that_ended_hours_ago_has_its_whole_curve(up: tuple[Stack, float]) -> None:
    """Each record of it is in Prometheus at its own time within a minute of its being found."""
    stack, _ = up
    log = stack.logs / "ended" / "logging.jsonl"
    shutil.copytree(DEMO / "healthy", log.parent)
    ended = time.time() - 5 * 3600
    os.utime(log, (ended, ended))
    records = 'count_over_time(llmtrain_step{job="llmtrain-history",run="ended"}[1d]'
    assert eventually(lambda: (stack.value(f"{records})") or 0) >= HEALTHY_STEPS, HEALTHY_SECONDS)
    assert stack.value(f"{records} offset 4h)"), "the records are not where they were written"


def test_a_collapse_in_the_mounted_folder_is_told(up: tuple[Stack, float]) -> None:
    """From the line in the log by way of Prometheus and Alertmanager into the relay's log."""
    stack, _ = up
    stack.write(BEFORE_THE_COLLAPSE)
    eventually(lambda: stack.value('llmtrain_records_total{run="collapse",kind="train"}'))
    stack.write(None, existing="append")
    eventually(lambda: "LlmTrainIncident" in str(stack.get("ALERTMANAGER", "/api/v2/alerts")), ALERT_SECONDS)
    card = eventually(
        lambda: "#llmtrainincident" in (log := stack.run("logs", "relay")) and log, ALERT_SECONDS
    )
    assert "collapse" in card


def test_down_and_up_keeps_the_data(up: tuple[Stack, float]) -> None:
    """What Prometheus knew before is there afterwards; only `down --volumes` would forget it."""
    stack, _ = up
    moment = str(time.time() - 1)
    eventually(lambda: stack.value('llmtrain_step{run="collapse"}') is not None)
    before = stack.value('llmtrain_step{run="collapse"}', time=moment)
    stack.run("down")
    stack.run("up", "--detach", "--wait", within=300)
    assert before is not None
    assert stack.value('llmtrain_step{run="collapse"}', time=moment) == before


@pytest.mark.usefixtures("stack")
def test_an_exporter_without_permission_says_so(tmp_path: Path) -> None:
    """Its log names the folder, what was refused, and to which user."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o700)
    with Stack(tmp_path, locked) as stack:
        stack.run("up", "--detach", "--wait", "exporter")
        said = eventually(lambda: stack.run("logs", "--no-log-prefix", "exporter"))
    assert "/logs: Permission denied for user 65534, group 65534: run as the owner" in said


@pytest.mark.usefixtures("stack")
def test_a_folder_that_is_misspelt_is_named(tmp_path: Path) -> None:
    """Compose says so, and creates no empty folder in its place."""
    misspelt = tmp_path / "outptu"
    with Stack(tmp_path, misspelt) as stack:
        said = stack.run("up", "--detach", "exporter", check=False)
    assert "does not exist" in said
    assert str(misspelt) in said
    assert not misspelt.exists()
