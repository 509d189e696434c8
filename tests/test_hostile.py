"""A watched tree full of what no trainer would write, beside two good runs, before a real Prometheus."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser

from tests.servers import HANGS_SECONDS, ExporterProcess, Prometheus, eventually, series
from tests.training import append, llamafactory, swift, touch

Tool = Callable[[str], Path]

MIB = 1 << 20
ENDLESS = 100 * MIB
LARGEST_PROCESS = 300 * MIB
YEAR = 365 * 86400.0
CROWD, MOST_BEFORE = 100, 500
"""Clients that scrape at a time; how many answers, five for each, they may get before a new line is told."""
BAD_ROWS = ("ints", "keys", "functions", "zeros", "carriage")

NAMES = {
    "quotes": 'quo"te\\s\\n',
    "newline": "new\nline",
    "emoji": "emoji 🔥 训练",
    "right to left": "\u202eright\u2066to\u2069left\u200f",
    "control": "bell\x07\x1b[31m",
    "undecodable": "latin\udce9",
    "long": "l" * 255,
    "spaces": "  ",
}
FUNCTIONS = ("a\x00b", "x" * 10_000, 'quo"te', "new\nline", "\u202ertl", "\ud800", "", "🔥")

LFS_POINTER = """\
version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345
"""


def log_of(folder: Path) -> Path:
    """The log in a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "logging.jsonl"


def write(folder: Path, content: bytes) -> None:
    """A log of just these bytes."""
    log_of(folder).write_bytes(content)


def good_line(step: int) -> bytes:
    return swift(step).encode() + b"\n"


def bad_bytes(root: Path) -> None:
    """Logs whose content is no log."""
    noise = random.Random(1)
    write(root / "garbage", noise.randbytes(MIB))
    (root / "printed").mkdir()
    (root / "printed/garbage.log").write_bytes(noise.randbytes(MIB))
    (root / "printed/nested.log").write_bytes(
        b"{'loss': "
        + b"(" * 10_000
        + b"}\n{'loss': "
        + b"-" * 100_000
        + b"1}\n{'loss': '"
        + b"9" * MIB
        + b"'}\n"
    )
    write(
        root / "deep",
        b"[" * MIB + b"\n" + b'{"a":' * 100_000 + b"\n" + b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    )
    write(root / "pointer", LFS_POINTER.encode())
    write(
        root / "types",
        b'null\n"loss"\n[1]\n1e999\ntrue\n{}\n{"loss": {}, "step": []}\n{"loss": "x", "step": 1}\n',
    )
    (root / "state").mkdir()
    (root / "state/trainer_state.json").write_bytes(b'{"log_history": [1, null, {"loss": ' + b"[" * MIB)


def bad_rows(root: Path) -> None:
    """Runs whose rows hold what no trainer would write; each has 2 good rows around them."""
    number = b"9" * 5000
    rows = {
        "ints": [
            b'{"loss": %s, "step": %s, "grad_norm": -%s}' % (number, number, number),
            b'{"loss": 1e400, "step": -1e400, "max_steps": 1e308, "epoch": NaN, "grad_norm": -Infinity}',
        ],
        "keys": [
            json.dumps({"step": 5, "loss": 1.0, **{f"key {n}": n for n in range(10_000)}}).encode(),
            *(json.dumps({"step": 6 + n, "loss": 1.0, f"odd {n}": n}).encode() for n in range(3000)),
        ],
        "functions": [
            json.dumps(
                {"step": 5, "reward": 1.0, **{f"rewards/{name}/mean": 0.5 for name in FUNCTIONS}}
            ).encode(),
            json.dumps({"step": 6, "loss": 1.0, **dict.fromkeys(FUNCTIONS, 0.5)}).encode(),
        ],
        "zeros": [b"\0" * 5000, b'{"loss": 1.0,\0 "step": 3}', b"\0\n\0\n"],
        "carriage": [b"\r" * 5000, b"\r\n\r\n", b'\xef\xbb\xbf{"loss": 1.0, "step": 4}\r'],
    }
    for name, lines in rows.items():
        write(root / name, good_line(1) + b"\n".join(lines) + b"\n" + good_line(7))


def bad_files(root: Path) -> list[socket.socket]:
    """Logs that are no files, or not for long."""
    os.mkfifo(log_of(root / "pipe"))
    log_of(root / "folder").mkdir()
    log_of(root / "dangling").symlink_to("nowhere")
    log_of(root / "self").symlink_to("logging.jsonl")
    (root / "loop").mkdir()
    (root / "loop/again").symlink_to(root)
    (root / "loop/self").symlink_to("self")
    log_of(root / "device").symlink_to("/dev/zero")
    for name, age in (("future", -50 * YEAR), ("past", 40 * YEAR)):
        touch(append(log_of(root / name), swift(1), swift(2)), time.time() - age)
    write(root / "deleted", good_line(1))
    write(root / "replaced", good_line(1) * 3)
    log_of(root / "unreadable").write_bytes(good_line(1))
    log_of(root / "unreadable").chmod(0)
    listener = socket.socket(socket.AF_UNIX)
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # a socket's path must be short
    listener.bind(str(folder / "s"))
    log_of(root / "socket")
    (folder / "s").rename(root / "socket/logging.jsonl")
    folder.rmdir()
    return [listener]


