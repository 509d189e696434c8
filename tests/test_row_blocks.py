"""Lines that are read together make the records that each makes alone, and skips for the same reasons."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest import columns_of_values, values
from llmtrain_exporter.ingest.dialects import llamafactory, swift
from llmtrain_exporter.ingest.dialects.llamafactory import LlamaFactory
from llmtrain_exporter.ingest.dialects.swift import Swift
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.reading import sort_rows
from llmtrain_exporter.ingest.timed_lines import read_many
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.model import HyperParameters, Record
from llmtrain_exporter.model.blocks import RecordBlock, RecordParts, parts_of

from tests.analysing import grpo, state

NOW = 1_700_000_000.0

Row = dict[str, object]


def reader() -> Swift:
    """One for a log of its own."""
    return Swift(Normaliser(swift.ALIASES, hand_written=True))


def told(records: Sequence[Record]) -> str:
    """All that records say; as text, since NaN is not equal to itself."""
    return repr([(record, type(record), [type(value) for value in record.values]) for record in records])


def alone(lines: Sequence[bytes]) -> tuple[Sequence[Record], Counter[str], Swift]:
    """What is read of each line by itself."""
    one = reader()
    return *sort_rows(map(one.read, lines)), one


def together(lines: Sequence[bytes], portions: int = 1) -> tuple[Sequence[Record], Counter[str], Swift]:
    """What is read of all of them at once, or of as many portions, of which the later ones know the rows."""
    one, size = reader(), len(lines) // portions + 1
    records: list[Sequence[Record]] = []
    skipped: Counter[str] = Counter()
    for at in range(0, len(lines), size):
        read, skips, times = read_many(one, lines[at : at + size])
        assert times == ()
        records += parts_of(read)
        skipped += skips
    return RecordParts(records), skipped, one


def written(row: Row) -> bytes:
    """A row as a trainer writes it."""
    return orjson.dumps(row).replace(b'"NaN"', b"NaN").replace(b'"HUGE"', b"1" + b"0" * 400)


def words(seconds: int) -> str:
    """A duration as ms-swift prints it."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}h {minutes}m {seconds}s" if hours else f"{minutes}m {seconds}s" if minutes else f"{seconds}s"
    )


def placed(row: Row, step: int, planned: int = 700) -> Row:
    """A row of a step, with all that ms-swift writes behind its numbers."""
    return {
        **row,
        "global_step/max_steps": f"{step}/{planned}",
        "percentage": f"{100 * step / planned:.2f}%",
        "elapsed_time": words(17 * step),
        "remaining_time": words(17 * (planned - step)),
        "memory(GiB)": 60.5,
        "train_speed(s/it)": 17.0,
    }


ODD: tuple[Callable[[Row], Row], ...] = (
    lambda row: row | {"kl": "NaN"},  # which no strict reader takes
    lambda row: row | {"reward": 1},
    lambda row: row | {"reward": True},
    lambda row: row | {"reward": None},
    lambda row: row | {"reward": [1.0]},
    lambda row: row | {"reward": "1.5"},
    lambda row: row | {"reward": "none"},
    lambda row: row | {"reward": "HUGE"},
    lambda row: row | {"elapsed_time": "0:05:17"},
    lambda row: row | {"elapsed_time": "1 day, 0:05:17"},
    lambda row: row | {"elapsed_time": 12.5},
    lambda row: row | {"elapsed_time": "5s 3m"},
    lambda row: row | {"elapsed_time": "soon"},
    lambda row: row | {"elapsed_time": ""},
    lambda row: row | {"elapsed_time": "1m " * 20 + "5s"},
    lambda row: row | {"percentage": 12},
    lambda row: row | {"percentage": "1_2%"},
    lambda row: row | {"percentage": "12%\n"},
    lambda row: row | {"percentage": None},
    lambda row: row | {"memory(GiB)": "62.5"},
    lambda row: row | {"memory(GiB)": 62},
    lambda row: row | {"memory(GiB)": False},
    lambda row: row | {"global_step/max_steps": "7"},
    lambda row: row | {"global_step/max_steps": "7/"},
    lambda row: row | {"global_step/max_steps": "7/8/9"},
    lambda row: row | {"global_step/max_steps": "7/700\n8/700"},
    lambda row: row | {"global_step/max_steps": "123456789012/700"},
    lambda row: row | {"global_step/max_steps": 7},
    lambda row: row | {"global_step/max_steps": None},
    lambda row: {key: cell for key, cell in row.items() if key != "kl"},
    lambda row: dict(reversed(row.items())),
    lambda row: row | {"val_loss": 2.0},
    lambda row: {"eval_loss": 0.5, "global_step/max_steps": row["global_step/max_steps"]},
    lambda row: {"iteration": "7/700", **row},
    lambda row: {"text": "no row", "of": row["global_step/max_steps"]},
)

