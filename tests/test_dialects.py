"""The dialects: what each producer and version writes becomes the right records, and nothing else does."""

from __future__ import annotations

import json
import math
import re
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from llmtrain_exporter.ingest.dialect import Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.frames import Frames
from llmtrain_exporter.ingest.gathering import Gathers
from llmtrain_exporter.ingest.printed_rows import PrintedRows
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import read_lines
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import PREFIX, Metric
from llmtrain_exporter.knowledge.skips import REASONS
from llmtrain_exporter.model import Record, RowKind, Skip, series

GOLDEN = Path(__file__).with_name("golden")
DIALECTS = registered()
BAR = " {percent:3d}%|████      | {step}/{planned} [00:08<00:24,  1.25it/s]"
CLEARED = " " * 60


def read(dialect: str, text: bytes, logging_steps: int | None = None) -> list[Record | Skip]:
    """All that a reader says of a log; of a document all at once, of a held row in the end."""
    known = DIALECTS[dialect]
    reader = Readers(logging_steps).reader(known)
    if known.framing is not None:
        frames, _ = known.framing().take(text, True)
        found = [(piece,) if isinstance(piece, Skip) else reader.read(piece) for piece in frames]
        return [row for rows in found for row in rows]
    pieces = [text] if known.shape is Shape.DOCUMENT else text.split(b"\n")
    if known.shape is Shape.RECORDS:
        pieces = Frames(0, 0).take(text, 0, len(text))
    held = reader.release if isinstance(reader, Gathers) else tuple
    return [*(row for piece in pieces for row in reader.read(piece)), *held()]


def records(dialect: str, text: bytes | str, logging_steps: int | None = None) -> list[Record]:
    """The records alone."""
    text = text.encode() if isinstance(text, str) else text
    return [row for row in read(dialect, text, logging_steps) if isinstance(row, Record)]


def told(rows: Iterable[Record | Skip]) -> str:
    """The rows as a golden file has them."""
    return "".join(_skip(row) if isinstance(row, Skip) else _record(row) for row in rows)


def _skip(row: Skip) -> str:
    return f"skipped: {row.reason}\n"


def _record(row: Record) -> str:
    lines = [f"{row.kind.value} at step {row.step} of {row.max_steps}"]
    for one, value in zip(row.layout.series, row.values, strict=True):
        labels = ", ".join(f"{name}={json.dumps(label, ensure_ascii=False)}" for name, label in one.labels)
        lines.append(
            f"  {one.metric.name.removeprefix(PREFIX)}{'{' + labels + '}' if labels else ''} {value!r}"
        )
    return "\n".join(lines) + "\n"


def value(record: Record, metric: Metric, **labels: str) -> float | None:
    """The value of a series in a record."""
    own = series(metric, *labels.items())
    return next((v for s, v in zip(record.layout.series, record.values, strict=True) if s is own), None)


@pytest.mark.parametrize("log", sorted(GOLDEN.glob("*.in")), ids=lambda path: path.stem)
def test_a_log_reads_as_its_golden_pair_says(log: Path) -> None:
    """Each `dialect-what.in` gives what its `.out` says; a new pair needs no code."""
    dialect = log.name.partition("-")[0]
    rows = read(dialect, log.read_bytes().removesuffix(b"\n"))
    assert told(rows) == log.with_suffix(".out").read_text(encoding="utf-8")


GLUED = [
    (
        "torchtitan",
        "step: {}  loss:  5.1250  grad_norm:  0.5  memory: 61.25GiB(77.50%)  tps: 7,123  mfu: 41.69%",
    ),
    ("xtuner", "Iter(train) [  {}/1000]  lr: 9.0000e-05  time: 2.5000  memory: 10752  loss: 2.25"),
    ("xtuner", "Epoch 1 Step {}/1000 lr: 1.000000e-05 time: 1.5000 total_loss: 1.250 tgs: 2048.0"),
    (
        "megatron",
        "iteration        {}/     500 | learning rate: 1.0E-05 | lm loss: 2.125E+00 | grad norm: 0.8 |",
    ),
    (
        "nemo_automodel",
        "step {} | epoch 0 | loss 0.7500 | tps 31346.50(3918.25/gpu) | num_label_tokens 45579",
    ),
    ("mlx_lm", "Iter {}: Train loss 1.750, Learning Rate 1.000e-05, It/sec 0.500, Peak mem 8.000 GB"),
    ("openrlhf", "Global step {}: {{'policy_loss': 0.0021, 'actor_lr': 9e-07, 'reward': 0.53}}"),
]
LAUNCHERS = ("", "[rank{rank}]:", "(Trainer pid=41{rank}) ")
PROGRAMS = (
    "",
    "2026-08-10 16:00:{second} | INFO | root | ",
    "08/10 22:19:{second} - mmengine - INFO - ",
    "[titan] 2026-08-21 09:59:{second},10{second} - root - INFO - ",
    " [2026-08-22 10:00:{second}.100000] ",
)


