"""TensorBoard's event files: numbers of a step become rows, live, over restarts, to the last digit."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.ingest.frames import Frames
from llmtrain_exporter.ingest.protobuf import MalformedError
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Reading, Source
from llmtrain_exporter.ingest.source import open_source, read_lines, read_run_hyper_parameters
from llmtrain_exporter.ingest.step_rows import FLUSHING_SECONDS, SETTLING_SECONDS
from llmtrain_exporter.ingest.summaries import read_event
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import HyperParameters, Record, Resume, RowKind, Series, Snapshot, State, series
from llmtrain_exporter.serve.pages.histories import Histories
from llmtrain_exporter.serve.pages.run_answers import RunAnswers
from llmtrain_exporter.serve.read_again import ReadAgain
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import unobserved
from llmtrain_exporter.watching.run_set import SCANS_MISSING
from llmtrain_exporter.watching.sleeping import SleepingRun

from tests import event_files, training
from tests.event_files import (
    BEGAN,
    NAME,
    event,
    frame,
    header,
    log,
    row,
    scalar,
    sized,
    trained,
    value,
)
from tests.test_cli import code
from tests.test_watch import Loop, open_logs

DIALECT = registered()["tensorboard"]
OPTIONS = SearchOptions(ignore_older=None)
NOW = 1_800_000_000.0


def single(number: float) -> bytes:
    """What is left of a number in four bytes."""
    return struct.pack("<f", number)


def logged_as(record: Record, metric: Metric) -> bytes:
    """What was written of the value of a record."""
    found = record.get(metric)
    assert found is not None
    return single(found)


class Watched:
    """A run that is found in a folder and watched, with a clock that is cranked."""

    reads_state: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        (found,) = discover([str(folder)], OPTIONS, NOW).found
        self.monotonic, self.now = 100.0, found.modified
        self.records: list[Record] = []
        source = open_source(found, Readers())
        self.live = LiveRun(found, found.run, RunOptions(), source, lambda _: self)

    def note(self, record: Record, _: object) -> None:
        """As an observer of the run."""
        self.records.append(record)

    def look(self, seconds: float = 0.1) -> list[Record]:
        """The records that have come; time goes on."""
        self.monotonic += seconds
        self.now += seconds
        known = len(self.records)
        self.live.source.check(self.monotonic)
        while self.live.grown() and self.live.read_on(self.monotonic, self.now) is not None:
            pass
        return self.records[known:]

    def snapshot(self) -> Snapshot:
        """The run as it stands."""
        return self.live.snapshot(self.now)


@pytest.fixture
def watch() -> Iterator[Callable[[Path], Watched]]:
    """Watches folders, and gives their files back."""
    with contextlib.ExitStack() as stack:

        def begin(folder: Path) -> Watched:
            watched = Watched(folder)
            stack.callback(watched.live.source.close)
            return watched

        yield begin


def read_all(folder: Path) -> list[Record]:
    """All records of the one run below a folder, as nobody writes it any more."""
    (found,) = discover([str(folder)], OPTIONS, NOW).found
    source = open_source(found, Readers(), patient=False)
    with contextlib.closing(source):
        records = [record for reading in polled(source) for record in reading.records]
        return records + source.rest()[0]


def polled(source: Source) -> list[Reading]:
    """All that polling brings until there is nothing new."""
    return list(iter(lambda: source.poll(0.0), None))


def read(data: bytes) -> list[Record]:
    """The records of the bytes of a file, what is held included."""
    reader = Readers().reader(DIALECT)
    records, _ = read_lines(reader, Frames(0, 0).take(data, 0, len(data)))
    return records + [each for each in reader.release() if isinstance(each, Record)]  # type: ignore[attr-defined]


def steps(records: Iterable[Record]) -> list[tuple[str, int | None]]:
    """Kind and step of each."""
    return [(record.kind.value, record.step) for record in records]


def put(path: Path, data: bytes) -> Path:
    """Write a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# What one record says


def test_a_number_of_few_digits_is_told_as_it_was_logged() -> None:
    """Four bytes hold 1e-06 as 9.99999997e-07; what has more digits keeps them all."""
    numbers = (1e-6, 2e-5, 0.1, -0.3, 123456.0, 5.464481091621565e-06, 3.4028234663852886e38)
    found = [read_event(event(1, value("x", number))).numbers[0][1] for number in numbers]
    assert found == list(numbers)


def test_a_number_is_read_whatever_it_is() -> None:
    """To the last bit of its four bytes; NaN and infinities too."""
    for number in (0.0, -0.0, 1e-6, 3.14, -1e38, 1e-45, math.inf, -math.inf, math.nan):
        (found,) = read_event(event(7, value("train/loss", number))).numbers
        assert found[0] == "train/loss"
        assert single(found[1]) == single(number)


@pytest.mark.parametrize("step", [0, 1, 127, 128, 1 << 40])
@pytest.mark.parametrize("tag", ["a", "train/" + "x" * 121, "train/" + "x" * 122, "奖励/均值", "x" * 900])
def test_a_record_is_read_the_same_way_quickly_and_slowly(step: int, tag: str) -> None:
    """Nearly all records have one shape, for which there is a short way."""
    quick = event(step, value(tag, 0.5), 12.5)
    slow = quick + sized(99, b"of a later version")
    assert read_event(quick) == read_event(slow)
    assert (read_event(quick).step, read_event(quick).time) == (step, 12.5)
    assert read_event(quick).numbers == ((tag, 0.5),)


