"""The room of logs under watch, without those who drive it: a live run, the set, what sleeps, why none."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import ClassVar, cast

import pytest
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.config.run_rules import RunRule
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Reading, Source
from llmtrain_exporter.ingest.search_options import SearchOptions
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun, Record, RowKind, Snapshot, State, series
from llmtrain_exporter.publish.watch.folder import WatchedFolder
from llmtrain_exporter.watching.live import OVER_SECONDS, LiveRun
from llmtrain_exporter.watching.observer import unobserved
from llmtrain_exporter.watching.on_demand import open_log, read_each, read_log, read_once, read_to_end
from llmtrain_exporter.watching.rules import RunRules, problems_of, rules_for_serving
from llmtrain_exporter.watching.run_set import SCANS_MISSING, Changes, RunSet
from llmtrain_exporter.watching.seats import Seats
from llmtrain_exporter.watching.sleeping import SleepingRun

from tests.analysing import grpo
from tests.training import append, llamafactory, swift, swift_eval, touch, trainer_state

NOW = 1_800_000_000.0
TRAIN = series(c.RECORDS, ("kind", "train"))
RULES = RunRules(Settings(stdout_log=("*.log",)), RunOptions())


class Steps:
    """An observer that remembers the steps that it has seen."""

    reads_state: ClassVar[bool] = True

    def __init__(self, _: Run) -> None:
        self.seen: list[tuple[RowKind, int | None, bool]] = []

    def note(self, record: Record, analysis: Analysis | None, /) -> None:
        """See a record, and whether anything judges it by now."""
        self.seen.append((record.kind, record.step, analysis is not None))


def live(log: Path) -> LiveRun[Steps]:
    """The run of that log under watch, nothing of it read."""
    (found,) = RULES.search([str(log)], NOW).found
    return LiveRun(found, "run", RunOptions(), open_source(found, Readers()), Steps)


def read(run: LiveRun[Steps], now: float = NOW) -> LiveRun[Steps]:
    """The same with all read that there is; each read is a second later than the one before."""
    while run.read_on(now, now) is not None:
        pass
    return run


# A live run


def test_an_observer_sees_every_record_that_counts(tmp_path: Path) -> None:
    """In order, of each kind, with what judges it; a second writer's are left out."""
    rows = [swift_eval(1), swift(1), swift(1), swift(2), swift_eval(2)]
    run = read(live(append(tmp_path / "logging.jsonl", *rows, modified=NOW)))
    assert run.observer.seen == [
        (RowKind.EVAL, 1, True),
        (RowKind.TRAIN, 1, True),
        (RowKind.TRAIN, 2, True),
        (RowKind.EVAL, 2, True),
    ]
    assert run.folded.records[RowKind.TRAIN] == 3


@pytest.mark.parametrize("by_blocks", [True, False])
def test_an_observer_sees_every_record_of_a_calm_run(tmp_path: Path, by_blocks: bool) -> None:
    """With its values, though they are taken in by blocks; who wants to sees the run at each of them."""
    rows = [{**row, "global_step/max_steps": f"{step}/900"} for step, row in enumerate(grpo(400), 1)]
    log = append(tmp_path / "logging.jsonl", *map(json.dumps, rows), modified=NOW)
    (found,) = RULES.search([str(log)], NOW).found
    run = LiveRun(
        found, "run", RunOptions(), open_source(found, Readers()), lambda run: Seen(run, not by_blocks)
    )
    run.read_on(NOW, NOW)
    append(log, json.dumps(rows[-1]), swift_eval(400), modified=NOW)
    run.read_on(NOW + 1, NOW + 1)
    seen, standing = run.observer.seen, run.observer.standing
    assert [record.step for record in seen] == [*range(1, 401), 400]
    assert [record.get(c.REWARD) for record in seen[:400]] == [row["reward"] for row in rows]
    assert (standing == [*range(1, 401), 400]) is not by_blocks


