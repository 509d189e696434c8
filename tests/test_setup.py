"""`setup`: from an empty folder to a card in a chat, with the servers of this machine and without Docker."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from llmtrain_exporter.cli import commands
from llmtrain_exporter.config import EXPORTER
from llmtrain_exporter.config import configure as configure_exporter
from llmtrain_exporter.knowledge.setup_words import BOT_ANSWERS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.config.configure import configure as configure_relay
from llmtrain_exporter.setup.chat import kinds, questions
from llmtrain_exporter.setup.ports import PORTS
from llmtrain_exporter.setup.site import Site

from tests.bots import Feishu
from tests.line_to_card import Replay, breaks_at
from tests.servers import HANGS_SECONDS, eventually, free_port
from tests.test_compose import SERVICES

DEMO = Path(__file__).resolve().parent.parent / "exporter" / "llmtrain_exporter" / "demo"
CARD_SECONDS = 300.0
URL = "https://open.feishu.cn/open-apis/bot/v2/hook/0123456789abcdef"
CHAT = {"LLMTRAIN_RELAY_FEISHU_URL": URL, "LLMTRAIN_RELAY_FEISHU_SECRET": "hush-hush"}

Tool = Callable[[str], Path]


def set_up(
    folder: Path, *options: str, env: Mapping[str, str] | None = None, typed: str | None = None
) -> Result:
    """`setup FOLDER OPTIONS...`, asking nothing unless something is `typed`."""
    quiet = () if typed is not None else ("--yes",)
    command = ["setup", str(folder), *options, *quiet]
    return CliRunner().invoke(commands, command, env=dict(env or {}), input=typed, standalone_mode=False)


def program(
    folder: Path, *options: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The same as a program of its own."""
    command = [sys.executable, "-m", "llmtrain_exporter", "setup", str(folder), *options]
    return subprocess.run(
        command, env={**os.environ, **(env or {})}, capture_output=True, text=True, input="", check=False
    )


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file below a folder, with its content and when it was written."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_text(), path.stat().st_mtime_ns) for path in files}


