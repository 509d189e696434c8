"""What a training prints, whatever its rows look like: prefixes, bars, tracebacks, rows without a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from llmtrain_exporter.ingest.normalise import NO_RECORD, LogRow, Normaliser
from llmtrain_exporter.ingest.prefixes import ESCAPE, OPENINGS, without_prefixes
from llmtrain_exporter.ingest.schedule import UNKNOWN, Schedule
from llmtrain_exporter.ingest.steps import StepFinder
from llmtrain_exporter.ingest.wrappers import HINTS, Unwrapper
from llmtrain_exporter.ingest.writer import WriterFinder, WriterMark
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import Layout, Record, RowKind, Skip

TEXT = Skip("text")

LONGEST_LINE = 1 << 20
"""Bytes of a line, or of a row in it, that is parsed as one value."""

_RETURN = b"\r"
_TRACEBACK = b"Traceback (most recent call last)"
_FAILURE = Record(RowKind.FAILURE, None, None, Layout(RowKind.FAILURE, (), {}, ()), ())

Grammar = Callable[[bytes], Sequence[LogRow]]
"""The rows that a line shows, without colours and the prefixes of launchers; none where it is other text."""


class ConsoleReader:
    """Reads one printed log, of whose rows only the grammar differs. Rows without a step are given one."""

    def __init__(
        self,
        normaliser: Normaliser,
        grammar: Grammar,
        schedule: Schedule = UNKNOWN,
        writers: Sequence[WriterMark] = (),
    ) -> None:
        """`schedule`: what somebody knows of the steps of rows. `writers`: who may print, and says so."""
        self._normaliser = normaliser
        self._unwrapper = Unwrapper()
        self._grammar = grammar
        self._steps = StepFinder(schedule)
        self._writer = WriterFinder(writers)
        self._is_bar = self._steps.bar.see  # without a detour: most of what lies between returns are bars

    @property
    def producer(self) -> Producer | None:
        """Who prints the log, where it says so itself."""
        return self._writer.producer

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The records of a line; several only where writers' lines were glued."""
        printed = self._unwrapper.text(line) if line.startswith(HINTS) else line
        wrapped = printed is not line
        if printed.startswith(OPENINGS) or ESCAPE in printed:
            printed = without_prefixes(printed)
        found: list[Record | Skip] = []
        if wrapped or _RETURN in printed:
            for segment in printed.splitlines():
                if not self._is_bar(segment):
                    self._read_segment(segment, found)
        elif not self._is_bar(printed):
            self._read_segment(printed, found)
        if found:
            return found
        if _TRACEBACK in printed:
            self._steps.end()
            return (_FAILURE,)
        return (TEXT,) if line and not line.isspace() else ()

    def _read_segment(self, segment: bytes, found: list[Record | Skip]) -> None:
        """Add the records between two carriage returns: what the bar shows before and after them counts."""
        rows = self._grammar(segment)
        if not rows:
            self._steps.read_banner(segment)
            self._writer.see_text(segment)
            return
        self._writer.see_rows(rows)
        found.extend(self.records(rows))

    def records(self, rows: Iterable[LogRow]) -> Iterator[Record | Skip]:
        """The records of rows, each with its step, or why there is none."""
        for cells in rows:
            for read in self._normaliser.rows(cells):
                if read is not NO_RECORD:
                    yield self._steps.place(read) if type(read) is Record else read