@pytest.mark.parametrize(
    ("dialect", "row"),
    [
        ("verl", "step:{} - actor/pg_loss:0.5 - actor/grad_norm:np.float64(0.25)"),
        ("torchtune", "Step {} | loss:0.5 lr:2e-05"),
        ("nanotron", "iteration: {} / 500 | lm_loss: 0.5 | lr: 2e-05"),
        ("minimind", "Epoch:[1/1]({}/100), loss: 0.5, lr: 2e-05"),
        *GLUED,
    ],
)
def test_rows_that_two_writers_put_on_one_line_are_two_rows(dialect: str, row: str) -> None:
    """Each has its own step and its own values."""
    line = row.format(1) + " " + row.format(2)
    assert told(read(dialect, line.encode())) == steps_1_and_2(dialect, row)


def steps_1_and_2(dialect: str, row: str) -> str:
    """What is told of the row at these steps, each on a line of its own."""
    return "".join(told(read(dialect, row.format(step).encode())) for step in (1, 2))


@pytest.mark.parametrize(
    ("dialect", "row", "other"),
    [
        (
            "torchtitan",
            "step: 41  loss:  5.1250  memory: 61.25GiB(77.50%)  tps: 7,123  mfu: 41.69%",
            "validate step: 41  loss:  5.2500  memory: 61.25GiB(77.50%)  tps: 9,800",
        ),
        (
            "xtuner",
            "Epoch(train) [2][ 10/735]  lr: 1.0000e-04  loss: 2.5000  grad_norm: nan",
            "Epoch(val) [2][145/145]    rouge/l: 0.5000  data_time: 0.0040  time: 0.5000",
        ),
        (
            "megatron",
            "iteration       42/     500 | lm loss: 2.125000E+00 | grad norm: 0.875 |",
            "validation loss at iteration 42 | lm loss value: 2.250000E+00 | lm loss PPL: 9.500000E+00 | ",
        ),
        (
            "mlx_lm",
            "Iter 10: Train loss 1.750, It/sec 0.500, Peak mem 8.000 GB",
            "Iter 10: Val loss 2.500, Val took 17.250s",
        ),
        (
            "openrlhf",
            "Global step 42: {'policy_loss': 0.0021, 'reward': 0.53}",
            "Evaluation completed in 00:01:44, global_step 42, eval_metrics: {'eval_gsm8k_pass1': 0.71}",
        ),
    ],
)
def test_a_row_and_an_evaluation_on_one_line_are_both_read(dialect: str, row: str, other: str) -> None:
    """In either order, as if each stood on a line of its own."""
    for lines in ((row, other), (row, other, row)):
        expected = told(read(dialect, "\n".join(lines).encode()))
        assert told(read(dialect, " ".join(lines).encode())) == expected


def test_a_dict_that_is_glued_to_another_may_be_broken_over_lines() -> None:
    """It goes on with the next line."""
    rows = "Global step 1: {'reward': 0.5, 'kl': 0.1}", "Global step 2: {'reward': 0.25,\n 'kl': 0.2}"
    found = records("openrlhf", "".join(rows))
    assert len(found) == 2
    assert told(found) == told(records("openrlhf", "\n".join(rows)))


def test_many_rows_on_one_line_are_read_in_a_moment() -> None:
    """Each byte of it once."""
    text = "".join(f"Global step {step}: {{'reward': 0.5}}" for step in range(20_000))
    assert len(records("openrlhf", text)) == 20_000


