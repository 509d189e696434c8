"""Numbers that are logged late for their step, beside it in other folders, or without any step."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.position import Position
from llmtrain_exporter.ingest.late_numbers import MOST_LESSONS, InOrder, Lateness
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import evaluation_logs, open_source
from llmtrain_exporter.ingest.tracked_order import TrackedOrder
from llmtrain_exporter.ingest.tracked_rows import TrackedRow
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Record, Resume, RowKind, StepSource

from tests.event_files import BEGAN, NAME, header, scalar
from tests.test_event_files import put
from tests.test_trackers import Read, drain, read_run, search

Piece = tuple[int, str]
Value = tuple[int | None, float | None]


def late(count: int, block: int = 1, first: int = 1) -> Iterator[Piece]:
    """A loss for each step; the rewards of a block of steps come behind the loss of the one after it."""
    for step in range(first, first + count):
        yield step, "train/loss"
        if (step - first) % block == 0 and step > first:
            yield from ((before, "train/reward") for before in range(step - block, step))


def number(piece: Piece) -> float:
    """What is logged; it tells the step."""
    return piece[0] / 64 if piece[1] == "train/loss" else float(piece[0])


def events(pieces: Iterable[Piece]) -> bytes:
    """The records of an event file."""
    return b"".join(
        scalar(step, tag, number((step, tag)), BEGAN + 5 * at) for at, (step, tag) in enumerate(pieces)
    )


def trained(records: Iterable[Record]) -> list[Record]:
    """Those of the training."""
    return [record for record in records if record.kind is RowKind.TRAIN]


def on_own_steps(records: Sequence[Record]) -> tuple[list[int | None], int]:
    """The steps of the rows, each of which has what was logged for it, and how many rewards there are."""
    found = trained(records)
    assert all(record.get(c.LOSS) == (record.step or 0) / 64 for record in found)
    told = [record for record in found if record.get(c.REWARD) is not None]
    assert all(record.get(c.REWARD) == record.step for record in told)
    return [record.step for record in found], len(told)


def mlflow(folder: Path, pieces: Iterable[Piece], seconds: float = 5.0) -> None:
    """A run in files as MLflow keeps them."""
    run = folder / "mlruns" / "0" / "abc"
    (run / "metrics").mkdir(parents=True, exist_ok=True)
    (run / "meta.yaml").write_text("run_id: abc\nexperiment_id: '0'\nrun_name: late\nstatus: 1\n")
    for at, (step, tag) in enumerate(pieces):
        with (run / "metrics" / tag.removeprefix("train/")).open("a") as file:
            file.write(f"{int((BEGAN + at * seconds) * 1000)} {number((step, tag))} {step}\n")


@pytest.mark.parametrize("block", [1, 2, 5, 20])
def test_a_number_that_is_logged_late_belongs_to_its_own_step(tmp_path: Path, block: int) -> None:
    """Of event files and of a store alike."""
    put(tmp_path / "events" / NAME, header() + events(late(121, block)))
    mlflow(tmp_path / "store", late(121, block))
    for run in search(tmp_path / "events", tmp_path / "store"):
        assert on_own_steps(read_run(run).records) == (list(range(1, 122)), 120)


def test_numbers_are_put_in_order_while_they_are_written(tmp_path: Path) -> None:
    """From the third late one on, each row waits for what is still to come of it, and no longer."""
    pieces = list(late(30))
    path = put(tmp_path / "run" / NAME, header() + events(pieces[:1]))
    (run,) = search(tmp_path)
    source, read, now = open_source(run, Readers()), Read([], [], {}), 0.0
    for at in range(1, len(pieces)):
        path.write_bytes(header() + events(pieces[: at + 1]))
        source.check(now)
        now = drain(source, read, now + 5.0)
        if pieces[at][1] == "train/reward" and pieces[at][0] > 3:
            now = drain(source, read, now + 3.1)
            assert on_own_steps(read.records) == (list(range(1, pieces[at][0] + 1)), pieces[at][0])
    drain(source, read, now + 4000.0)  # the last one waits in vain
    assert on_own_steps(read.records) == (list(range(1, 31)), 29)
    source.close()


def test_a_store_is_put_in_order_while_it_is_written(tmp_path: Path) -> None:
    """As above."""
    pieces = list(late(20))
    mlflow(tmp_path, pieces[:1])
    (run,) = search(tmp_path)
    source, read, now = open_source(run, Readers()), Read([], [], {}), 0.0
    run_folder = tmp_path / "mlruns" / "0" / "abc" / "metrics"
    for at, piece in enumerate(pieces[1:], 1):
        with (run_folder / piece[1].removeprefix("train/")).open("a") as file:
            file.write(f"{int((BEGAN + at * 5) * 1000)} {number(piece)} {piece[0]}\n")
        now = drain(source, read, now + 5.0)
    drain(source, read, now + 4000.0)
    assert on_own_steps(read.records) == (list(range(1, 21)), 19)


def test_a_training_that_goes_on_from_an_earlier_step_is_resumed_once(tmp_path: Path) -> None:
    """What is late does not hide that, and is none itself."""
    pieces = [*late(60), *late(60, first=41)]
    put(tmp_path / "events" / NAME, header() + events(pieces))
    mlflow(tmp_path / "store", pieces)
    for run in search(tmp_path / "events", tmp_path / "store"):
        records = read_run(run).records
        assert on_own_steps(records) == ([*range(1, 61), *range(41, 101)], 118)
        position = Position()
        for record in trained(records):
            position.go_to(record)
        assert position.resumes == [Resume(60, 41)]


def rollouts(count: int, each: int) -> Iterator[Piece]:
    """Losses, and behind so many of them a reward that counts on its own axis."""
    for step in range(1, count + 1):
        yield step, "train/loss"
        if step % each == 0:
            yield step // each, "train/reward"


@pytest.mark.parametrize("each", [2, 3, 8])
def test_what_counts_on_its_own_axis_is_not_late(tmp_path: Path, each: int) -> None:
    """It is later and later; it stands where the training is, and is no restart of that."""
    put(tmp_path / "events" / NAME, header() + events(rollouts(64, each)))
    mlflow(tmp_path / "store", rollouts(64, each))
    for run in search(tmp_path / "events", tmp_path / "store"):
        records = trained(read_run(run).records)
        steps = [record.step for record in records]
        assert steps == sorted(steps, key=lambda step: step or 0)
        rewards = [(record.step, record.get(c.REWARD)) for record in records if record.get(c.REWARD)]
        assert rewards == [(each * at, float(at)) for at in range(1, 64 // each + 1)]


def test_a_log_is_read_again_a_few_times_at_most() -> None:
    """However late a number turns out to be; then it counts on an axis of its own."""
    lateness = Lateness()
    for _ in range(10 * MOST_LESSONS):
        before = lateness.lessons
        order = InOrder[int](lateness, lambda piece, _: piece)
        for step in range(400):
            order.add(step, step, ("loss",), step)
            order.add(step, max(step - 2 - step // 20, 0), ("reward",), step)
            if lateness.lessons != before:
                break
        else:
            break
    assert lateness.lessons == MOST_LESSONS + 1
    assert not lateness.names


def test_whatever_is_logged_in_any_order_goes_on_once() -> None:
    """Nothing is lost but what comes when its row has gone on, nothing is doubled."""
    chance = random.Random(7)
    for _ in range(200):
        order = InOrder[Piece](Lateness(), lambda piece, _: piece)
        pieces = [(chance.randrange(20), chance.choice("abc")) for _ in range(chance.randrange(80))]
        found = [each for piece in pieces for each in order.add(piece, piece[0], piece[1], piece[0])]
        found += order.end()
        assert not order.holds
        assert all(found.count(piece) <= pieces.count(piece) for piece in found)


def test_rows_without_a_step_go_through() -> None:
    """A tracker may state none."""
    row = TrackedRow(None, None, {"train/loss": 1.0})
    assert TrackedOrder().add(row) == (row,)


# Without steps


def test_rows_without_steps_are_counted_and_told_to_be(tmp_path: Path) -> None:
    """SummaryWriter and MLflow log them all at step 0."""
    pieces = [(0, "train/loss")] * 12
    put(tmp_path / "events" / NAME, header() + events(pieces))
    mlflow(tmp_path / "store", pieces)
    for run in search(tmp_path / "events", tmp_path / "store"):
        records = trained(read_run(run).records)
        assert [record.step for record in records] == list(range(12))
        sources = [record.placement.source for record in records[1:] if record.placement]
        assert sources == [StepSource.COUNTED] * 11


# Evaluations in folders of their own


def curve(values: Iterable[tuple[int, float]], tag: str = "loss") -> bytes:
    """A whole event file with a number a second."""
    return header() + b"".join(scalar(step, tag, value, BEGAN + step) for step, value in values)


def values_of(records: Iterable[Record], kind: RowKind) -> list[Value]:
    """The losses of a kind of row, with their steps."""
    return [(record.step, record.get(c.LOSS)) for record in records if record.kind is kind]


@pytest.mark.parametrize(
    ("training", "evaluation"),
    [
        ("train", "validation"),
        ("train", "val"),
        ("Train", "Test"),
        ("loss_train", "loss_val"),
        ("loss/train", "loss/valid"),
        ("main", "main/eval"),
        ("exp/training", "exp/test"),
    ],
)
def test_the_evaluation_in_a_folder_beside_is_of_the_same_run(
    tmp_path: Path, training: str, evaluation: str
) -> None:
    """As Keras and add_scalars write them; its loss is not the training's, and stands where it was logged."""
    put(tmp_path / training / NAME, curve((step, 2 - step / 64) for step in range(1, 41)))
    put(tmp_path / evaluation / NAME, curve((step, 2.5) for step in range(10, 41, 10)))
    (run,) = search(tmp_path)
    assert run.run == training
    assert str(tmp_path / evaluation / NAME) in evaluation_logs(run)
    records = read_run(run).records
    assert values_of(records, RowKind.TRAIN) == [(step, 2 - step / 64) for step in range(1, 41)]
    assert values_of(records, RowKind.EVAL) == [(step, 2.5) for step in range(10, 41, 10)]
    at = next(at for at, record in enumerate(records) if record.kind is RowKind.EVAL)
    assert abs(at - 10) <= 1


