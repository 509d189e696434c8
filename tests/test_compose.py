"""docker-compose.yml, .env.example and the Dockerfile: what they promise, read as text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.config import EXPORTER
from packaging.requirements import Requirement

from tests.project import dependencies, extras

ROOT = Path(__file__).resolve().parent.parent
TEXT = re.sub(r"(?m)^\s*#.*", "", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

INNERMOST = re.compile(r"(?<!\$)\$\{(\w+)(?::?-([^${}]*))?\}")
EXAMPLE_LINE = re.compile(r"^#(\w+)=(.*)$", re.MULTILINE)
PINNED = re.compile(r"[:v]?\d+\.\d+\.\d+[\w.-]*$")
LOOPBACK = "127.0.0.1:"


def services(**variables: str) -> dict[str, dict[str, Any]]:
    """The services as compose reads them with these variables, and the defaults of all others."""
    text, before = TEXT, ""
    while text != before:
        before = text
        text = INNERMOST.sub(lambda found: variables.get(found[1], found[2] or ""), before)
    read: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return read


SERVICES = services()


def variables() -> dict[str, set[str]]:
    """The variables of the compose file, each with the plain defaults that it has there."""
    found: dict[str, set[str]] = {name: set() for name in re.findall(r"(?<!\$)\$\{(\w+)", TEXT)}
    for name, default in re.findall(r"\$\{(\w+):?-([^${}]*)\}", TEXT):
        found[name].add(default)
    passed = [each.get("environment", {}) for each in yaml.safe_load(TEXT)["services"].values()]
    plain = {name: set[str]() for each in passed for name, value in each.items() if value is None}
    return {**plain, **found}


def example() -> dict[str, str]:
    """The lines of .env.example, which are comments: the names and what they show."""
    return dict(EXAMPLE_LINE.findall((ROOT / ".env.example").read_text(encoding="utf-8")))


def mounts(service: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """What a service mounts of this machine, and whether read-only; named volumes are left out."""
    long = [each for each in service.get("volumes", []) if isinstance(each, Mapping)]
    short = [each.split(":") for each in service.get("volumes", []) if isinstance(each, str)]
    found = [(each["source"], each.get("read_only", False)) for each in long]
    return found + [(each[0], each[2:] == ["ro"]) for each in short if each[0][0] in "./"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    """Read-only, without capabilities, never privileged, never more than its share, its log cut."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["logging"]["options"]["max-size"]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert 0 < float(limits["cpus"]) <= 1, "more than one core is refused by a machine that has one"
    assert limits["pids"]


def test_nobody_runs_as_root_but_the_one_that_must() -> None:
    """NVIDIA's exporter talks to the driver as root and with one capability; all others are users."""
    users = {name: str(service.get("user", "root")) for name, service in SERVICES.items()}
    assert [name for name, user in users.items() if user.split(":")[0] in ("root", "0")] == ["dcgm-exporter"]
    assert {name: service["cap_add"] for name, service in SERVICES.items() if "cap_add" in service} == {
        "dcgm-exporter": ["SYS_ADMIN"]
    }


def test_every_port_is_bound_to_this_machine() -> None:
    """Without .env nothing can be reached from elsewhere; only Grafana and the exporter can be opened."""
    anywhere = {"LLMTRAIN_GRAFANA_BIND": "0.0.0.0", "LLMTRAIN_EXPORTER_BIND": "0.0.0.0"}
    for others, expected in (({}, set()), (anywhere, {"grafana", "exporter"})):
        ports = [(name, port) for name, each in services(**others).items() for port in each.get("ports", [])]
        assert {name for name, port in ports if not port.startswith(LOOPBACK)} == expected


def test_every_image_is_pinned() -> None:
    """Each tag names one version of the image, and so does the Dockerfile's."""
    images = [
        each["image"] for each in SERVICES.values() if not each["image"].startswith("llmtrain-exporter:")
    ]
    images += re.findall(r"^ARG PYTHON=(.*)$", DOCKERFILE, re.MULTILINE)
    assert len(images) == len(SERVICES) - 3 + 1
    assert [image for image in images if not PINNED.search(image)] == []
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:${PYTHON}"}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_mount_is_there_and_read_only(lang: str) -> None:
    """What is mounted of the project exists in both languages, and no service can write to this machine."""
    found = [mount for each in services(LLMTRAIN_LANG=lang).values() for mount in mounts(each)]
    assert [source for source, read_only in found if not read_only] == []
    ours = [source for source, _ in found if source != "/" and not source.startswith("./secrets/")]
    assert len(ours) >= 6
    assert [source for source in ours if not (ROOT / source).exists()] == []


