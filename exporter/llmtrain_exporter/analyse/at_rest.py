"""What a run holds while it waits for its next record, as bare numbers: these take a third of the memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.shared import numbered
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Layout, Record, Series


class RestingRecord(NamedTuple):
    """What is asked of a record later on."""

    step: int | None
    layout: Layout
    values: Sequence[float]

    def get(self, metric: Metric) -> float | None:
        """As `Record.get`."""
        position = self.layout.position.get(metric)
        return None if position is None else self.values[position]


LastRecord = Record | RestingRecord


class BareRows:
    """The rows of one run as bare numbers, each of them once, however many hold it."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[Sequence[float], array[float]]] = {}  # with the row, which so stays

    def row(self, values: Sequence[float]) -> array[float]:
        """A row; one that is bare already is the same."""
        if isinstance(values, array):
            return values
        _, bare = self._known.setdefault(id(values), (values, array("d", values)))
        return bare

    def record(self, record: LastRecord) -> RestingRecord:
        """A record that has such a row."""
        if isinstance(record, RestingRecord):
            return record
        return RestingRecord(record.step, record.layout, self.row(record.values))


_FIELDS = len(Level._fields)


class RestingLevels(Mapping[Series, Level]):
    """The levels of a run. Each is made anew for whoever asks."""

    __slots__ = ("_at", "_cells")

    def __init__(self, levels: Mapping[Series, Level]) -> None:
        self._at = numbered(tuple(levels))
        self._cells = array("d", chain.from_iterable(levels.values()))

    def __getitem__(self, watched: Series) -> Level:
        at = self._at[watched] * _FIELDS
        count, low, median, high, top = self._cells[at : at + _FIELDS]
        return Level(int(count), low, median, high, top)

    def __iter__(self) -> Iterator[Series]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)
