"""verl's console logger: `step:41 - actor/entropy:0.311 - ...`, all versions, under Ray or not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.argument_files import HYDRA_FILES
from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import fields, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.phases import apart
from llmtrain_exporter.knowledge.producers import VERL

_RATE, _ROUNDED = "actor/lr", b"actor/lr:0.000"  # to 0.2 with three decimals, in which no rate can be seen
_ROW = re.compile(rb"step:(?<![^\s)\]m:]step:)(\d{1,12}) - (?=[\w.@-]{1,100}/[^:\r\n]{1,200}:)")
_PLANNED = re.compile(
    rb"Total training steps: (\d{1,12})|Training Progress: *\d{1,3}%\|[^|]*\| \d{1,12}/(\d{1,12}) \["
)


class VerlRows:
    """The grammar of one log. It remembers how many steps are planned, which no row says."""

    def __init__(self) -> None:
        self._planned: int | None = None

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """What a line says of the training, and of a validation in the same step."""
        rows = [row for begin, text in rows_in(line, _ROW, b"step:") for row in self._rows(begin, text)]
        if not rows:
            self._plan(line)
        return rows

    def _rows(self, begin: re.Match[bytes], text: bytes) -> Sequence[LogRow]:
        cells = fields(text, b" - ", b":")
        if _ROUNDED in text and cells.get(_RATE) == 0.0 and _ROUNDED + b"0" not in text:
            del cells[_RATE]
        return apart(cells, {"step": int(begin[1]), "max_steps": self._planned})

    def _plan(self, line: bytes) -> None:
        planned = _PLANNED.search(line) if b"Train" in line or b"train" in line else None
        if planned:
            self._planned = int(planned[1] or planned[2]) or None


DIALECT = console_dialect("verl", VERL, lambda: VerlRows().rows, _ROW, argument_files=HYDRA_FILES)