def endless(root: Path) -> None:
    """100 MB without the end of a line, as text and as a hole in the file."""
    with log_of(root / "endless").open("wb") as file:
        for _ in range(ENDLESS // MIB):
            file.write(b"x" * MIB)
    with log_of(root / "hole").open("wb") as file:
        file.write(good_line(1))
        file.truncate(ENDLESS)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All of it, and two good runs."""
    root = tmp_path_factory.mktemp("hostile")
    append(root / "good/logging.jsonl", *map(swift, range(1, 101)))
    append(root / "fine/trainer_log.jsonl", *map(llamafactory, range(1, 101)))
    for name in NAMES.values():
        append(log_of(root / "names" / name), swift(1), swift(2))
    bad_bytes(root)
    bad_rows(root)
    endless(root)
    with ExitStack() as sockets:
        for listener in bad_files(root):
            sockets.enter_context(listener)
        yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def exporter(tree: Path) -> Iterator[ExporterProcess]:
    """An exporter that watches it, when it has seen all that takes time."""
    with ExporterProcess([tree, "--stdout-log", "*.log", "--scan-interval", "1s"]) as process:
        eventually(lambda: own(process, "skipped_lines_total", reason="too_long"))
        eventually(lambda: records(process, "zeros"))
        yield process


def records(exporter: ExporterProcess, run: str) -> float | None:
    """The training records of a run."""
    return exporter.metrics().get(series("llmtrain_records_total", {"run": run, "kind": "train"}))


def own(exporter: ExporterProcess, metric: str, **labels: str) -> float:
    """A sample of the exporter's own metrics."""
    return exporter.metrics().get(series(f"llmtrain_exporter_{metric}", labels), 0.0)


def skipped(exporter: ExporterProcess, run: str) -> float:
    """The skipped lines of a run, of whatever reason."""
    lines = re.compile(rf'llmtrain_skipped_lines_total{{.*run="{run}"}}')
    return sum(value for name, value in exporter.metrics().items() if lines.fullmatch(name))


def runs(exporter: ExporterProcess) -> dict[str, dict[str, Any]]:
    """What is told of each run."""
    return {run["run"]: run for run in exporter.get("/api/v1/runs").json()["runs"]}


# Beside the good runs.


def test_good_runs_are_complete_and_go_on(exporter: ExporterProcess, tree: Path) -> None:
    """Beside all that, the good runs are read to their end, and grow when they are written to."""
    assert (records(exporter, "good"), records(exporter, "fine")) == (100, 100)
    append(tree / "good/logging.jsonl", swift(101))
    append(tree / "fine/trainer_log.jsonl", llamafactory(101), llamafactory(102))
    eventually(lambda: (records(exporter, "good"), records(exporter, "fine")) == (101, 102))
    assert exporter.metrics()[series("llmtrain_loss", {"run": "good", "split": "train"})] == 1 / 101


def test_bad_rows_hide_no_good_ones(exporter: ExporterProcess) -> None:
    """Runs with impossible rows show the rows behind them, and count what was none."""
    steps = {run: exporter.metrics().get(series("llmtrain_step", {"run": run})) for run in BAD_ROWS}
    assert steps == dict.fromkeys(BAD_ROWS, 7.0)
    assert skipped(exporter, "zeros") > 0
    others = [name for name in exporter.metrics() if name.startswith("llmtrain_other{") and '"keys"' in name]
    assert len(others) == 100
    dropped = series("llmtrain_dropped_series_total", {"run": "keys"})
    assert exporter.metrics()[dropped] == 10_000 + 3000 - 100


def test_every_bad_thing_is_counted(exporter: ExporterProcess) -> None:
    """Each has its reason: left out by the search, skipped as a line, or an error; none of them is a run."""
    left_out = {r: own(exporter, "left_out_files", reason=r) for r in ("not_a_file", "too_old", "unreadable")}
    assert left_out["not_a_file"] == 4  # pipe, folder, device, socket
    assert left_out["too_old"] == 1
    assert left_out["unreadable"] >= 3  # dangling, self, loop/self; unreadable itself shows when it is opened
    assert own(exporter, "errors_total", kind="scan") > 0
    reasons = ("not_json", "not_an_object", "no_training_row", "text", "too_long", "nul")
    lines = {reason: own(exporter, "skipped_lines_total", reason=reason) for reason in reasons}
    assert min(lines.values()) > 0, lines
    no_runs = {
        "garbage",
        "deep",
        "pointer",
        "types",
        "state",
        "pipe",
        "folder",
        "device",
        "socket",
        "endless",
    }
    assert not no_runs & set(runs(exporter))
    assert own(exporter, "errors_total", kind="analyse") == own(exporter, "errors_total", kind="http") == 0


def test_what_is_wrong_is_told_once_and_never_with_a_traceback(exporter: ExporterProcess) -> None:
    """The exporter's own log names each path that it could not look at once, in lines of printable text."""
    exporter.search_again()
    lines = exporter.log.splitlines()
    assert [line for line in lines if not re.match(r"\d{4}-\d\d-\d\dT\S+Z WARNING [\w.]+: \S.*", line)] == []
    for path in ("dangling/logging.jsonl", "self/logging.jsonl", "loop/self"):
        assert len([line for line in lines if f"/{path}: " in line]) == 1
    assert len(lines) <= 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_log_is_told(exporter: ExporterProcess) -> None:
    """A log without the right to read it is no run, counted as an error and named."""
    assert "unreadable" not in runs(exporter)
    assert own(exporter, "errors_total", kind="read") == 1
    assert "unreadable/logging.jsonl: Permission denied" in exporter.log


def test_memory_stays_bounded(exporter: ExporterProcess, tree: Path) -> None:
    """100 MB without the end of a line, and as much again behind it, never lie in memory as a whole."""
    with log_of(tree / "endless").open("ab") as file:
        for _ in range(ENDLESS // MIB):
            file.write(b"y" * MIB)
        file.write(b"\n" + good_line(1))
    eventually(lambda: records(exporter, "endless") == 1)
    assert peak(exporter) < LARGEST_PROCESS


def peak(exporter: ExporterProcess) -> int:
    """The most bytes of memory that the process has had so far."""
    status = Path(f"/proc/{exporter.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


# Names.


def test_runs_of_any_name_are_served(exporter: ExporterProcess) -> None:
    """Folders with quotes, line ends, emoji, direction marks, no text at all: each is a run of its own."""
    named = {name: run for name, run in runs(exporter).items() if name.startswith("names/")}
    assert len(named) == len(NAMES)
    assert {run["records"]["train"] for run in named.values()} == {2}
    assert {"names/emoji 🔥 训练", 'names/quo"te\\s\\n'} <= set(named)
    assert all(len(name) <= 200 and name.replace("\ufffd", "").isprintable() for name in named)


def test_reward_functions_of_any_name_are_served(exporter: ExporterProcess) -> None:
    """NUL, 10 KB of text and lone surrogates in a function's name leave the functions apart and printable."""
    found = functions(exporter.get("/metrics", {"Accept": "application/openmetrics-text"}).text)
    assert len(found) == len(FUNCTIONS)
    assert {'quo"te', "🔥"} <= found
    assert all(len(name) <= 200 and name.replace("\ufffd", "").isprintable() for name in found)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_run_has_its_story(exporter: ExporterProcess, lang: str) -> None:
    """Whatever stands in a log, its run is told in words, and all names in the table can be shown."""
    stories = {run: exporter.get("/api/v1/run", params={"run": run, "lang": lang}) for run in runs(exporter)}
    assert {run: answer.status_code for run, answer in stories.items()} == dict.fromkeys(stories, 200)
    sections = {section["part"]: section for section in stories["functions"].json()["story"]["sections"]}
    named = [row[0][0] for row in sections["metrics"]["blocks"][0]["rows"]]
    assert len([name for name in named if name.startswith("reward ")]) == len(FUNCTIONS)
    assert all(name.replace("\ufffd", "").isprintable() for name in named)


def functions(text: str) -> set[str]:
    """The reward functions of the run `functions` in a scrape."""
    families = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    return {
        s.labels["function"] for s in samples if s.labels.get("run") == "functions" and "function" in s.labels
    }


# The exposition.


def test_promtool_and_prometheus_accept_the_scrape(
    exporter: ExporterProcess, real_tool: Tool, tmp_path: Path
) -> None:
    """promtool has nothing to say of the scrape, and a real Prometheus takes it in with every run."""
    text = exporter.get("/metrics", {"Accept": "text/plain"}).content
    said = subprocess.run([real_tool("promtool"), "check", "metrics"], input=text, capture_output=True)
    assert (said.returncode, said.stdout + said.stderr) == (0, b"")
    with Prometheus(tmp_path, exporter.address, binary=real_tool("prometheus")) as prometheus:
        every, records = set(runs(exporter)), 'llmtrain_records_total{kind="train"}'
        eventually(lambda: {item["metric"]["run"] for item in prometheus.query(records)} == every)
        eventually(lambda: [target["lastError"] for target in prometheus.targets()] == [""])


# What happens meanwhile.


def test_a_deleted_log_leaves_and_a_replaced_one_goes_on(exporter: ExporterProcess, tree: Path) -> None:
    """The run of a deleted file disappears; a file put in the place of another is read, counters go on."""
    (tree / "deleted/logging.jsonl").unlink()
    before = records(exporter, "replaced") or 0
    append(tree / "replaced/new", swift(5), swift(6)).replace(tree / "replaced/logging.jsonl")
    eventually(lambda: records(exporter, "replaced") == before + 2)
    eventually(lambda: records(exporter, "deleted") is None)
    assert records(exporter, "replaced") == before + 2


def test_a_log_that_becomes_a_pipe_blocks_nobody(exporter: ExporterProcess, tree: Path) -> None:
    """A FIFO in the place of a log that was followed is never opened."""
    log = append(tree / "turning/logging.jsonl", swift(1))
    eventually(lambda: records(exporter, "turning") == 1)
    log.unlink()
    os.mkfifo(log)
    count = records(exporter, "good") or 0
    append(tree / "good/logging.jsonl", swift(102))
    eventually(lambda: records(exporter, "good") == count + 1)
    eventually(lambda: records(exporter, "turning") is None)
    assert records(exporter, "good") == count + 1


def test_clocks_that_jump_stop_nobody(exporter: ExporterProcess, tree: Path) -> None:
    """Lines are seen whatever time the file claims; no record lies in the future."""
    log = log_of(tree / "future")
    for step, age in ((3, -50 * YEAR), (4, 3600.0), (5, 40 * YEAR), (6, -YEAR)):
        with log.open("ab", buffering=0) as file:
            file.write(good_line(step))
            touch(log, time.time() - age)
        eventually(lambda step=step: records(exporter, "future") == step)  # type: ignore[misc]
    last = exporter.metrics()[series("llmtrain_last_record_timestamp_seconds", {"run": "future"})]
    assert last <= time.time()


def test_crowds_and_slow_clients_do_not_stop_the_follower(exporter: ExporterProcess, tree: Path) -> None:
    """Under a hundred scrapes at a time, half requests and unread answers a new line has its turn.

    Counted in answers to the crowd, which take as much longer on a busy machine as the line does.
    """
    stop = threading.Event()
    answers: list[int] = []

    def scrape() -> None:
        while not stop.is_set():
            answers.append(exporter.get("/metrics").status_code)

    with ExitStack() as clients, ThreadPoolExecutor(CROWD) as crowd:
        clients.callback(stop.set)
        for sent in (b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow:", b"") * 5:
            clients.enter_context(slow_client(exporter, sent))
        for _ in range(10):
            clients.enter_context(slow_client(exporter, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50))
        scrapes = [crowd.submit(scrape) for _ in range(CROWD)]
        eventually(lambda: len(answers) >= CROWD)
        waits = [answers_before_a_line(exporter, tree / "good/logging.jsonl", answers) for _ in range(5)]
        stop.set()
    assert [scrape.exception() for scrape in scrapes] == [None] * CROWD
    assert set(answers) == {200}
    assert sorted(waits)[2] < MOST_BEFORE, waits


def slow_client(exporter: ExporterProcess, sent: bytes) -> socket.socket:
    """A connection that has sent this much and reads nothing."""
    host, port = exporter.address.split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(HANGS_SECONDS)
    connection.connect((host, int(port)))
    connection.sendall(sent)
    return connection


def answers_before_a_line(exporter: ExporterProcess, log: Path, answers: list[int]) -> int:
    """How many answers others get between a line's writing and an answer that shows it."""
    step = int(runs(exporter)["good"]["last_step"]) + 1
    before = len(answers)
    append(log, swift(step))
    eventually(lambda: runs(exporter)["good"]["last_step"] == step)
    return len(answers) - before


@pytest.mark.parametrize("errors", ["2>/dev/full", "2>&-", ">&- 2>&-"])
def test_no_room_for_its_own_output_stops_nobody(errors: str, tmp_path: Path) -> None:
    """On a full disk, or without a standard error at all, logs are followed and the end is a clean one."""
    log = append(tmp_path / "run/logging.jsonl", swift(1))
    log_of(tmp_path / "dangling").symlink_to("nowhere")  # which is a warning
    process = ExporterProcess([tmp_path, "--log-level", "debug"])
    process.command = ["sh", "-c", f'exec "$@" {errors}', "sh", *process.command]
    with process:
        assert records(process, "run") == 1
        append(log, swift(2))
        eventually(lambda: records(process, "run") == 2)
        assert own(process, "errors_total", kind="scan") > 0
        assert process.terminate() == 0
