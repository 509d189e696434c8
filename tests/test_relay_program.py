"""The relay as a program: how it starts, tests its bots, logs, and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests
import yaml
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.service import LAST_SECONDS
from llmtrain_exporter.web.server import GRACE_SECONDS

from tests.bots import Bot, all_bots, bot
from tests.relaying import RelayProcess, alert, group
from tests.servers import HANGS_SECONDS, KILLED_SECONDS, eventually, free_port

OWN = alert(annotations={"summary": "It broke.", "description": "kl is 5.2 \x1b[31m\u202eevil\nnext"})


def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`llmtrain-exporter relay ...` to its end."""
    command = [sys.executable, "-m", "llmtrain_exporter", "relay", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=HANGS_SECONDS, check=False
    )


def configured(tmp_path: Path, *bots: Bot, **more: object) -> Path:
    """A file with these bots."""
    path = tmp_path / "relay.yml"
    path.write_text(yaml.safe_dump({"bots": [one.rule() for one in bots], **more}))
    return path


def test_without_any_settings_a_card_is_logged_to_be_read() -> None:
    """Line by line, below a message of the log; nothing in it steers the terminal or passes for a message."""
    with RelayProcess() as relay:
        assert relay.post(group(OWN)).status_code == 200
        log = eventually(lambda: "kl is" in relay.log and relay.log)
    head, *lines = log[log.index("Card, and no bot") :].splitlines()
    assert head == "Card, and no bot to send it to:"
    assert lines[0] == "    \U0001f534 Training incident: math/collapse-1"
    assert "    kl is 5.2 \ufffd[31m\ufffdevil next" in lines
    assert all(line.startswith("    ") or not line for line in lines)


def test_without_any_settings_a_card_is_logged_as_json() -> None:
    """One object on one line, as every other message."""
    with RelayProcess(["--log-format", "json"]) as relay:
        assert relay.post(group(OWN)).status_code == 200
        log = eventually(lambda: "kl is" in relay.log and relay.log)
    logged = [json.loads(line) for line in log.splitlines()]
    assert {"time", "level", "logger", "message"} <= set(logged[-1])
    assert logged[-1]["card"][0] == "\U0001f534 Training incident: math/collapse-1"


