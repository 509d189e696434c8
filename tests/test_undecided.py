"""Printed logs whose first rows come late: who prints them is found out by the row."""

from __future__ import annotations

from pathlib import Path

import pytest
from llmtrain_exporter.ingest.dialect import HoldsRow, KnowsProducer, LogReader, Role, Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.recognise import SNIFFED, recognise
from llmtrain_exporter.ingest.writer import LINES_LOOKED_AT
from llmtrain_exporter.model import Record, Skip

from tests import training

GOLDEN = Path(__file__).with_name("golden")
DIALECTS = registered()
PRINTED = DIALECTS["printed"]
OTHERS = [
    each
    for each in DIALECTS.values()
    if each.role is Role.CONSOLE and each.shape is Shape.LINES and each is not PRINTED
]
LOGS = [log for each in OTHERS for log in sorted(GOLDEN.glob(f"{each.name}-*.in"))]
TALK = b"INFO loading shard 3 of 17 onto device 0, which takes a while\n"


def read(reader: LogReader, text: bytes) -> list[Record | Skip]:
    """All but other text."""
    return [each for line in text.split(b"\n") for each in reader.read(line) if each != Skip("text")]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_log_that_begins_with_much_talk_is_read_all_the_same(log: Path) -> None:
    """Its first bytes say nothing; from its first row on it is read as its own dialect."""
    dialect, text = DIALECTS[log.name.partition("-")[0]], log.read_bytes()
    late = TALK * (SNIFFED // len(TALK) + 1) + text
    assert recognise(late[:SNIFFED], DIALECTS.values()) is PRINTED
    reader = Readers().reader(PRINTED)
    assert str(read(reader, late)) == str(read(Readers().reader(dialect), text))
    assert isinstance(reader, KnowsProducer)
    assert reader.producer is dialect.producer


def test_a_log_of_dicts_is_no_other_programs_whatever_it_prints_later() -> None:
    """After its first row nobody asks any more."""
    reader = Readers().reader(PRINTED)
    other = (GOLDEN / "verl-sft.in").read_bytes()
    found = read(reader, training.printed(1).encode() + b"\n" + other)
    assert len([row for row in found if isinstance(row, Record)]) == 1


def test_nobody_looks_for_ever() -> None:
    """A log without any row costs what it did after its first lines."""
    reader = Readers().reader(PRINTED)
    read(reader, TALK * LINES_LOOKED_AT)
    assert read(reader, (GOLDEN / "verl-sft.in").read_bytes()) == []


def test_a_row_that_is_held_is_told_at_the_end() -> None:
    """By the reader that was decided on."""
    reader = Readers().reader(PRINTED)
    assert isinstance(reader, HoldsRow)
    assert list(reader.release()) == []
    assert read(reader, TALK + b"m.py:2 - step 1: {'train/grad_norm': 0.25}") == []
    (record,) = reader.release()
    assert isinstance(record, Record)
    assert record.step == 1