ODD_LINES = (
    b"",
    b"  ",
    b"7",
    b"[]",
    b'{"loss": 1.0',
    b"no JSON",
    b'{"kl": 1}{"kl": 2}',
    b"{" + b" " * 20_000,
)


def log(chance: random.Random) -> list[bytes]:
    """A log in which a few rows are odd, and some lines are none."""
    lines = []
    odd = chance.choice([0.0, 0.01, 0.05, 0.3])
    for step, row in enumerate(grpo(chance.choice([5, 40, 300]), chance.randrange(1000)), 1):
        whole = placed(row, step)
        lines.append(written(chance.choice(ODD)(whole) if chance.random() < odd else whole))
        if chance.random() < odd / 4:
            lines.append(chance.choice(ODD_LINES))
    return lines


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_lines_read_together_are_read_as_each_alone(seed: int, portions: int) -> None:
    """The same records, down to the type of each number, the same skips, the same writer of the log."""
    lines = log(random.Random(seed))
    records, skipped, one = together(lines, portions)
    expected, skips, other = alone(lines)
    assert told(records) == told(expected)
    assert (len(records), skipped, one.producer) == (len(expected), skips, other.producer)


@pytest.mark.parametrize("at", range(len(ODD)))
def test_one_odd_row_is_read_as_alone(at: int) -> None:
    """In the midst of many, and where all rows are as odd."""
    rows = [placed(row, step) for step, row in enumerate(grpo(40), 1)]
    odd = [written(ODD[at](row) if step in (15, 35) else row) for step, row in enumerate(rows)]
    for lines, portions in product((odd, [written(ODD[at](row)) for row in rows]), (1, 2)):
        records, skipped, _ = together(lines, portions)
        expected, skips, _ = alone(lines)
        assert (told(records), skipped) == (told(expected), skips)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 9, 60, 500]))
def test_blocks_of_rows_are_folded_as_records(seed: int, longest: int) -> None:
    """A run comes to the same, however its lines come."""
    chance = random.Random(seed)
    lines = log(chance)
    in_blocks, by_one = (Run(RunOptions(), HyperParameters()) for _ in range(2))
    expected, _, _ = alone(lines)
    for record in expected:
        by_one.fold(record, NOW)
    one, at = reader(), 0
    while at < len(lines):
        size = chance.randint(1, longest)
        in_blocks.fold_all(read_many(one, lines[at : at + size])[0], NOW)
        at += size
    assert said(in_blocks) == said(by_one)


def said(run: Run) -> tuple[object, ...]:
    """All that a run says of itself, and all that its analysis does."""
    judged = None if run.analysis is None else state(run.analysis)
    return repr(run.snapshot("run", "/logs/logging.jsonl", SWIFT, NOW + 1e4)), judged


