"""The end of the exporter, wanted or not, and what it knows when it is started again."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.progress import Progress
from tests.servers import KILLED_SECONDS, ExporterProcess, eventually, series
from tests.training import append, llamafactory, printed, swift, swift_eval, swift_summary, trainer_state

ROWS, ROWS_A_LOOK = 300, 10
STOP_SECONDS = 2.0  # of the processor
BY_THE_CLOCK = ("llmtrain_recent_seconds_per_step", "llmtrain_incident_onset_timestamp_seconds")
"""When a line was written is known only to who was there; of earlier ones just the time of the last."""


class Writer(threading.Thread):
    """Writes four logs at once: whole lines, torn ones, printed ones, and one that gets a trainer state.

    After each few rows it waits until somebody had a `look` at them. No look finds the last torn line whole.
    """

    def __init__(self, root: Path, seed: int, look: Callable[[], object]) -> None:
        super().__init__()
        self.rows = Progress()
        self._root = root
        self._random = random.Random(seed)
        self._look = look
        self._rest = ""  # of the torn line

    def run(self) -> None:
        """All rows."""
        try:
            self._write()
        finally:
            self.rows.end()

    def _write(self) -> None:
        for step in range(1, ROWS + 1):
            resumed = step if step < ROWS / 2 else step - 20
            append(self._root / "whole/logging.jsonl", swift(resumed))
            append(self._root / "factory/trainer_log.jsonl", llamafactory(step))
            append(self._root / "printed/train.log", f"step {step}", printed(step))
            self._torn(f"{swift(step)}\n")
            if step % 50 == 0:
                append(self._root / "whole/logging.jsonl", swift_eval(resumed))
                state = self._root / "factory/trainer_state.json"
                append(state.with_name("part"), trainer_state(range(1, step + 1))).replace(state)
            self.rows.step()
            if step % ROWS_A_LOOK == 0:
                self._look()
        append(self._root / "whole/logging.jsonl", swift_summary(ROWS - 20))
        self._write_pieces(self._rest)

    def _torn(self, line: str) -> None:
        """Some of the line, behind what was left of the one before."""
        text = self._rest + line
        left = self._random.randint(1, len(line))
        self._rest = text[-left:]
        self._write_pieces(text[:-left])

    def _write_pieces(self, text: str) -> None:
        log = append(self._root / "torn/logging.jsonl")
        while text:
            size = self._random.randint(1, 60)
            with log.open("a") as file:
                file.write(text[:size])
            text = text[size:]


def of_runs(exporter: ExporterProcess) -> dict[str, float]:
    """All that a scrape says of runs."""
    return {
        name: value
        for name, value in exporter.metrics().items()
        if 'run="' in name and not name.startswith(BY_THE_CLOCK)
    }


def complete(exporter: ExporterProcess) -> bool:
    """Whether every row was seen."""
    values = exporter.metrics()
    expected = {"whole": ROWS, "factory": ROWS, "printed/train": ROWS, "torn": ROWS}
    counted = {
        run: values.get(series("llmtrain_records_total", {"run": run, "kind": "train"})) for run in expected
    }
    return counted == expected and values.get(series("llmtrain_grad_norm", {"run": "factory"})) == ROWS / 8


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_exporter_comes_back_to_the_same_state(seed: int, tmp_path: Path) -> None:
    """Killed at any moment while logs grow, and started again, it tells what one tells that saw it all."""
    chance = random.Random(seed)
    args: list[str | Path] = [tmp_path, "--stdout-log", "*.log", "--scan-interval", "1s"]
    append(tmp_path / "factory/trainer_log.jsonl")
    with ExporterProcess([*args, "--poll-interval", "20ms"]) as witness:
        writer = Writer(tmp_path, seed, witness.read_again)
        writer.start()
        while writer.is_alive():
            with ExporterProcess(args) as victim:
                writer.rows.grow(chance.randint(0, ROWS // 4))
                victim.kill()
        eventually(lambda: complete(witness))
        with ExporterProcess(args) as last:
            eventually(lambda: complete(last))
            for exporter in (witness, last):
                exporter.search_again()
                exporter.read_again()
            told, expected = of_runs(last), of_runs(witness)
    assert len(expected) > 100
    names = {*told, *expected}
    assert {
        name: (told.get(name), expected.get(name)) for name in names if differ(name, told, expected)
    } == {}


def differ(name: str, *states: dict[str, float]) -> bool:
    """Whether a series has several values; NaN is one."""
    return len({repr(state.get(name)) for state in states}) > 1


# Stopping.


@contextmanager
def started(exporter: ExporterProcess) -> Iterator[subprocess.Popen[bytes]]:
    """The process as soon as it answers at all, ready or not; untraced, since its work is measured."""
    untraced = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    process = subprocess.Popen(exporter.command, env=untraced, stderr=subprocess.PIPE)
    try:
        eventually(lambda: answers(exporter))
        yield process
    finally:
        process.kill()
        process.wait()


def answers(exporter: ExporterProcess) -> bool:
    """Whether it answers."""
    try:
        return exporter.get("/-/healthy").status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Logs that take long to read: a long one and many."""
    root = tmp_path_factory.mktemp("large")
    text = "".join(f"{swift(step, text='x' * 400)}\n" for step in range(1, 1501))
    for number in range(200):
        append(root / f"{number}/logging.jsonl").write_text(text)
    long = append(root / "long/logging.jsonl")
    with long.open("w") as file:
        for _ in range(100):
            file.write(text)
    yield root
    shutil.rmtree(root)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon(number: signal.Signals, tmp_path: Path) -> None:
    """SIGTERM and Ctrl-C end it after little work, with exit code 0 and nothing to say."""
    append(tmp_path / "run/logging.jsonl", swift(1))
    with started(ExporterProcess([tmp_path])) as process:
        assert ended(process, number) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_in_the_middle_of_a_replay(number: signal.Signals, large: Path) -> None:
    """The same while large logs are being read for the first time."""
    exporter = ExporterProcess([large])
    with started(exporter) as process:
        assert exporter.get("/-/ready").status_code == 503
        assert ended(process, number) == (0, b"")


def ended(process: subprocess.Popen[bytes], number: signal.Signals) -> tuple[int, bytes]:
    """Send the signal, after which the process must not do much more; its exit code and what it said."""
    before = of_children() + of_process(process.pid)
    process.send_signal(number)
    _, said = process.communicate(timeout=KILLED_SECONDS)
    assert of_children() - before < STOP_SECONDS
    return process.returncode, said


def of_process(pid: int) -> float:
    """Seconds of the processor that a process has had so far, in its own code and in the system's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def of_children() -> float:
    """The same of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
