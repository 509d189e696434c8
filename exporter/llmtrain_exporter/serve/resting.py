"""The lines of runs that are over, kept compressed: nothing of them changes any more.

A scrape takes the compressed texts as they are; who asks for plain text has them unpacked on the way.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.serve.deflate import PackedText

PACKED_TOGETHER = 256
"""Runs whose lines are compressed together; until there are so many they wait as they are."""

Lines = Mapping[Metric, bytes]
"""A run's lines of each family."""


class RestingRuns:
    """The lines of runs of which nothing is expected. For one thread at a time."""

    def __init__(self) -> None:
        self._waiting: dict[str, Lines] = {}
        self._packs: dict[int, _Pack] = {}
        self._where: dict[str, int] = {}  # the pack of each run that waits no longer
        self._packed = 0  # packs so far
        self._torn: set[int] = set()  # packs from which runs have gone whose lines still stand there

    def __contains__(self, run: str) -> bool:
        return run in self._waiting or run in self._where

    def put(self, run: str, lines: Lines) -> None:
        """Let a run rest with these lines."""
        self.take(run)
        self._waiting[run] = lines
        if len(self._waiting) >= PACKED_TOGETHER:
            self._pack()

    def take(self, run: str) -> None:
        """Forget a run. One that does not rest is no error."""
        self._waiting.pop(run, None)
        number = self._where.pop(run, None)
        if number is not None:
            self._packs[number].gone.append(run)
            self._torn.add(number)

    def lines(self, run: str) -> bytes:
        """All lines of one that rests."""
        waiting = self._waiting.get(run)
        return b"".join(waiting.values()) if waiting is not None else self._packs[self._where[run]].lines(run)

    def mend(self) -> None:
        """Let the lines of those go that were taken; to be called before `texts`."""
        for number in self._torn:
            left = self._packs.pop(number).without_gone()
            for run, lines in left.items():
                del self._where[run]
                self.put(run, lines)
        self._torn.clear()

    def texts(self, metric: Metric) -> Iterator[bytes | PackedText]:
        """The lines of a family, those of all runs."""
        for pack in self._packs.values():
            if metric in pack.texts:
                yield pack.texts[metric]
        waiting = b"".join(lines[metric] for lines in self._waiting.values() if metric in lines)
        if waiting:
            yield waiting

    def _pack(self) -> None:
        self._packed += 1
        self._packs[self._packed] = _Pack(self._waiting)
        self._where.update(dict.fromkeys(self._waiting, self._packed))
        self._waiting = {}


class _Pack:
    """The lines of some runs: a text for each family, and how many bytes of it are whose."""

    __slots__ = ("_lengths", "_runs", "gone", "texts")

    def __init__(self, lines: Mapping[str, Lines]) -> None:
        self._runs = tuple(lines)
        self.gone: list[str] = []  # runs whose lines are there no more for anybody
        self.texts: dict[Metric, PackedText] = {}
        self._lengths: dict[Metric, bytes] = {}
        for metric in dict.fromkeys(metric for each in lines.values() for metric in each):
            texts = [each.get(metric, b"") for each in lines.values()]
            self.texts[metric] = PackedText(b"".join(texts))
            self._lengths[metric] = zlib.compress(array("I", map(len, texts)).tobytes())

    def lines(self, run: str) -> bytes:
        """All lines of one of them."""
        return b"".join(self._of([run])[run].values())

    def without_gone(self) -> Mapping[str, Lines]:
        """The lines of those that have not gone."""
        gone = set(self.gone)
        return self._of([run for run in self._runs if run not in gone])

    def _of(self, runs: Sequence[str]) -> Mapping[str, Lines]:
        places = {run: self._runs.index(run) for run in runs}
        found: dict[str, dict[Metric, bytes]] = {run: {} for run in runs}
        for metric, packed in self.texts.items():
            text = bytes(packed)
            ends = list(accumulate(array("I", zlib.decompress(self._lengths[metric])), initial=0))
            for run, place in places.items():
                if ends[place] < ends[place + 1]:
                    found[run][metric] = text[ends[place] : ends[place + 1]]
        return found