def test_an_evaluation_that_comes_later_is_read_as_well(tmp_path: Path) -> None:
    """The first one is made when the training has run for a while."""
    training = put(tmp_path / "train" / NAME, curve((step, 1.0) for step in range(1, 21)))
    (run,) = search(tmp_path)
    source, read = open_source(run, Readers()), Read([], [], {})
    now = drain(source, read, 0.0)
    put(tmp_path / "validation" / NAME, curve([(20, 1.5)]))
    source.check(now)
    training.write_bytes(curve((step, 1.0) for step in range(1, 31)))
    now = drain(source, read, now + 5.0)
    drain(source, read, now + 200.0)
    assert values_of(read.records, RowKind.EVAL) == [(20, 1.5)]
    assert values_of(read.records, RowKind.TRAIN) == [(step, 1.0) for step in range(1, 31)]
    source.close()


def test_a_folder_with_evaluations_alone_is_none_of_a_training(tmp_path: Path) -> None:
    """Also where it is named by hand."""
    put(tmp_path / "train" / NAME, curve((step, 1.0) for step in range(1, 21)))
    put(tmp_path / "validation" / NAME, curve((step, 1.5) for step in range(1, 21)))
    (run,) = search(tmp_path / "validation")
    assert {record.kind for record in read_run(run).records} == {RowKind.EVAL}


def test_a_run_may_be_called_as_evaluations_are(tmp_path: Path) -> None:
    """Nothing beside it is the training of which it would be the evaluation."""
    put(tmp_path / "runs" / "test" / NAME, curve((step, 1.0) for step in range(1, 21)))
    put(tmp_path / "runs" / "base" / NAME, curve((step, 3.0) for step in range(1, 21)))
    runs = search(tmp_path)
    assert len(runs) == 2
    assert all(len(values_of(read_run(run).records, RowKind.TRAIN)) == 20 for run in runs)
