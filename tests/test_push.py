"""Every record at its own time in a real Prometheus, by `push` and `serve`, whoever is killed on the way."""

from __future__ import annotations

import math
import os
import pty
import random
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from llmtrain_exporter.config import Settings
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.printable import label_value
from llmtrain_exporter.push.history_files import whole_log
from llmtrain_exporter.push.read_history import histories

from tests.project import ROOT
from tests.receiving import Failure, Receiver
from tests.servers import (
    HANGS_SECONDS,
    ExporterProcess,
    Points,
    ReceivingPrometheus,
    Server,
    VictoriaMetrics,
    eventually,
    free_port,
    series,
)
from tests.training import append, swift, swift_eval

DEMO = ROOT / "exporter" / "llmtrain_exporter" / "demo"
RealTool = Callable[[str], Path]


def push(folder: Path, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """`push`, with its state in a folder."""
    return subprocess.run(command(folder, *args), capture_output=True, text=True, check=False)


def command(folder: Path, *args: str | Path) -> list[str]:
    """How `push` is called, with its state in a folder."""
    words = [sys.executable, "-m", "llmtrain_exporter", "push", *args, "--state-dir", folder / "state"]
    return list(map(str, words))


def points_of(*paths: Path) -> Points:
    """What the records of logs say, by series and time."""
    found: Points = {}
    for history in histories(list(map(str, paths)), Settings(), None, time.time()):
        assert not isinstance(history, NoRun)
        for record in whole_log(history, time.time()):
            assert not isinstance(record, NoRun)
            for key, value in record.values.items():
                labels = {"run": label_value(record.run), **dict(key.labels)}
                labels = {label: text for label, text in labels.items() if text}
                found[series(key.metric.sample_name, labels), record.time_ms] = value
    return found


def same(one: Points, other: Points, within: float = 0.0) -> bool:
    """Whether the same samples are in both, up to such a part of the largest of each series; NaN is NaN."""
    largest: dict[str, float] = defaultdict(float)
    for (name, _), value in other.items():
        if math.isfinite(value):
            largest[name] = max(largest[name], abs(value))
    return one.keys() == other.keys() and all(
        math.isclose(value, other[key], rel_tol=within, abs_tol=within * largest[key[0]])
        or (math.isnan(value) and math.isnan(other[key]))
        for key, value in one.items()
    )


@pytest.fixture(params=["prometheus", "prometheus3"])
def binary(request: pytest.FixtureRequest, real_tool: RealTool) -> Path:
    """The oldest Prometheus that there is, and a newer one."""
    return real_tool(request.param)


class Agent(Server):
    """vmagent: takes remote write, and sends on in batches and with retries of its own."""

    def __init__(self, folder: Path, binary: Path, to: str) -> None:
        port = free_port()
        paths = f"-remoteWrite.tmpDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}"
        super().__init__([binary, f"-remoteWrite.url={to}", *paths], port)


@pytest.mark.real
def test_victoria_metrics_has_every_sample(tmp_path: Path, real_tool: RealTool) -> None:
    """Whatever its age, without any setting; it rounds values to twelve digits of the largest."""
    binary = real_tool("victoria-metrics3")
    rows = [swift(step) for step in range(1, 41)]
    log = append(tmp_path / "old" / "logging.jsonl", *rows, modified=time.time() - 100 * 86400)
    with VictoriaMetrics(tmp_path / "vm", binary) as victoria:
        for _ in range(2):
            assert push(tmp_path, log, DEMO, "--to", victoria.write_url).returncode == 0
        assert same(victoria.everything(), _finite(points_of(log, DEMO)), within=1e-10)


Store = ReceivingPrometheus | VictoriaMetrics


@pytest.fixture(params=["prometheus", "prometheus3", "victoria-metrics3"])
def store(request: pytest.FixtureRequest, real_tool: RealTool, tmp_path: Path) -> Store:
    """Each kind of server that takes histories; not started yet."""
    folder, binary = tmp_path / "store", real_tool(request.param)
    made = VictoriaMetrics if request.param.startswith("victoria") else ReceivingPrometheus
    return made(folder, binary)


@pytest.mark.real
def test_real_logs_of_each_producer_are_there(store: Store, tmp_path: Path, corpus: Path) -> None:
    """Every value, time and step of every record of them."""
    logs = corpus / "produced", corpus / "public" / "tfevents"
    wanted = points_of(*logs)
    assert len({name.partition("{")[0] for name, _ in wanted}) > 60
    with store:
        assert push(tmp_path, *logs, "--to", store.write_url).returncode == 0
        found = store.everything()
    if isinstance(store, VictoriaMetrics):
        assert same(found, _finite(wanted), within=1e-10)
    else:
        assert same(found, wanted)


@pytest.mark.real
def test_a_relay_passes_every_sample_on(tmp_path: Path, real_tool: RealTool) -> None:
    """vmagent before a Prometheus that is killed on the way."""
    agent_binary, binary = real_tool("vmagent3"), real_tool("prometheus")
    wanted = points_of(DEMO)
    with (
        ReceivingPrometheus(tmp_path / "p", binary) as prometheus,
        Agent(tmp_path / "agent", agent_binary, prometheus.write_url) as agent,
    ):
        prometheus.crash(lambda: push(tmp_path, DEMO, "--to", f"{agent.url}/api/v1/write").check_returncode())
        eventually(lambda: len(prometheus.everything()) == len(wanted))
        assert same(prometheus.everything(), wanted)


def _finite(points: Points) -> Points:
    """What VictoriaMetrics keeps."""
    return {key: value for key, value in points.items() if not math.isnan(value)}


@pytest.mark.real
def test_every_sample_is_there_at_its_time(tmp_path: Path, binary: Path) -> None:
    """All metrics, values, times; and pushing again changes nothing and sends nothing."""
    wanted = points_of(DEMO)
    with ReceivingPrometheus(tmp_path / "p", binary) as prometheus:
        first = push(tmp_path, DEMO, "--to", prometheus.write_url)
        assert (first.returncode, first.stdout) == (0, "")
        assert f"247 records of 2 runs, {len(wanted)} samples: sent to" in first.stderr
        again = push(tmp_path, DEMO, "--to", prometheus.write_url)
        assert (again.returncode, again.stderr.partition(":")[0]) == (0, "0 records of 2 runs, 0 samples")
        assert push(tmp_path / "other", DEMO, "--to", prometheus.write_url).returncode == 0
        found = prometheus.everything()
    assert same(found, wanted)


@pytest.mark.real
def test_without_a_window_what_is_old_is_refused_and_the_setting_named(tmp_path: Path, binary: Path) -> None:
    """Once it is set, the rest comes."""
    rows = [swift(step) for step in range(1, 41)]
    log = append(tmp_path / "old" / "logging.jsonl", *rows, modified=time.time() - 9000)
    wanted = {key: value for key, value in points_of(log).items() if key[0].startswith("llmtrain_step")}
    with ReceivingPrometheus(tmp_path / "p", binary, window=None) as prometheus:
        (tmp_path / "new").mkdir()
        fresh = append(tmp_path / "new" / "logging.jsonl", *(swift(step) for step in range(1, 4)))
        assert push(tmp_path, fresh.parent, "--to", prometheus.write_url).returncode == 0
        old = push(tmp_path, log, "--to", prometheus.write_url)
        config = yaml.safe_load((tmp_path / "p" / "prometheus.yml").read_text())
    assert old.returncode == 1
    assert "0 records of 1 run, 0 samples, 40 dropped (out_of_bounds)" in old.stderr
    assert old.stderr.count("out_of_order_time_window") == 2  # of Prometheus, of Mimir
    config["storage"] = {"tsdb": {"out_of_order_time_window": "3650d"}}
    (tmp_path / "p" / "prometheus.yml").write_text(yaml.safe_dump(config))
    with prometheus:
        assert push(tmp_path, log, "--to", prometheus.write_url).returncode == 0
        found = prometheus.points("llmtrain_step")
    assert same({key: value for key, value in found.items() if "new" not in key[0]}, wanted)


def test_push_says_what_it_cannot_do(tmp_path: Path) -> None:
    """No server, one that nobody may write to, one that never answers, a log that is none."""
    (tmp_path / "empty").mkdir()
    assert push(tmp_path, DEMO).returncode == 64
    assert push(tmp_path, DEMO, "--to", "not an address").returncode == 64
    with Receiver() as receiver:
        receiver.failures = [Failure(403, "not you")]
        denied = push(tmp_path, DEMO, "--to", receiver.url)
        assert denied.returncode == 1
        assert "403: not you; check user, password or token" in denied.stderr
        receiver.failures = [Failure(503)] * 100
        away = push(tmp_path, DEMO, "--to", receiver.url, "--give-up", "1s")
        assert away.returncode == 1
        assert "has taken nothing for 1 s" in away.stderr
        receiver.failures = []
        assert push(tmp_path, tmp_path / "empty", "--to", receiver.url).returncode == 3
        assert receiver.taken == {}
        assert push(tmp_path, DEMO, "--to", receiver.url).returncode == 0
        assert len(receiver.taken) == len(points_of(DEMO))


def test_a_log_without_records_is_no_run(tmp_path: Path) -> None:
    """Its folder, in which there is no other, is told as one in which there is nothing to send."""
    append(tmp_path / "fresh" / "checkpoint-5" / "trainer_state.json")
    with Receiver() as receiver:
        alone = push(tmp_path, tmp_path / "fresh", "--to", receiver.url)
        assert alone.returncode == 3
        assert "trainer_state.json: no run: no training record in it" in alone.stderr
        assert "0 records of 0 runs" in alone.stderr


def test_a_log_of_which_nothing_is_chosen_is_told_so(tmp_path: Path) -> None:
    """It is a run; that nothing is sent of it is told as of none."""
    log = append(tmp_path / "logging.jsonl", *map(swift, range(1, 9)))
    with Receiver() as receiver:
        pushed = push(tmp_path, log, "--to", receiver.url, "--history-metric", "no*", "--history-metric", "x")
        assert receiver.taken == {}
    assert pushed.returncode == 3
    assert f"{log}: none of its metrics is chosen by --history-metric (or history_metrics): no*, x" in (
        pushed.stderr
    )


def test_a_log_is_the_same_whatever_is_chosen_of_it(tmp_path: Path) -> None:
    """With other metrics than before nothing is sent again that the server has answered for."""
    rows = [swift(step) for step in range(1, 21)]
    log = append(tmp_path / "logging.jsonl", *rows[:10], swift_eval(10), *rows[10:])
    with Receiver() as receiver:
        sent = [
            push(tmp_path, log, "--to", receiver.url, "--history-metric", chosen).stderr
            for chosen in ("eval*", "*", "loss")
        ]
    assert [int(told.split()[0]) for told in sent] == [1, 10, 0]


def test_servers_that_are_dead_are_in_the_way_of_no_other(tmp_path: Path) -> None:
    """Each of the settings is tried, each failure told, and the exit code is that of the worst."""
    settings = tmp_path / "llmtrain.yml"
    with Receiver() as denied, Receiver() as away, Receiver() as good:
        denied.failures = [Failure(403, "not you")]
        away.failures = [Failure(503)] * 100
        rules = [{"url": server.url} for server in (denied, away, good)]
        settings.write_text(yaml.safe_dump({"remote_write": rules}))
        pushed = push(tmp_path, DEMO, "--config", settings, "--give-up", "1s")
        assert len(good.taken) == len(points_of(DEMO))
    assert pushed.returncode == 1
    assert f"Error: {denied.url}: 403: not you" in pushed.stderr
    assert f"Error: {away.url} has taken nothing for 1 s" in pushed.stderr
    assert f"sent to {good.url}" in pushed.stderr


def test_a_terminal_is_told_how_far_it_is_until_it_is_over(tmp_path: Path) -> None:
    """What it is told in the end stands on a line of its own."""
    leader, terminal = pty.openpty()
    with Receiver() as receiver:
        receiver.failures = [Failure(503)] * 5
        process = subprocess.Popen(command(tmp_path, DEMO, "--to", receiver.url), stderr=terminal)
        os.close(terminal)
        shown = b"".join(iter(lambda: _read(leader), b"")).decode()
        assert process.wait() == 0
    os.close(leader)
    assert "\r0 records sent" in shown
    assert re.search(r"\r {14,}\rhttp\S+ takes history again", shown)
    assert re.search(r"(\r {14,}\r|\n)247 records of 2 runs", shown)


def _read(terminal: int) -> bytes:
    """What is written there next; nothing when the program has ended, which Linux calls an error."""
    with suppress(OSError):
        return os.read(terminal, 65536)
    return b""


def test_all_is_taken_whatever_goes_wrong_on_the_way(tmp_path: Path) -> None:
    """429, 500, cut and hanging connections, and 400 for some."""
    settings = tmp_path / "llmtrain.yml"
    with Receiver() as receiver:
        rule = {"url": receiver.url, "remote_timeout": "3s", "headers": {"X-Scope-OrgID": "team"}}
        settings.write_text(yaml.safe_dump({"remote_write": [rule]}))
        receiver.failures = [
            *(Failure(429, headers={"Retry-After": "0"}), Failure(500), Failure(cut=True)),
            *(Failure(hang=True), Failure(400, "no"), Failure(502)),
        ]
        pushed = push(tmp_path, DEMO, "--config", settings)
        assert pushed.returncode == 0
        assert not receiver.conflicts
        assert same(_named(receiver), points_of(DEMO))
        assert {request.headers["X-Scope-OrgID"] for request in receiver.requests} == {"team"}


def _named(receiver: Receiver) -> Points:
    return {
        (key.replace('job="llmtrain-history",', ""), at): value for (key, at), value in receiver.taken.items()
    }


def test_serve_sends_what_was_there_and_what_comes(tmp_path: Path) -> None:
    """Each record once, over a restart too; and tells in its own metrics how far that is."""
    log = append(tmp_path / "logs" / "a" / "logging.jsonl", *(swift(step) for step in range(1, 201)))
    with Receiver() as receiver:
        args = (tmp_path / "logs", "--remote-write", receiver.url, "--state-dir", tmp_path / "state")
        with ExporterProcess(args) as exporter:
            eventually(lambda: len(_steps(receiver)) == 200)
            append(log, *(swift(step) for step in range(201, 251)))
            eventually(lambda: len(_steps(receiver)) == 250)
            eventually(lambda: exporter.total("llmtrain_exporter_history_records_total") == 250)
            assert exporter.total("llmtrain_exporter_history_dropped_records_total") == 0
            assert exporter.total("llmtrain_exporter_history_behind_seconds") == 0
        append(log, *(swift(step) for step in range(251, 261)))
        requests = len(receiver.requests)
        with ExporterProcess(args):
            eventually(lambda: len(_steps(receiver)) == 260)
        sent = [sample for request in receiver.requests[requests:] for sample in request.samples]
        assert {value for name, _, value in sent if name.startswith("llmtrain_step")} == set(range(251, 261))
        assert not receiver.conflicts
        assert set(_steps(receiver).values()) == {1}


def test_another_log_in_the_place_is_sent_from_its_beginning(tmp_path: Path) -> None:
    """While it is watched, and while nobody watches."""
    log = append(tmp_path / "logs" / "a" / "logging.jsonl", *(swift(step) for step in range(1, 11)))
    with Receiver() as receiver:
        args = (tmp_path / "logs", "--remote-write", receiver.url, "--state-dir", tmp_path / "state")
        with ExporterProcess(args):
            eventually(lambda: len(_steps(receiver)) == 10)
            log.unlink()
            append(log, *(swift(step, loss=7.0) for step in range(101, 105)))
            eventually(lambda: set(range(101, 105)) <= _steps(receiver).keys())
        log.unlink()
        append(log, *(swift(step, loss=8.0) for step in range(201, 205)))
        with ExporterProcess(args):
            eventually(lambda: set(range(201, 205)) <= _steps(receiver).keys())
        assert set(_steps(receiver).values()) == {1}
        assert not receiver.conflicts


def _steps(receiver: Receiver) -> Counter[float]:
    """How often each step is there."""
    taken = receiver.taken.copy()
    return Counter(value for (name, _), value in taken.items() if name.startswith("llmtrain_step"))


def test_a_server_that_hangs_is_in_the_way_of_nobody(tmp_path: Path) -> None:
    """Neither of the other server, nor of who reads logs or is scraped."""
    append(tmp_path / "logs" / "a" / "logging.jsonl", *(swift(step) for step in range(1, 11)))
    with Receiver() as good, Receiver() as bad:
        bad.failures = [Failure(hang=True)] * 100
        rules = [{"url": bad.url, "remote_timeout": f"{2 * HANGS_SECONDS:g}s"}, {"url": good.url}]
        settings = tmp_path / "llmtrain.yml"
        settings.write_text(yaml.safe_dump({"remote_write": rules}))
        args = (tmp_path / "logs", "--config", settings)
        with ExporterProcess((*args, "--state-dir", tmp_path / "state")) as exporter:
            eventually(lambda: len(_steps(good)) == 10)
            assert exporter.metrics()['llmtrain_step{run="a"}'] == 10
            behind = f'llmtrain_exporter_history_behind_seconds{{destination="{bad.url}"}}'
            eventually(lambda: exporter.metrics()[behind] > 1)
            assert exporter.terminate() == 0


@pytest.mark.real
def test_nothing_is_lost_or_doubled_whoever_is_killed(tmp_path: Path, store: Store) -> None:
    """Exporter and server are killed twenty times while a run trains; nobody has dropped anything."""
    chance = random.Random(15)
    log = append(tmp_path / "logs" / "a" / "logging.jsonl", *(swift(step) for step in range(1, 301)))
    with store:
        args = (tmp_path / "logs", "--remote-write", store.write_url, "--state-dir", tmp_path / "state")
        with ExporterProcess(args) as exporter:
            for last in range(300, 400, 5):
                server = chance.choice((exporter, store))
                wanted = chance.choice((0, last - 10))
                if wanted:
                    eventually(lambda wanted=wanted: len(store.points("llmtrain_step")) >= wanted)  # type: ignore[misc]
                server.crash(lambda last=last: append(log, swift(last + 1)))  # type: ignore[misc]
                append(log, *(swift(step) for step in range(last + 2, last + 6)))
            eventually(lambda: len(store.points("llmtrain_step")) >= 400)
        steps = Counter(store.points("llmtrain_step").values())
        loss = store.points("llmtrain_loss")
    assert steps == dict.fromkeys(range(1, 401), 1)
    assert len(loss) == 400


@pytest.mark.real
def test_what_is_not_there_was_counted_as_dropped(tmp_path: Path, binary: Path) -> None:
    """By a server that takes nothing old, with an exporter that is killed and sends such records anew."""
    new = append(tmp_path / "logs" / "new" / "logging.jsonl", *(swift(step) for step in range(1, 4)))
    with ReceivingPrometheus(tmp_path / "p", binary, window=None) as prometheus:
        args = (tmp_path / "logs", "--remote-write", prometheus.write_url, "--state-dir", tmp_path / "state")
        with ExporterProcess((*args, "--scan-interval", "1s")) as exporter:
            eventually(lambda: len(prometheus.points("llmtrain_step")) == 3)
            old = tmp_path / "logs" / "old" / "logging.jsonl"
            append(old, *(swift(step) for step in range(1, 41)), modified=time.time() - 9000)
            for last in (3, 4):
                eventually(lambda: exporter.total("llmtrain_exporter_history_dropped_records_total") >= 40)
                exporter.crash(lambda last=last: append(new, swift(last + 1)))  # type: ignore[misc]
            eventually(lambda: len(prometheus.points("llmtrain_step")) == 5)
            eventually(lambda: exporter.total("llmtrain_exporter_history_dropped_records_total") == 40)
        steps = Counter(prometheus.points("llmtrain_step").values())
    assert steps == dict.fromkeys(range(1, 6), 1)