def test_a_step_below_zero_is_none() -> None:
    """Some log their settings there."""
    assert read_event(event(-1, value("x", 1.0))).step is None
    assert read(header() + scalar(-1, "train/loss", 1.0)) == []


PROTO_VALUES: dict[str, tuple[dict[str, Any], float]] = {
    "float": ({"dtype": 1, "float_val": [0.1]}, 0.1),
    "double": ({"dtype": 2, "double_val": [0.1]}, 0.1),
    "int32": ({"dtype": 3, "int_val": [-5]}, -5.0),
    "int64": ({"dtype": 9, "int64_val": [-(1 << 40)]}, -float(1 << 40)),
    "uint8": ({"dtype": 4, "int_val": [200]}, 200.0),
    "bool": ({"dtype": 10, "bool_val": [True]}, 1.0),
    "half": ({"dtype": 19, "half_val": [0x3555]}, 0.333251953125),
    "bfloat16": ({"dtype": 14, "half_val": [0x3FC0]}, 1.5),
    "float bytes": ({"dtype": 1, "tensor_content": struct.pack("<f", 0.1)}, 0.1),
    "double bytes": ({"dtype": 2, "tensor_content": struct.pack("<d", 0.1)}, 0.1),
    "half bytes": ({"dtype": 19, "tensor_content": struct.pack("<e", 1.5)}, 1.5),
    "bfloat16 bytes": ({"dtype": 14, "tensor_content": struct.pack("<H", 0x3FC0)}, 1.5),
    "int64 bytes": ({"dtype": 9, "tensor_content": struct.pack("<q", -3)}, -3.0),
}


def tensor_event(dims: Sequence[int] = (), plugin: str = "scalars", **fields: Any) -> bytes:
    """A record with a tensor, made by the package's own messages."""
    proto = import_module("tensorboardX.proto.summary_pb2")
    tensors = import_module("tensorboardX.proto.tensor_pb2")
    shapes = import_module("tensorboardX.proto.tensor_shape_pb2")
    events = import_module("tensorboardX.proto.event_pb2")
    shape = shapes.TensorShapeProto(dim=[shapes.TensorShapeProto.Dim(size=size) for size in dims])
    metadata = proto.SummaryMetadata(plugin_data=proto.SummaryMetadata.PluginData(plugin_name=plugin))
    tensor = tensors.TensorProto(tensor_shape=shape, **fields)
    found = proto.Summary.Value(tag="train/loss", tensor=tensor, metadata=metadata)
    whole = events.Event(wall_time=BEGAN, step=5, summary=proto.Summary(value=[found]))
    return bytes(whole.SerializeToString())


@pytest.mark.parametrize("name", PROTO_VALUES)
@pytest.mark.parametrize("dims", [(), (1,), (1, 1)])
def test_a_number_in_a_tensor_is_read_of_any_type(name: str, dims: tuple[int, ...]) -> None:
    """TensorFlow 2 writes each scalar so, PyTorch on request."""
    fields, number = PROTO_VALUES[name]
    assert read_event(tensor_event(dims, **fields)).numbers == (("train/loss", number),)


@pytest.mark.parametrize(
    ("dims", "plugin", "fields"),
    [
        ((2,), "scalars", {"dtype": 2, "double_val": [0.1, 0.2]}),
        ((1, 3), "histograms", {"dtype": 2, "double_val": [0.1, 0.2, 0.3]}),
        ((1,), "histograms", {"dtype": 2, "double_val": [0.1]}),
        ((), "scalars", {"dtype": 7, "string_val": [b"text"]}),
        ((), "scalars", {"dtype": 2}),
        ((), "scalars", {"dtype": 99, "int_val": [1]}),
        ((), "scalars", {"dtype": 2, "tensor_content": b"short"}),
        ((1 << 40, 1 << 40), "scalars", {"dtype": 2, "double_val": [0.1]}),
    ],
)
def test_a_tensor_that_is_no_number_is_none(
    dims: tuple[int, ...], plugin: str, fields: dict[str, Any]
) -> None:
    """Histograms, curves, texts, and what has the wrong size."""
    assert read_event(tensor_event(dims, plugin, **fields)).numbers == ()


