"""`llmtrain.jsonl`, which a guarded training leaves: each row that its trainer logs, with step and time."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.json_rows import JsonRows, lenient_json
from llmtrain_exporter.ingest.normalise import LogRow, Normaliser
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.values import number
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import PRODUCERS, RECORDED_LOG, TRANSFORMERS
from llmtrain_exporter.model import Record, Skip

_BEGIN = "llmtrain"  # a start of the training, with what it was started with
_EVENT = "guard"  # what the guard did, which its own file tells
_TIME = "time"
_BEGIN_MARK = b'{"llmtrain": '
_PART = 256 << 10  # bytes at either end in which the newest start is looked for

_BY_NAME = {producer.name: producer for producer in PRODUCERS}


class GuardedRows:
    """Reads one log. A training that was started again goes on in it, from an earlier step."""

    __slots__ = ("_json", "_normaliser", "producer", "time")

    def __init__(self, normaliser: Normaliser) -> None:
        self._normaliser = normaliser
        self._json = JsonRows(self)
        self.producer: Producer | None = None  # once the begin of the training has said whose it is
        self.time: float | None = None  # Unix time of the last row; of older ones that when it began

    def read(self, line: bytes) -> Sequence[Record | Skip]:
        """The record of a line; none of what is no row of the trainer."""
        return self._json.read(line)

    def rows(self, row: LogRow) -> Sequence[Record | Skip]:
        """The record of the object of a line."""
        if _BEGIN in row:
            self.producer = _BY_NAME.get(str(row.get("producer")), TRANSFORMERS)
            self.time = _time(row)
            return ()
        if _EVENT in row:
            return ()
        self.time = _time(row) or self.time
        return self._normaliser.rows({key: value for key, value in row.items() if key != _TIME})


def _time(row: LogRow) -> float | None:
    """Unix time at which a row was logged; None where it does not say so."""
    time = number(row.get(_TIME))
    return time if time is not None and 0 < time < math.inf else None


def sniff(head: Head) -> Confidence:
    """Its first row says so."""
    return Confidence.SURE if head.first is not None and _BEGIN in head.first else Confidence.NO


def stated(path: str) -> Mapping[str, object]:
    """The settings with which the training was started last. Raises OSError."""
    end = max(os.path.getsize(path) - _PART, 0)
    return _newest_settings(read_part(path, _PART, end)) or _newest_settings(read_part(path, _PART))


def _newest_settings(part: bytes) -> Mapping[str, object]:
    lines = [line for line in part.splitlines() if line.startswith(_BEGIN_MARK)]
    begin = lenient_json(lines[-1]) if lines else None
    settings = begin.get("settings") if isinstance(begin, dict) else None
    return settings if isinstance(settings, dict) else {}


DIALECT = Dialect(
    name="guarded",
    producer=TRANSFORMERS,
    reader=lambda normaliser, _: GuardedRows(normaliser),
    sniff=sniff,
    files=(RECORDED_LOG,),
    stated=stated,
    leads=True,
)
