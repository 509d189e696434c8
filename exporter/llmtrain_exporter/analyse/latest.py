"""The last value of each series of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from llmtrain_exporter.analyse.at_rest import BareRows
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Layout, Series

LAYOUTS_KEPT = 32
"""Layouts remembered one by one before they are merged; a run has three or four."""

_NONE: frozenset[Series] = frozenset()  # one for all


@cache
def caps(label_values: int, other_keys: int) -> Mapping[Metric, int]:
    """How many series each labelled metric may have in a run; one mapping for all runs."""
    return {**{metric: label_values for metric in c.METRICS if metric.label}, c.OTHER: other_keys}


class Latest:
    """The last value of each series: a key that is absent from a record keeps the value it had.

    A row is kept as it is, one per layout; series meet their values only when somebody looks.
    """

    __slots__ = ("_caps", "_newest", "_older", "_refused", "_rows", "dropped")

    def __init__(self, caps: Mapping[Metric, int]) -> None:
        """`caps`: how many series a labelled metric may have in a run."""
        self._caps = caps
        self._refused = _NONE
        self._rows: dict[Layout, Sequence[float]] = {}
        self._older: dict[Series, float] = {}
        self._newest: Layout | None = None
        self.dropped = 0

    def put(self, layout: Layout, values: tuple[float, ...]) -> None:
        """Take a row in."""
        if layout is not self._newest:
            self._turn_to(layout)
        self._rows[layout] = values

    def rest(self, rows: BareRows) -> None:
        """Hold them in fewer bytes."""
        for layout, values in self._rows.items():
            self._rows[layout] = rows.row(values)

    def series(self) -> dict[Series, float]:
        """Each series with its last value."""
        merged = dict(self._older)
        for layout, values in self._rows.items():
            merged.update(zip(layout.series, values, strict=True))
        if self._refused:
            return {key: value for key, value in merged.items() if key not in self._refused}
        return merged

    def keeps(self, key: Series) -> bool:
        """Whether a series of a row that was put is one of those that the caps let in."""
        return key not in self._refused

    def _turn_to(self, layout: Layout) -> None:
        self._newest = layout
        if self._rows.pop(layout, None) is not None:  # put back at the end: later rows win
            return
        if len(self._rows) >= LAYOUTS_KEPT:
            self._older = self.series()
            self._rows.clear()
        self._admit(key for key in layout.series if key.metric in self._caps)

    def _admit(self, wanted: Iterable[Series]) -> None:
        """Refuse those of which there are too many; what is there already stays. Seldom: not counted on."""
        known = set(self._older).union(*(layout.series for layout in self._rows)) - self._refused
        counts = Counter(key.metric for key in known)
        for key in wanted:
            if key in known:
                continue
            if counts[key.metric] < self._caps[key.metric]:
                counts[key.metric] += 1
                known.add(key)
            else:
                self.dropped += 1
                self._refused |= {key}