def test_rows_that_are_alike_are_read_by_columns() -> None:
    """So that this file tests what it says: a row of other keys, or a cell that is none, parts two blocks."""
    rows = [placed(row, step) for step, row in enumerate(grpo(90), 1)]
    rows[40] = {"eval_loss": 0.5, "global_step/max_steps": "40/700"}
    parts = [
        part for part in parts_of(together(list(map(written, rows)))[0]) if isinstance(part, RecordBlock)
    ]
    assert [len(part) for part in parts] == [40, 49]


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"{}",
        b"no row",
        b"%(row)s%(row)s",
        b"%(row)s %(row)s",
        b" %(row)s",
        b"[%(row)s]",
        b"%(row)s\r",
        b'%(row)s{"more',
        b"%(row)s\n\n%(row)s",
        b"%(half)s",
        b"%(half)s\n%(rest)s",
        b"%(half)s\n%(rest)s%(row)s",  # as many rows as lines
    ],
)
def test_rows_that_share_lines_are_read_as_each_line_alone(odd: bytes) -> None:
    """Whatever stands in a line that is a row, or would be one with another line."""
    lines = [written(placed(row, step)) for step, row in enumerate(grpo(40), 1)]
    row = lines[20]
    cut = row.index(b",") + 1
    lines[30:31] = (odd % {b"row": row, b"half": row[:cut], b"rest": row[cut:]}).split(b"\n")
    records, skipped, _ = together(lines, 2)
    expected, skips, _ = alone(lines)
    assert (told(records), skipped) == (told(expected), skips)


def test_rows_are_the_same_in_whichever_order_their_keys_stand() -> None:
    """Also where two keys are of one series, of which the second goes by its own name."""
    row = placed({"loss": 1.0, "train/loss": 2.0, **grpo(1)[0]}, 1)
    for one in (row, dict(reversed(row.items())), dict(sorted(row.items()))):
        first, second = alone([written(row), written(one)])[0]
        assert told([first]) == told([second])


def test_a_summary_row_is_read_without_its_history() -> None:
    """As it is alone, where it comes behind many rows."""
    rows = [placed(row, step) for step, row in enumerate(grpo(60), 1)]
    summary = written({"last_model_checkpoint": "a", "log_history": rows}).replace(b'":', b'": ')
    lines = [*map(written, rows), summary.replace(b',"log_history": [', b', "log_history": [')]
    records, skipped, _ = together(lines)
    assert told(records) == told(alone(lines)[0])
    assert not skipped


def test_real_lines_read_together_are_read_as_each_alone(corpus: Path) -> None:
    """Of each trainer."""
    for path in sorted(corpus.rglob("logging.jsonl")):
        lines = path.read_bytes().splitlines()
        records, skipped, one = together(lines)
        expected, skips, other = alone(lines)
        assert told(records) == told(expected), path
        assert (skipped, one.producer) == (skips, other.producer), path


def llamafactory_row(row: Row, step: int) -> Row:
    """A row of LLaMA-Factory's with the same numbers, in its old schema: it has all columns, some null."""
    clock = f"{step // 360}:{step // 6 % 60:02}:{step % 6 * 10:02}"
    told: Row = {"eval_loss": None, "predict_loss": None, "reward": None, "lr": row["learning_rate"]}
    place: Row = {"epoch": step / 300, "percentage": step / 7, "elapsed_time": clock, "remaining_time": clock}
    return {"current_steps": step, "total_steps": 700, "loss": row["loss"], **told, **place}