def read(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# What is written.


def test_the_folder_holds_no_name_of_the_compose_project(tmp_path: Path) -> None:
    """Every address is one of this machine, with the ports that were chosen."""
    ports = [f"--{name}-port={20000 + at}" for at, name in enumerate(PORTS)]
    assert set_up(tmp_path, "--logs", "/data/output", "--grafana", "local", *ports).exit_code == 0
    for path, (text, _) in contents(tmp_path).items():
        plain = re.sub(r"^\s*#.*", "", text, flags=re.MULTILINE)
        assert not re.search(r"(?:exporter|relay|prometheus|alertmanager|grafana):\d", plain), path
        assert not re.search(r"localhost:(?:9\d{3}|3000)", plain), path
    assert read(tmp_path / "exporter.yml")["listen"] == "127.0.0.1:20000"
    assert read(tmp_path / "exporter.yml")["remote_write"] == ["http://127.0.0.1:20002/api/v1/write"]
    prometheus = read(tmp_path / "prometheus.yml")
    assert {job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus["scrape_configs"]} == {
        "llmtrain": ["127.0.0.1:20000"],
        "relay": ["127.0.0.1:20001"],
        "alertmanager": ["127.0.0.1:20003"],
        "prometheus": ["127.0.0.1:20002"],
    }
    assert prometheus["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["127.0.0.1:20003"]}]
    webhooks = {
        each["url"]
        for receiver in read(tmp_path / "alertmanager.yml")["receivers"][:2]
        for each in receiver["webhook_configs"]
    }
    assert webhooks == {"http://127.0.0.1:20001/alerts"}
    sources = read(tmp_path / "grafana/provisioning/datasources/llmtrain.yml")["datasources"]
    assert [each["url"] for each in sources] == ["http://127.0.0.1:20002", "http://127.0.0.1:20003"]


def test_settings_are_those_that_the_programs_take(tmp_path: Path) -> None:
    """exporter.yml and relay.yml are valid, and say what was answered."""
    assert set_up(tmp_path, "--logs", "/a b/%s", "--chat", "feishu", "--lang", "zh", env=CHAT).exit_code == 0
    exporter = configure_exporter(EXPORTER, {}, {}, str(tmp_path / "exporter.yml")).settings
    assert exporter.paths == ("/a b/%s",)
    relay = configure_relay({}, {}, str(tmp_path / "relay.yml"))
    [bot] = relay.bots
    assert bot.secrets == {"url": URL, "secret": "hush-hush"}
    assert (bot.lang, relay.warnings) == (Lang.ZH, ())
    assert relay.token == (tmp_path / "secrets/relay_token").read_text().strip()
    assert relay.memory_file == tmp_path / "data/relay.sqlite"


@pytest.mark.parametrize("tool", ["promtool", "amtool"])
def test_the_servers_take_their_configuration(tmp_path: Path, real_tool: Tool, tool: str) -> None:
    """Rules and templates are found, in a folder with a blank in its name too."""
    folder = tmp_path / "a folder"
    assert set_up(folder, "--logs", "/data").exit_code == 0
    check = {
        "promtool": ["check", "config", "prometheus.yml"],
        "amtool": ["check-config", "alertmanager.yml"],
    }
    command = [str(real_tool(tool)), *check[tool]]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.count("rules found") == 3 or " - 1 templates" in said.stdout


@pytest.mark.parametrize(
    ("grafana", "link"),
    [
        ("none", None),
        ("local", "http://localhost:3000"),
        ("https://grafana.example.org/x/", "https://grafana.example.org/x"),
    ],
)
def test_links_lead_to_a_grafana_that_is_there(tmp_path: Path, grafana: str, link: str | None) -> None:
    """Cards and alerts name the one that was answered, or none at all."""
    assert set_up(tmp_path, "--grafana", grafana).exit_code == 0
    assert read(tmp_path / "relay.yml")["links"].get("grafana") == link
    rules = (tmp_path / "rules/llmtrain-runs.yml").read_text()
    assert ("dashboard_url" in rules) is (link is not None)
    assert (tmp_path / "grafana/grafana.ini").exists() is (grafana == "local")
    assert (tmp_path / "systemd/user/llmtrain-grafana.service").exists() is (grafana == "local")


def test_others_reach_pages_alone(tmp_path: Path) -> None:
    """With a name exporter and Grafana listen everywhere, the latter with a password; others do not."""
    result = set_up(tmp_path, "--host", "gpu-01.lan", "--grafana", "local")
    assert read(tmp_path / "exporter.yml")["listen"] == "0.0.0.0:9848"
    assert read(tmp_path / "relay.yml")["links"] == {
        "exporter": "http://gpu-01.lan:9848",
        "grafana": "http://gpu-01.lan:3000",
    }
    ini = (tmp_path / "grafana/grafana.ini").read_text()
    assert "[auth.anonymous]" not in ini
    assert f"admin_password = $__file{{{tmp_path}/secrets/grafana_password}}" in ini
    assert "--web.listen-address=127.0.0.1:9090" in (tmp_path / "run.sh").read_text()
    assert f"password is in {tmp_path}/secrets/grafana_password" in result.output


def test_grafana_is_told_what_that_of_the_compose_project_is(tmp_path: Path) -> None:
    """Each setting that its container has as a variable stands in the file."""
    assert set_up(tmp_path, "--grafana", "local").exit_code == 0
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(tmp_path / "grafana/grafana.ini")
    for name, value in SERVICES["grafana"]["environment"].items():
        if name.startswith("GF_") and name != "GF_SERVER_ROOT_URL":
            section, key = name.removeprefix("GF_").lower().split("_", 1)
            assert ini[section][key] == value, name
    home = Path(ini["dashboards"]["default_home_dashboard_path"])
    assert json.loads(home.read_text())["uid"] == "llmtrain-fleet"


# Secrets.


def test_secrets_stand_in_private_files_alone(tmp_path: Path) -> None:
    """The webhook's address is nowhere else, and nobody else can read it."""
    result = set_up(tmp_path, "--chat", "feishu", env=CHAT)
    held = {path for path, (text, _) in contents(tmp_path).items() if URL in text or "hush-hush" in text}
    assert held == {"secrets/feishu_url", "secrets/feishu_secret"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    token = (tmp_path / "secrets/relay_token").read_text().strip()
    assert all(secret not in result.output for secret in (URL, "hush-hush", token))


def test_a_folder_that_is_called_secrets_is_like_any_other(tmp_path: Path) -> None:
    """Only the one within it is private."""
    folder = tmp_path / "secrets"
    folder.mkdir(0o755)
    set_up(folder)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "secrets")] == [0o755, 0o700]


def test_a_bot_without_its_address_is_a_mistake(tmp_path: Path) -> None:
    """The variable that it is taken from is named, and nothing is written."""
    answer = program(tmp_path / "w", "--chat", "telegram", "--yes")
    assert answer.returncode == 64
    assert "LLMTRAIN_RELAY_TELEGRAM_TOKEN" in answer.stderr
    assert not (tmp_path / "w").exists()


def test_a_wrong_address_is_told_without_quoting_it(tmp_path: Path) -> None:
    """It may be a secret all the same."""
    answer = program(tmp_path / "w", "--chat", "slack", "--yes", env={"LLMTRAIN_RELAY_SLACK_URL": "hush"})
    assert answer.returncode == 64
    assert answer.stderr.startswith("Error: slack: url is no web address")
    assert "hush" not in answer.stderr


# Again.


def test_the_same_answers_change_nothing(tmp_path: Path) -> None:
    """No file is touched, the secrets that were made are kept, and a bot's need not be given again."""
    chat = {
        "LLMTRAIN_RELAY_TELEGRAM_TOKEN": f"123456:{35 * 'a'}",
        "LLMTRAIN_RELAY_TELEGRAM_CHAT_ID": "-100",
    }
    given = ("--logs", "/data", "--chat", "telegram", "--host", "gpu-01", "--grafana", "local")
    assert set_up(tmp_path, *given, env=chat).exit_code == 0
    before = contents(tmp_path)
    again = set_up(tmp_path, *given)
    assert (again.exit_code, contents(tmp_path)) == (0, before)
    assert "Nothing to change" in again.output


def test_the_command_in_the_files_makes_them(tmp_path: Path) -> None:
    """Whoever wants another answer finds there what was answered."""
    assert set_up(tmp_path, "--logs", "/a b", "--lang", "zh", "--relay-port", "9999").exit_code == 0
    before = contents(tmp_path)
    command = shlex.split(re.search(r"`(llmtrain-exporter .*)`", before["run.sh"][0])[1])  # type: ignore[index]
    assert CliRunner().invoke(commands, [*command[1:], "--yes"], standalone_mode=False).exit_code == 0
    assert contents(tmp_path) == before


def test_another_answer_replaces_what_nobody_has_changed(tmp_path: Path) -> None:
    """As if the folder had been made with it at once; what was changed by hand is named, and kept."""
    folder = tmp_path / "w"
    other = ("--logs", "/data", "--lang", "zh", "--prometheus-port", "9999")
    assert set_up(folder, "--logs", "/data").exit_code == 0
    assert set_up(folder, *other).exit_code == 0
    replaced = {path: text for path, (text, _) in contents(folder).items()}
    shutil.rmtree(folder)
    assert set_up(folder, *other).exit_code == 0
    differ = {path for path, (text, _) in contents(folder).items() if replaced[path] != text}
    assert differ == {".written.json", "secrets/relay_token"}  # a token is made anew
    by_hand = folder / "relay.yml"
    by_hand.write_text(by_hand.read_text() + "# mine\n")
    answer = program(folder, "--logs", "/data", "--relay-port", "9998", "--yes")
    assert answer.returncode == 1
    assert [line for line in answer.stderr.splitlines() if "kept" in line] == [
        f"Warning: {by_hand}: kept, as it was changed by hand, or not written by setup; "
        "see that it fits these answers"
    ]
    assert by_hand.read_text().endswith("# mine\n")
    assert "127.0.0.1:9998" in (folder / "alertmanager.yml").read_text()
    by_hand.write_text(by_hand.read_text().removesuffix("# mine\n"))
    assert program(folder, "--logs", "/data", "--relay-port", "9998", "--yes").returncode == 0
    assert "127.0.0.1:9998" in by_hand.read_text()  # taken back, it is setup's own again


def test_what_is_replaced_is_asked(tmp_path: Path) -> None:
    """Once, with how many files; without a yes nothing is written."""
    given = ("--logs", "/data", "--chat", "none", "--grafana", "none", "--host", "localhost")
    assert set_up(tmp_path, *given).exit_code == 0
    before = contents(tmp_path)
    answer = set_up(tmp_path, *given, "--relay-port", "9999", typed="n\n")
    assert re.search(r"nobody has changed since: to replace \d+, to remove 0. Go on\? \[Y/n\]", answer.output)
    assert contents(tmp_path) == before
    assert set_up(tmp_path, *given, "--relay-port", "9999", typed="\n").exit_code == 0
    assert read(tmp_path / "relay.yml")["listen"] == "127.0.0.1:9999"
    answer = set_up(tmp_path, *given, "--relay-port", "9999", typed="")
    assert "Nothing to change" in answer.output  # and nothing to ask


def test_files_of_others_are_named_and_kept(tmp_path: Path) -> None:
    """Until --force; what setup has no file for stays in either case."""
    (tmp_path / "prometheus.yml").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    answer = program(tmp_path, "--yes")
    assert answer.returncode == 1
    assert f"Warning: {tmp_path}/prometheus.yml: kept" in answer.stderr
    assert "--force overwrites" in answer.stderr
    assert (tmp_path / "prometheus.yml").read_text() == "mine"
    assert (tmp_path / "run.sh").exists()
    (tmp_path / ".written.json").write_text("[" * 5000)  # no record is as good as none
    assert program(tmp_path, "--yes", "--force").returncode == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "scrape_configs" in (tmp_path / "prometheus.yml").read_text()


def test_no_unit_is_left_of_another_answer(tmp_path: Path) -> None:
    """What only a Grafana here needs goes when there is to be none; where it was changed, with --force."""
    assert set_up(tmp_path, "--grafana", "local").exit_code == 0
    unit = tmp_path / "systemd/user/llmtrain-grafana.service"
    unit.write_text("mine")
    answer = program(tmp_path, "--grafana", "none", "--yes")
    assert answer.returncode == 1
    assert f"{unit}: kept" in answer.stderr
    assert [path for path in contents(tmp_path) if "grafana.service" in path or path.endswith(".ini")] == [
        "systemd/user/llmtrain-grafana.service"
    ]
    assert program(tmp_path, "--grafana", "none", "--yes", "--force").returncode == 0
    assert not unit.exists()


@pytest.mark.parametrize(
    "held", [b"\xff\xfe", b"bots: [" * 5000, b"bots: 1", b"{bots: [{kind: feishu, keyword: [}"]
)
def test_files_that_are_none_of_ours_are_no_answers(tmp_path: Path, held: bytes) -> None:
    """What cannot be read is as good as not there: asked for, named, and kept."""
    (tmp_path / "secrets").mkdir()
    for name in ("relay.yml", "secrets/relay_token", "secrets/feishu_url"):
        (tmp_path / name).write_bytes(held)
    answer = program(tmp_path, "--chat", "feishu", "--yes", env=CHAT)
    assert answer.returncode == 1
    assert f"{tmp_path}/relay.yml: kept" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert (tmp_path / "relay.yml").read_bytes() == held


def test_a_secret_is_one_line(tmp_path: Path) -> None:
    """What the relay would refuse is not written."""
    answer = program(
        tmp_path / "w", "--chat", "feishu", "--yes", env=CHAT | {"LLMTRAIN_RELAY_FEISHU_SECRET": "a\nb"}
    )
    assert (answer.returncode, answer.stderr.count("\n")) == (64, 1)
    assert "feishu: secret must be one line" in answer.stderr


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """What it leads to belongs to somebody else."""
    other, folder = tmp_path / "other", tmp_path / "w"
    other.write_text("theirs")
    folder.mkdir()
    (folder / "relay.yml").symlink_to(other)
    assert program(folder, "--yes", "--force").returncode == 0
    assert other.read_text() == "theirs"
    assert not (folder / "relay.yml").is_symlink()


# Questions.


def test_what_is_not_given_is_asked(tmp_path: Path) -> None:
    """Folders, chat with its address, Grafana, host; Enter takes what stands in brackets."""
    typed = f"/data/a, /data/b\nfeishu\n{URL}\n\nword\nhttps://grafana.lan\n\n"
    result = set_up(tmp_path, typed=typed)
    assert result.exit_code == 0, result.output
    assert URL not in result.output
    assert read(tmp_path / "exporter.yml")["paths"] == ["/data/a", "/data/b"]
    [bot] = read(tmp_path / "relay.yml")["bots"]
    assert bot == {
        "name": "feishu",
        "kind": "feishu",
        "lang": "en",
        "keyword": "word",
        "url_file": "secrets/feishu_url",
    }
    assert read(tmp_path / "relay.yml")["links"]["grafana"] == "https://grafana.lan"


def test_a_wrong_answer_is_asked_again(tmp_path: Path) -> None:
    """With the reason, and nothing that was answered before is lost."""
    typed = f" ,\n/data\nqq\nfeishu\nhush\n\n\n{URL}\n\n\ngrafana\nnone\na:1\ngpu_01\n"
    result = set_up(tmp_path, typed=typed)
    assert result.exit_code == 0, result.output
    told = [line for line in result.output.splitlines() if "Error: " in line]
    reasons = ["must not be empty", "'qq' is not one of", "url is no web address", "'grafana' is no", "'a:1'"]
    assert len(told) == len(reasons)
    assert all(reason in line for reason, line in zip(reasons, told, strict=True))
    assert "hush" not in result.output
    assert read(tmp_path / "exporter.yml")["paths"] == ["/data"]
    assert read(tmp_path / "relay.yml")["links"]["exporter"] == "http://gpu_01:9848"
    assert (tmp_path / "secrets/feishu_url").read_text().strip() == URL


def test_a_wrong_answer_of_the_environment_ends_it(tmp_path: Path) -> None:
    """To ask again for what else there is would change nothing."""
    wrong = {"LLMTRAIN_RELAY_FEISHU_URL": "hush"}
    result = set_up(tmp_path / "w", "--chat", "feishu", typed="/data\n\n\n", env=wrong)
    assert "url is no web address" in str(result.exception)
    assert not (tmp_path / "w").exists()


def test_no_folder_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty name, as of a variable that is not set, is not the current folder."""
    monkeypatch.chdir(tmp_path)
    answer = program(Path(), "--yes")
    assert answer.returncode == 0  # a dot is
    command = [sys.executable, "-m", "llmtrain_exporter", "setup", "", "--yes", "--force"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, "'DIR': must not be empty" in said.stderr) == (64, True)


def test_what_stands_in_the_way_is_told_in_the_language(tmp_path: Path) -> None:
    """Files that differ, and folders that are not there yet."""
    (tmp_path / "relay.yml").write_text("mine")
    answer = program(tmp_path, "--yes", "--lang", "zh", "--logs", str(tmp_path / "later"))
    assert answer.stderr.startswith(f"Warning: {tmp_path}/relay.yml：手工改过或并非由 setup 写入，予以保留")
    answer = program(tmp_path, "--yes", "--lang", "zh", "--logs", str(tmp_path / "later"), "--force")
    assert answer.stderr == f"Warning: {tmp_path}/later 尚不存在\n"


def test_nobody_to_ask_is_told(tmp_path: Path) -> None:
    """Without a terminal and without --yes it does not hang, and writes nothing."""
    answer = program(tmp_path / "w")
    assert answer.returncode == 64
    assert "nobody answers: give --yes" in answer.stderr
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--grafana", "grafana"], "is no web address"),
        (["--host", "a:1"], "without a port"),
        (["--relay-port", "9090"], "relay and prometheus cannot both listen on port 9090"),
        (["--logs", "a\nb"], "characters that nobody sees"),
        (["--prometheus-port", "0"], "0 is not in the range"),
        (["--logs", ""], "'--logs': must not be empty"),
        (["--grafana", ""], "'' is no web address"),
        (["--host", ""], "'' must be a name"),
    ],
)
def test_wrong_answers_are_told(tmp_path: Path, options: list[str], told: str) -> None:
    """One line, and nothing is written."""
    answer = program(tmp_path / "w", *options, "--yes")
    assert (answer.returncode, answer.stderr.count("\n")) == (64, 1)
    assert told in answer.stderr
    assert not (tmp_path / "w").exists()


def test_every_chat_can_be_chosen() -> None:
    """The command line knows those that there are; each is asked for what it cannot do without, first."""
    [option] = (each for each in commands.commands["setup"].params if each.name == "chat")
    assert isinstance(option.type, click.Choice)
    assert [*option.type.choices] == [*kinds(), "none"]
    for kind in kinds():
        first, *_ = asked = list(questions(kind))
        assert first.required
        assert first.secret
        assert {each.key for each in asked} <= set(BOT_ANSWERS)
        assert {each.variable for each in asked} <= set(SERVICES["relay"]["environment"])


# systemd.


@pytest.mark.parametrize("kind", ["user", "system"])
def test_systemd_takes_the_units(tmp_path: Path, kind: str) -> None:
    """`systemd-analyze verify` has nothing to say, and each starts what run.sh starts."""
    folder = tmp_path / "a folder"
    assert set_up(folder, "--grafana", "local").exit_code == 0
    units = sorted((folder / "systemd" / kind).iterdir())
    assert len(units) == 6
    for unit in units:
        text = unit.read_text()
        assert unit.suffix == ".target" or f'bash "{folder}/run.sh" {unit.stem.split("-")[1]}\n' in text
        assert ("User=" in text) is (kind == "system" and unit.suffix == ".service")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = ["systemd-analyze", "verify", f"--{kind}", "--man=no", *map(str, units)]
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (said.returncode, [line for line in said.stderr.splitlines() if str(folder) in line]) == (0, [])


# run.sh.


@dataclass
class Running:
    """run.sh as a program, with what it has printed."""

    process: subprocess.Popen[str]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()


@contextmanager
def running(folder: Path, **env: str) -> Iterator[Running]:
    """run.sh of that folder until the block ends."""
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [folder / "run.sh"], env={**os.environ, **env}, stdout=said, stderr=said, text=True
        )
        try:
            yield Running(process, folder / "said")
        finally:
            process.terminate()
            process.wait(HANGS_SECONDS)


def with_programs(folder: Path, find: Tool, version: str) -> None:
    """Put the servers into bin/, where run.sh looks first."""
    (folder / "bin").mkdir(parents=True)
    for name in ("prometheus", "alertmanager"):
        (folder / "bin" / name).symlink_to(find(f"{name}{version}"))


def with_stub(folder: Path, name: str, helps: str) -> None:
    """A program in bin/ that prints its arguments, one a line, and that help when it is asked for."""
    stub = folder / "bin" / name
    stub.parent.mkdir(parents=True, exist_ok=True)
    said = f'case $1 in --help) echo {shlex.quote(helps)} ;; *) printf "%s\\n" "$@" ;; esac'
    stub.write_text(f"#!/bin/sh\n{said}\n")
    stub.chmod(0o755)


def started_with(folder: Path, name: str) -> list[str]:
    """The arguments with which run.sh starts a stub."""
    command = [str(folder / "run.sh"), name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def chosen_ports() -> dict[str, int]:
    """Free ones, and different."""
    return {name: free_port() for name in PORTS}


def as_options(ports: Mapping[str, int]) -> list[str]:
    """As the command takes them."""
    return [f"--{name}-port={port}" for name, port in ports.items()]


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.real
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["", "3"])
def test_from_an_empty_folder_to_a_card(tmp_path: Path, real_tool: Tool, version: str) -> None:
    """`setup`, run.sh, a run that collapses: its card comes, links are right, and Ctrl-C ends all.

    The bot's address is in the shell as well, as it was for `setup`: it is one bot all the same.
    """
    folder, logs, ports = tmp_path / "watch it", tmp_path / "its logs", chosen_ports()
    collapse = DEMO / "collapse" / "logging.jsonl"
    with_programs(folder, real_tool, version)
    with Feishu(secret="s") as bot:
        result = set_up(
            folder, "--logs", str(logs), "--chat", "feishu", *as_options(ports), env=bot.variables
        )
        assert result.exit_code == 0, result.output
        with running(folder, **bot.variables) as started:
            eventually(lambda: "Ctrl-C" in started.said)
            breaks = breaks_at(collapse, tmp_path / "scratch")
            Replay(collapse, logs / "collapse", 45.0 / breaks, breaks)
            [card] = eventually(lambda: bot.cards, CARD_SECONDS)
            assert all(answers(port) for name, port in ports.items() if name != "grafana")
            started.process.send_signal(signal.SIGINT)
            assert started.process.wait(HANGS_SECONDS) == 0, started.said
    assert "collapse" in card.title
    assert set(re.findall(r"http://[^/)\s]+", card.text)) == {
        f"http://localhost:{ports['exporter']}",
        f"http://localhost:{ports['alertmanager']}",
    }
    assert not any(answers(port) for port in ports.values())


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_not_installed_is_named_and_the_rest_runs(tmp_path: Path, ended_by: signal.Signals) -> None:
    """Each missing program with how to get it; pages are there without. A closed terminal ends it too."""
    ports = chosen_ports()
    assert set_up(tmp_path, *as_options(ports), "--logs", str(tmp_path), "--grafana", "local").exit_code == 0
    script = tmp_path / "run.sh"
    script.write_text(script.read_text().replace("first prometheus ;;", "first no-such-program ;;"))
    script.write_text(
        script.read_text().replace("first alertmanager prometheus-alertmanager", "first no-such")
    )
    with running(tmp_path) as started:
        eventually(lambda: "Ctrl-C" in started.said)
        assert "prometheus: is not installed" in started.said
        assert "sudo apt-get install prometheus-alertmanager" in started.said
        assert answers(ports["exporter"])
        started.process.send_signal(ended_by)
        assert started.process.wait(HANGS_SECONDS) == 0
    assert not answers(ports["exporter"])


def test_a_taken_port_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    """With the command that chooses another one."""
    ports = chosen_ports()
    assert set_up(tmp_path, *as_options(ports), "--logs", str(tmp_path)).exit_code == 0
    with socket.create_server(("127.0.0.1", ports["relay"])), running(tmp_path) as started:
        assert started.process.wait(HANGS_SECONDS) == 1
        assert f"relay: port {ports['relay']} is taken" in started.said
        assert f"--relay-port={ports['relay']}" not in started.said
        assert f"llmtrain-exporter setup {tmp_path}" in started.said
        assert "--relay-port N\n" in started.said
    assert not (tmp_path / "logs/exporter.log").exists()


def test_what_ends_ends_all_and_says_why(tmp_path: Path) -> None:
    """The end of its log is shown, and the exit code says that something is wrong."""
    ports = chosen_ports()
    assert set_up(tmp_path, *as_options(ports), "--logs", str(tmp_path)).exit_code == 0
    (tmp_path / "relay.yml").write_text("lang: fr\n")
    with running(tmp_path) as started:
        assert started.process.wait(HANGS_SECONDS) == 1
        assert "relay: has ended" in started.said
        assert "lang" in started.said.rpartition("relay.log:")[2]
    assert not answers(ports["exporter"])


def test_one_of_them_is_started_with_more_arguments(tmp_path: Path) -> None:
    """As units do, and as a sample card is sent."""
    assert set_up(tmp_path).exit_code == 0
    said = subprocess.run(
        [tmp_path / "run.sh", "relay", "--test"], capture_output=True, text=True, check=False
    )
    assert (said.returncode, "No bot is configured" in said.stderr) == (1, True)
    said = subprocess.run([tmp_path / "run.sh", "rely"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (
        64,
        "rely: no such program; there are exporter relay prometheus alertmanager\n",
    )


@pytest.mark.parametrize("helps", ["--dispatch.start-delay=0s", "--config.file"])
def test_an_alertmanager_that_can_wait_does(tmp_path: Path, helps: str) -> None:
    """From 0.30 on it waits after a start, as that of the compose project; older ones are not told."""
    assert set_up(tmp_path).exit_code == 0
    with_stub(tmp_path, "alertmanager", helps)
    waits = [option for option in SERVICES["alertmanager"]["command"] if "start-delay" in option]
    found = [option for option in started_with(tmp_path, "alertmanager") if "start-delay" in option]
    assert found == (waits if "start-delay" in helps else [])


def test_prometheus_keeps_what_that_of_the_compose_project_does(tmp_path: Path) -> None:
    """As long and as much."""
    assert set_up(tmp_path).exit_code == 0
    with_stub(tmp_path, "prometheus", "")
    kept = [option for option in SERVICES["prometheus"]["command"] if "retention" in option]
    assert [option for option in started_with(tmp_path, "prometheus") if "retention" in option] == kept


@pytest.mark.parametrize("name", ["grafana", "grafana-server"])
def test_grafana_is_started_with_its_own_files(tmp_path: Path, name: str) -> None:
    """Newer ones have `grafana server`, older ones a program; unpacked, its files lie beside bin/."""
    assert set_up(tmp_path, "--grafana", "local").exit_code == 0
    with_stub(tmp_path, name, "")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "defaults.ini").touch()
    arguments = started_with(tmp_path, "grafana")
    assert arguments[0] == ("server" if name == "grafana" else "--homepath")
    assert arguments[-4:-2] == ["--homepath", f"{tmp_path}/bin/.."]
    assert arguments[-2:] == ["--config", "grafana/grafana.ini"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A wrong path is seen at once; training may make it later."""
    answer = program(tmp_path / "w", "--logs", str(tmp_path / "x"), "--yes")
    assert (answer.returncode, answer.stderr) == (0, f"Warning: {tmp_path}/x is not there yet\n")


def test_a_site_without_answers_is_of_this_machine_alone() -> None:
    """Nothing listens elsewhere unless somebody says so."""
    site = Site("/w", "llmtrain-exporter", ("/logs",), "setup", "me")
    assert (site.listen, site.links["grafana"]) == ("127.0.0.1:9848", "")
