"""What Transformers, TRL and all that is built on them print: Python dicts between bars and other text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

import orjson

from exporter.ingest.normalise import Normaliser
from exporter.model import Kind, Layout, Record, Skip

TEXT = Skip("text")

_DICT = re.compile(rb"\{['\"][^{}]*\}")
_BARE = re.compile(r"(?<=: )-?(?:nan|inf)\b")
_BAR = re.compile(rb"\s*(?:Train: *)?\d{1,3}%\|[^|]*\| (\d{1,12})/(\d{1,12}) \[")
_TRACEBACK = b"Traceback (most recent call last)"
_CLEARED = 20  # a bar is cleared by as many blanks as it is wide
_LONGEST_ROW = 1 << 20
_FAILURE = Record(Kind.FAILURE, None, None, Layout(Kind.FAILURE, (), {}, ()), ())


class Printed:
    """Reads one printed log.

    The lines carry no step, so a record's step is its index times the steps between records. Those are given
    as `logging_steps` or found from the progress bar: it is cleared and drawn again each time that a row is
    printed, at the step of that row, even where the row itself is still held in a buffer. Else the step is
    the index.
    """

    def __init__(self, normaliser: Normaliser, logging_steps: int | None = None) -> None:
        self._normaliser = normaliser
        self._interval = logging_steps
        self._bar = Bar()
        self._index = 0

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The records of a line; several only where writers' lines were glued."""
        if self._interval is None:
            self._interval = self._bar.interval(line)
        if b"{" in line:
            found = [record for text in _DICT.findall(line) for record in self._records(text)]
            return found or (TEXT,)
        if _TRACEBACK in line:
            return (_FAILURE,)
        return (TEXT,) if line and not line.isspace() else ()

    def _records(self, text: bytes) -> Iterable[Record]:
        row = parse_dict(text)
        if "data" in row:  # a hosted notebook keeps each piece of output as an object
            inner = row["data"]
            return [] if not isinstance(inner, str) else self._nested(inner)
        record = self._normaliser.record(row) if row else TEXT
        return [] if isinstance(record, Skip) else [self._placed(record)]

    def _nested(self, text: str) -> list[Record]:
        found = _DICT.findall(text.encode(errors="replace"))
        return [record for each in found for record in self._records(each)]

    def _placed(self, record: Record) -> Record:
        self._index += record.kind is Kind.TRAIN
        if record.step is not None or record.kind is Kind.FINAL:
            return record
        return record._replace(step=self._index * (self._interval or 1), max_steps=self._bar.planned)


class Bar:
    """Follows the training's progress bar, the longest of those without a name."""

    def __init__(self) -> None:
        self.planned: int | None = None
        self._step = 0

    def interval(self, line: bytes) -> int | None:
        """The steps between records, as soon as a line shows them: where the bar is first cleared."""
        for segment in line.split(b"\r"):
            bar = _BAR.match(segment)
            if bar:
                self._saw(int(bar[1]), int(bar[2]))
            elif self._step > 1 and len(segment) > _CLEARED and segment.isspace():
                return self._step
        return None

    def _saw(self, step: int, planned: int) -> None:
        if planned >= (self.planned or 0):
            self.planned, self._step = planned, step


def parse_dict(text: bytes) -> dict[str, object]:
    """A flat dict as Python prints it, numbers printed as strings included; empty where the text is none."""
    if len(text) > _LONGEST_ROW:
        return {}
    try:
        row = orjson.loads(text.replace(b"'", b'"'))
    except orjson.JSONDecodeError:
        row = _literal(text.decode(errors="replace"))
    return row if type(row) is dict and all(type(key) is str for key in row) else {}


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(_BARE.sub(lambda bare: repr(bare[0]), text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
