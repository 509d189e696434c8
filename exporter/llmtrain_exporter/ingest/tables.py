"""Tables that trainers draw in notebooks: a line of names, `Step | Training Loss`, then lines of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.fields import LONGEST_ROW, LOST_ROW, name, number_or_text
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.row import EVAL_PREFIX, POSITION

_PLACES = {"Step": "step", "Epoch": "epoch"}
_LOSSES = {"Training Loss": "loss", "Validation Loss": f"{EVAL_PREFIX}loss"}
_VALIDATES = "Validation Loss"
_BAR = re.compile(rb"\[ {0,8}\d{1,12}/(\d{1,12}) [^\[\]]{1,80}\bEpoch ")
_NUMERIC = re.compile(rb"\s*\d[\d.]{0,20}\s*\Z")
_NO_VALUE = ("No log", "")
_PIPE, _TAB = b"|", b"\t"


class TableRows:
    """The grammar of one text: pasted from a page with tabs or pipes. It remembers the columns."""

    def __init__(self) -> None:
        self._columns: Sequence[str] = ()
        self._planned: int | None = None

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The row of a training step, and that of the evaluation beside it."""
        cells = _cells(line) if len(line) <= LONGEST_ROW else ()
        if len(cells) > 1:
            columns = columns_of(cells)
            if columns:
                self._columns = columns
            elif self._columns and _NUMERIC.match(cells[0]):
                return self._row(cells)
        elif bar := _BAR.search(line):
            self._planned = int(bar[1])
        return ()

    def _row(self, cells: Sequence[bytes]) -> Sequence[LogRow]:
        if len(cells) != len(self._columns):
            return [LOST_ROW]
        values = {key: number_or_text(cell.strip()) for key, cell in zip(self._columns, cells, strict=True)}
        there = {key: value for key, value in values.items() if value not in _NO_VALUE}
        place = {key: value for key, value in there.items() if key in POSITION} | {"max_steps": self._planned}
        evaluated = {key: value for key, value in there.items() if key.startswith(EVAL_PREFIX)}
        trained = {key: value for key, value in there.items() if key not in evaluated and key not in place}
        return [{**row, **place} for row in (trained, evaluated) if row]


def columns_of(cells: Sequence[bytes]) -> Sequence[str]:
    """The keys of the columns if these are the names of a trainer's table; else none."""
    names = [name(cell) for cell in cells]
    if names[0] not in _PLACES or _LOSSES.keys().isdisjoint(names):
        return ()
    validates = _VALIDATES in names
    return [_key(each, validates) for each in names]


def _key(column: str, validates: bool) -> str:
    """In a table with a validation all columns but the training's loss are of that."""
    known = _PLACES.get(column) or _LOSSES.get(column)
    if known:
        return known
    return EVAL_PREFIX + column.lower().replace(" ", "_") if validates else column.replace(" / ", "/")


def _cells(line: bytes) -> Sequence[bytes]:
    if _PIPE in line:
        return line.strip().removeprefix(_PIPE).removesuffix(_PIPE).split(_PIPE)
    return line.split(_TAB) if _TAB in line else ()
