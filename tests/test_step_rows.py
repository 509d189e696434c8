"""Numbers that are logged one by one become rows: where a row ends, and how long one is waited for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Source
from llmtrain_exporter.ingest.source import open_source, read_lines
from llmtrain_exporter.ingest.step_rows import (
    FLUSHING_SECONDS,
    MOST_NAMES,
    SETTLING_SECONDS,
    StepRow,
    StepRows,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import HyperParameters, Record, Resume, RowKind

from tests import training

TRAINED = {"perf/mfu": 31.2}, {"optim/lr": 1e-6, "optim/grad_norm": 0.31}, {"loss/mean": 0.5}
ROLLED_OUT = ({"train/all/reward/mean": 0.5},)


def told(rows: Sequence[StepRow]) -> list[tuple[int, list[str]]]:
    """The step and the names of each row."""
    return [(row.step, sorted(row.cells)) for row in rows]


def test_a_row_ends_where_its_step_is_left() -> None:
    """Whether the next step is later or earlier."""
    rows = StepRows()
    assert not rows.add(1, {"a": 1.0}, 0.0)
    assert not rows.add(1, {"b": 1.0}, 1.0)
    (first,) = rows.add(2, {"a": 1.0}, 2.0)
    assert (first.step, first.cells, first.began, first.ended) == (1, {"a": 1.0, "b": 1.0}, 0.0, 1.0)
    assert told(rows.add(1, {"a": 1.0}, 3.0)) == [(2, ["a"])]
    assert told(rows.end()) == [(1, ["a"])]
    assert rows.wait is None


def test_a_row_ends_where_a_number_comes_again() -> None:
    """But not at a name that each part of a row repeats."""
    rows = StepRows(again=("epoch",))
    rows.add(1, {"a": 1.0}, 0.0)
    rows.add(1, {"epoch": 1.0}, 0.0)
    assert not rows.add(1, {"epoch": 1.0}, 0.0)
    assert told(rows.add(1, {"a": 2.0}, 0.0)) == [(1, ["a", "epoch"])]


def test_a_step_that_goes_back_is_told_from_one_of_another_axis() -> None:
    """By whether its own numbers had been logged at a later step."""
    rows = StepRows()
    found = [
        row
        for step, name in (
            (10, "loss"),
            (1, "reward"),
            (11, "loss"),
            (2, "reward"),
            (5, "loss"),
            (3, "reward"),
        )
        for row in rows.add(step, {name: 1.0}, 0.0)
    ]
    assert [(row.step, row.goes_back) for row in found] == [
        (10, False),
        (1, False),
        (11, False),
        (2, False),
        (5, True),
    ]


def test_a_torn_row_is_waited_for_longer() -> None:
    """One that has all of the rows before it is whole in a moment; so is one of another kind."""
    rows = StepRows()
    for step in (1, 2):
        for name in "abc":
            rows.add(step, {name: 1.0}, 0.0)
    rows.add(3, {"a": 1.0}, 0.0)
    rows.add(3, {"b": 1.0}, 0.0)
    rows.add(3, {"c": 1.0}, 0.0)
    assert rows.wait == SETTLING_SECONDS
    rows.add(4, {"a": 1.0}, 0.0)
    assert rows.wait == FLUSHING_SECONDS
    rows.add(5, {"eval": 1.0}, 0.0)
    assert rows.wait == SETTLING_SECONDS


def test_names_without_end_are_bounded() -> None:
    """A row of more names than anybody logs ends."""
    rows = StepRows()
    found = [row for name in range(3 * MOST_NAMES) for row in rows.add(1, {str(name): 1.0}, 0.0)]
    assert [len(row.cells) for row in found] == [MOST_NAMES] * 2


# prime-rl


def line(step: int, time: float, cells: Mapping[str, float]) -> bytes:
    return json.dumps({"step": step, "time": time, **cells}).encode()


def read(lines: Sequence[bytes]) -> list[Record]:
    """All records of a metrics.jsonl, what is held included."""
    reader = Readers().reader(registered()["prime_rl"])
    records, _ = read_lines(reader, lines)
    return records + [each for each in reader.release() if isinstance(each, Record)]  # type: ignore[attr-defined]


def written(steps: Sequence[int], ahead: int, begin: float = 0.0) -> list[bytes]:
    """What both processes write: the orchestrator so many steps ahead of the trainer."""
    lines = []
    for index, _ in enumerate([*steps, *range(ahead)]):
        if index < len(steps):
            lines += [line(steps[index], begin + index, cells) for cells in ROLLED_OUT]
        if index >= ahead:
            lines += [line(steps[index - ahead], begin + index, cells) for cells in TRAINED]
    return lines


def test_lines_of_one_step_are_one_row_however_far_a_process_is_ahead() -> None:
    """The orchestrator writes its line of a step before the trainer writes those of the last ones."""
    for ahead in range(5):
        records = read(written(range(1, 31), ahead))
        assert [(record.kind, record.step) for record in records] == [
            (RowKind.TRAIN, step) for step in range(1, 31)
        ]
        for record in records:
            assert (record.get(c.LOSS), record.get(c.GRAD_NORM), record.get(c.LEARNING_RATE)) == (
                0.5,
                0.31,
                1e-6,
            )
            assert len(record.values) == 5


def test_a_restart_goes_back_to_its_checkpoint() -> None:
    """Appended to the same file; what was held of the process before is no part of it."""
    run = Run(RunOptions(), HyperParameters())
    records = read(written(range(1, 31), 1) + written(range(21, 41), 1, begin=100.0))
    for record in records:
        run.fold(record, 1.0)
    assert run.position.resumes == [Resume(30, 21)]
    assert [record.step for record in records] == [*range(1, 31), *range(21, 41)]


def test_rows_come_as_soon_as_they_are_whole(tmp_path: Path) -> None:
    """With the first line of another step, or in silence; what lacks the trainer's part is waited for."""
    path = tmp_path / "metrics.jsonl"
    path.touch()
    found = Found(str(path), "run", registered()["prime_rl"], 0.0, 0, (0, 0), ())
    with contextlib.closing(open_source(found, Readers())) as source:
        seen: list[list[int | None]] = []
        for second, text in enumerate(written(range(1, 4), 1)):
            training.append(path, text.decode())
            seen.append([record.step for record in looked(source, second)])
        # roll 1, roll 2, train 1 (three lines), roll 3, train 2, train 3
        assert seen == [[], [], [], [], [], [1], [], [], [], [2], [], []]
        assert not looked(source, 12 + 1)
        (last,) = looked(source, 12 + SETTLING_SECONDS)
        assert (last.step, last.get(c.LOSS)) == (3, 0.5)
        training.append(path, line(4, 50.0, ROLLED_OUT[0]).decode())
        assert not looked(source, 100)
        assert not looked(source, 10_000)
        assert source.place is not None
        training.append(path, *(line(4, 60.0, cells).decode() for cells in TRAINED))
        assert not looked(source, 10_001)
        (last,) = looked(source, 10_010)
        assert len(last.values) == 5


def looked(source: Source, now: float) -> list[Record]:
    """What a look brings."""
    readings = iter(lambda: source.poll(now), None)
    return [record for reading in readings for record in reading.records]
