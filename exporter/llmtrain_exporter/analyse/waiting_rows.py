"""Rows that wait to be taken in: the least and the greatest of a column say it of all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import itemgetter, le

from llmtrain_exporter.analyse.columns import WatchPlan
from llmtrain_exporter.model.blocks import RecordBlock

_NAN = math.nan


class WaitingRows:
    """The rows of a block, by the columns that a plan watches."""

    __slots__ = ("_highest", "_lowest", "_watched", "block", "plan")

    def __init__(self, plan: WatchPlan, block: RecordBlock) -> None:
        """`block`: of the layout that the plan is for."""
        self.plan = plan
        self.block = block
        self._watched = plan.pick(block.columns)
        # What is not finite hides from `min` and `max`; NaN lies between no bounds.
        self._lowest = [min(column) if math.isfinite(sum(column)) else _NAN for column in self._watched]
        self._highest = list(map(max, self._watched))

    def picked(self, at: int) -> tuple[float, ...]:
        """What the plan picks of a row."""
        return tuple(map(itemgetter(at), self._watched))

    def based(self, begin: int, end: int) -> Iterator[tuple[float, ...]]:
        """The rows from `begin` to `end`, by the columns that have a baseline."""
        columns = [column[begin:end] for column in self._watched[: self.plan.width]]
        return zip(*columns, strict=True)

    def ordinary_until(self, begin: int, end: int) -> int:
        """The first row from `begin` on that is not ordinary, or `end`."""
        low, high = self.plan.low, self.plan.high
        if all(map(le, low, self._lowest)) and all(map(le, self._highest, high)):
            return end
        bounds = zip(self._watched, low, high, self._lowest, self._highest, strict=True)
        for column, least, most, lowest, highest in bounds:
            if not (least <= lowest and highest <= most):
                odd = (at for at in range(begin, end) if not least <= column[at] <= most)
                end = next(odd, end)
        return end