class Seen:
    """An observer that remembers the records that it has seen, and where the run stood meanwhile."""

    def __init__(self, run: Run, reads_state: bool) -> None:
        self.reads_state = reads_state
        self.seen: list[Record] = []
        self.standing: list[int | None] = []
        self._run = run

    def note(self, record: Record, _: Analysis | None, /) -> None:
        """See a record."""
        self.seen.append(record)
        self.standing.append(self._run.position.last_step)


def test_a_run_that_is_rewritten_begins_anew_with_its_counters(tmp_path: Path) -> None:
    """A new fold, a new observer, the arguments that lie there by now; only the counters go on."""
    log = append(tmp_path / "logging.jsonl", *map(swift, range(1, 6)), modified=NOW)
    run = read(live(log))
    assert (run.bytes_read, run.rewritten, run.caught_up) == (log.stat().st_size, 0, True)
    (tmp_path / "args.json").write_text(json.dumps({"max_grad_norm": 0.5}))
    log.write_text("")
    append(log, swift(7), modified=NOW)
    read(run, NOW + 1)
    assert [step for _, step, _ in run.observer.seen] == [7]
    assert (run.bytes_read, run.rewritten) == (log.stat().st_size, 1)
    snapshot = run.snapshot(NOW + 1)
    assert (snapshot.records[RowKind.TRAIN], snapshot.samples[TRAIN]) == (1, 6)
    assert snapshot.hyper_parameters.numbers["max_grad_norm"] == 0.5


class StatesTimes:
    """A log that states when its records were written, until another one stands in its place."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def poll(self, now: float) -> Reading | None:
        """As the log's own, with times."""
        reading = self._source.poll(now)
        if reading is None or reading.restarted:
            return reading
        return replace(reading, times=[NOW] * len(reading.records))

    def __getattr__(self, name: str) -> object:
        return getattr(self._source, name)


def test_another_log_in_the_place_may_state_no_times(tmp_path: Path) -> None:
    """Then when its records came is not what it says."""
    log = append(tmp_path / "logging.jsonl", swift(1), modified=NOW)
    run = live(log)
    run.source = cast("Source", StatesTimes(run.source))
    assert read(run).states_times is True
    log.write_text("")
    append(log, swift(7), modified=NOW)
    assert (read(run, NOW + 1).rewritten, run.states_times) == (1, False)


def test_a_run_that_is_read_again_because_more_is_known_counts_nothing_twice(tmp_path: Path) -> None:
    """LLaMA-Factory's trainer_state.json comes late: the same rows, with a grad_norm."""
    append(tmp_path / "trainer_log.jsonl", *map(llamafactory, range(1, 6)), modified=NOW)
    append(tmp_path / "trainer_state.json", trainer_state([1]), modified=NOW)
    run = read(live(tmp_path))
    append(touch(tmp_path / "trainer_state.json", NOW), "")
    (tmp_path / "trainer_state.json").write_text(trainer_state(range(1, 6)))
    read(run, NOW + 1)
    assert run.snapshot(NOW).samples[TRAIN] == 5
    assert (run.rewritten, len(run.observer.seen)) == (0, 5)


def test_an_error_is_news_once_until_it_is_over(tmp_path: Path) -> None:
    """And again when it comes back; a log that cannot be read has not been read to its end."""
    log = tmp_path / "logging.jsonl"
    run = live(append(log, swift(1), modified=NOW))
    log.unlink()
    run.read_on(NOW, NOW)
    assert "No such file" in (run.news_of_error() or "")
    run.read_on(NOW + 60, NOW)
    assert (run.news_of_error(), run.caught_up) == (None, False)
    append(log, swift(1), modified=NOW)
    read(run, NOW + 120)
    assert (run.news_of_error(), run.caught_up) == (None, True)
    log.unlink()
    run.check_path(NOW + 180)
    assert "No such file" in (run.news_of_error() or "")


