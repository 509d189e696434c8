"""A printed log whose first bytes do not tell who prints it: trainers can talk long before they train."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, HoldsRow, KnowsProducer, LogReader
from llmtrain_exporter.ingest.prefixes import without_prefixes
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.ingest.wrappers import unwrapped
from llmtrain_exporter.ingest.writer import LINES_LOOKED_AT
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import Record, Skip

MOST_KEPT = 1 << 20
"""Bytes of lines that whoever turns out to print them is shown: what is planned can stand there."""


_MAYBE = re.compile(rb"step|iter|epoch|eval|metrics|rollout|perf|passrate|turn")
"""Whatever a program prints, its rows have one of these; to ask each dialect takes ten times as long."""


class UndecidedReader:
    """Reads with the reader that takes any text, until a row of another dialect shows whose log it is."""

    def __init__(self, usual: LogReader, others: Callable[[], Sequence[Dialect]], schedule: Schedule) -> None:
        """`others`: the dialects that it may be of instead."""
        self.read: Callable[[bytes], Iterable[Record | Skip]] = (
            self._look
        )  # without a detour, once it is decided
        self._reader = usual
        self._others = others
        self._schedule = schedule
        self._owner: Producer | None = None
        self._kept: deque[bytes] = deque()
        self._size = 0  # of those
        self._left = LINES_LOOKED_AT
        self._decided = False

    @property
    def producer(self) -> Producer | None:
        """Who prints the log, once that is known."""
        if self._owner is None and isinstance(self._reader, KnowsProducer):
            return self._reader.producer
        return self._owner

    def release(self) -> Iterable[Record | Skip]:
        """What the reader holds that was decided on."""
        return self._reader.release() if isinstance(self._reader, HoldsRow) else ()

    def _look(self, line: bytes) -> Iterable[Record | Skip]:
        if self._decided:  # since then in the midst of lines that somebody hands on one by one
            return self._reader.read(line)
        owner = self._owner_of(line) if _MAYBE.search(line.lower()) else None
        if owner is not None:
            self._turn_to(owner)
            return self._reader.read(line)
        found = list(self._reader.read(line))
        self._left -= 1
        if not self._left or any(isinstance(read, Record) and read.values for read in found):
            self._decide()
        else:
            self._keep(line)
        return found

    def _owner_of(self, line: bytes) -> Dialect | None:
        head = Head(without_prefixes(unwrapped(line)), None)
        return next((each for each in self._others() if each.sniff(head) is Confidence.SURE), None)

    def _keep(self, line: bytes) -> None:
        self._kept.append(line)
        self._size += len(line)
        while self._size > MOST_KEPT:
            self._size -= len(self._kept.popleft())

    def _turn_to(self, owner: Dialect) -> None:
        self._reader = owner.reader(owner.normaliser(), self._schedule)
        self._owner = owner.producer
        for line in self._kept:
            list(self._reader.read(line))
        self._decide()

    def _decide(self) -> None:
        self._decided = True
        self.read = self._reader.read
        self._kept.clear()