def test_mutated_records_raise_what_is_said_alone() -> None:
    """Whatever stands behind a right checksum."""
    chance = random.Random(11)
    seeds = [event(5, value("train/loss", 0.5)), tensor_event(dtype=2, double_val=[0.1]), header()[12:-4]]
    for _ in range(5000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with contextlib.suppress(MalformedError):
            assert len(read_event(bytes(data)).numbers) <= 1


# Rows


def test_the_numbers_of_a_step_are_one_row() -> None:
    """Each comes in a record of its own, and the next step ends the row."""
    records = read(log(range(1, 4)))
    assert steps(records) == [("train", 1), ("train", 2), ("train", 3)]
    for step, record in enumerate(records, start=1):
        assert logged_as(record, c.LOSS) == single(1 / step)
        assert logged_as(record, c.GRAD_NORM) == single(step / 8)
        assert logged_as(record, c.LEARNING_RATE) == single(1e-5)
        assert logged_as(record, c.EPOCH) == single(step / 100)


def test_an_evaluation_and_the_end_of_a_run_are_rows_of_their_own() -> None:
    """Transformers logs them at the step of a training row, each with the epoch."""
    evaluated = {"eval/loss": 0.7, "eval/runtime": 3.0, "train/epoch": 0.02}
    final = {
        "train/train_runtime": 9.0,
        "train/train_loss": 0.6,
        "train/total_flos": 1.0,
        "train/epoch": 0.02,
    }
    records = read(log([1, 2]) + row(2, evaluated, BEGAN + 30) + row(2, final, BEGAN + 60))
    assert steps(records) == [("train", 1), ("train", 2), ("eval", 2), ("final", 2)]
    assert [record.get(c.EPOCH) for record in records] == [0.01, 0.02, 0.02, 0.02]
    assert records[2].get(c.LOSS) == 0.7
    assert records[2].get(c.EVAL_RUNTIME) == 3.0


def test_a_row_that_has_the_speed_of_a_final_one_is_none() -> None:
    """With include_num_input_tokens_seen each training row says how long the training has taken."""
    more = {"train/train_runtime": 5.0, "train/train_tokens_per_second": 3.0}
    data = header() + b"".join(row(step, trained(step) | more) for step in (1, 2))
    final = {"train/train_runtime": 9.0, "train/train_loss": 0.6, "train/epoch": 0.02}
    assert steps(read(data + row(2, final))) == [("train", 1), ("train", 2), ("final", 2)]


def test_a_validation_before_the_first_step_is_an_evaluation() -> None:
    """verl logs one at step 0 and later ones with the training of their step."""
    validation = {"val-core/openai/gsm8k/reward/mean@1": 0.5, "val-aux/num_turns/mean": 2.0}
    actor = {"actor/pg_loss": 0.1, "actor/grad_norm": 0.3, "critic/score/mean": 0.6}
    data = header() + row(0, validation) + row(1, actor) + row(2, validation | actor)
    assert steps(read(data)) == [("eval", 0), ("train", 1), ("train", 2), ("eval", 2)]


@pytest.mark.parametrize("prefix", ["eval/", "val/", "validation/", "validation_metrics/", "test/"])
def test_evaluations_are_known_by_the_names_of_all_programs(prefix: str) -> None:
    """OpenRLHF, verl's SFT, NeMo-RL, torchtitan, a prediction."""
    (record,) = read(header() + row(3, {prefix + "loss": 0.5}))
    assert (record.kind, record.step, record.get(c.LOSS)) == (RowKind.EVAL, 3, 0.5)


def test_a_ratio_of_trl_is_of_its_training_whatever_it_is_called() -> None:
    """MLflow has the keys of TRL's PPO as they are: `val/ratio` beside the loss."""
    (record,) = read(header() + row(3, {"val/ratio": 1.02, "val/num_eos_tokens": 4.0, "loss": 0.5}))
    assert (record.kind, record.step, len(record.values)) == (RowKind.TRAIN, 3, 3)


def test_a_part_that_counts_otherwise_is_no_restart() -> None:
    """slime counts rollouts, Megatron logs losses by samples as well, NeMo-RL its machines by seconds."""
    data = header()
    for rollout in range(1, 4):
        data += row(rollout, {"rollout/raw_reward": 0.5, "reward": 0.25 * rollout})
        for update in range(4):
            data += row(4 * rollout + update, {"train/loss": 1.0, "train/grad_norm": 0.5})
            data += row(9000 * rollout, {"lm loss vs samples": 1.0})
            data += row(100 * rollout + update, {"ray/node.0.gpu.0.util": 50.0})
    run = Run(RunOptions(), HyperParameters())
    for record in read(data):
        run.fold(record, NOW)
    assert run.position.resumes == []
    assert run.position.last_step == 15


@pytest.mark.parametrize("blank", [" ", "_"])
def test_megatron_is_read_as_it_logs(blank: str) -> None:
    """Each number by steps and by samples; SummaryWriter of torch has no blanks in tags."""
    data = header()
    for step in range(1, 5):
        for name in ("learning-rate", "lm loss", "grad-norm"):
            data += row(step, {name.replace(" ", blank): 0.5})
            data += row(256 * step, {f"{name} vs samples".replace(" ", blank): 0.5})
    data += row(4, {"lm loss validation".replace(" ", blank): 0.75})
    data += row(4 * 256, {"lm loss validation vs samples".replace(" ", blank): 0.75})
    data += row(4, {"lm loss validation ppl".replace(" ", blank): 2.0})
    *training_rows, evaluation = read(data)
    metrics = (c.LOSS, c.GRAD_NORM, c.LEARNING_RATE)
    assert [record.step for record in training_rows] == [1, 2, 3, 4]
    assert [[record.get(metric) for metric in metrics] for record in training_rows] == [[0.5] * 3] * 4
    assert (evaluation.kind, evaluation.step) == (RowKind.EVAL, 4)
    assert evaluation.values == (0.75, 2.0)
    assert [logged.metric.name for logged in evaluation.layout.series] == [
        "llmtrain_loss",
        "llmtrain_perplexity",
    ]


@pytest.mark.parametrize("prefix", ["", "train/"])
def test_tags_are_known_without_the_characters_that_writers_take_out(prefix: str) -> None:
    """What torchtitan calls throughput(tps) stands in the file as throughput_tps_."""
    logged = {"grad_norm": 0.5, "throughput(tps)": 7000.0, "mfu(%)": 40.0, "memory/max_reserved(GiB)": 2.0}
    whole, cleaned = (
        read(header() + row(3, {prefix + re.sub(r"[^-/\w.]", odd, name): logged[name] for name in logged}))
        for odd in (r"\g<0>", "_")
    )
    assert str(cleaned) == str(whole)
    assert "llmtrain_other" not in [logged.metric.name for logged in cleaned[0].layout.series]


def test_steps_that_go_back_on_their_own_axis_are_a_restart() -> None:
    """A process that goes on from a checkpoint and writes to the same file."""
    run = Run(RunOptions(), HyperParameters())
    for record in read(log(range(1, 21)) + log(range(11, 31))):
        run.fold(record, NOW)
    assert run.position.resumes == [Resume(20, 11)]


def test_the_times_are_those_at_which_it_was_logged(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    """A file that is read later tells how fast the training was all the same."""
    put(tmp_path / NAME, log(range(1, 41)))
    watched = watch(tmp_path)
    watched.look()
    assert watched.snapshot().samples[series(c.RECENT_SECONDS_PER_STEP)] == pytest.approx(10.0)
    assert watched.live.folded.arrived == BEGAN + 390


# Live


def test_a_row_comes_with_the_next_step_or_in_silence(
    tmp_path: Path, watch: Callable[[Path], Watched]
) -> None:
    """As whole rows: what is written in the meantime belongs to it."""
    path = put(tmp_path / NAME, header())
    watched = watch(tmp_path)
    assert watched.look() == []
    with path.open("ab") as file:
        for step in (1, 2, 3):
            file.write(row(step, trained(step)))
            file.flush()
            assert steps(watched.look()) == ([("train", step - 1)] if step > 1 else [])
    assert watched.look(SETTLING_SECONDS - 1) == []
    assert steps(watched.look(1.5)) == [("train", 3)]
    assert watched.look(1000) == []
    assert watched.live.source.place is not None  # asked of the file system alone again


def test_a_torn_row_is_waited_for_as_long_as_a_writer_may_hold_it(
    tmp_path: Path, watch: Callable[[Path], Watched]
) -> None:
    """SummaryWriter flushes its buffer when that is full, in the midst of a step."""
    path = put(tmp_path / NAME, log([1, 2, 3]))
    watched = watch(tmp_path)
    watched.look()
    whole = row(4, trained(4))
    with path.open("ab") as file:
        file.write(whole[:70])
    assert steps(watched.look()) == [("train", 3)]
    assert watched.look(FLUSHING_SECONDS - 10) == []
    with path.open("ab") as file:
        file.write(whole[70:])
    assert watched.look() == []
    (record,) = watched.look(SETTLING_SECONDS + 1)
    assert record.get(c.GRAD_NORM) == 0.5
    with path.open("ab") as file:
        file.write(row(5, trained(5))[:70])
    assert watched.look() == []
    assert steps(watched.look(FLUSHING_SECONDS + 1)) == [("train", 5)]


def test_a_file_torn_at_each_byte_gives_the_same_rows(
    tmp_path: Path, watch: Callable[[Path], Watched]
) -> None:
    """Looked at after each byte: no number is lost, none read twice."""
    data = log(range(1, 4))
    path = put(tmp_path / NAME, b"")
    watched = watch(tmp_path)
    with path.open("ab", buffering=0) as file:
        for at in range(len(data)):
            file.write(data[at : at + 1])
            watched.look(0.0)
    watched.look(SETTLING_SECONDS + 1)
    assert [record.values for record in watched.records] == [record.values for record in read(data)]
    assert steps(watched.records) == [("train", 1), ("train", 2), ("train", 3)]
    assert watched.snapshot().skipped == {"no_number": 1}


def test_a_restart_in_another_file_goes_on_with_the_run(
    tmp_path: Path, watch: Callable[[Path], Watched]
) -> None:
    """From the checkpoint on; what the old file still held comes before it."""
    put(tmp_path / "events.out.tfevents.1700000000.host.7.0", log(range(1, 21)))
    watched = watch(tmp_path)
    watched.look()
    assert watched.snapshot().last_step == 19
    put(tmp_path / "events.out.tfevents.1700009000.host.99.0", log(range(11, 16)))
    watched.look(4.0)
    assert steps(watched.records)[18:21] == [("train", 19), ("train", 20), ("train", 11)]
    assert watched.snapshot().resumes == (Resume(20, 11),)
    watched.look(SETTLING_SECONDS + 1)
    assert (watched.snapshot().last_step, watched.live.rewritten) == (15, 0)


def test_files_of_other_processes_that_have_nothing_hinder_nobody(
    tmp_path: Path, watch: Callable[[Path], Watched]
) -> None:
    """Each rank may make a writer in the same folder."""
    mine = put(tmp_path / "events.out.tfevents.1700000000.host.7.0", log([1, 2]))
    for rank in range(8, 20):
        put(tmp_path / f"events.out.tfevents.1700000000.host.{rank}.0", header())
    watched = watch(tmp_path)
    watched.look()
    with mine.open("ab") as file:
        file.write(row(3, trained(3)) + row(4, trained(4)))
    watched.look(4.0)
    watched.look(SETTLING_SECONDS + 1)
    assert steps(watched.records) == [("train", step) for step in (1, 2, 3, 4)]


def test_a_file_that_is_written_anew_is_another_run(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    """Of several files too: all of them are read again."""
    put(tmp_path / "events.out.tfevents.1700000000.host.7.0", log(range(1, 11)))
    second = put(tmp_path / "events.out.tfevents.1700009000.host.7.0", log(range(11, 21)))
    watched = watch(tmp_path)
    watched.look()
    watched.look(SETTLING_SECONDS + 1)
    assert watched.snapshot().last_step == 20
    second.write_bytes(log(range(30, 50)))
    for _ in range(6):
        watched.look(2.0)
    assert (watched.snapshot().last_step, watched.live.rewritten) == (49, 1)
    assert watched.snapshot().records[RowKind.TRAIN] == 30


def test_a_deleted_file_leaves_what_was_read(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    """Somebody tidies up; the newest goes on."""
    first = put(tmp_path / "events.out.tfevents.1700000000.host.7.0", log(range(1, 11)))
    second = put(tmp_path / "events.out.tfevents.1700009000.host.7.0", log(range(11, 21)))
    watched = watch(tmp_path)
    watched.look()
    first.unlink()
    watched.look(4.0)
    with second.open("ab") as file:
        file.write(row(21, trained(21)) + row(22, trained(22)))
    watched.look(4.0)
    watched.look(SETTLING_SECONDS + 1)
    assert watched.snapshot().last_step == 22


# Under watch


def final(step: int, time: float) -> bytes:
    """The last row of a training."""
    cells = {"train/train_runtime": 9.0, "train/train_loss": 0.6, "train/epoch": step / 100}
    return row(step, cells, time)


def lively(steps: Iterable[int], last: float) -> bytes:
    """A file of rows a second apart, of which the last one is of that time."""
    known = list(steps)
    return header(last) + b"".join(row(step, trained(step), last - known[-1] + step) for step in known)


def test_a_run_that_has_ended_sleeps_until_somebody_goes_on_with_it(tmp_path: Path) -> None:
    """In the same file, or in another one of its folder; asleep it costs no reading."""
    loop = Loop(tmp_path)
    first = put(tmp_path / "run" / NAME, lively(range(1, 21), loop.now) + final(20, loop.now))
    os.utime(first, (loop.now, loop.now))
    loop.scan()
    loop.pass_time(20)
    assert (loop.run("run").state, loop.run("run").last_step) == (State.FINISHED, 20)
    assert isinstance(next(iter(loop.watcher._runs)), SleepingRun)
    read = loop.own("read_bytes_total")
    loop.pass_time(400)
    assert loop.own("read_bytes_total") == read
    second = put(
        tmp_path / "run" / "events.out.tfevents.1700009000.host.8.0", lively(range(11, 16), loop.now)
    )
    os.utime(second, (loop.now, loop.now))
    loop.pass_time(10)
    run = loop.run("run")
    assert (run.state, run.last_step, run.resumes) == (State.RUNNING, 15, (Resume(20, 11),))
    assert loop.value("run", "records_total{kind=train}") == 25


@pytest.mark.parametrize("torn", [False, True])
def test_the_last_row_of_a_run_that_was_over_when_it_was_met_is_told_with_the_others(
    tmp_path: Path, torn: bool
) -> None:
    """Only silence says that it is whole, and there was enough: no counter grows by what was there."""
    loop = Loop(tmp_path)
    parts = row(31, dict(list(trained(31).items())[: 2 if torn else None]), loop.now - 1000)
    path = put(tmp_path / "run" / NAME, lively(range(1, 31), loop.now - 1001) + parts)
    os.utime(path, (loop.now - 1000, loop.now - 1000))
    loop.scan()
    seen = []
    for _ in range(30):
        seen.append(loop.value("run", "records_total{kind=train}"))
        loop.look(1.0)
    assert set(seen) - {None} == {31}
    (run,) = loop.watcher._runs
    assert isinstance(run, SleepingRun)
    assert not run.grown()
    (shown,) = loop.fleet.shown()
    whole = RunAnswers(loop.fleet, ReadAgain(loop.settings, lambda: loop.now)).whole(shown)
    assert (whole.last_step, whole.records[RowKind.TRAIN]) == (31, 31)


def test_a_chart_has_the_last_row_once_it_is_whole(tmp_path: Path) -> None:
    """Whoever has looked before is told that there is more, though nothing was written."""
    now = BEGAN + 10_000
    path = put(tmp_path / "run" / NAME, log(range(1, 31)))
    os.utime(path, (now, now))
    (found,) = discover([str(tmp_path)], SearchOptions(ignore_older=None), now).found
    clock = SimpleNamespace(now=now)
    histories = Histories(Settings(), lambda: clock.now, lambda: clock.now)
    known = histories.signature(found)
    assert histories.look(found, lambda history: len(history.train)) == 29
    clock.now += 2 * FLUSHING_SECONDS
    assert histories.signature(found) != known
    assert histories.look(found, lambda history: len(history.train)) == 30


def test_a_chart_goes_on_with_whichever_file_grows(tmp_path: Path) -> None:
    """Of a training that was started again it is the last one."""
    put(tmp_path / NAME, log(range(1, 21)))
    last = put(tmp_path / "events.out.tfevents.1700009000.host.8.0", log(range(21, 31)))
    (found,) = discover([str(tmp_path)], OPTIONS, NOW).found
    histories = Histories(Settings(), lambda: NOW, lambda: NOW)
    known = histories.signature(found)
    assert histories.look(found, lambda history: len(history.train)) == 30
    with last.open("ab") as file:
        file.write(row(31, trained(31)))
    assert histories.signature(found) != known
    assert histories.look(found, lambda history: len(history.train)) == 31


def test_a_run_is_let_go_with_its_folder(tmp_path: Path) -> None:
    """And its files are closed."""
    loop = Loop(tmp_path)
    path = put(tmp_path / "run" / NAME, lively(range(1, 21), loop.now))
    os.utime(path, (loop.now, loop.now))
    loop.scan()
    assert loop.runs == ["run"]
    assert open_logs(tmp_path) == [str(path)]
    path.unlink()
    loop.scan(times=SCANS_MISSING)
    assert loop.runs == []
    assert open_logs(tmp_path) == []


def test_files_that_are_given_back_are_read_on(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    """Where there are more runs than files may be open."""
    path = put(tmp_path / NAME, log([1, 2]))
    watched = watch(tmp_path)
    watched.look()
    for step in range(3, 6):
        watched.live.source.park()
        assert open_logs(tmp_path) == []
        with path.open("ab") as file:
            file.write(row(step, trained(step)))
        watched.look()
        assert watched.snapshot().last_step == step - 1


def test_the_program_checks_a_folder_of_event_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is held at the end counts; one without a number is named with the reason."""
    put(tmp_path / "good" / NAME, log(range(1, 31)))
    put(tmp_path / "none" / NAME, header())
    assert code(["check", str(tmp_path), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (run,) = found["runs"]
    assert (run["run"], run["dialect"], run["last_step"]) == ("good", "transformers", 30)
    assert run["skipped_lines"] == {"no_number": 1}


# Real writers


def logged(step: int) -> dict[str, float]:
    """What the laboratory logs: odd numbers among them."""
    loss = math.nan if step == 120 else 2.0 / step + math.sin(step) / 50
    norm = math.inf if step == 121 else 0.5 + step / 1000
    return {"loss": loss, "grad_norm": norm, "learning_rate": 1e-5 * (1 - step / 400), "epoch": step / 100}


def test_what_a_real_writer_logs_is_read_live_to_the_last_number(
    tmp_path: Path, watch: Callable[[Path], Watched]
) -> None:
    """300 rows with NaN, evaluations and a restart, read while they are written; texts and histograms too."""
    expected: list[tuple[str, int, dict[str, float]]] = []
    watched: Watched | None = None
    for begin, end in ((1, 200), (151, 301)):
        written = event_files.writer(tmp_path / "tb", flush_secs=0, filename_suffix=f".{begin}")
        written.add_text("args", "text")
        for step in range(begin, end):
            for key, number in logged(step).items():
                written.add_scalar(f"train/{key}", number, step)
            if step % 100 == 0:
                written.add_histogram("weights", import_module("numpy").arange(100.0), step)
                written.add_scalar("eval/loss", 3.0 / step, step)
            expected.append(("train", step, logged(step)))
            expected += [("eval", step, {"loss": 3.0 / step})] if step % 100 == 0 else []
            written.file_writer.flush()
            watched = watched or watch(tmp_path)
            watched.look()
        written.close()
        assert watched is not None
        watched.look(4.0)
    assert watched is not None
    watched.look(SETTLING_SECONDS + 1)
    assert steps(watched.records) == [(kind, step) for kind, step, _ in expected]
    metrics = {"loss": c.LOSS, "grad_norm": c.GRAD_NORM, "learning_rate": c.LEARNING_RATE, "epoch": c.EPOCH}
    for record, (_, _, cells) in zip(watched.records, expected, strict=True):
        for key, number in cells.items():
            assert logged_as(record, metrics[key]) == single(number)
    run = watched.snapshot()
    assert (run.resumes, run.last_step, run.skipped) == ((Resume(199, 151),), 300, {"no_number": 7})


def test_hyper_parameters_come_from_where_writers_leave_them(tmp_path: Path) -> None:
    """Transformers' arguments as a text, others' in TensorBoard's own plugin; all through the white list."""
    with event_files.writer(tmp_path / "a") as written:
        stated = {"learning_rate": 2e-5, "max_grad_norm": 1.0, "hub_token": "secret", "bf16": True}
        written.add_text("args", json.dumps(stated))
        written.add_scalar("train/loss", 1.0, 1)
    with event_files.writer(tmp_path / "b") as written:
        written.add_hparams({"learning_rate": 3e-5, "beta": 0.1, "api_key": "secret"}, {}, name="hparams")
        written.add_scalar("train/loss", 1.0, 1)
    runs = {found.run: found for found in discover([str(tmp_path)], OPTIONS, NOW).found}
    assert sorted(runs) == ["a", "b"]
    first, second = (read_run_hyper_parameters(runs[name]).settings for name in ("a", "b"))
    assert first == {"learning_rate": 2e-5, "max_grad_norm": 1.0, "bf16": 1.0}
    assert second == {"learning_rate": 3e-5, "beta": 0.1}


# Found


def found(folder: Path) -> dict[str, str]:
    """Run to dialect, of what a search finds."""
    return {each.run: each.dialect.name for each in discover([str(folder)], OPTIONS, NOW).found}


def test_event_files_are_found_wherever_they_lie(tmp_path: Path) -> None:
    """In a folder of any name; that of a process that has logged nothing is no run of its own."""
    put(tmp_path / "runs" / "Nov29_10-00-00_host" / NAME, log([1, 2]))
    put(tmp_path / "tensorboard_log" / "project" / "experiment" / NAME, log([1, 2]))
    assert found(tmp_path) == {
        "runs/Nov29_10-00-00_host": "tensorboard",
        "tensorboard_log/project/experiment": "tensorboard",
    }


@pytest.mark.parametrize("below", ["", "runs", "runs/Nov29_10-00-00_host", "logs/tb"])
@pytest.mark.parametrize("name", ["logging.jsonl", "trainer_log.jsonl", "trainer_state.json"])
def test_what_the_trainer_logs_itself_goes_before_its_event_files(
    tmp_path: Path, below: str, name: str
) -> None:
    """It has more digits and says how many steps are planned; one training is one run."""
    text = training.trainer_state([1, 2]) if name == "trainer_state.json" else training.swift(1)
    training.append(tmp_path / "out" / name, text)
    put(tmp_path / "out" / below / NAME, log([1, 2]))
    scan = discover([str(tmp_path)], OPTIONS, NOW)
    assert [each.run for each in scan.found] == ["out"]
    assert scan.found[0].dialect.name != "tensorboard"
    assert scan.left_out == {"covered": 1}


def test_event_files_go_before_what_stands_in_checkpoints_alone(tmp_path: Path) -> None:
    """They grow with each row."""
    training.append(
        tmp_path / "out" / "checkpoint-10" / "trainer_state.json", training.trainer_state([5, 10])
    )
    put(tmp_path / "out" / "runs" / "Nov29_10-00-00_host" / NAME, log(range(1, 12)))
    assert found(tmp_path) == {"out/runs/Nov29_10-00-00_host": "tensorboard"}


@pytest.mark.parametrize(
    "folder", ["tensorboard_log/project/experiment", "logs", "tb/experiment", "tensorboard", "tf-logs"]
)
def test_one_training_in_several_folders_is_one_run(tmp_path: Path, folder: str) -> None:
    """verl has its event files far from its other logs, and so have others; the rows tell whose they are."""
    put(tmp_path / folder / NAME, log(range(1, 9)))
    rows = [
        {"loss": record.get(c.LOSS), "grad_norm": record.get(c.GRAD_NORM), "step": record.step}
        for record in read(log(range(1, 9)))
    ]
    training.append(tmp_path / "project" / "logging.jsonl", *map(json.dumps, rows))
    assert found(tmp_path) == {"project": "swift"}


def test_a_training_that_was_started_again_has_event_files_of_its_own(tmp_path: Path) -> None:
    """With the same seed it begins alike; whatever follows differs."""
    put(tmp_path / "runs" / "first" / NAME, log(range(1, 40)))
    put(tmp_path / "runs" / "second" / NAME, log(range(1, 60)))
    assert len(found(tmp_path)) == 2


def test_folders_below_event_files_are_parts_of_their_run(tmp_path: Path) -> None:
    """add_hparams and add_scalars write files of their own there."""
    put(tmp_path / "run" / NAME, log([1, 2]))
    put(tmp_path / "run" / "1700000000.5" / NAME, log([1]))
    assert found(tmp_path) == {"run": "tensorboard"}


def test_the_newest_file_tells_how_old_a_run_is(tmp_path: Path) -> None:
    """It is called after its folder, and known by its first file."""
    first = put(tmp_path / "run" / "events.out.tfevents.1700000000.host.7.0", log([1, 2]))
    put(tmp_path / "run" / "events.out.tfevents.1700000000.host.10.0", log([3]))
    os.utime(first, (NOW - 1e7, NOW - 1e7))
    scan = discover([str(tmp_path)], SearchOptions(), time.time())
    assert [(each.run, each.path) for each in scan.found] == [("run", str(first))]


# Real files


@pytest.mark.parametrize(
    ("name", "producer", "rows"),
    [
        ("modelscope__ms-swift__baichuan2-v0", "transformers", [("train", 10)]),
        ("modelscope__ms-swift__baichuan2-v3", "transformers", [("train", 10), ("eval", 10), ("train", 20)]),
    ],
)
def test_real_files_of_transformers(
    corpus: Path, name: str, producer: str, rows: list[tuple[str, int]]
) -> None:
    """Rows, arguments and writer."""
    folder = corpus / "public" / "tfevents" / name
    assert steps(read_all(folder)) == rows
    (run,) = discover([str(folder)], OPTIONS, NOW).found
    assert read_run_hyper_parameters(run).numbers["learning_rate"] == 1e-4
    assert writer_of(folder) == producer


def test_real_files_of_verl(corpus: Path) -> None:
    """One row a step, one for each validation; none lost."""
    folder = corpus / "public" / "tfevents" / "volcengine__verl__verl-q3b_fsdp_base"
    records = read_all(folder)
    trained_at = [record.step for record in records if record.kind is RowKind.TRAIN]
    evaluated = [record.step for record in records if record.kind is RowKind.EVAL]
    assert trained_at == list(range(1, 106))
    assert evaluated == [0, *range(5, 106, 5)]
    assert records[1].get(c.GRAD_NORM) == pytest.approx(0.16696800291538239)
    assert writer_of(folder) == "verl"


def test_real_files_say_what_the_trainer_logged_beside_them(corpus: Path) -> None:
    """Each row of each run, to the last digit of four bytes."""
    compared = 0
    for path in sorted((corpus / "produced").glob("trl-*/out*/trainer_state.json")):
        (state,) = discover([str(path)], OPTIONS, NOW).found
        with contextlib.closing(open_source(state, Readers(), patient=False)) as source:
            logged_rows = [record for reading in polled(source) for record in reading.records]
        (folder,) = (path.parent / "runs").iterdir()
        rows = read_all(folder)
        assert steps(rows) == steps(logged_rows)
        assert list(map(cells_of, rows)) == list(map(cells_of, logged_rows))
        compared += len(rows)
    assert compared > 200


def test_real_files_of_a_restart_are_one_run(corpus: Path) -> None:
    """Two files in one folder: the rows of the log beside them, in their order."""
    output = corpus / "produced" / "swift310-sft-resume" / "output"
    (beside,) = discover([str(output / "logging.jsonl")], OPTIONS, NOW).found
    with contextlib.closing(open_source(beside, Readers(), patient=False)) as source:
        logged_rows = [record for reading in polled(source) for record in reading.records]
    wanted = [each for each in steps(logged_rows) if each[0] != "summary"]
    assert steps(read_all(output / "runs")) == wanted


def cells_of(record: Record) -> dict[Series, bytes]:
    """The numbers of a record in four bytes each."""
    pairs = zip(record.layout.series, record.values, strict=True)
    return {series_: struct.pack("<f", number) for series_, number in pairs}


def writer_of(folder: Path) -> str:
    """Who wrote the run, by what its records say."""
    (run,) = discover([str(folder)], OPTIONS, NOW).found
    live = LiveRun(run, run.run, RunOptions(), open_source(run, Readers(), patient=False), unobserved)
    with contextlib.closing(live.source):
        while live.read_on(0.0, NOW) is not None:
            pass
        return live.snapshot(NOW).producer.name


def test_frames_of_an_empty_record_say_nothing() -> None:
    """Nor does one that is damaged within."""
    assert read(header() + frame(b"") + log([1])[len(header()) :])[0].step == 1


@pytest.mark.parametrize(
    ("first", "second", "later"),
    [("host.7.0", "host.8.0", 0), ("one.7.0", "two.7.0", 4), ("host.rank0", "host.rank1", 0)],
)
def test_of_two_ranks_that_write_at_the_same_time_one_is_read(
    tmp_path: Path, watch: Callable[[Path], Watched], first: str, second: str, later: int
) -> None:
    """Whatever their numbers are: no row twice, and no step that seems to go back."""
    paths = [
        tmp_path / f"events.out.tfevents.{int(BEGAN) + after}.{host}"
        for host, after in ((first, 0), (second, later))
    ]
    for path in paths:
        put(path, header())
    watched = watch(tmp_path)
    for step in range(1, 30):
        for path in paths:
            with path.open("ab") as file:
                file.write(row(step, trained(step), BEGAN + step))
        watched.look()
    watched.look(SETTLING_SECONDS + 1)
    assert steps(watched.records) == [("train", step) for step in range(1, 30)]
    assert steps(read_all(tmp_path)) == steps(watched.records)


def test_event_files_hide_none_below_them_that_have_other_rows(tmp_path: Path) -> None:
    """Those of other trainings; without a row they hide nothing at all, and are no run beside those."""
    put(tmp_path / "runs" / NAME, log(range(1, 9)))
    put(tmp_path / "runs" / "first" / NAME, log(range(101, 131)))
    put(tmp_path / "runs" / "second" / NAME, log(range(201, 241)))
    assert set(found(tmp_path)) == {"runs", "runs/first", "runs/second"}
    (tmp_path / "runs" / NAME).write_bytes(header())
    assert set(found(tmp_path)) == {"runs/first", "runs/second"}
    (tmp_path / "runs" / NAME).write_bytes(b"")
    assert set(found(tmp_path)) == {"runs/first", "runs/second"}


def test_event_files_with_nothing_but_their_header_hide_no_output(tmp_path: Path) -> None:
    """Writers hold their rows back for minutes; when these come they say the same, with steps."""
    events = put(tmp_path / "out" / "runs" / "Nov29_10-00-00_host" / NAME, header())
    rows = [dict(record_values(record)) for record in read(log(range(1, 9)))]
    training.append(tmp_path / "train.log", *(str({**cells, "epoch": 0.1}) for cells in rows))
    assert found(tmp_path) == {"train": "printed"}
    events.write_bytes(log(range(1, 9)))
    assert found(tmp_path) == {"out/runs/Nov29_10-00-00_host": "tensorboard"}


def record_values(record: Record) -> Iterator[tuple[str, float | None]]:
    """As trainers print them."""
    for name, metric in (("loss", c.LOSS), ("grad_norm", c.GRAD_NORM)):
        yield name, record.get(metric)