def test_env_example_has_every_variable_and_no_other() -> None:
    """What compose can be told is what .env.example tells of."""
    assert sorted(example()) == sorted(variables())


def test_env_example_shows_the_defaults() -> None:
    """The value of each line is what holds without it."""
    defaults = variables()
    assert {
        name: shown for name, shown in example().items() if defaults[name] and shown not in defaults[name]
    } == {}


def test_the_exporter_is_told_nothing_that_it_does_not_know() -> None:
    """Each variable of its container is one of its settings; examples of such values are in order."""
    known = {setting.variable for setting in EXPORTER.settings} | {EXPORTER.config_variable}
    assert set(SERVICES["exporter"]["environment"]) <= known


@pytest.mark.parametrize("history", [None, "", "http://mimir/api/v1/push"])
def test_one_variable_switches_history_off(tmp_path: Path, history: str | None) -> None:
    """Prometheus takes what is written to it where the exporter writes to it, and nowhere else."""
    chosen = {} if history is None else {"LLMTRAIN_REMOTE_WRITE": history}
    all_services = services(**chosen)
    written = all_services["exporter"]["environment"]["LLMTRAIN_REMOTE_WRITE"]
    assert (written or "") == ("http://prometheus:9090/api/v1/write" if history is None else history)
    started = start_prometheus(tmp_path, all_services["prometheus"])
    assert ("--web.enable-remote-write-receiver" in started) == (history is None)
    assert "--storage.tsdb.retention.time=30d" in started


