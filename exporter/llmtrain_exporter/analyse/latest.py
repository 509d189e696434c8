"""The last value of each series of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Layout, Series

LAYOUTS_KEPT = 32
"""Layouts remembered one by one before they are merged; a run has three or four."""


class Latest:
    """The last value of each series: a key that is absent from a record keeps the value it had.

    A row is kept as it is, one per layout; series meet their values only when somebody looks.
    """

    __slots__ = ("_admitted", "_caps", "_counts", "_newest", "_older", "_rows", "dropped")

    def __init__(self, caps: Mapping[Metric, int]) -> None:
        """`caps`: how many series a labelled metric may have in a run."""
        self._caps = caps
        self._counts: Counter[Metric] = Counter()
        self._admitted: set[Series] = set()
        self._rows: dict[Layout, tuple[float, ...]] = {}
        self._older: dict[Series, float] = {}
        self._newest: Layout | None = None
        self.dropped = 0

    def put(self, layout: Layout, values: tuple[float, ...]) -> None:
        """Take a row in."""
        if layout is not self._newest:
            self._turn_to(layout)
        self._rows[layout] = values

    def series(self) -> dict[Series, float]:
        """Each series with its last value."""
        merged = dict(self._older)
        for layout, values in self._rows.items():
            merged.update(zip(layout.series, values, strict=True))
        if self.dropped:
            return {key: value for key, value in merged.items() if self.keeps(key)}
        return merged

    def keeps(self, key: Series) -> bool:
        """Whether a series of a row that was put is one of those that the caps let in."""
        return key.metric not in self._caps or key in self._admitted

    def _turn_to(self, layout: Layout) -> None:
        self._newest = layout
        if self._rows.pop(layout, None) is not None:  # put back at the end: later rows win
            return
        if len(self._rows) >= LAYOUTS_KEPT:
            self._older = self.series()
            self._rows.clear()
        for key in layout.series:
            self._admit(key)

    def _admit(self, key: Series) -> None:
        if key.metric not in self._caps or key in self._admitted:
            return
        if self._counts[key.metric] < self._caps[key.metric]:
            self._counts[key.metric] += 1
            self._admitted.add(key)
        else:
            self.dropped += 1
