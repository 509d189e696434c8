"""Many records at once, by columns: what is done for a column costs a fraction of it for each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from operator import itemgetter, lt
from typing import overload

from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Layout, Record, RowKind

_TRAIN = RowKind.TRAIN  # a look at an enumeration takes as long as a call


class RecordBlock(Sequence[Record]):
    """Training records in a row that have the same layout and plan, and each of which states its step.

    `columns`: the values of each series of the layout, as many as there are `steps`. A record is made when
    somebody asks for it.
    """

    __slots__ = ("columns", "layout", "max_steps", "steps")

    def __init__(
        self,
        layout: Layout,
        steps: Sequence[int],
        max_steps: int | None,
        columns: Sequence[Sequence[float]],
    ) -> None:
        self.layout = layout
        self.steps = steps
        self.max_steps = max_steps
        self.columns = columns

    @property
    def rises(self) -> bool:
        """Whether each step is a later one than the one before."""
        return all(map(lt, self.steps, self.steps[1:]))

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Record]:
        rows = zip(*self.columns, strict=True) if self.columns else repeat(())
        for step, values in zip(self.steps, rows, strict=False):
            yield Record(_TRAIN, step, self.max_steps, self.layout, values)

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> RecordBlock: ...
    def __getitem__(self, at: int | slice) -> Record | RecordBlock:
        cells = tuple(map(itemgetter(at), self.columns))
        if isinstance(at, slice):
            return RecordBlock(self.layout, self.steps[at], self.max_steps, cells)
        return Record(_TRAIN, self.steps[at], self.max_steps, self.layout, cells)


class RecordInBlock:
    """A record of a block, of whose values those are fetched that somebody asks for, two of many."""

    __slots__ = ("_at", "_block")

    def __init__(self, block: RecordBlock, at: int) -> None:
        self._block = block
        self._at = at

    @property
    def layout(self) -> Layout:
        """That of the block."""
        return self._block.layout

    @property
    def max_steps(self) -> int | None:
        """Steps that are planned."""
        return self._block.max_steps

    @property
    def values(self) -> tuple[float, ...]:
        """All of them."""
        return self._block[self._at].values

    def value(self, column: int) -> float:
        """See `Record.value`."""
        return self._block.columns[column][self._at]

    def get(self, metric: Metric) -> float | None:
        """See `Record.get`."""
        column = self._block.layout.position.get(metric)
        return None if column is None else self._block.columns[column][self._at]


class RecordParts(Sequence[Record]):
    """Records in their order, of which some are in blocks."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Sequence[Record]]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.parts)

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        return list(self)[at]


def parts_of(records: Sequence[Record]) -> Iterable[Sequence[Record]]:
    """Records as they are held, blocks and others."""
    return records.parts if isinstance(records, RecordParts) else (records,)