def test_a_run_is_over_when_nothing_more_has_come_for_a_while(tmp_path: Path) -> None:
    """As it is settled by then; one that hangs is settled when its silence is as bad as can be."""
    done = read(live(append(tmp_path / "a/logging.jsonl", swift(8, 9), swift(9, 9), modified=NOW)))
    assert done.state(NOW) is State.FINISHED
    for later, expected in ((0.0, False), (OVER_SECONDS, True)):
        assert (done.is_over(NOW + later), done.is_settled(NOW + later)) == (expected, expected)
    hangs = read(live(append(tmp_path / "b/logging.jsonl", *map(swift, range(1, 9)), modified=NOW)))
    assert [hangs.is_settled(NOW + later) for later in (60, 400, 86400)] == [False, False, True]
    assert not hangs.is_over(NOW + 86400)


def test_only_what_was_seen_training_is_missed_when_it_is_silent(tmp_path: Path) -> None:
    """A run that was silent before anybody looked is left alone, an empty log after a while."""
    log = append(tmp_path / "a/logging.jsonl", *map(swift, range(1, 9)), modified=NOW)
    seen, met = read(live(log)), read(live(log), NOW + 86400)
    assert (seen.is_live(NOW), seen.is_live(NOW + 86400), met.is_live(NOW + 86400)) == (True, True, False)
    waits = read(live(append(tmp_path / "b/logging.jsonl", modified=NOW)))
    assert [waits.is_live(NOW + later) for later in (0, 86400)] == [True, False]


def test_a_run_that_is_given_up_is_asked_no_more(tmp_path: Path) -> None:
    """It is as good as over, holds nothing open, and says what came out of it."""
    log = append(tmp_path / "logging.jsonl", swift(1), modified=NOW)
    run = read(live(log))
    run.give_up(ZeroDivisionError("x"))
    append(log, swift(2))
    assert (run.grown(), run.source.place) == (False, None)
    assert (run.state(NOW), run.is_over(NOW), run.hindrance) == (State.FAILED, True, "ZeroDivisionError")
    assert run.why_none() == NoRun(str(log), NoRunReason.BROKEN, {}, "ZeroDivisionError")


# The set


class Watch:
    """A set of runs below a folder, searched again and again."""

    def __init__(self, root: Path, max_runs: int = 100, rules: RunRules = RULES) -> None:
        self.root = root
        self.rules = rules
        self.runs: RunSet[None] = RunSet(rules, unobserved, max_runs)
        self.now = NOW

    def search(self) -> Changes[None]:
        """Search, and read all that there is."""
        self.now += 5
        changes = self.runs.update(self.rules.search([str(self.root)], self.now), self.now)
        for run in self.runs.awake:
            while run.read_on(self.now, self.now) is not None:
                pass
        return changes

    @property
    def names(self) -> list[str]:
        """The names of all runs."""
        return sorted(run.name for run in self.runs)


def test_a_search_says_what_it_has_changed(tmp_path: Path) -> None:
    """New runs once, those that are let go after some searches, and what is left out."""
    watch = Watch(tmp_path, max_runs=2)
    for name in "abc":
        append(tmp_path / name / "logging.jsonl", swift(1), modified=NOW)
    changes = watch.search()
    assert ([run.name for run in changes.met], changes.left) == (["a", "b"], [])
    assert changes.left_out["max_runs"] == 1
    assert watch.search().met == []
    (tmp_path / "a" / "logging.jsonl").unlink()
    left = [watch.search().left for _ in range(SCANS_MISSING)]
    assert (left, watch.names) == ([[], [], ["a"]], ["b", "c"])