def test_a_sample_goes_to_every_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says that it is a test, in the bot's language, with a chart where there can be one; it is silent."""
    monkeypatch.setattr("llmtrain_exporter.notify.pictures.DRAW_SECONDS", HANGS_SECONDS)
    with all_bots() as bots:
        rules = [one.rule(lang="zh" if kind == "feishu" else "en") for kind, one in bots.items()]
        rules[3]["mention"], rules[3]["severities"] = ["all"], ["warning"]
        path = tmp_path / "relay.yml"
        path.write_text(yaml.safe_dump({"bots": rules}))
        assert run_cli(commands, ["relay", "--config", str(path), "--test"]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        assert printed.out.splitlines() == [
            "feishu (feishu, zh): accepted",
            *(f"{kind} ({kind}, en): accepted" for kind in bots if kind != "feishu"),
        ]
        assert "测试：policy 崩溃" in bots["feishu"].cards[0].title
        assert "Test: Policy collapse: demo/collapse" in bots["slack"].cards[0].title
        assert "<!channel>" not in bots["slack"].cards[0].title
        assert [kind for kind, one in bots.items() if any(message.picture for message in one.accepted)] == [
            kind for kind in bots if CHATS[kind].picture
        ]


def test_a_sample_says_why_it_was_not_taken(tmp_path: Path) -> None:
    """With what to do, and an exit code for scripts; one bot can be tried alone."""
    with bot("feishu") as feishu, bot("wecom") as wecom:
        feishu.fail("refuse")
        wecom.fail("error")
        path = configured(tmp_path, feishu, wecom)
        answer = run("--config", path, "--test")
        assert answer.returncode == 1
        assert answer.stdout.splitlines() == [
            "feishu (feishu, en): not accepted: it says that the signature is wrong: check the secret and "
            "this machine's clock (signature)",
            "wecom (wecom, en): not accepted: its server has trouble (server_error)",
        ]
        assert answer.stderr == ""  # nor is it said twice
        wecom.fail(None)
        assert run("--config", path, "--test", "wecom").returncode == 0
        assert run("--config", path, "--test", "slack").stderr == (
            "Error: no bot is called slack; there are: feishu, wecom\n"
        )


def test_a_sample_is_told_in_the_language_of_the_relay(tmp_path: Path) -> None:
    """What became of it, why, and what to do; by a variable and by the file."""
    with bot("feishu") as feishu, bot("wecom") as wecom:
        feishu.fail("refuse")
        path = configured(tmp_path, feishu, wecom)
        chinese = {**os.environ, "LLMTRAIN_RELAY_LANG": "zh"}
        answer = run("--config", path, "--test", env=chinese)
        assert answer.stdout.splitlines() == [
            "feishu (feishu, zh)：未接受：它称签名不对：请检查 secret 和本机时钟（signature）",
            "wecom (wecom, zh)：已接受",
        ]
        path.write_text("lang: zh\n" + path.read_text())
        assert run("--config", path, "--test").stdout == answer.stdout
    assert "没有配置机器人" in run("--test", env=chinese).stderr


def test_a_sample_without_a_bot_is_printed() -> None:
    """So that one sees what a card looks like; but nothing was sent, and the exit code says so."""
    answer = run("--test")
    assert answer.returncode == 1
    assert "Test: Policy collapse: demo/collapse" in answer.stdout
    assert "--beta 0.1 (now 0.04)" in answer.stdout
    assert "No bot is configured" in answer.stderr


def test_wrong_settings_are_told_in_lines(tmp_path: Path) -> None:
    """All of them, and the program does not start."""
    path = tmp_path / "relay.yml"
    path.write_text("listen: x\nbots: [{name: a, kind: b}]\n")
    answer = run("--config", path)
    assert answer.returncode == 64
    assert len(answer.stderr.splitlines()) >= 2
    assert all(line.startswith(f"Error: {path}: line ") for line in answer.stderr.splitlines())


def test_a_port_in_use_is_told() -> None:
    """In one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = run("--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert answer.returncode == 1
    assert "another program listens there" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_card_under_way_is_finished_at_the_end(number: signal.Signals) -> None:
    """Who wants a token meanwhile is asked to come again; then the program ends, with 0."""
    with (
        ThreadPoolExecutor(2) as pool,
        bot("slack") as one,
        RelayProcess(env=one.variables) as relay,
    ):
        one.answering.clear()
        first = pool.submit(relay.post, group(alert(run="a")))
        eventually(lambda: one.came)
        second = pool.submit(relay.post, group(alert(run="b")))
        relay.process.send_signal(number)
        assert second.result().status_code == 503
        one.answering.set()
        assert first.result().status_code == 200
        assert relay.process.wait(HANGS_SECONDS) == 0
        assert len(one.cards) == 1
        assert "Traceback" not in relay.log


def test_a_bot_that_hangs_does_not_keep_the_relay_from_ending() -> None:
    """It leaves who waits for that bot without an answer, and ends before a container is killed."""
    assert LAST_SECONDS + GRACE_SECONDS < KILLED_SECONDS
    with (
        ThreadPoolExecutor(1) as pool,
        bot("slack") as one,
        RelayProcess(env=one.variables) as relay,
    ):
        one.fail("timeout")
        answer = pool.submit(relay.post, group(alert()))
        eventually(lambda: one.came)
        assert relay.terminate() == 0
        assert answer.result().status_code == 500  # and not 503, for which it had waited for the bot


def test_passwords_come_from_a_web_configuration(tmp_path: Path) -> None:
    """The same file as for serve."""
    web = tmp_path / "web.yml"
    web.write_text(
        "http_server_config: {headers: {X-Frame-Options: deny}}\n"
        "basic_auth_users: {ann: $2b$04$.OBnyyDTidXMhRjvQeIRVuQlGQM.rolfQ50hvlGhoyYrkFenMwtnS}\n"
    )
    wrong = run("--web.config.file", tmp_path / "no.yml", "--listen", "127.0.0.1:0")
    assert wrong.returncode == 64
    assert re.search(r"no\.yml: No such file", wrong.stderr)
    port = free_port()
    command = [sys.executable, "-m", "llmtrain_exporter", "relay", "--web.config.file", str(web)]
    with subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stderr=subprocess.PIPE) as process:
        try:
            (answer,) = eventually(lambda: _answers(f"http://127.0.0.1:{port}/"))
            assert (answer.status_code, answer.headers["x-frame-options"]) == (401, "deny")
        finally:
            process.terminate()


def _answers(url: str) -> list[requests.Response]:
    try:
        return [requests.get(url, timeout=HANGS_SECONDS)]
    except requests.ConnectionError:
        return []


def test_nothing_secret_is_printed(tmp_path: Path) -> None:
    """At the most talkative level, with bots that refuse, drop and answer nonsense."""
    with all_bots() as bots:
        path = configured(tmp_path, *bots.values(), log_level="debug")
        with RelayProcess(["--config", path]) as relay:
            for how in ("drop", "refuse", "garbage", None):
                for one in bots.values():
                    one.fail(how, times=1)
                eventually(partial(_is_taken, relay, f"run {how}"))
            printed = relay.log + relay.get("/metrics").text + relay.get("/").text
        for one in bots.values():
            assert one.token not in printed
            assert one.secret is None or one.secret not in printed
            assert f"Bot {one.kind}" in printed


def _is_taken(relay: RelayProcess, run: str) -> bool:
    code = relay.post(group(alert(run=run))).status_code
    assert code in (200, 424, 503)
    return code == 200
