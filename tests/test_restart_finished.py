"""Runs that are over, after a restart and read by other processes: told as if they had been read here."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse import run_series
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Found, SearchOptions, discover
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.serve import finished_runs, first_read
from llmtrain_exporter.serve.finished_runs import FILE, FinishedRuns
from llmtrain_exporter.serve.first_read import Processes
from llmtrain_exporter.serve.kept_run import PackedRun, WrongDataError, unpacked_run
from llmtrain_exporter.serve.reading_process import read_finished
from llmtrain_exporter.serve.reading_processes import ENOUGH, ForOneThread, Read, ReadingProcesses
from llmtrain_exporter.serve.watchers import Watchers
from llmtrain_exporter.watching import run_set
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.parked_log import ParkedLog
from llmtrain_exporter.watching.rules import rules_for_serving
from llmtrain_exporter.watching.sleeping import SleepingRun

from tests.conftest import ROOT
from tests.servers import ExporterProcess, eventually
from tests.test_parked import finished, of_runs, told
from tests.test_same_log import counted as counters_among
from tests.test_watch import START, Loop
from tests.training import append, swift, swift_summary, touch

__all__ = ["finished"]  # a fixture


LONG_AGO = 1_500_000_000.0
"""Before any file of a test was made."""


class NoSink:
    """A history that is sent nowhere."""

    def put(self, samples: RecordSamples) -> None:
        """Take the samples of a record."""

    def read_up_to(self, run: str, record: int) -> None:
        """So many records are to be read."""


class Restarted(Loop):
    """A loop that has a state folder, and perhaps others who read for it."""

    def __init__(
        self,
        root: Path,
        file: Path | None,
        start: Callable[[Settings], Processes | None] = lambda _: None,
        reads_all: bool = False,
        **settings: Any,
    ) -> None:
        self.finished = FinishedRuns(file, lambda: START)
        self._start = start
        self._sink = NoSink() if reads_all else None
        super().__init__(root, ignore_older=None, **settings)

    def restart(self) -> None:
        self._watchers = Watchers(
            self.settings, self.fleet, self.telemetry, self._sink, None, self.finished, self._start
        )
        self._watching = list(self._watchers.all)

    def end(self) -> None:
        """Write what is kept."""
        self.finished.close()

    @property
    def read(self) -> float:
        """Bytes that it has read."""
        return self.own("read_bytes_total")


def watched(root: Path, file: Path | None, **settings: Any) -> Restarted:
    """A loop that has read all below a folder, and was ended."""
    loop = Restarted(root, file, **settings)
    loop.scan(4)
    loop.pass_time(4)
    loop.end()
    return loop


def counted(loop: Loop) -> dict[str, float]:
    """The counters of the runs of a loop that are not at 0."""
    return {name: count for name, count in counters_among(loop.values()).items() if count}


class AtOnce:
    """Processes that are none: a log is read when somebody asks what has become of it."""

    def __init__(self, settings: Settings, broken: bool = False) -> None:
        self._rules = rules_for_serving(settings)
        self._given: deque[Found] = deque()
        self._broken = broken
        self.given: list[str] = []
        self.alive = True

    @property
    def idle(self) -> bool:
        """Whether it takes another log."""
        return self.alive and len(self._given) < ENOUGH

    def give(self, found: Found) -> None:
        """Have a log read."""
        self.given.append(found.path)
        self._given.append(found)

    def answers(self, _: float) -> Iterator[Read]:
        """One that was read; all that were given where it breaks."""
        if self._broken:
            self.alive = False
            yield from [Read(found.path, None, 0) for found in self._given]
        elif self._given:
            found = self._given.popleft()
            yield Read(found.path, *read_finished(found, self._rules, clock=lambda: START + 20))

    def close(self) -> None:
        """It is over."""
        self.alive = False


def exposed(loop: Loop) -> Sequence[bytes]:
    """The lines of all runs as they stand in a scrape, whatever order the runs were met in."""
    return sorted(loop.exposed().splitlines())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where runs are kept."""
    return tmp_path / "state" / FILE


