"""SIGHUP: settings, certificates and users are read again, and what was followed goes on."""

from __future__ import annotations

import json
import os
import pty
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import requests
from llmtrain_exporter.watching.sleeping import SleepingRun

from tests.bots import bot
from tests.certificates import certify
from tests.receiving import Receiver
from tests.relaying import RelayProcess, alert, group
from tests.servers import HANGS_SECONDS, ExporterProcess, Server, eventually, free_port
from tests.test_watch import DAY, Loop
from tests.training import append, swift

SPIKES = [swift(step, loss=0.5, grad_norm=15.0 if step > 40 else 1.0) for step in range(1, 61)]
HIGH = "signal_records_total{severity=warning,signal=grad_norm_high}"
STRICT = {"mine": {"inherits": "sft", "limits": {"grad_norm_high": {"warning": 0.5}}}}
LAX = {"mine": {"inherits": "sft", "limits": {"grad_norm_high": {"warning": False, "critical": False}}}}


def by(limits: dict[str, Any]) -> dict[str, Any]:
    """Settings by which every run is judged so."""
    return {"profiles": limits, "runs": ({"match": "*", "profile": "mine"},)}


def test_other_limits_judge_the_whole_log_anew(tmp_path: Path) -> None:
    """From its first byte; counters grow where the rules are stricter, and never fall where they are not."""
    loop = Loop(tmp_path, **by(LAX))
    loop.append("a/logging.jsonl", *SPIKES)
    loop.scan()
    assert not loop.value("a", HIGH)
    loop.change(**by(STRICT))
    strict = loop.value("a", HIGH)
    assert strict
    assert strict > 10
    loop.change(**by(LAX))
    assert loop.value("a", HIGH) == strict
    assert loop.value("a", "records_total{kind=train}") == 60
    loop.append("a/logging.jsonl", swift(61))
    loop.look()
    assert loop.value("a", "records_total{kind=train}") == 61


def test_a_run_of_which_nothing_else_is_said_is_not_read_again(tmp_path: Path) -> None:
    """Only those are folded anew whose name, labels or profile are others now."""
    loop = Loop(tmp_path)
    for run in ("a", "b"):
        loop.append(f"{run}/logging.jsonl", *SPIKES)
    loop.scan()
    read = loop.own("read_bytes_total")
    loop.change(poll_interval=3)
    assert loop.own("read_bytes_total") == read
    loop.change(runs=({"match": "b", "labels": {"team": "x"}},))
    assert loop.own("read_bytes_total") == read * 1.5
    assert 'team="x"' in next(
        name for name in loop.values() if name.startswith("llmtrain_run_info{") and '"b"' in name
    )


def test_a_new_name_is_no_new_run(tmp_path: Path) -> None:
    """The old series end, the new ones begin where the counters stand: no history looks like growth."""
    loop = Loop(tmp_path)
    loop.append("a/logging.jsonl", *SPIKES)
    loop.scan()
    loop.change(runs=({"match": "a", "name": "renamed"},))
    assert loop.runs == ["renamed"]
    assert loop.value("renamed", "records_total{kind=train}") == 60
    assert loop.value("a", "records_total{kind=train}") is None
    loop.change()
    assert loop.runs == ["a"]


def test_a_folder_that_is_watched_from_now_on_has_history(tmp_path: Path) -> None:
    """What was written to it a moment ago is not taken for a run that begins before our eyes."""
    loop = Loop(tmp_path / "old")
    loop.append("a/logging.jsonl", *SPIKES)
    loop.scan()
    append(tmp_path / "new" / "b" / "logging.jsonl", *SPIKES, modified=loop.now)
    loop.change(paths=(str(tmp_path / "old"), str(tmp_path / "new")))
    assert loop.runs == ["new/b", "old/a"]
    assert loop.value("new/b", "records_total{kind=train}") == 60
    loop.change(paths=(str(tmp_path / "new"),))
    loop.scan(3)
    assert loop.runs == ["b"]


