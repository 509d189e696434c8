"""The episodes of a run that are over: the first, the last, and those in between as one each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Generic, TypeVar

from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import Episode, Series

T = TypeVar("T")


def badness(episode: Episode) -> tuple[int, float]:
    """Orders the episodes of one signal in one series: the worst is the largest."""
    below = SIGNALS[episode.signal].below if episode.baseline is None else episode.peak < episode.baseline
    peak = math.inf if math.isnan(episode.peak) else episode.peak
    return episode.severity.rank, -peak if below else peak


def merged(earlier: Episode, later: Episode) -> Episode:
    """Two episodes that are over, of one signal in one series, as one: the worst of both, and all records."""
    return max(earlier, later, key=badness)._replace(
        first_step=earlier.first_step,
        last_step=later.last_step,
        records=earlier.records + later.records,
        critical_step=later.critical_step if earlier.critical_step is None else earlier.critical_step,
        times=earlier.times + later.times,
    )


class FirstAndLast(Generic[T]):
    """A list that stays short: half of its items are the first, half the last. `total` counts all."""

    __slots__ = ("_first", "_last", "_most", "total")

    def __init__(self, most: int) -> None:
        """`most`: items remembered."""
        self._most = most
        self._first: list[T] = []
        self._last: list[T] = []
        self.total = 0

    def add(self, item: T) -> T | None:
        """Put an item in; the one that is forgotten for it."""
        self.total += 1
        if len(self._first) < self._most - self._most // 2:
            self._first.append(item)
            return None
        self._last.append(item)
        return self._last.pop(0) if len(self._last) > self._most // 2 else None

    def __iter__(self) -> Iterator[T]:
        yield from self._first
        yield from self._last


class PastEpisodes:
    """Remembers the first and the last episodes one by one, and those in between by signal and series."""

    __slots__ = ("_merged", "_single")

    def __init__(self, most: int) -> None:
        """`most`: episodes remembered one by one."""
        self._single: FirstAndLast[Episode] = FirstAndLast(most)
        self._merged: dict[tuple[str, Series], Episode] = {}

    def add(self, episode: Episode | None) -> None:
        """An episode is over; None: none is."""
        gone = None if episode is None else self._single.add(episode)
        if gone is not None:
            key = gone.signal, gone.metric
            known = self._merged.get(key)
            self._merged[key] = gone if known is None else merged(known, gone)

    def __iter__(self) -> Iterator[Episode]:
        yield from self._single
        yield from self._merged.values()