def test_after_a_restart_all_is_told_as_before(finished: Path, file: Path) -> None:
    """Scrape, list, pages and JSON, in both languages; logs of lines are not read again."""
    first = watched(finished, file)
    again = watched(finished, file)
    assert exposed(again) == exposed(first)
    assert told(again) == told(first)
    assert again.read < first.read
    assert sum(isinstance(run.source, ParkedLog) for run in again.watcher._runs) >= 4


@pytest.mark.parametrize("broken", [False, True])
def test_what_others_have_read_is_told_as_if_it_had_been_read_here(
    finished: Path, file: Path, broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All the same where they break: nothing is lost; and the next start reads none of it again."""
    here = watched(finished, None)
    monkeypatch.setattr(run_set, "READ_AT_ONCE", 0)
    others: list[AtOnce] = []

    def start(settings: Settings) -> AtOnce:
        others.append(AtOnce(settings, broken))
        return others[-1]

    there = watched(finished, file, start=start)
    given = [path for each in others for path in each.given]
    assert len(given) > (1 if broken else len(here.runs) / 2)
    assert len(given) == len(set(given))
    assert exposed(there) == exposed(here)
    assert told(there) == told(here)
    assert exposed(watched(finished, file)) == exposed(here)


def test_many_logs_are_opened_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was written to last is read first; meanwhile it is told how many there are."""
    monkeypatch.setattr(run_set, "READ_AT_ONCE", 10)
    monkeypatch.setattr(first_read, "AT_ONCE", 16)
    loop = Restarted(tmp_path, None)
    for number in range(60):
        rows = map(swift, range(1, 4))
        append(
            tmp_path / f"{number:02}/logging.jsonl", *rows, swift_summary(3), modified=START - 100 + number
        )
    loop.watcher.scan(loop.now)
    assert not any(isinstance(run, LiveRun) for run in loop.watcher._runs)
    loop.watcher.round(1.0, loop.now)
    loop.watcher.round(1.1, loop.now)
    shown = loop.runs
    read, there = loop.watcher.pulse.logs
    assert 10 < len(shown) < 40
    assert max(shown) == "59"
    assert min(shown) > "20"
    assert (read, there) == (len(shown), 60)
    assert not loop.fleet.ready
    loop.look()
    assert len(loop.runs) == 60
    assert loop.fleet.ready


def test_a_log_that_leaves_before_it_was_opened_was_never_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is free again, too."""
    monkeypatch.setattr(run_set, "READ_AT_ONCE", 0)
    loop = Restarted(tmp_path, None)
    log = append(tmp_path / "a/logging.jsonl", swift(1), modified=START)
    loop.watcher.scan(loop.now)
    log.unlink()
    loop.watcher.scan(loop.now)
    append(log, swift(1), swift(2), modified=START)
    loop.scan()
    assert loop.runs == ["a"]
    assert loop.value("a", "records_total{kind=train}") == 2


def ended(root: Path) -> Path:
    """A log of a run that is over, and its settings."""
    (root / "run").mkdir(parents=True)
    (root / "run/args.json").write_text('{"rlhf_type": "grpo", "learning_rate": 1e-6}')
    touch(root / "run/args.json", START - 200)
    rows = map(swift, range(1, 31))
    return append(root / "run/logging.jsonl", *rows, swift_summary(30), modified=START - 100)


def more_rows(root: Path) -> None:
    append(root / "run/logging.jsonl", swift(31), swift_summary(31), modified=START - 90)


def other_rows(root: Path) -> None:
    log = root / "run/logging.jsonl"
    log.write_text(log.read_text().replace("0.0333", "0.0444"))
    touch(log, START - 100)


def other_settings(root: Path) -> None:
    (root / "run/args.json").write_text('{"rlhf_type": "grpo", "learning_rate": 2e-6}')
    touch(root / "run/args.json", START - 199)


def copied(root: Path) -> None:
    log = root / "run/logging.jsonl"
    shutil.copy2(log, log.with_name("copy"))
    log.with_name("copy").replace(log)


def other_rows_unseen(root: Path) -> None:
    """In the middle of a log, whose time of writing is set back to what it was."""
    log = root / "run/logging.jsonl"
    log.write_text(log.read_text().replace('"loss": 0.0666', '"loss": 0.0777'))
    touch(log, START - 100)


def other_settings_unseen(root: Path) -> None:
    """As many bytes, written at the same time."""
    (root / "run/args.json").write_text('{"rlhf_type": "grpo", "learning_rate": 2e-6}')
    touch(root / "run/args.json", START - 200)


CHANGES = [more_rows, other_rows, other_rows_unseen, other_settings, other_settings_unseen, copied]


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_read_again(
    change: Callable[[Path], None], tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log, or what lies beside it."""
    monkeypatch.setattr(finished_runs, "PROVED_BYTES", 64)
    ended(tmp_path / "logs")
    watched(tmp_path / "logs", file)
    assert watched(tmp_path / "logs", file).read == 0
    change(tmp_path / "logs")
    again, new = watched(tmp_path / "logs", file), watched(tmp_path / "logs", None)
    assert again.read > 0
    assert of_runs(again) == of_runs(new)
    assert watched(tmp_path / "logs", file).read == 0


def exchanged(root: Path) -> None:
    other_settings_unseen(root)
    touch(root / "run/args.json", LONG_AGO - 200)


def gone(root: Path) -> None:
    (root / "run/args.json").unlink()


@pytest.mark.parametrize("change", [exchanged, gone])
def test_settings_that_change_while_a_run_is_watched_are_read_again(
    change: Callable[[Path], None], tmp_path: Path, file: Path
) -> None:
    """Though they were written before it was met, as a copy is that keeps its time, or are no more."""
    ended(tmp_path / "logs")
    loop = Restarted(tmp_path / "logs", file)
    loop.now = LONG_AGO
    touch(tmp_path / "logs/run/logging.jsonl", LONG_AGO)
    loop.scan()
    change(tmp_path / "logs")
    loop.scan(4)
    loop.end()
    again, new = watched(tmp_path / "logs", file), watched(tmp_path / "logs", None)
    assert again.read > 0
    assert of_runs(again) == of_runs(new)


@pytest.mark.parametrize(
    "settings",
    [
        {"labels": {"team": "nlp"}},
        {"logging_steps": 5},
        {"profiles": {"own": {"inherits": "grpo"}}},
        {"runs": ({"match": "*", "profile": "sft"},)},
        {"max_other_keys": 3},
    ],
)
def test_with_other_settings_all_is_read_again(settings: dict[str, Any], tmp_path: Path, file: Path) -> None:
    """Those by which runs are judged, and of a single run too."""
    ended(tmp_path / "logs")
    watched(tmp_path / "logs", file)
    again = watched(tmp_path / "logs", file, **settings)
    assert again.read > 0
    assert of_runs(again) == of_runs(watched(tmp_path / "logs", None, **settings))


def test_by_another_program_all_is_read_again(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may judge otherwise."""
    ended(tmp_path / "logs")
    watched(tmp_path / "logs", file)
    monkeypatch.setattr(finished_runs, "_program", lambda: "another")
    assert watched(tmp_path / "logs", file).read > 0


def test_a_run_that_goes_on_after_a_restart_is_counted_on(tmp_path: Path, file: Path) -> None:
    """As it would have been without."""
    log = ended(tmp_path / "logs")
    watched(tmp_path / "logs", file)
    loop = Restarted(tmp_path / "logs", file)
    loop.scan(2)
    assert loop.read == 0
    append(log, swift(31), modified=loop.now)
    loop.pass_time(2)
    assert loop.value("run", "records_total{kind=train}") == 31
    assert loop.value("run", "run_state{state=running}") == 1


def test_what_another_log_had_before_it_was_met_is_no_news_after_a_restart_either(
    tmp_path: Path, file: Path
) -> None:
    """Its counters stand where they stood; what comes then is counted on."""
    log = ended(tmp_path / "logs")
    first = Restarted(tmp_path / "logs", file)
    first.scan(4)
    log.write_text("".join(f"{swift(step, kl=20.0)}\n" for step in range(1, 61)) + swift_summary(60) + "\n")
    touch(log, START - 50)
    first.pass_time(30)
    first.end()
    again = Restarted(tmp_path / "logs", file)
    again.scan(2)
    assert again.read == 0
    assert of_runs(again) == of_runs(first)
    assert again.value("run", "records_total{kind=train}") == 30
    append(log, swift(61), modified=again.now)
    again.pass_time(2)
    assert again.value("run", "records_total{kind=train}") == 31


Replace = Callable[[Path, str], None]


def over_it(log: Path, text: str) -> None:
    log.write_text(text)


def renamed_into_its_place(log: Path, text: str) -> None:
    log.with_name("other").write_text(text)
    log.with_name("other").replace(log)


@pytest.mark.parametrize("replace", [over_it, renamed_into_its_place])
@pytest.mark.parametrize("reads_all", [False, True])
def test_what_a_log_has_that_came_while_nobody_watched_is_no_news(
    replace: Replace, reads_all: bool, tmp_path: Path, file: Path
) -> None:
    """Its counters stand where those of the log before stood, at this start and the next; then they grow.

    So they do where each log is to be read, as for who protects runs.
    """

    def started() -> Restarted:
        loop = Restarted(tmp_path / "logs", file, reads_all=reads_all)
        loop.now = now
        loop.scan()
        return loop

    log = ended(tmp_path / "logs")
    before = counted(watched(tmp_path / "logs", file))
    replace(log, "".join(f"{swift(step, kl=20.0)}\n" for step in range(1, 61)))
    now = START + 1000
    touch(log, now - 5)
    again = started()
    assert again.read > 0
    assert again.run("run").last_step == 60
    assert counted(again) == before
    append(log, swift(61, kl=20.0), modified=again.now)
    again.pass_time(2)
    grown = counted(again)
    assert again.value("run", "records_total{kind=train}") == 31
    assert sum(grown.values()) > sum(before.values()) + 1  # a signal, too
    again.end()
    assert counted(started()) == grown


def test_a_run_that_began_anew_while_nobody_watched_is_news(tmp_path: Path, file: Path) -> None:
    """Its few records come on top of those of the run before, as if it had been seen."""
    log = ended(tmp_path / "logs")
    watched(tmp_path / "logs", file)
    renamed_into_its_place(log, swift(1) + "\n" + swift(2) + "\n")
    again = watched(tmp_path / "logs", file)
    assert again.value("run", "records_total{kind=train}") == 32


def test_counters_of_a_log_that_another_took_the_place_of_outlast_a_restart(
    tmp_path: Path, file: Path
) -> None:
    """While it trains: else they would fall, and Prometheus take that for growth from nothing."""
    log = ended(tmp_path / "logs")
    first = Restarted(tmp_path / "logs", file)
    first.scan()
    renamed_into_its_place(log, "".join(f"{swift(step)}\n" for step in range(1, 61)))
    touch(log, first.now)
    first.pass_time(8)
    append(log, swift(61), modified=first.now)
    first.pass_time(2)
    assert first.value("run", "records_total{kind=train}") == 31
    first.end()
    again = Restarted(tmp_path / "logs", file)
    again.now = first.now
    again.scan()
    assert again.value("run", "records_total{kind=train}") == 31


def test_many_logs_that_count_otherwise_than_before_are_told_as_few_are(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others that read them do not know what was counted before."""
    log = ended(tmp_path / "logs")
    shutil.copytree(log.parent, tmp_path / "logs/other")
    before = counted(watched(tmp_path / "logs", file))
    monkeypatch.setattr(finished_runs, "_program", lambda: "another")
    monkeypatch.setattr(run_set, "READ_AT_ONCE", 0)
    over_it(log, "".join(f"{swift(step)}\n" for step in range(1, 41)) + swift_summary(40) + "\n")
    touch(log, START - 50)
    loop = Restarted(tmp_path / "logs", file, AtOnce)
    loop.scan(4)
    loop.pass_time(4)
    assert counted(loop) == before
    assert all(isinstance(run, SleepingRun) for run in loop.watcher._runs)


@pytest.mark.parametrize("newer", [0, 7], ids=["one more counter", "one that counts less"])
def test_many_logs_are_read_once_though_another_program_counts_otherwise(
    newer: int, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade others read all logs, and nobody reads one again; no counter falls."""
    log = ended(tmp_path / "logs")
    shutil.copytree(log.parent, tmp_path / "logs/other")
    counting, changed = run_series.row_counters, series(c.RECORDS, ("kind", "summary"))

    def counts(*counts: Any) -> dict[Series, float]:
        found = counting(*counts)
        return {key: value for key, value in found.items() if key != changed} | (
            {changed: 7.0} if newer else {}
        )

    with monkeypatch.context() as older:
        older.setattr(run_series, "row_counters", counts)
        first = watched(tmp_path / "logs", file)
    told = "records_total{kind=summary}"
    assert (first.value("run", told) or 0) == newer
    monkeypatch.setattr(finished_runs, "_program", lambda: "another")
    monkeypatch.setattr(run_set, "READ_AT_ONCE", 0)
    read_here: list[str] = []
    meet = run_set.RunSet.meet_awaited

    def met(runs: run_set.RunSet[Any], path: str) -> LiveRun[Any]:
        read_here.append(path)
        return meet(runs, path)

    monkeypatch.setattr(run_set.RunSet, "meet_awaited", met)
    loop = Restarted(tmp_path / "logs", file, AtOnce)
    loop.scan(4)
    loop.pass_time(4)
    assert read_here == []
    assert all(isinstance(run, SleepingRun) for run in loop.watcher._runs)
    assert [loop.value(name, told) for name in ("run", "other")] == [newer or 1] * 2
    assert loop.read == first.read == 2 * log.stat().st_size
    loop.end()
    again = Restarted(tmp_path / "logs", file)
    again.scan(4)
    assert (again.read, again.value("run", told)) == (0, newer or 1)


def no_database(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)


def another_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")


def other_types(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE runs SET facts = 1, numbers = 'text'")


def other_facts(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("""UPDATE runs SET facts = CAST('{"producer": 1}' AS BLOB)""")


def no_layouts(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM layouts")


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def another_number(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        ((numbers,),) = connection.execute("SELECT numbers FROM runs")
        at = numbers.index(struct.pack("d", 30.0))  # of the steps
        changed = numbers[:at] + struct.pack("d", 31.0) + numbers[at + 8 :]
        connection.execute("UPDATE runs SET numbers = ?", (changed,))


def other_layouts(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE layouts SET series = CAST(replace(series, 'train', 'eval') AS BLOB)")


@pytest.mark.parametrize(
    "spoil",
    [
        no_database,
        another_version,
        other_types,
        other_facts,
        another_number,
        other_layouts,
        no_layouts,
        a_folder,
    ],
)
def test_a_file_that_is_wrong_is_as_if_it_were_not(
    spoil: Callable[[Path], None], tmp_path: Path, file: Path
) -> None:
    """Whatever is wrong with it; what can be written anew is."""
    ended(tmp_path / "logs")
    first = watched(tmp_path / "logs", file)
    spoil(file)
    again = watched(tmp_path / "logs", file)
    assert again.read == first.read
    assert of_runs(again) == of_runs(first)
    assert (watched(tmp_path / "logs", file).read == 0) == file.is_file()


def test_a_file_that_another_exporter_has_is_left_alone(tmp_path: Path, file: Path) -> None:
    """The second one reads its logs, and goes on."""
    ended(tmp_path / "logs")
    watched(tmp_path / "logs", file)
    one, other = (Restarted(tmp_path / "logs", file) for _ in range(2))
    for loop in (one, other):
        loop.scan(4)
    assert (one.read, other.read > 0) == (0, True)
    one.end()
    other.end()
    assert of_runs(one) == of_runs(other)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> PackedRun:
    """A real run, packed."""
    root = tmp_path_factory.mktemp("real")
    shutil.copytree(ROOT / "tests/fixtures/swift-sft", root / "run")
    for path in root.rglob("*"):
        touch(path, START - 100)
    (found,) = discover([str(root)], SearchOptions(ignore_older=None), START).found
    run, _ = read_finished(found, rules_for_serving(Settings()), clock=lambda: START)
    assert run is not None
    return run


@given(st.data())
def test_no_bytes_do_harm(packed: PackedRun, data: st.DataObject) -> None:
    """What was written reads back; whatever is spoilt is refused, or is plain data all the same."""
    spoilt = list(packed)
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.integers(0, 2))
        at = data.draw(st.integers(0, len(spoilt[part])))
        spoilt[part] = (
            spoilt[part][:at]
            + data.draw(st.binary(max_size=4))
            + spoilt[part][at + data.draw(st.integers(0, 4)) :]
        )
    assert unpacked_run(packed).samples
    try:
        unpacked_run(PackedRun(*spoilt))
    except WrongDataError:
        return
    assert spoilt


@pytest.fixture
def logs(tmp_path: Path) -> list[Found]:
    """Those of some runs that are over."""
    for number in range(4):
        rows = map(swift, range(1, 2000))
        append(tmp_path / f"{number}/logging.jsonl", *rows, swift_summary(1999), modified=1e9)
    return list(discover([str(tmp_path)], SearchOptions(ignore_older=None), START).found)


def answered(processes: ReadingProcesses, count: int) -> dict[str, Read]:
    """What has become of so many logs."""
    found: dict[str, Read] = {}
    while len(found) < count:
        found |= {read.path: read for read in processes.answers(1.0)}
    return found


def test_other_processes_read_logs(logs: list[Found]) -> None:
    """What they answer is what reading here gives; they are gone when they are not needed any more."""
    processes = ReadingProcesses(Settings(), 2)
    try:
        for found in logs:
            assert processes.idle
            processes.give(found)
        assert not processes.idle
        read = answered(processes, len(logs))
        ids = processes.ids
    finally:
        processes.close()
    rules = rules_for_serving(Settings())
    assert {path: (run, size) for path, run, size in read.values()} == {
        found.path: read_finished(found, rules) for found in logs
    }
    assert all(run is not None for _, run, _ in read.values())
    assert not any(os.path.exists(f"/proc/{number}") for number in ids)


def test_a_process_that_is_killed_loses_nothing(logs: list[Found]) -> None:
    """Its logs come back unread; when all are gone, none is alive."""
    processes = ReadingProcesses(Settings(), 1)
    for found in logs[:2]:
        processes.give(found)
    (number,) = processes.ids
    os.kill(number, 9)
    read = answered(processes, 2)
    assert len(read) == 2
    assert not processes.alive
    processes.close()


def test_a_process_that_hangs_is_given_up(logs: list[Found]) -> None:
    """It may hang in a file system that does not answer."""
    now = [0.0]
    processes = ReadingProcesses(Settings(), 1, lambda: now[0])
    (number,) = processes.ids
    os.kill(number, 19)
    processes.give(logs[0])
    assert list(processes.answers(0.0)) == []
    now[0] = 60.0
    assert list(processes.answers(0.0)) == [Read(logs[0].path, None, 0)]
    assert not processes.alive


def test_one_thread_at_a_time_has_them_and_on_one_core_nobody() -> None:
    """Else many roots would start many."""
    assert ForOneThread(1)(Settings()) is None
    start = ForOneThread(2)
    first = start(Settings())
    assert first is not None
    assert start(Settings()) is None
    first.close()
    second = start(Settings())
    assert second is not None
    second.close()


def test_an_exporter_that_is_started_again_reads_nothing_twice(tmp_path: Path) -> None:
    """The real one: with other processes at first, from its file then; scrapes say the same."""
    for number in range(150):
        rows = map(swift, range(1, 20))
        append(tmp_path / f"logs/{number}/logging.jsonl", *rows, swift_summary(19), modified=1e9)
    args: list[str | Path] = [tmp_path / "logs", "--state-dir", tmp_path / "state", "--ignore-older", "never"]
    told, read = [], []
    for _ in range(2):
        with ExporterProcess(args) as exporter:
            values = eventually(lambda: exporter.metrics())
            told.append({name: value for name, value in values.items() if 'run="' in name})
            read.append(values["llmtrain_exporter_read_bytes_total"])
    assert told[0] == told[1]
    assert len(told[0]) > 150 * 5
    assert read[0] > 0
    assert read[1] == 0