@pytest.mark.parametrize(("dialect", "row"), GLUED)
@pytest.mark.parametrize("launched", LAUNCHERS)
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("between", ["", " "])
def test_what_stands_before_a_row_that_was_glued_is_no_value_of_the_one_before(
    dialect: str, row: str, launched: str, program: str, between: str
) -> None:
    """Of a launcher, and of a program, with other times there; also right behind a digit."""
    lines = [launched.format(rank=at) + program.format(second=f"0{at}") + row.format(at) for at in (1, 2)]
    if lines[1][0].isalpha() and lines[0][-1].isdigit():
        between = " "  # where two words are one nobody can tell them apart
    assert told(read(dialect, between.join(lines).encode())) == steps_1_and_2(dialect, row)


# ms-swift


def summary_row(rows: int) -> bytes:
    row = {"loss": 1.0, "grad_norm": math.nan, "epoch": 0.1, "step": 5}
    facts = {"model_parameter_info": "1.0M", "last_model_checkpoint": None, "best_metric": 0.5}
    return json.dumps({**facts, "global_step": rows, "log_history": [row] * rows, "memory": 0.6}).encode()


@pytest.mark.parametrize("rows", [1, 10, 100_000])
def test_a_summary_row_is_one_record_whatever_history_it_holds(rows: int) -> None:
    """`log_history` repeats the whole log; none of its rows is a record."""
    (record,) = read("swift", summary_row(rows))
    assert isinstance(record, Record)
    assert (record.kind, record.step) == (RowKind.SUMMARY, rows)
    assert value(record, c.OTHER, key="best_metric", split="train") == 0.5


def test_the_history_of_a_large_summary_row_is_never_parsed() -> None:
    """A summary of many megabytes costs the memory of its head; what is wrong behind that is not seen."""
    line = summary_row(100_000).replace(b'"epoch"', b'"epoch')
    reader = Readers().reader(DIALECTS["swift"])
    tracemalloc.start()
    try:
        (record,) = reader.read(line)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(record, Record)
    assert len(line) > 4 << 20
    assert peak < len(line) / 4


def test_a_row_as_long_as_a_summary_is_still_a_row() -> None:
    """Thousands of reward functions make a long row, which is read whole."""
    row = {f"rewards/f{i}/mean": float(i) for i in range(2000)} | {"loss": 0.5, "reward": 1.0, "step": 3}
    (record,) = records("swift", json.dumps(row))
    assert record.kind is RowKind.TRAIN
    assert value(record, c.REWARD_FUNCTION_MEAN, function="f1999", split="train") == 1999.0


@pytest.mark.parametrize("digits", [20, 400, 5000])
def test_an_integer_of_any_size_is_a_number(digits: int) -> None:
    """What is too large for a float is infinite; the rest of the row stays."""
    (record,) = records("swift", '{"loss": 0.5, "step": 1, "big": %s}' % ("9" * digits))
    assert value(record, c.OTHER, key="big", split="train") == (1e20 if digits == 20 else math.inf)


@pytest.mark.parametrize("deep", ['{"loss": 1, "step": 1, "x": %s}', "%s"])
def test_json_of_any_depth_is_counted_or_read(deep: str) -> None:
    """Brackets by the hundred thousand neither crash the parser nor make a record."""
    (row,) = read("swift", (deep % ("[" * 100_000 + "]" * 100_000)).encode())
    assert row == Skip("not_json")


@pytest.mark.parametrize("end", ["\r", " ", ""])
def test_what_stands_before_a_line_end_does_not_matter(end: str) -> None:
    """Logs copied from Windows have a carriage return there."""
    assert len(records("swift", '{"loss": 0.5, "step": 1}' + end)) == 1


def test_a_byte_order_mark_hides_no_record() -> None:
    """A log that an editor has saved begins with one."""
    assert len(records("swift", b'\xef\xbb\xbf{"loss": 0.5, "step": 1}')) == 1


# LLaMA-Factory


def test_a_final_row_of_the_old_schema_counts_as_the_training_row_that_it_imitates() -> None:
    """It writes every column, with a null loss; of the new schema's last row nothing but progress is left."""
    old = '{"current_steps": 5, "total_steps": 5, "loss": null, "eval_loss": null, "epoch": 1.0}'
    new = '{"current_steps": 5, "total_steps": 5, "epoch": 1.0}'
    assert [record.kind for record in records("llamafactory", f"{old}\n{new}")] == [
        RowKind.TRAIN,
        RowKind.PROGRESS,
    ]


