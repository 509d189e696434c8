"""What a training prints, whatever its rows look like: prefixes, bars, tracebacks, rows without a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from llmtrain_exporter.ingest.normalise import NO_RECORD, Normaliser
from llmtrain_exporter.ingest.schedule import UNKNOWN, Schedule
from llmtrain_exporter.ingest.steps import StepFinder
from llmtrain_exporter.ingest.wrappers import Unwrapper
from llmtrain_exporter.ingest.writer import WriterFinder, WriterMark
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import Layout, Record, RowKind, Skip

TEXT = Skip("text")

LONGEST_LINE = 1 << 20
"""Bytes of a line, or of a row in it, that is parsed as one value."""

_COLOUR = re.compile(rb"\x1b\[[0-9;:?]{0,40}[A-Za-z]")
_PREFIX = re.compile(
    rb"(?:\[rank\d{1,6}\]:|\([^()]{0,80}\bpid=\d{1,9}[^()]{0,80}\)"
    rb"|\d{4}-\d\d-\d\dT\S{1,40} std(?:out|err) [FP])[ \t]*"
)  # of torchrun, of Ray, of Kubernetes
_ESCAPE, _OPENINGS = b"\x1b", (b"[", b"(", b"20")  # without these there is nothing to take off, as mostly
_RETURN = b"\r"
_QUOTED = b'"'  # as in what hosts wrap text in
_TRACEBACK = b"Traceback (most recent call last)"
_FAILURE = Record(RowKind.FAILURE, None, None, Layout(RowKind.FAILURE, (), {}, ()), ())

Grammar = Callable[[bytes], Sequence[Mapping[str, object]]]
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
        printed = self._unwrapper.text(line) if _QUOTED in line else line
        wrapped = printed is not line
        if printed.startswith(_OPENINGS) or _ESCAPE in printed:
            printed = without_prefix(printed)
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
        found.extend(
            self._steps.place(read) if type(read) is Record else read
            for row in rows
            for read in self._normaliser.rows(row)
            if read is not NO_RECORD
        )


def without_prefix(line: bytes) -> bytes:
    """A line without colours, and without what launchers put before it: `[rank0]:`, `(TaskRunner pid=1)`."""
    line = _COLOUR.sub(b"", line)
    prefix = _PREFIX.match(line)
    return line[prefix.end() :] if prefix else line
