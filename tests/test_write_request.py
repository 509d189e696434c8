"""The body of a request, as a stranger reads it."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import series
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.snappy import literal, packer, varint
from llmtrain_exporter.push.write_request import RequestEncoder

from tests.receiving import read, unpacked
from tests.sent_records import LOSS, STEP, T0, UNMARKED, log, record


@given(st.binary(max_size=300))
def test_a_literal_is_snappy(body: bytes) -> None:
    """What is packed without a library is unpacked to the same."""
    assert unpacked(literal(body)) == body


def test_whatever_packs_here_is_snappy() -> None:
    """Also where the library is installed."""
    body = b"ab" * 50_000 + bytes(range(256))
    assert unpacked(packer()(body)) == body


@given(st.integers(0, (1 << 64) - 1))
def test_a_varint_has_seven_bits_a_byte(number: int) -> None:
    """The lowest first, and the highest bit says whether more follow."""
    written = varint(number)
    assert sum((byte & 0x7F) << 7 * at for at, byte in enumerate(written)) == number
    assert [byte >> 7 for byte in written] == [1] * (len(written) - 1) + [0]


@given(st.lists(st.tuples(st.integers(-(1 << 62), 1 << 62), st.floats()), min_size=1, max_size=20))
def test_values_and_times_come_as_they_are(points: list[tuple[int, float]]) -> None:
    """Every bit of a number, NaN and infinities, any time."""
    records = [record(n, value, time_ms=time) for n, (time, value) in enumerate(points, 1)]
    loss = [sample for sample in read(RequestEncoder({}).encode(records)) if "llmtrain_loss" in sample[0]]
    assert [(time, struct.pack("<d", value)) for _, time, value in loss] == [
        (time, struct.pack("<d", value)) for time, value in points
    ]


def test_each_series_is_named_once() -> None:
    """With its labels in order, the job of history among them; its samples follow each other."""
    body = RequestEncoder({"instance": "node1"}).encode([*log(2), *log(1, run="b")])
    labels = 'instance="node1",job="llmtrain-history",run='
    assert [(name, time - T0) for name, time, _ in read(body)] == [
        (f'llmtrain_step{{{labels}"a/v1"}}', 1000),
        (f'llmtrain_step{{{labels}"a/v1"}}', 2000),
        (f'llmtrain_loss{{{labels}"a/v1",split="train"}}', 1000),
        (f'llmtrain_loss{{{labels}"a/v1",split="train"}}', 2000),
        (f'llmtrain_step{{{labels}"b"}}', 1000),
        (f'llmtrain_loss{{{labels}"b",split="train"}}', 1000),
    ]


def test_labels_of_strangers_are_as_the_scrape_shows_them() -> None:
    """Printable and not long; an empty one is left out; nobody takes the job's place."""
    key = series(c.OTHER, ("key", "a\0b" + "x" * 300), ("split", ""), ("job", "mine"))
    body = RequestEncoder({}).encode([RecordSamples("r\ud800", 1, T0, {key: 1.0}, UNMARKED)])
    ((name, _, _),) = read(body)
    assert name.startswith('llmtrain_other{job="llmtrain-history",key="a\ufffdb')
    assert "split" not in name
    assert len(name) < 300


def test_info_has_the_name_of_its_samples() -> None:
    """As in a scrape."""
    info = series(c.RUN, ("dialect", "swift"))
    ((name, _, value),) = read(RequestEncoder({}).encode([RecordSamples("r", 1, T0, {info: 1.0}, UNMARKED)]))
    assert name.startswith("llmtrain_run_info{")
    assert value == 1.0


def test_a_number_that_is_none_is_refused_and_not_sent() -> None:
    """Whoever sends drops the record, and goes on."""
    with pytest.raises((OverflowError, struct.error)):
        RequestEncoder({}).encode([RecordSamples("r", 1, T0, {STEP: 10**400, LOSS: math.nan}, UNMARKED)])
