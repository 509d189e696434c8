"""A log is known again by what its trainer wrote, whoever reads it, in any portions, whatever is chosen."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest.discover import Found, SearchMemory, SearchOptions, discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.live_history import LiveHistory
from llmtrain_exporter.push.log_digest import LogMark
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.watching.live import LiveRun

from tests import event_files
from tests.histories import NOW, WRITTEN, logged, records
from tests.printed_logs import random_log
from tests.tracker_files import wandb_file
from tests.training import append, swift, swift_eval, swift_summary, touch

CHOICES = (("*",), ("loss",), ("eval*",), ("!loss",), ("nothing",))
Marks = Mapping[int, LogMark]


def swift_log(folder: Path, chance: random.Random) -> Path:
    """A log of ms-swift: evaluations, what two ranks say, a resume, rows of which nothing is understood."""
    lines, step = [], 0
    for _ in range(chance.choice([20, 300])):
        step = max(step - 20, 1) if chance.random() < 0.01 else step + 1
        row = swift(step, grad_norm=chance.random()) if chance.random() < 0.9 else swift(step)
        lines += chance.choices([[row], [row, row], [row, swift_eval(step)], [row, "none"]], [9, 1, 1, 1])[0]
    return append(folder / "logging.jsonl", *lines, swift_summary(step))


def printed_log(folder: Path, chance: random.Random) -> Path:
    """What is printed of a training, of which no row states its step."""
    return append(folder / "train.log", random_log(chance.randrange(1000)).text)


def events(folder: Path, chance: random.Random) -> Path:
    """Event files, the last row of which is held until it is whole."""
    path = append(folder / event_files.NAME)
    path.write_bytes(event_files.log(range(1, chance.choice([5, 50]))))
    return path


def resumed(folder: Path, _: random.Random) -> Path:
    """Two files of one training; the second one grows."""
    last = folder
    for start, steps, began in (("080000", range(1, 31), 0.0), ("090000", range(21, 51), 1000.0)):
        rows = [
            {"train/loss": 1 / step, "_step": step, "_timestamp": WRITTEN + began + step} for step in steps
        ]
        last = wandb_file(folder / "wandb" / f"run-20260101_{start}-abc" / "run-abc.wandb", rows)
    return last


def found_in(folder: Path) -> list[Found]:
    """The only run there, or none: what is printed at random need not look like one."""
    options = SearchOptions()
    return list(discover([str(folder)], options, NOW, memory=SearchMemory(options)).found)


class Marked:
    """A sink that keeps what the log of each record is known by."""

    def __init__(self) -> None:
        self.marks: dict[int, LogMark] = {}

    def put(self, samples: RecordSamples) -> None:
        """Keep it."""
        self.marks[samples.record] = samples.mark

    def read_up_to(self, _: str, __: int) -> None:
        """What comes is another log, or this one better known."""
        self.marks.clear()


def followed(found: Found, growing: Path, cuts: list[int], chosen: tuple[str, ...]) -> Marks:
    """What is put of a log that grows, as far as each of these bytes, and then is silent."""
    whole, sink = growing.read_bytes(), Marked()

    def observe(run: object) -> LiveHistory:
        return LiveHistory(run, ChosenMetrics(chosen))  # type: ignore[arg-type]  # a run

    growing.write_bytes(whole[: cuts[0]])
    run = LiveRun(found, found.run, RunOptions(), open_source(found, Readers()), observe)
    ends = [*((at / 100, end) for at, end in enumerate(cuts)), *((at, len(whole)) for at in (1.0, 1e4, 2e4))]
    for seconds, end in ends:
        with growing.open("ab") as log:
            log.write(whole[log.tell() : end])
        run.source.check(seconds)
        while run.read_on(seconds, WRITTEN + seconds) is not None:
            run.observer.hand_on(run, sink)
        run.observer.hand_on(run, sink)
    run.source.close()
    return sink.marks


def read(found: Found, chosen: tuple[str, ...], patient: bool) -> Marks:
    """What is read of a log that is there."""
    history = RunHistory(found, found.run, RunOptions(), Readers(), ChosenMetrics(chosen), patient)
    return {each.record: each.mark for each in history.samples(1e6, NOW)}


@pytest.mark.parametrize("write", [swift_log, printed_log, events, resumed])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.sampled_from(CHOICES), st.sampled_from(CHOICES))
def test_all_who_read_a_log_know_it_by_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    write: Callable[[Path, random.Random], Path],
    seed: int,
    live: tuple[str, ...],
    later: tuple[str, ...],
) -> None:
    """Who follows it, behind blocks that are only counted, and who reads it when it is there."""
    folder, chance = tmp_path_factory.mktemp("log"), random.Random(seed)
    growing = touch(write(folder, chance), WRITTEN)
    runs, size = found_in(folder), growing.stat().st_size
    assume(runs)
    (found,) = runs
    cuts = sorted(chance.randrange(size) for _ in range(chance.choice([1, 5, 30])))
    every = read(found, ("*",), patient=False)
    assert read(found, later, patient=True).items() <= every.items()
    put = followed(found, growing, cuts, live)
    assert put.items() <= every.items()


def test_what_is_followed_is_compared(tmp_path: Path) -> None:
    """So that this file tests what it says: a log that grows is put record by record."""
    growing = swift_log(tmp_path, random.Random(1))
    (found,), size = found_in(tmp_path), growing.stat().st_size
    every = read(found, ("*",), patient=False)
    put = followed(found, growing, [size // 2], ("*",))
    assert 0 < len(put) < len(every)
    assert max(put) == max(every)


def test_real_logs_are_known_by_the_same_whatever_is_chosen(corpus: Path) -> None:
    """Of each trainer."""
    for path in sorted(corpus.glob("public/*"))[:40]:
        options = SearchOptions()
        for found in discover([str(path)], options, NOW, memory=SearchMemory(options)).found[:2]:
            every = read(found, ("*",), patient=True)
            assert read(found, ("loss",), patient=True).items() <= every.items(), path


@pytest.mark.parametrize(
    ("changed", "differs"), [({"loss": 9.0}, True), ({"grad_norm": 9.0}, True), ({"memory(GiB)": 9.0}, False)]
)
def test_a_log_that_says_something_else_is_another(
    tmp_path: Path, changed: dict[str, float], differs: bool
) -> None:
    """From the record on that differs; clocks and the like are no matter."""
    one = records(logged(tmp_path / "a", *(swift(step, **{"memory(GiB)": 1.0}) for step in range(1, 9))))
    rows = [swift(step, **{"memory(GiB)": 1.0, **(changed if step == 3 else {})}) for step in range(1, 9)]
    other = records(logged(tmp_path / "b", *rows))
    same = [a.mark == b.mark for a, b in zip(one, other, strict=True)]
    assert same == [True, True, *([not differs] * 6)]
    assert one[3].mark.digest == one[3].mark.early
    assert one[6].mark.early == one[3].mark.digest