def test_progress_alone_is_no_record_where_only_a_prediction_could_have_written_it() -> None:
    """LLaMA-Factory writes progress rows; in another producer's log they are no training rows."""
    row = b'{"current_steps": 5, "total_steps": 63, "percentage": 7.94}'
    assert read("swift", row) == [Skip("no_training_row")]


# Printed logs


def bar(step: int, planned: int = 100) -> str:
    return "\r" + BAR.format(percent=100 * step // planned, step=step, planned=planned)


def cleared() -> str:
    return "\r" + CLEARED + "\r"


def row(number: int, kind: str = "loss") -> str:
    return f"{{'{kind}': {number}.5, 'epoch': {number / 100}}}\n"


def unbuffered(steps: Iterable[int], planned: int = 100) -> str:
    """A terminal's view: the bar is cleared, the row printed, the bar drawn again."""
    text = bar(0, planned)
    for step in steps:
        text += bar(step, planned) + cleared() + row(step) + bar(step, planned)
    return text


def buffered(steps: Iterable[int], planned: int = 100, rows: int = 5) -> str:
    """A file's view: bars come at once, rows only in blocks, long after."""
    text, held = bar(0, planned), ""
    for number, step in enumerate(steps, 1):
        text += bar(step, planned) + cleared() + bar(step, planned)
        held += row(step)
        if not number % rows:
            text, held = text + held, ""
    return text + held


RHYTHMS = {
    "every step": range(1, 31),
    "every second": range(2, 61, 2),
    "every tenth": range(10, 101, 10),
    "step 1, then every second": [1, *range(2, 61, 2)],
    "step 1, then every tenth": [1, *range(10, 101, 10)],
    "resumed at 45": range(45, 101, 5),
}


@pytest.mark.parametrize("steps", RHYTHMS.values(), ids=RHYTHMS)
@pytest.mark.parametrize("writer", [unbuffered, buffered])
def test_steps_are_found_from_the_bar(writer: Callable[[Iterable[int]], str], steps: Iterable[int]) -> None:
    """Rows state no step: the bar tells the first step and the interval, however late the rows come."""
    found = records("printed", writer(steps))
    assert [record.step for record in found] == list(steps)
    assert {record.max_steps for record in found} == {100}


def test_the_bar_counts_as_it_is_drawn_after_the_row() -> None:
    """Bars are drawn ten times a second; quick steps leave the last drawing behind the row's step."""
    text = bar(0) + "".join(bar(10 * n - 1) + cleared() + row(n) + bar(10 * n) for n in range(1, 6))
    assert [record.step for record in records("printed", text)][2:] == [30, 40, 50]


def test_the_bar_of_an_evaluation_does_not_count_steps() -> None:
    """It is shorter than the training's, or comes when that one has shown rows already."""
    text = bar(0, 100) + bar(10) + cleared() + row(10) + bar(10)
    text += bar(3, 7) + bar(7, 7) + cleared() + row(10, "eval_loss") + bar(10)
    text += bar(500, 1000) + cleared() + row(10, "eval_loss") + bar(20) + cleared() + row(20)
    assert [(record.step, record.max_steps) for record in records("printed", text)] == [
        (10, 100),
        (10, 100),
        (10, 100),
        (20, 100),
    ]


def test_a_bar_that_was_full_before_the_training_does_not_count_steps() -> None:
    """Tokenising 2,000 texts draws a bar too, and clears it when it is full."""
    text = bar(0, 2000) + bar(2000, 2000) + cleared() + "\n" + unbuffered(range(10, 51, 10))
    assert [record.step for record in records("printed", text)] == [10, 20, 30, 40, 50]


@pytest.mark.parametrize("name", ["\r", "\rTrain: "])
def test_bars_with_another_name_do_not_count_steps(name: str) -> None:
    """The training's bar has no name, or that of ms-swift."""
    text = "\rMap: 100%|████| 9999/9999 [00:00<00:00]" + cleared() + unbuffered([10, 20])
    text = re.sub(r"\r(?= *\d+%)", name, text)
    assert [(record.step, record.max_steps) for record in records("printed", text)] == [(10, 100), (20, 100)]


def test_logging_steps_can_be_told() -> None:
    """Without a bar the operator's word counts, and even beside one."""
    text = row(1) + row(2) + row(3)
    assert [record.step for record in records("printed", text)] == [1, 2, 3]
    assert [record.step for record in records("printed", text, 25)] == [25, 50, 75]
    assert [record.step for record in records("printed", unbuffered([1, 25, 50]), 25)] == [1, 25, 50]


@given(st.lists(st.sampled_from([1, 10, 20, 90, bar(7, 7), cleared(), row(1), "\n", "text"])))
def test_steps_never_go_back_while_they_are_being_learned(pieces: list[int | str]) -> None:
    """Or each change of mind would count as a resume. Only a training's bar that goes back is one."""
    drawn = iter(sorted(piece for piece in pieces if isinstance(piece, int)))
    text = "".join(bar(next(drawn)) if isinstance(piece, int) else piece for piece in pieces)
    steps = [record.step or 0 for record in records("printed", text)]
    assert steps == sorted(steps)


def test_a_row_is_found_behind_50_kilobytes_of_bars() -> None:
    """A line of a log without a terminal holds all the bars since the last one."""
    text = "".join(bar(step) for step in range(100)) * 11 + cleared() + row(1)
    assert len(text) > 50_000
    assert len(records("printed", text)) == 1


def test_an_evaluation_before_the_first_training_row_is_at_step_0() -> None:
    """Trainers can evaluate before they train."""
    text = row(0, "eval_loss") + row(1)
    assert [(record.kind, record.step) for record in records("printed", text)] == [
        (RowKind.EVAL, 0),
        (RowKind.TRAIN, 1),
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [("nan", math.nan), ("'nan'", math.nan), ("inf", math.inf), ("'-inf'", -math.inf), ("-inf", -math.inf)],
)
def test_printed_numbers_that_are_not_finite(text: str, number: float) -> None:
    """Bare in transformers 4.x, quoted in 5.x."""
    (record,) = records("printed", f"{{'loss': {text}, 'epoch': 0.5}}")
    assert value(record, c.LOSS, split="train") == pytest.approx(number, nan_ok=True)


HOSTILE_DICTS = (
    "{'loss': " + "-" * 100_000 + "1}",
    "{'loss': " + "1+" * 50_000 + "1}",
    "{'loss': " + "(" * 1000 + "1" + ")" * 1000 + "}",
    "{'loss': " + "[" * 90 + "]" * 90 + "}",
    "{'loss': " + "9" * 5000 + "}",
    "{'loss': 1if 0else 2}",
    "{'loss': 0777}",
    "{'\\N{foo}': 1}",
    "{'loss': '\\d'}",
    "{'loss': \x00}",
    "{'loss': exit()}",
    "{'a': 1, 2: 3}",
    "{'a': 1, [2]: 3}",
    "{'" + "x" * (2 << 20) + "': 1}",
    "{'" * 100_000,
)


@pytest.mark.parametrize("text", HOSTILE_DICTS, ids=range(len(HOSTILE_DICTS)))
def test_a_dict_that_is_none_is_text(text: str) -> None:
    """Neither a crash, nor a warning, nor code that runs."""
    assert read("printed", text.encode()) == [Skip("text")]


def test_a_whole_notebook_in_one_line_is_read() -> None:
    """Some hosts write the array without line ends."""
    pieces = [{"stream_name": "stdout", "time": 1.0, "data": row(number)} for number in (1, 2, 3)]
    assert len(records("printed", json.dumps(pieces))) == 3


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}")),
        st.floats()
        | st.integers(-(10**30), 10**30)
        | st.text(st.characters(exclude_characters="{}"))
        | st.none(),
    )
)
@example({"it's": 0.5, 'a "b"': math.nan})
def test_what_python_prints_of_a_dict_is_read_again(row: dict[str, object]) -> None:
    """Quotes, escapes, bare nan and inf: a flat dict comes back with the same keys and the same numbers."""
    (back,) = PrintedRows().rows(repr(row).encode(errors="replace")) or ({},)
    for key, cell in row.items():
        if isinstance(cell, float) and not math.isfinite(cell):
            assert float(str(back[key])) == pytest.approx(cell, nan_ok=True)
        elif isinstance(cell, (int, float)):
            assert float(str(back[key])) == float(cell)