def test_live_runs_have_the_seats(tmp_path: Path) -> None:
    """Where there are too many, those that were written to last are watched, whatever they are called."""
    watch = Watch(tmp_path, max_runs=2)
    for name, old in (("a", 86400), ("b", 50000), ("y", 60), ("z", 5)):
        append(tmp_path / name / "logging.jsonl", swift(1), modified=NOW - old)
    assert (watch.search().left_out["max_runs"], watch.names) == (2, ["y", "z"])
    append(tmp_path / "a" / "logging.jsonl", swift(2), modified=watch.now)  # live, but so are they
    watch.search()
    assert watch.names == ["y", "z"]
    watch.now += 3600
    append(tmp_path / "z" / "logging.jsonl", swift(2), modified=watch.now)
    append(tmp_path / "b" / "logging.jsonl", swift(2), modified=watch.now)
    changes = watch.search()
    assert (changes.left, watch.names) == (["y"], ["b", "z"])
    assert changes.met == []  # it had waited for a seat: it does not begin before our eyes


def test_runs_do_not_take_turns(tmp_path: Path) -> None:
    """However they are written to, those that are watched stay as long as they are live."""
    watch = Watch(tmp_path, max_runs=3)
    for round_ in range(30):
        for name in "abcdef":
            if (round_ + ord(name)) % 2:
                append(tmp_path / name / "logging.jsonl", swift(round_ + 1), modified=watch.now)
        changes = watch.search()
        assert changes.left == []
    assert len(watch.names) == 3


def test_seats_and_names_are_shared_by_several_sets(tmp_path: Path) -> None:
    """Roots that are searched apart have no more runs together, and no name twice."""
    seats, rules = Seats(), rules_for_serving(Settings(runs=(RunRule(match="*", name="same"),)))
    sets = {root: RunSet(rules, unobserved, 3, seats) for root in ("one", "two")}
    for root, name in product(sets, "ab"):
        append(tmp_path / root / name / "logging.jsonl", swift(1), modified=NOW - 1)
    for _ in range(2):
        for root, runs in sets.items():
            runs.update(rules.search([str(tmp_path / root)], NOW), NOW)
    names = [run.name for runs in sets.values() for run in runs]
    assert (len(names), len(set(names)), seats.taken) == (3, 3, 3)


def test_a_folder_that_is_renamed_while_its_run_goes_on_is_one_run(tmp_path: Path) -> None:
    """It is called otherwise from the next search on; under both names its rows would count twice."""
    watch = Watch(tmp_path)
    append(tmp_path / "old" / "logging.jsonl", *map(swift, range(1, 4)), modified=NOW)
    append(tmp_path / "other" / "trainer_state.json", trainer_state([1]), modified=NOW)
    watch.search()
    (tmp_path / "old").rename(tmp_path / "new")
    append(tmp_path / "new" / "logging.jsonl", swift(4), modified=NOW + 5)
    changes = watch.search()
    assert (changes.left, [run.name for run in changes.met]) == (["old"], ["new"])
    assert watch.names == ["new", "other"]


def test_a_run_that_is_found_under_another_path_keeps_its_name(tmp_path: Path) -> None:
    """A live log appears beside a trainer_state.json: the old one goes at once, and is in nobody's way."""
    watch = Watch(tmp_path)
    append(tmp_path / "run" / "trainer_state.json", trainer_state([1, 2]), modified=NOW)
    watch.search()
    append(tmp_path / "run" / "logging.jsonl", swift(1), modified=NOW)
    changes = watch.search()
    assert (changes.left, [run.name for run in changes.met], watch.names) == (["run"], ["run"], ["run"])


def test_a_run_that_is_to_be_read_otherwise_is_neither_new_nor_gone(tmp_path: Path) -> None:
    """Its name stays, and so do its counters."""
    watch = Watch(tmp_path)
    append(tmp_path / "run" / "trainer_log.jsonl", *map(llamafactory, range(1, 4)), modified=NOW)
    watch.search()
    (first,) = watch.runs.awake
    append(tmp_path / "run" / "trainer_state.json", trainer_state([1]), modified=NOW)
    changes = watch.search()
    (second,) = watch.runs.awake
    assert (changes.met, changes.left, watch.names, second is first) == ([], [], ["run"], False)