LLAMAFACTORY_ODD: tuple[Callable[[Row], Row], ...] = (
    lambda row: row | {"loss": None},
    lambda row: row | {"loss": None, "eval_loss": 0.5},
    lambda row: row | {"elapsed_time": "1 day, 0:05:17"},
    lambda row: row | {"elapsed_time": "0:5:17"},
    lambda row: row | {"elapsed_time": "5s"},
    lambda row: row | {"total_steps": 701},
    lambda row: row | {"current_steps": "7"},
    lambda row: {key: cell for key, cell in row.items() if cell is not None},
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_lines_of_llamafactory_are_read_as_each_alone(seed: int) -> None:
    """Those without a loss too, which are training rows where the row has all columns."""
    chance = random.Random(seed)
    bare, odd = chance.random() < 0.7, chance.choice([0.0, 0.02, 0.3])
    lines = []
    for step, row in enumerate(grpo(chance.choice([5, 60, 200]), seed), 1):
        whole = llamafactory_row(row, step)
        whole = LLAMAFACTORY_ODD[-1](whole) if bare else whole
        told_as = chance.choice(LLAMAFACTORY_ODD)(whole) if chance.random() < odd else whole
        lines.append(written(told_as).replace(b'":', b'": '))
    one, other = (LlamaFactory(Normaliser(llamafactory.ALIASES, progress_rows=True)) for _ in range(2))
    records, skipped, _ = read_many(one, lines)
    expected, skips = sort_rows(map(other.read, lines))
    assert (told(records), skipped) == (told(expected), skips)
    assert not (bare and not odd and len(lines) > 5) or any(
        isinstance(part, RecordBlock) for part in parts_of(records)
    )


def test_real_lines_of_llamafactory_are_read_as_each_alone(corpus: Path) -> None:
    """Of every version."""
    for path in sorted(corpus.rglob("trainer_log.jsonl")):
        lines = path.read_bytes().splitlines()
        one, other = (LlamaFactory(Normaliser(llamafactory.ALIASES, progress_rows=True)) for _ in range(2))
        records, skipped, _ = read_many(one, lines)
        expected, skips = sort_rows(map(other.read, lines))
        assert (told(records), skipped) == (told(expected), skips), path


CELLS = st.one_of(
    st.floats(),
    st.integers(-3, 2**54),
    st.booleans(),
    st.none(),
    st.text("0123456789dhms% _/.-:\n", max_size=12),
    st.sampled_from(["1m 8s", "12d 22h 12m 9s", "0:00:26", "3 days, 17:51:32", "1.67%", "٣%", "nan"]),
)


@given(st.lists(CELLS, min_size=1, max_size=5), st.sampled_from(list(values.READERS.values())))
def test_a_column_is_read_as_each_cell(cells: list[object], read: values.CellReader) -> None:
    """Or not at all: then somebody reads cell by cell."""
    found, expected = columns_of_values.converted(cells, read), list(map(read, cells))
    assert repr(None if found is None else list(found)) == repr(None if None in expected else expected)


@given(st.lists(st.from_regex(r"\A[0-9٣+_ ]{0,3}:[0-9٣ ]{1,3}:[0-9]{1,3}(\.5)?\Z"), min_size=1, max_size=3))
def test_a_column_of_clocks_is_read_as_each_cell(cells: list[str]) -> None:
    """Or not at all."""
    found, expected = columns_of_values.converted(cells, values.duration), list(map(values.duration, cells))
    assert repr(None if found is None else list(found)) == repr(None if None in expected else expected)
    known = columns_of_values.converted(["0:00:26", "41:07:09"], values.duration)
    assert known is not None
    assert (list(known), known[-1], list(known[1:])) == ([26.0, 148029.0], 148029.0, [148029.0])


@pytest.mark.parametrize("odd", ["-5s", "1d -30h", "0d -3h", "-0s"])
def test_a_negative_time_is_none_in_a_column_as_in_a_cell(odd: str) -> None:
    """Which of them are none does not hang on their digits: texts are read later, and then all have to be."""
    assert columns_of_values.converted(["5s", odd], values.duration) is None


@given(st.lists(st.text("0123456789/\n٣ ", max_size=8), min_size=1, max_size=4))
def test_a_column_of_steps_is_read_as_each_cell(cells: list[str]) -> None:
    """Where all have the same number of planned steps."""
    found = columns_of_values.fractions(cells)
    if found is not None:
        steps, planned = found
        assert [(step, planned) for step in steps] == list(map(values.fraction, cells))


def test_records_in_parts_are_a_sequence() -> None:
    """Whoever wants one record, some, or all of them, need not know how they are held."""
    lines = [written(placed(row, step)) for step, row in enumerate(grpo(30), 1)]
    records, expected = together([*lines, b'{"eval_loss": 1.0, "step": 30}'])[0], alone(lines)[0]
    assert isinstance(records, RecordParts)
    assert len(records) == 31
    assert told([records[0], records[29]]) == told([expected[0], expected[29]])
    assert told(records[4:7]) == told(expected[4:7])
    assert not math.isnan(records[-1].values[0])