def start_prometheus(folder: Path, service: Mapping[str, Any]) -> list[str]:
    """The arguments with which the service's entry point starts Prometheus."""
    program = folder / "prometheus"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    shell, flags, script, name = (part.replace("$$", "$") for part in service["entrypoint"])
    variables = {key: str(value or "") for key, value in service["environment"].items()}
    started = subprocess.run(
        [shell, flags, script.replace("/tmp/config", f"{folder}/config"), name, *service["command"]],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return started.stdout.splitlines()


def test_the_window_of_prometheus_is_as_long_as_what_it_keeps() -> None:
    """Records of any run that it would still show are taken, whenever they were written."""
    config = yaml.safe_load((ROOT / "alerts/prometheus.yml").read_text(encoding="utf-8"))
    kept = f"--storage.tsdb.retention.time={config['storage']['tsdb']['out_of_order_time_window']}"
    assert kept in SERVICES["prometheus"]["command"]


def test_health_is_asked_of_every_service_that_can_answer() -> None:
    """The exporter's question stands in its image; NVIDIA's image has no program to ask with."""
    silent = {name for name, service in SERVICES.items() if "healthcheck" not in service}
    assert silent == {"exporter", "dcgm-exporter"}
    assert "\nHEALTHCHECK " in (ROOT / "Dockerfile").read_text(encoding="utf-8")


LEFT_OUT = ("test", "parquet")
"""Extras that the image does without: no service of it writes Parquet, which takes 150 MB."""


def test_the_image_installs_what_the_package_asks_for() -> None:
    """requirements.lock fixes every dependency, those of its extras too, in allowed versions, by hash."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = [Requirement(line.rstrip("\\ ")) for line in re.findall(r"^[a-z].*", text, re.MULTILINE)]
    optional = [each for extra, wanted in extras().items() if extra not in LEFT_OUT for each in wanted]
    wanted = [*dependencies(), *optional]
    assert {each.name for each in wanted} <= {pin.name for pin in pins}
    wrong = [
        (pin.name, str(pin.specifier))
        for pin in pins
        for each in wanted
        if each.name == pin.name and not each.specifier.contains(str(pin.specifier).removeprefix("=="))
    ]
    assert wrong == []
    assert text.count("--hash=sha256:") > len(pins)


def test_the_lock_file_says_how_it_is_renewed() -> None:
    """Its head names the program that wrote it, which is there; the image installs from it alone."""
    [command] = re.findall(r"\A#.*\n# +(\S+)\n", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert os.access(ROOT / command, os.X_OK)
    assert re.findall(r"install .*-r (\S+)", DOCKERFILE) == ["requirements.lock"]


def start_grafana(root: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """What grafana/start.sh says with these variables below `root`; where Grafana would run, `env` does."""
    run = root / "run.sh"
    run.write_text("#!/bin/sh\nenv\n", encoding="utf-8")
    run.chmod(0o755)
    usual = {
        "BIND": "127.0.0.1",
        "PASSWORD": "",
        "PROFILES": "",
        "UI_LANGUAGE": "en",
        "START_ROOT": str(root),
    }
    return subprocess.run(
        ["sh", ROOT / "grafana" / "start.sh"],
        env={"PATH": os.environ["PATH"], "START_ROOT": str(root), **usual, **given},
        capture_output=True,
        text=True,
        check=False,
    )


def settings_of(start: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The settings that Grafana starts with."""
    assert start.returncode == 0, start.stderr
    return dict(line.split("=", 1) for line in start.stdout.splitlines() if line.startswith("GF_"))


def test_grafana_without_a_password_lets_this_machine_look_and_nobody_in(tmp_path: Path) -> None:
    """There is no admin whose password one could guess, and no form to try it in."""
    assert settings_of(start_grafana(tmp_path)) == {
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_AUTH_BASIC_ENABLED": "false",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
        "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    }


@pytest.mark.parametrize("bind", ["0.0.0.0", "192.168.1.5", "[::]", ""])
def test_grafana_that_others_can_reach_wants_a_password(tmp_path: Path, bind: str) -> None:
    """It does not start, and says what to write where; with a password it starts and nobody looks without."""
    refused = start_grafana(tmp_path, BIND=bind)
    assert refused.returncode == 1
    assert "LLMTRAIN_GRAFANA_PASSWORD" in refused.stderr
    assert refused.stdout == ""
    settings = settings_of(start_grafana(tmp_path, BIND=bind, PASSWORD="long enough"))
    assert settings["GF_SECURITY_ADMIN_PASSWORD"] == "long enough"
    assert "GF_AUTH_ANONYMOUS_ENABLED" not in settings


def test_a_short_password_of_grafana_is_refused(tmp_path: Path) -> None:
    """admin is no password, wherever Grafana listens."""
    assert "fewer than 8 characters" in start_grafana(tmp_path, PASSWORD="admin").stderr


def test_the_password_of_grafana_may_stand_in_a_file(tmp_path: Path) -> None:
    """The file goes before the variable, which others on the machine could read off the container."""
    secrets = tmp_path / "run" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "password").write_text("from the file\n", encoding="utf-8")
    settings = settings_of(start_grafana(tmp_path, BIND="0.0.0.0", PASSWORD="from the variable"))
    assert settings["GF_SECURITY_ADMIN_PASSWORD"] == "from the file"


@pytest.mark.parametrize(
    ("profiles", "added"),
    [
        ("", []),
        ("node", []),
        ("long-term", ["datasources/long-term.yml"]),
        ("gpu,node", ["dashboards/gpu.yml"]),
        ("gpu,long-term", ["dashboards/gpu.yml", "datasources/long-term.yml"]),
        ("*", ["dashboards/gpu.yml", "datasources/long-term.yml"]),
    ],
)
def test_a_profile_adds_to_grafana_what_it_brings(tmp_path: Path, profiles: str, added: list[str]) -> None:
    """The long-term store is a data source, and GPUs have a dashboard, only where they are there."""
    (tmp_path / "tmp").mkdir()
    shutil.copytree(ROOT / "grafana" / "provisioning", tmp_path / "etc" / "grafana" / "provisioning")
    folder = settings_of(start_grafana(tmp_path, PROFILES=profiles)).get("GF_PATHS_PROVISIONING")
    assert bool(folder) is bool(added)
    if folder:
        found = sorted(str(path.relative_to(folder)) for path in Path(folder).glob("*/*"))
        assert found == sorted(["dashboards/llmtrain.yml", "datasources/llmtrain.yml", *added])


def test_the_fleet_is_grafanas_home(tmp_path: Path) -> None:
    """In whichever folder of a language it lies, spaces in its name or not."""
    home = tmp_path / "etc" / "grafana" / "dashboards" / "LLM training" / "fleet.json"
    home.parent.mkdir(parents=True)
    home.write_text("{}", encoding="utf-8")
    settings = settings_of(start_grafana(tmp_path, UI_LANGUAGE="zh"))
    assert settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == str(home)
    assert settings["GF_USERS_DEFAULT_LANGUAGE"] == "zh-Hans"
