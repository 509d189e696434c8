"""Records that come at once are taken in by blocks; one after the other they come to the same."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import read_lines
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.model import HyperParameters, Placement, Record, State, StepSource
from llmtrain_exporter.publish.check_courses import SeenValues
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.watching.observer import show

from tests.analysing import grpo, records, state

NOW = 1_700_000_000.0


def portions(read: Sequence[Record], longest: int, chance: random.Random) -> Iterator[Sequence[Record]]:
    """The records in pieces of up to so many."""
    at = 0
    while at < len(read):
        size = chance.randint(1, longest)
        yield read[at : at + size]
        at += size


def said(run: Run) -> tuple[object, ...]:
    """All that a run says of itself, and all that its analysis does."""
    judged = None if run.analysis is None else state(run.analysis)
    return repr(run.snapshot("run", "/logs/logging.jsonl", SWIFT, NOW + 1e4)), judged


def alone(read: Sequence[Record]) -> Run:
    """A run whose records come one by one, at the same time."""
    run = Run(RunOptions(), HyperParameters())
    for record in read:
        run.fold(record, NOW)
    return run


def together(pieces: Iterator[Sequence[Record]], rests: bool = False) -> Run:
    """A run whose records come in pieces. `rests`: it does so behind each of them."""
    run = Run(RunOptions(), HyperParameters())
    for piece in pieces:
        assert all(record in piece for record in run.fold_all(piece, NOW))
        if rests:
            run.rest()
    return run


Rows = list[dict[str, object]]


def odd_run(chance: random.Random) -> Rows:
    """A GRPO run with a clock that may collapse, with a few odd rows and others in between."""
    rows: Rows = []
    breaks, clock, step = chance.choice([150, 500, 2000]), 0.0, 0
    for row in grpo(chance.choice([130, 300, 420]), chance.randrange(1000)):
        step, clock = step + chance.randint(1, 3), clock + chance.random()
        placed = {**row, "elapsed_time": clock, "learning_rate": chance.random() * 1e-5, **position(step)}
        if step > breaks:
            placed |= {"kl": 0.03 * 1.2 ** (step - breaks), "reward": 0.1, "grad_norm": 30.0}
        if chance.random() < 0.005:
            step, clock = max(step - 20, 0), chance.choice([0.0, clock])
        rows += chance.choice(ODD)(placed) if chance.random() < 0.04 else [placed]
    return rows


def position(step: int, planned: int = 2000) -> dict[str, object]:
    """How far a row is."""
    return {"global_step/max_steps": f"{step}/{planned}"}


def planned_anew(row: dict[str, object]) -> Rows:
    """Another number of steps."""
    return [{**row, "global_step/max_steps": f"{row['global_step/max_steps']}0"}]


ODD: tuple[Callable[[dict[str, object]], Rows], ...] = (
    lambda row: [row | {"kl": math.nan}],
    lambda row: [row | {"reward": math.inf}],
    lambda row: [row | {"grad_norm": 50.0}],
    lambda row: [{key: cell for key, cell in row.items() if key != "kl"}],
    lambda row: [row, row],
    lambda row: [row, {"eval_loss": 0.5, "global_step/max_steps": row["global_step/max_steps"]}],
    planned_anew,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2, 5, 9, 40, 500]))
def test_records_that_come_at_once_come_to_the_same(seed: int, longest: int) -> None:
    """In any portions, calm or not."""
    chance = random.Random(seed)
    read = list(records(odd_run(chance)))
    assert said(together(portions(read, longest, chance))) == said(alone(read))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 40]))
def test_a_run_that_rested_goes_on_as_one_that_did_not(seed: int, longest: int) -> None:
    """What it holds in fewer bytes is the same, and what comes next is held against the same."""
    chance = random.Random(seed)
    read = list(records(odd_run(chance)))
    assert said(together(portions(read, longest, chance), rests=True)) == said(alone(read))


def test_an_end_is_judged_by_what_a_block_has_left() -> None:
    """By the steps between records: two from the end, where three are usual, is no early end."""
    rows = [{**row, **position(3 * at, 599)} for at, row in enumerate(grpo(199), 1)]
    *read, end = records([*rows, {"train_runtime": 9.0, **position(597, 599)}])
    whole = [*read, end._replace(step=None)]
    run = together(iter([whole[:120], whole[120:-1], whole[-1:]]))
    assert not run.ended_early
    assert said(run) == said(alone(whole))


def test_a_block_after_an_end_opens_the_run_again() -> None:
    """As each of its records would."""
    rows = [{**row, **position(at)} for at, row in enumerate(grpo(260), 1)]
    whole = list(records([*rows[:192], {"train_runtime": 9.0, **position(192)}, *rows[192:200]]))
    run = together(iter([whole[:193], whole[193:]]))
    assert run.state(NOW) is State.RUNNING
    assert said(run) == said(alone(whole))


def test_records_without_a_step_are_counted_on_from_a_block() -> None:
    """They have the number of all before them."""
    read = list(records(grpo(200)))
    lost = read[-1]._replace(step=None, placement=Placement(StepSource.COUNTED))
    whole = [*read[:-1], lost]
    assert said(together(iter([whole[:-1], whole[-1:]]))) == said(alone(whole))


def test_a_second_writer_is_left_out_of_what_counts() -> None:
    """Of a log that two processes write, each record is handed on once."""
    read = [record for record in records(grpo(200)) for _ in range(2)]
    run = Run(RunOptions(), HyperParameters())
    counted = run.fold_all(read, NOW)
    assert list(counted) == read[::2]
    assert said(run) == said(alone(read))


def test_a_calm_run_is_taken_in_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that this file tests what it says: most records of a calm run are never folded alone."""
    folded: list[Record] = []
    one = Run.fold

    def counting(run: Run, record: Record, arrived: float) -> bool:
        folded.append(record)
        return one(run, record, arrived)

    monkeypatch.setattr(Run, "fold", counting)
    read = list(records(grpo(1000)))
    assert len(Run(RunOptions(), HyperParameters()).fold_all(read, NOW)) == 1000
    assert len(folded) < 300


def test_what_looks_on_sees_a_block_as_its_records() -> None:
    """The line of a run in the list, and the courses of `check`: by columns, and one by one."""
    chance = random.Random(7)
    rows = [
        {key: cell for key, cell in row.items() if at > 40 or key != "reward"}
        for at, row in enumerate(odd_run(chance))
    ]
    read = list(records(rows))
    seen = [Run(RunOptions(), HyperParameters()) for _ in range(2)]
    lines, values = (Sparkline(), Sparkline()), tuple(map(SeenValues, seen))
    for piece in portions(read, 90, chance):
        counted = seen[0].fold_all(piece, NOW)
        for observer in (lines[0], values[0]):
            show(counted, observer, None)
    for record in read:
        if seen[1].fold(record, NOW):
            lines[1].note(record, None)
            values[1].note(record, None)
    assert (lines[0].values, lines[0].metric) == (lines[1].values, lines[1].metric)
    shown = [run.snapshot("run", "/logs/logging.jsonl", SWIFT, NOW) for run in seen]
    assert str(values[0].courses(shown[0])) == str(values[1].courses(shown[1]))


def test_real_logs_come_to_the_same(corpus: Path) -> None:
    """Of each trainer; most of them are short, some break."""
    for path in sorted(corpus.rglob("logging.jsonl")):
        read = read_lines(Readers().reader(registered()["swift"]), path.read_bytes().splitlines())[0]
        assert said(together(iter([read]))) == said(alone(read)), path