# Documents


def document(rows: list[object], **state: object) -> bytes:
    return json.dumps({"global_step": 5, "max_steps": 10, **state, "log_history": rows}).encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not_json"),
        (b'{"log_history": [', "not_json"),
        (document([])[:-5], "not_json"),
        (b"[]", "not_an_object"),
        (b'{"log_history": {}}', "not_an_object"),
        (b'{"epoch": 1.0}', "not_an_object"),
        (b"\xff\xfe", "not_json"),
    ],
)
def test_a_document_that_is_none_is_counted(text: bytes, reason: str) -> None:
    """Torn, empty, or another program's JSON."""
    assert read("trainer_state", text) == [Skip(reason)]


def test_rows_of_a_document_carry_the_planned_steps() -> None:
    """They stand in the document, not in its rows; -1 is the trainer's word for none."""
    row = {"loss": 0.5, "epoch": 0.5, "step": 5}
    assert [record.max_steps for record in records("trainer_state", document([row]))] == [10]
    assert [record.max_steps for record in records("trainer_state", document([row], max_steps=-1))] == [None]


# All of them


def test_every_dialect_names_its_producer() -> None:
    """trainer_state.json, printed logs and what trackers keep are all written by Transformers, mostly."""
    assert {name: dialect.producer.name for name, dialect in DIALECTS.items()} == {
        "swift": "swift",
        "llamafactory": "llamafactory",
        "trainer_state": "transformers",
        "printed": "transformers",
        "mlflow": "transformers",
        "mlflow_files": "transformers",
        "swanlab": "transformers",
        "trackio": "transformers",
        "wandb": "transformers",
        "verl_file": "verl",
        "prime_rl": "prime-rl",
        "tensorboard": "tensorboard",
        **dict.fromkeys(("guarded", "notebook", "notebook_table"), "transformers"),
        "megatron": "megatron-lm",
        "mlx_lm": "mlx-lm",
        "nemo_automodel": "nemo-automodel",
        **{name: name for name in ("litgpt", "minimind", "nanotron", "openrlhf", "roll", "slime")},
        **{name: name for name in ("skyrl", "torchtitan", "torchtune", "verl", "xtuner")},
    }