def test_what_a_search_finds_of_a_quiet_log_is_not_kept_twice(tmp_path: Path) -> None:
    """Others hold what was found first; of a log that was written to the newer one is taken."""
    watch = Watch(tmp_path)
    log = append(tmp_path / "run" / "logging.jsonl", swift(1), modified=NOW)
    watch.search()
    (run,) = watch.runs.awake
    first = run.found
    watch.search()
    assert run.found is first
    append(log, swift(2), modified=NOW + 5)
    watch.search()
    assert (run.found.modified, run.found.size) == (NOW + 5, log.stat().st_size)


def test_what_sleeps_keeps_its_place_and_counters(tmp_path: Path) -> None:
    """It holds no file; when its log goes on it is read from the first byte, and counts as before."""
    watch = Watch(tmp_path)
    log = append(tmp_path / "run" / "logging.jsonl", swift(1, 2), swift(2, 2), modified=NOW)
    watch.search()
    watch.runs.put_to_sleep(watch.runs.awake[0])
    (sleeping,) = watch.runs
    assert isinstance(sleeping, SleepingRun)
    assert not any(str(log) in os.readlink(f"/proc/self/fd/{fd}") for fd in open_descriptors())
    assert not sleeping.stirred(NOW)
    append(log, swift(3, 4), modified=NOW + 5)
    assert sleeping.stirred(NOW + 1)
    watch.runs.wake(sleeping)
    watch.search()
    assert watch.runs.awake[0].snapshot(NOW).samples[TRAIN] == 3
    watch.runs.put_to_sleep(watch.runs.awake[0])
    (sleeping,) = watch.runs
    assert isinstance(sleeping, SleepingRun)
    log.write_text(f"{swift(1)}\n")
    assert sleeping.stirred(NOW + 60)
    watch.runs.wake(sleeping)
    watch.search()
    assert watch.runs.awake[0].snapshot(NOW).samples[TRAIN] == 4