def test_a_run_that_sleeps_is_judged_anew(tmp_path: Path) -> None:
    """And its counters do not fall."""
    loop = Loop(tmp_path, ignore_older=None, **by(STRICT))
    loop.append("a/logging.jsonl", *SPIKES)
    loop.scan()
    loop.look(DAY)
    loop.look(2)
    assert isinstance(next(iter(loop.watcher._runs)), SleepingRun)
    strict = loop.value("a", HIGH)
    read = loop.own("read_bytes_total")
    loop.change(ignore_older=None, **by(LAX))
    assert loop.own("read_bytes_total") == 2 * read
    assert loop.value("a", HIGH) == strict


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A file of settings beside a folder with one run."""
    append(tmp_path / "logs" / "a" / "logging.jsonl", *SPIKES[:20])
    path = tmp_path / "llmtrain.yml"
    path.write_text(f"paths: [{tmp_path / 'logs'}]\n")
    return path


def hang_up(server: Server) -> None:
    """Have it read its settings again."""
    server.process.send_signal(signal.SIGHUP)


def reloads(server: Server) -> tuple[float, float]:
    """Whether the last reload was one, and when the settings in force were read."""
    prefix = "llmtrain_exporter_config_last_reload_"
    series = server.metrics()
    return series[f"{prefix}successful"], series[f"{prefix}success_timestamp_seconds"]


def test_labels_limits_and_names_change(settings: Path) -> None:
    """In a running exporter, whose runs go on."""
    text = settings.read_text()
    with ExporterProcess(["--config", settings]) as exporter:
        successful, before = reloads(exporter)
        assert (successful, before > 1_700_000_000) == (1, True)
        settings.write_text(f"{text}labels: {{team: rl}}\nprofiles: {json.dumps(STRICT)}\n")
        hang_up(exporter)
        eventually(lambda: reloads(exporter)[1] > before)
        eventually(lambda: any('team="rl"' in name for name in exporter.metrics()))
        series = exporter.metrics()
        assert series['llmtrain_limit{profile="mine",severity="warning",signal="grad_norm_high"}'] == 0.5
        assert series['llmtrain_records_total{kind="train",run="a"}'] == 20


def test_a_file_that_cannot_be_used_changes_nothing(settings: Path) -> None:
    """It is told with its line, a metric says so, and the next good one is taken."""
    text = settings.read_text()
    with ExporterProcess(["--config", settings]) as exporter:
        for wrong in (f"{text}max_runs: 0\n", f"{text}web_config_file: no.yml\n", "paths: []\n"):
            before = reloads(exporter)
            assert before[0] == 1
            settings.write_text(f"log_level: debug\n{wrong}")
            hang_up(exporter)
            eventually(lambda: reloads(exporter)[0] == 0)
            assert reloads(exporter)[1] == before[1]
            settings.write_text(text)
            hang_up(exporter)
            eventually(lambda: reloads(exporter)[0] == 1)
        assert f"The settings of before stay in force: {settings}: line 3: max_runs: must be" in exporter.log
        assert "no.yml: No such file" in exporter.log
        assert "no logs to watch" in exporter.log
        assert " INFO " not in exporter.log


def test_another_address_needs_a_new_start(settings: Path) -> None:
    """That is said, and all else changes."""
    with ExporterProcess(["--config", settings], {"LLMTRAIN_LOG_LEVEL": "warning"}) as exporter:
        assert exporter.get("/metrics", {"Host": "llm.example.org"}).status_code == 421
        settings.write_text(settings.read_text() + "allowed_hosts: [llm.example.org]\n")
        hang_up(exporter)
        eventually(lambda: exporter.get("/metrics", {"Host": "llm.example.org"}).status_code == 200)
    address = f"127.0.0.1:{free_port()}"
    serve = [sys.executable, "-m", "llmtrain_exporter", "serve", "--config", str(settings)]
    settings.write_text(settings.read_text() + f"listen: {address}\n")
    with Server(serve, int(address.rpartition(":")[2])) as server:
        settings.write_text(settings.read_text().replace(address, "127.0.0.1:1"))
        hang_up(server)
        eventually(
            lambda: f"Start it again to listen on 127.0.0.1:1; until then it is {address}" in server.log
        )


def test_to_protect_runs_otherwise_needs_a_new_start(settings: Path) -> None:
    """That is said: nobody is left to believe that checkpoints are kept."""
    with ExporterProcess(["--config", settings], {"LLMTRAIN_LOG_LEVEL": "warning"}) as exporter:
        settings.write_text(settings.read_text() + "protect: true\n")
        hang_up(exporter)
        assert eventually(lambda: "Start it again to protect runs otherwise" in exporter.log)


def test_another_state_folder_needs_a_new_start(settings: Path, tmp_path: Path) -> None:
    """That is said with both folders; one that stays is not told of."""
    old, new = tmp_path / "old", tmp_path / "new"
    with Receiver() as receiver:
        text = f"{settings.read_text()}remote_write: [{receiver.url}]\n"
        settings.write_text(f"{text}state_dir: {old}\n")
        with ExporterProcess(["--config", settings]) as exporter:
            eventually(lambda: receiver.taken)
            before = reloads(exporter)[1]
            hang_up(exporter)
            eventually(lambda: reloads(exporter)[1] > before)
            assert "Start it again" not in exporter.log
            settings.write_text(f"{text}state_dir: {new}\n")
            hang_up(exporter)
            eventually(lambda: f"Start it again to keep in {new} up to" in exporter.log)
            assert f"until then that is kept in {old}" in exporter.log
    assert list(old.iterdir())
    assert not new.exists()


def test_certificates_and_users_change(settings: Path, tmp_path: Path) -> None:
    """Who connects next meets the new certificate, and the users that the file has now."""
    certify(tmp_path)
    first = (tmp_path / "server.crt").read_text()
    web = tmp_path / "web.yml"
    web.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    settings.write_text(settings.read_text() + f"web_config_file: {web}\n")
    with _Secure(["--config", settings]) as exporter:
        assert presented(exporter) == first.strip()
        certify(tmp_path)
        web.write_text(
            web.read_text()
            + f"\nbasic_auth_users: {{ann: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}"
        )
        hang_up(exporter)
        eventually(
            lambda: presented(exporter) == (tmp_path / "server.crt").read_text().strip() != first.strip()
        )
        verify = str(tmp_path / "server.crt")
        eventually(lambda: exporter.get("/metrics", verify=verify).status_code == 401)
        assert exporter.get("/metrics", verify=verify, auth=("ann", "secret")).status_code == 200


class _Secure(ExporterProcess):
    """An exporter behind TLS."""

    def _ready(self) -> bool:
        self.url = f"https://{self.address}"
        assert self.process.poll() is None
        try:
            return bool(presented(self))
        except OSError:
            return False


def presented(server: Server) -> str:
    """The certificate that whoever connects now is shown."""
    host, port = server.address.split(":")
    return ssl.get_server_certificate((host, int(port)), timeout=HANGS_SECONDS).strip()


def test_the_relay_knows_what_its_bots_were_told(tmp_path: Path) -> None:
    """Also after its settings changed: a bot that comes is told, one that stays is told nothing twice."""
    path = tmp_path / "relay.yml"
    with bot("slack") as old, bot("discord") as new:
        path.write_text(json.dumps({"bots": [old.rule()]}))
        with RelayProcess(["--config", path]) as relay:
            incident = group(alert())
            assert relay.post(incident).text == "slack: sent\n"
            bots = [old.rule(severities=["critical"], lang="zh"), new.rule()]
            path.write_text(json.dumps({"bots": bots, "allowed_hosts": ["relay"]}))
            hang_up(relay)
            eventually(lambda: relay.get("/-/healthy", {"Host": "relay"}).status_code == 200)
            assert 'llmtrain_relay_cards_total{bot="discord",result="sent"}' in relay.metrics()
            assert relay.post(incident).text == "slack: known\ndiscord: sent\n"
            assert [len(old.cards), len(new.cards)] == [1, 1]
            path.write_text(json.dumps({"bots": [{"name": "x", "kind": "no chat"}]}))
            hang_up(relay)
            successful = "llmtrain_relay_config_last_reload_successful"
            eventually(lambda: relay.metrics()[successful] == 0)
            assert f"The settings of before stay in force: {path}: line 1: bots[0].kind" in relay.log
            assert relay.post(group(alert(run="other"))).text == "slack: sent\ndiscord: sent\n"


def test_a_closed_terminal_ends_it(settings: Path) -> None:
    """That is a hangup too, and no wish to read anything."""
    leader, terminal = pty.openpty()
    port = free_port()
    command = [sys.executable, "-m", "llmtrain_exporter", "serve", "--config", str(settings)]
    process = subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)

    def ready() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=HANGS_SECONDS).ok
        except requests.RequestException:
            return False

    eventually(ready)
    os.close(leader)
    process.send_signal(signal.SIGHUP)
    assert process.wait(HANGS_SECONDS) == 0