def test_an_unknown_dialect_is_refused() -> None:
    """It is the caller's fault, not the log's."""
    with pytest.raises(KeyError):
        registered()["morse"]


def test_readers_of_two_logs_share_no_steps() -> None:
    """Two printed logs count their records each for itself."""
    readers = Readers()
    one, other = (readers.reader(DIALECTS["printed"]) for _ in range(2))
    reads = ((one, row(1)), (one, row(2)), (other, row(2)))
    found = [each for reader, text in reads for each in reader.read(text.encode())]
    steps = [record.step for record in found if isinstance(record, Record)]
    assert steps == [1, 2, 1]


FRAGMENTS = (
    b"""{" {' loss ': ": nan NaN 1e999 ' " } 100%| epoch 0.5 "data" "step": "log_history": [ ] ,""".split()
)
ODD = (
    b"np.float64(",
    b"tensor(0.5, device='cuda:0')",
    b"array([",
    b"}{",
    b"{\n",
    b"\x1b[32m",
    b'{"log": ',
    b'"stream": "stdout"',
)
fragments = st.sampled_from(
    [*FRAGMENTS, *ODD, b"| 5/7 [", b" " * 30, b"\r", b"\n", b"\0", b"\xff", b"\\ud800"]
)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(st.lists(st.binary(max_size=8) | fragments, max_size=60).map(b"".join))
def test_no_bytes_make_a_reader_fail(dialect: str, text: bytes) -> None:
    """Any bytes become records of floats, counted skips of a known reason, or nothing."""
    found, skipped = read_lines(Readers().reader(DIALECTS[dialect]), text.split(b"\n"))
    assert set(skipped) <= set(REASONS)
    assert all(type(value) is float for record in found for value in record.values)
