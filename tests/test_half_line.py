"""A log that ends in the midst of a line, as one does whose program holds its output in a buffer."""

from __future__ import annotations

from pathlib import Path

import pytest
from llmtrain_exporter.ingest.dialect import HoldsRow, Role, Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.half_line import whole_part
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import sort_rows
from llmtrain_exporter.ingest.source import LineSource
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Record

GOLDEN = Path(__file__).with_name("golden")
DIALECTS = registered()
LOGS = [
    log
    for each in DIALECTS.values()
    if each.role is Role.CONSOLE and each.shape is Shape.LINES
    for log in sorted(GOLDEN.glob(f"{each.name}-*.in"))
]
MOST_LINES = 3


def records(dialect: str, lines: list[bytes]) -> list[Record]:
    """All records of lines, those of a row that is held in the end as well."""
    reader = Readers().reader(DIALECTS[dialect])
    found, _ = sort_rows(map(reader.read, lines))
    held, _ = sort_rows([reader.release()] if isinstance(reader, HoldsRow) else [])
    return found + held


def values(record: Record) -> set[tuple[str, str]]:
    return {
        (str(series), repr(value)) for series, value in zip(record.layout.series, record.values, strict=True)
    }


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_wherever_a_line_ends_that_is_not_whole_no_number_of_it_is_wrong(log: Path) -> None:
    """What a log says up to its last row, cut anywhere, the whole row says as well."""
    dialect = log.name.partition("-")[0]
    lines = log.read_bytes().split(b"\n")
    counts = [len(records(dialect, lines[:end])) for end in range(len(lines) + 1)]
    rows = [at for at in range(len(lines)) if counts[at + 1] > counts[at] and b"\r" not in lines[at]]
    for at in rows[-MOST_LINES:]:
        whole = [*records(dialect, lines[: at + 1]), *records(dialect, lines[:at])]
        for end in range(len(lines[at])):
            for read in records(dialect, [*lines[:at], whole_part(lines[at][:end])]):
                same = [each for each in whole if (each.kind, each.step) == (read.kind, read.step)]
                assert any(values(read) <= values(each) for each in same), lines[at][:end]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        (b"Step 31 | loss:1.715 lr:8.5", b"Step 31 | loss:1.715 "),
        (b"Step 31 | loss:1.715 lr:8.5e-06 ", b"Step 31 | loss:1.715 lr:8.5e-06 "),
        (b"{'loss': 1.5, 'epoch': 0.25}", b"{'loss': 1.5, 'epoch': 0.25}"),
        (b"tps: 7,", b"tps: "),
        (b"mfu: 31.5%", b"mfu: 31.5%"),
        (b"tps: 7,123\x1b[39m", b"tps: 7,123\x1b[39m"),
        (b"tps: 7,123\x1b[3", b"tps: "),
        (b"8", b""),
        (b"", b""),
    ],
)
def test_a_value_is_whole_when_something_behind_it_says_so(line: bytes, whole: bytes) -> None:
    assert whole_part(line) == whole


def test_a_log_that_ends_in_the_midst_of_a_rate_says_nothing_of_that_rate(tmp_path: Path) -> None:
    """8.5 of 8.5e-06 would be a wrong verdict."""
    log = tmp_path / "tune.log"
    log.write_text("Step 30 | loss:1.75 lr:8.6e-06\nStep 31 | loss:1.715 lr:8.5")
    source = LineSource(str(log), lambda: Readers().reader(DIALECTS["torchtune"]), patient=False)
    assert source.poll(0.0) is not None
    (record,), _ = source.rest()
    assert (record.step, record.get(c.LOSS), record.get(c.LEARNING_RATE)) == (31, 1.715, None)