def open_descriptors() -> Iterable[int]:
    """Those of this process that still name something."""
    return [int(fd) for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")]


# A log on demand


def test_a_log_is_read_on_and_then_taken_with_its_half_line(tmp_path: Path) -> None:
    """What is half there waits for the next time, and is a line after all for whoever asks once."""
    log = append(tmp_path / "logging.jsonl", swift(1), modified=NOW)
    with log.open("a") as file:
        file.write(swift(2))
    (found,) = RULES.search([str(log)], NOW).found
    run = open_log(found, RunOptions(), Readers(), unobserved)
    read_to_end(run, 0.0, NOW)
    assert run.folded.records[RowKind.TRAIN] == 1
    append(log, "", swift(3))
    sizes: list[int] = []
    outcome = read_once(run, NOW, sizes.append)
    assert isinstance(outcome, Snapshot)
    assert (outcome.records[RowKind.TRAIN], sum(sizes)) == (3, log.stat().st_size - len(swift(1)) - 1)


def reasons(*paths: Path) -> dict[str, NoRun]:
    """Why there is no run, by the last part of the path."""
    found = read_each(read_log, [str(path) for path in paths], RULES, NOW)
    return {Path(none.file).name: none for none in found if isinstance(none, NoRun)}


def test_why_there_is_no_run_is_one_of_few_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the lines that were read, and what the system says where it refuses."""
    append(tmp_path / "logging.jsonl")
    append(tmp_path / "words.log", "hello", "there")
    append(tmp_path / "bad" / "logging.jsonl", swift(666))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    fold = Run.fold

    def fail(run: Run, record: Record, arrived: float) -> bool:
        if record.step == 666:
            raise ZeroDivisionError
        return fold(run, record, arrived)

    monkeypatch.setattr(Run, "fold", fail)
    names = ("logging.jsonl", "words.log", "bad", "folder", "pipe.log", "gone")
    found = reasons(*(tmp_path / name for name in names if name != "bad"))
    found["bad"] = reasons(tmp_path / "bad")["logging.jsonl"]
    assert {name: (none.reason, none.detail) for name, none in found.items()} == {
        "logging.jsonl": (NoRunReason.EMPTY, ""),
        "words.log": (NoRunReason.NO_RECORD, ""),
        "bad": (NoRunReason.BROKEN, "ZeroDivisionError"),
        "folder": (NoRunReason.NO_LOG, ", ".join(SearchOptions().names)),
        "pipe.log": (NoRunReason.UNREADABLE, "is a named pipe, not a regular file"),
        "gone": (NoRunReason.NOT_THERE, ""),
    }
    assert found["words.log"].skipped == {"text": 2}


@pytest.mark.parametrize("reason", NoRunReason)
@pytest.mark.parametrize("lang", Lang)
def test_every_reason_has_its_words(reason: NoRunReason, lang: Lang) -> None:
    """In both languages, with what the system says where there is room for it: its braces are text."""
    text = words.no_run_reason(reason, "{x} %s", lang)
    with_detail = (NoRunReason.UNREADABLE, NoRunReason.BROKEN, NoRunReason.NOT_CHOSEN)
    assert text.strip()
    assert ("{x} %s" in text) == (reason in with_detail)
    assert len({text.of(lang) for text in words.NO_RUN_REASONS.values()}) == len(NoRunReason)


def test_what_is_not_there_is_told_in_the_language_that_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason is no sentence that only one language has."""
    assert run_cli(commands, ["check", str(tmp_path / "x"), "--lang", "zh"]) == 3
    reason = words.no_run_reason(NoRunReason.NOT_THERE, "", Lang.ZH)
    assert f"x: {reason}" in capsys.readouterr().out.replace("\n", "")


def test_a_search_tells_what_is_not_there_from_what_is_refused(tmp_path: Path) -> None:
    """By the reason, whatever is said of it."""
    os.mkfifo(tmp_path / "pipe.log")
    scan = RULES.search([str(tmp_path / "pipe.log"), str(tmp_path / "gone")], NOW)
    assert {Path(none.file).name: none.reason for none in problems_of(scan)} == {
        "pipe.log": NoRunReason.UNREADABLE,
        "gone": NoRunReason.NOT_THERE,
    }


# What nobody expected


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A log whose analysis fails."""

    def fail(*_: object) -> bool:
        raise ZeroDivisionError("where it broke")

    monkeypatch.setattr(Run, "fold", fail)
    return append(tmp_path / "logging.jsonl", swift(1), modified=NOW)


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The class of every exception in the log."""
    return [
        record.exc_info[0].__name__ for record in caplog.records if record.exc_info and record.exc_info[0]
    ]


def test_an_unexpected_exception_is_kept_with_its_traceback(
    broken: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the debug log, by whoever reads a log once and by the watch in a terminal; no louder than that."""
    caplog.set_level(logging.DEBUG)
    list(read_each(read_log, [str(broken)], RULES, NOW))
    WatchedFolder(str(broken), Settings(), None).look(0.0, NOW)
    assert tracebacks(caplog) == ["ZeroDivisionError"] * 2
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}


@pytest.mark.parametrize("level", ["warning", "debug"])
def test_the_debug_log_of_a_command_is_there_for_the_asking(
    level: str, broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the setting of serve; without it the exception has a name and no more."""
    monkeypatch.setenv("LLMTRAIN_LOG_LEVEL", level)
    root = logging.getLogger()
    before, level_before = list(root.handlers), root.level
    try:
        assert run_cli(commands, ["check", str(broken)]) == 3
    finally:
        for handler in root.handlers[:]:
            root.removeHandler(handler)
        for handler in before:
            root.addHandler(handler)
        root.setLevel(level_before)
    told = capsys.readouterr()
    assert "cannot be analysed: ZeroDivisionError" in " ".join(told.out.split())
    assert ("where it broke" in told.err) == (level == "debug")
