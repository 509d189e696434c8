"""The body of remote write 1.0: records as a `WriteRequest` of protobuf, each series with its samples.

Source: prompb/remote.proto and prompb/types.proto of Prometheus.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache

from llmtrain_exporter.knowledge.jobs import HISTORY_JOB
from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import label_value
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.snappy import varint

MOST_FRAMES = 100_000
"""Series whose labels are remembered as bytes at most: some 30 MB."""

_SERIES, _LABEL, _SAMPLES = b"\x0a", b"\x0a", b"\x12"
_NAME, _VALUE = b"\x0a", b"\x12"
_DOUBLE, _TIME = b"\x09", b"\x10"
_SIXTY_FOUR_BITS = (1 << 64) - 1


class RequestEncoder:
    """Makes bodies of records, and remembers how series are written. Belongs to one thread."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        """`labels`: those that each series gets besides its own, which go before them."""
        self._labels = labels
        self._frames: dict[tuple[str, Series], bytes] = {}

    def encode(self, records: Iterable[RecordSamples]) -> bytes:
        """The body, not yet packed. Records of one run stand in the order of their times."""
        rows: dict[str, dict[Series, list[bytes]]] = {}
        for record in records:
            _add(rows.setdefault(record.run, {}), record)
        parts: list[bytes] = []
        for run, samples in rows.items():
            for series, points in samples.items():
                message = self._frame(run, series) + b"".join(points)
                parts += _SERIES, varint(len(message)), message
        return b"".join(parts)

    def _frame(self, run: str, series: Series) -> bytes:
        found = self._frames.get((run, series))
        if found is None:
            if len(self._frames) >= MOST_FRAMES:
                self._frames.clear()
            found = self._frames[run, series] = self._written(run, series)
        return found

    def _written(self, run: str, series: Series) -> bytes:
        own = {**self._labels, "run": run, **dict(series.labels)}
        own |= {"job": HISTORY_JOB, "__name__": series.metric.sample_name}
        # An empty label is none; the others stand in the order of their names, which servers rely on.
        return b"".join(_label(name, label_value(value)) for name, value in sorted(own.items()) if value)


def _label(name: str, value: str) -> bytes:
    return _field(_LABEL, _field(_NAME, name.encode()) + _field(_VALUE, value.encode()))


def _add(rows: dict[Series, list[bytes]], record: RecordSamples) -> None:
    time = _TIME + varint(record.time_ms & _SIXTY_FOUR_BITS)
    head = _SAMPLES + bytes((9 + len(time),)) + _DOUBLE
    pack = _sample(len(time)).pack
    for series, value in record.values.items():
        points = rows.get(series)
        if points is None:
            points = rows[series] = []
        points.append(pack(head, value, time))


@lru_cache
def _sample(time_bytes: int) -> struct.Struct:
    return struct.Struct(f"<3sd{time_bytes}s")


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content
