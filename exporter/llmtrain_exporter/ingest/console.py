"""What a training prints, whatever its rows look like: prefixes, bars, tracebacks, rows without a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from llmtrain_exporter.ingest.normalise import NO_RECORD, Normaliser
from llmtrain_exporter.ingest.wrappers import Unwrapper
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
_BAR = re.compile(rb"\s*(?:Train: *)?\d{1,3}%\|[^|]*\| (\d{1,12})/(\d{1,12}) \[")
_QUOTED = b'"'  # as in what hosts wrap text in
_TRACEBACK = b"Traceback (most recent call last)"
_CLEARED = 20  # a bar is cleared by as many blanks as it is wide
_ENOUGH = 3  # rows: one at step 1, and two to tell how far they are apart
_FAILURE = Record(RowKind.FAILURE, None, None, Layout(RowKind.FAILURE, (), {}, ()), ())

Grammar = Callable[[bytes], Sequence[Mapping[str, object]]]
"""The rows that a line shows, without colours and the prefixes of launchers; none where it is other text."""


class ConsoleReader:
    """Reads one printed log, of whose rows only the grammar differs.

    A row without a step gets one by its index, the steps between records, and the step of the first. The
    progress bar tells those: it is cleared and drawn again each time that a row is printed, even where the
    row itself is still held in a buffer. Without a bar the step is the index.
    """

    def __init__(self, normaliser: Normaliser, grammar: Grammar, logging_steps: int | None = None) -> None:
        """`logging_steps`: the steps between records, where somebody knows them."""
        self._normaliser = normaliser
        self._grammar = grammar
        self._interval = logging_steps
        self._bar = Bar()
        self._unwrapper = Unwrapper()
        self._index = 0  # of the last training record, from 1
        self._step = 0  # of the last record: what is learned of the bar later must not make it go back

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The records of a line; several only where writers' lines were glued."""
        printed = self._unwrapper.text(line) if _QUOTED in line else line
        if printed.startswith(_OPENINGS) or _ESCAPE in printed:
            printed = without_prefix(printed)
        self._bar.see(printed)
        rows = self._grammar(printed)
        if rows and (found := [record for row in rows for record in self._records(row)]):
            return found
        if _TRACEBACK in printed:
            return (_FAILURE,)
        return (TEXT,) if line and not line.isspace() else ()

    def _records(self, row: Mapping[str, object]) -> Iterable[Record | Skip]:
        """The record of a row, and what was lost of it; nothing of a dict that is no row at all."""
        rows = self._normaliser.rows(row)
        return [
            self._placed(read) if type(read) is Record else read for read in rows if read is not NO_RECORD
        ]

    def _placed(self, record: Record) -> Record:
        self._index += record.kind is RowKind.TRAIN
        if record.step is not None or record.kind is RowKind.FINAL:
            return record
        self._step = max(self._step, self._bar.step_of(self._index, self._interval))
        return record._replace(step=self._step, max_steps=self._bar.planned)


class Bar:
    """Follows the training's progress bar: of those without a name the one at which rows are printed.

    Before the first row that is the longest, or the next after one that is full.
    """

    def __init__(self) -> None:
        self.planned: int | None = None
        self._step = 0
        self._cleared = False  # for a row: at which step is certain only when the bar is drawn again
        self._certain: list[int] = []  # steps at which rows were printed, no more than are needed

    def see(self, line: bytes) -> None:
        """Take in what a line shows of bars."""
        for segment in line.splitlines():
            bar = _BAR.match(segment)
            if bar:
                self._drawn(int(bar[1]), int(bar[2]))
            elif len(segment) > _CLEARED and segment.isspace():
                self._cleared = True

    def step_of(self, index: int, interval: int | None) -> int:
        """The step of a training record, by its index from 1; of other rows, by that of the one before.

        Records stand at multiples of their interval; the first can stand before those, at step 1.
        """
        printed = self._printed()
        interval = interval or _interval(printed) or 1
        first = printed[0] if printed else interval
        return first if index == 1 else (first // interval + index - 1) * interval

    def _drawn(self, step: int, planned: int) -> None:
        if planned != self.planned:
            if self._certain or (planned < (self.planned or 0) and self._step != self.planned):
                return
            self._cleared = False
        self.planned, self._step = planned, step
        self._certain = self._printed()[:_ENOUGH]
        self._cleared = False

    def _printed(self) -> list[int]:
        """The first steps at which rows were printed, as far as one knows by now."""
        known = self._certain[-1] if self._certain else 0
        return [*self._certain, self._step] if self._cleared and self._step > known else self._certain


def without_prefix(line: bytes) -> bytes:
    """A line without colours, and without what launchers put before it: `[rank0]:`, `(TaskRunner pid=1)`."""
    line = _COLOUR.sub(b"", line)
    prefix = _PREFIX.match(line)
    return line[prefix.end() :] if prefix else line


def _interval(printed: list[int]) -> int | None:
    """The steps between rows, by the first ones; a row at step 1 can stand outside of the rhythm."""
    rhythm = printed[1:] if printed[:1] == [1] else printed
    return rhythm[1] - rhythm[0] if len(rhythm) > 1 else next(iter(rhythm), None)
