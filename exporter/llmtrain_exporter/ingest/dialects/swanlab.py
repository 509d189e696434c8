"""SwanLab's record of a run in `swanlog/run-*/`: LevelDB's log format, values one by one.

Read against swanlab 0.10.3 (`run-ID.swanlab`, Protocol Buffers, written a few kilobytes at a time) and 0.7.20
(`backup.swanlab`, JSON).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from llmtrain_exporter.ingest import protobuf
from llmtrain_exporter.ingest.argument_files import tracked_settings
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Shape
from llmtrain_exporter.ingest.framed import BUFFERED_SECONDS
from llmtrain_exporter.ingest.framing import BROKEN_FRAME
from llmtrain_exporter.ingest.late_numbers import Lateness
from llmtrain_exporter.ingest.leveldb_log import LevelDbLog
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.settings_text import parse_json
from llmtrain_exporter.ingest.several_files import SeveralFiles, tracked_part
from llmtrain_exporter.ingest.tracked_order import TrackedOrder
from llmtrain_exporter.ingest.tracked_rows import RowsByKey, TrackedRow, TrackedRun
from llmtrain_exporter.ingest.values import count
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import TRANSFORMERS
from llmtrain_exporter.model import Record, Skip

PREAMBLE = b":SWL\xd6\xe1"
_FINISH, _SCALAR = 11, 13  # fields of its Record
_STATE, _ENDED_WELL = 1, 1  # of FinishRecord, and its value; others are crashed and aborted
_KEY, _STEP, _TIMESTAMP, _VALUE = 1, 2, 4, 5  # of ScalarRecord
_NUMBER = 1  # of ScalarValue
_SECONDS, _NANOS = 1, 2  # of Timestamp


class _End(NamedTuple):
    finished: bool


class SwanlabRun:
    """Reads the records of one run."""

    def __init__(self, normaliser: Normaliser) -> None:
        self._run = TrackedRun(normaliser)
        self._rows, self._order = RowsByKey(), TrackedOrder()
        self.time: float | None = None  # Unix time of the row that was read last

    @property
    def producer(self) -> Producer | None:
        """Who logs, where the keys are one trainer's alone."""
        return self._run.writer

    def expect(self, lateness: Lateness) -> None:
        """Some of the numbers come late. Before anything is read."""
        self._order = TrackedOrder(lateness)

    @property
    def holds(self) -> bool:
        """Whether a row is begun whose end may not be written yet."""
        return self._rows.begun or self._order.holds

    @property
    def patience(self) -> float:
        """Seconds of silence after which nothing more is to come of that."""
        return max(BUFFERED_SECONDS, self._order.patience if self._order.holds else 0.0)

    def read(self, payload: bytes) -> Iterable[Record | Skip]:
        """The records of the rows that a frame completes."""
        try:
            found = _in_json(payload) if payload.startswith(b"{") else _in_protobuf(payload)
        except protobuf.MalformedError:
            return (BROKEN_FRAME,)
        if isinstance(found, TrackedRow):
            return self._read(self._ordered(self._rows.add(found)))
        return self._close(found.finished) if found else ()

    def release(self) -> Iterable[Record | Skip]:
        """The records of what is held: nothing more of that row is on its way."""
        return self._read([*self._ordered(self._rows.end()), *self._order.end()])

    def _close(self, finished: bool) -> Iterator[Record | Skip]:
        yield from self.release()
        yield from self._run.end(finished)

    def _ordered(self, rows: Sequence[TrackedRow]) -> Sequence[TrackedRow]:
        return [ordered for row in rows for ordered in self._order.add(row)]

    def _read(self, rows: Sequence[TrackedRow]) -> Iterator[Record | Skip]:
        for row in rows:
            self.time = row.time
            yield from self._run.read(row)


def _in_protobuf(payload: bytes) -> TrackedRow | _End | None:
    for field in protobuf.fields(payload):
        if field.number == _SCALAR and isinstance(field.value, bytes):
            return _scalar(dict(protobuf.fields(field.value)))
        if field.number == _FINISH and isinstance(field.value, bytes):
            return _End(dict(protobuf.fields(field.value)).get(_STATE) == _ENDED_WELL)
    return None


def _scalar(fields: Mapping[int, int | bytes]) -> TrackedRow | None:
    value, step = fields.get(_VALUE), fields.get(_STEP, 0)
    number = (
        protobuf.double(dict(protobuf.fields(value)).get(_NUMBER, bytes(8)))
        if isinstance(value, bytes)
        else None
    )
    if number is None or not isinstance(step, int):
        return None
    at = fields.get(_TIMESTAMP)
    time = _seconds(dict(protobuf.fields(at))) if isinstance(at, bytes) else None
    return TrackedRow(max(protobuf.signed(step), 0), time, {protobuf.text(fields.get(_KEY, b"")): number})


def _seconds(fields: Mapping[int, int | bytes]) -> float | None:
    seconds, nanos = fields.get(_SECONDS, 0), fields.get(_NANOS, 0)
    return seconds + nanos / 1e9 if isinstance(seconds, int) and isinstance(nanos, int) else None


def _in_json(payload: bytes) -> TrackedRow | _End | None:
    record = parse_json(payload)
    data = record.get("data") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(data, dict):
        return None
    if record.get("model_type") == "Footer":
        return _End(data.get("success") is True)
    metric, key = data.get("metric"), data.get("key")
    if record.get("model_type") != "Scalar" or not isinstance(metric, dict) or not isinstance(key, str):
        return None
    return TrackedRow(count(data.get("step")), _moment(metric.get("create_time")), {key: metric.get("data")})


def _moment(text: object) -> float | None:
    """Unix time of a date as ISO 8601 has it."""
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None


def sniff(head: Head) -> Confidence:
    """By what the file begins with."""
    return Confidence.SURE if head.text.startswith(PREAMBLE[:4]) else Confidence.NO


DIALECT = Dialect(
    name="swanlab",
    producer=TRANSFORMERS,
    reader=lambda normaliser, _: SwanlabRun(normaliser),
    sniff=sniff,
    files=("*.swanlab",),
    shape=Shape.FRAMES,
    argument_files=(ArgumentFile("files/config.yaml", tracked_settings),),
    framing=lambda: LevelDbLog(PREAMBLE),
    kept_by_tracker=True,
    several=SeveralFiles(tracked_part),
)
