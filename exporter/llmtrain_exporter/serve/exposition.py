"""All samples of all runs as the body of a scrape, where only what changed is written again.

A fleet's text is kept once: for each block of runs and each metric family, the lines of these runs.
Publishing a run only notes its samples; the next scrape writes its lines and splices them into the texts of
its block. Ten publications between two scrapes cost no more than one, and an unchanged fleet costs nothing.
A text that was not written again is not compressed again, and where it outlasts scrapes it is kept compressed
alone: a tenth to a twentieth of its size.

Prometheus takes the first value that it sees of a counter for history. So a run that begins before our eyes
is shown with its counters at 0 until each who scrapes has seen that, and what its first records counted is an
increase like any other. The 0 stays from the first scrape that shows it for as long as `scrapers.py` says:
whoever looks in between, a second Prometheus or a person, takes it away from nobody.

A run that has been over for a while shrinks to the few series that last (`shrunk.py`). Where its log grows
all the same its counters come back as they were, for as long as a new run's stay at 0: what was added is an
increase. Runs of which nothing more is expected stand in blocks of their own, which are not written again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from llmtrain_exporter.knowledge.metric import Metric, Type
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.model import Series
from llmtrain_exporter.model import series as interned
from llmtrain_exporter.printable import label_value
from llmtrain_exporter.serve.deflate import Deflated, KeptText, joined
from llmtrain_exporter.serve.exposition_parser import parse_samples
from llmtrain_exporter.serve.heap import give_back
from llmtrain_exporter.serve.run_block import BLOCK, RunBlock
from llmtrain_exporter.serve.run_lines import header, sheet_of
from llmtrain_exporter.serve.shrunk import PackedSamples, lasting, pack, unpack

PACKED_MANY = 4
"""Blocks: where so many were compressed at once, their plain texts have left a lot of memory free."""


def _counted(samples: Mapping[Series, float], before: Mapping[Series, float]) -> Mapping[Series, float]:
    """The samples with their counters as they were before, at 0 where they were not there."""
    return {
        series: _value_before(series, before) if series.metric.type is Type.COUNTER else value
        for series, value in samples.items()
    }


def _value_before(series: Series, before: Mapping[Series, float]) -> float:
    if not before:
        return 0.0
    return before.get(
        interned(series.metric, *((name, label_value(value)) for name, value in series.labels)), 0.0
    )


@dataclass(frozen=True, slots=True)
class _Newborn:
    """A run whose counters are shown as they were `before`, its samples, and since when it was scraped so.

    `rests`: it is to rest when they are shown as they are.
    """

    samples: Mapping[Series, float]
    before: Mapping[Series, float] = field(default_factory=dict)  # empty: all at 0
    shown: float | None = None
    rests: bool = False


class _Places:
    """Blocks, and which run has which place in them."""

    def __init__(self) -> None:
        self.blocks: list[RunBlock] = []
        self._places: dict[str, int] = {}
        self._free: list[int] = []

    def __contains__(self, run: str) -> bool:
        return run in self._places

    def of(self, run: str) -> tuple[RunBlock, int]:
        """The block of a run that has a place, and its place there."""
        number, place = divmod(self._places[run], BLOCK)
        return self.blocks[number], place

    def change(self, run: str, samples: Mapping[Series, float]) -> None:
        """Replace the samples of a run; one that is not there gets a place."""
        if run not in self._places:
            self._places[run] = self._free.pop() if self._free else len(self._places)
            if self._places[run] == BLOCK * len(self.blocks):
                self.blocks.append(RunBlock())
        block, place = self.of(run)
        block.changed[place] = sheet_of(run, samples)

    def leave(self, run: str) -> None:
        """Take a run out, if it is there."""
        if run in self._places:
            self.change(run, {})
            self._free.append(self._places.pop(run))


class Exposition:
    """All samples of all runs as the bytes of a scrape; see the module for how.

    One thread publishes, any thread may scrape.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below; held for a change, or for a settling (0.2 s)
        self._sizes: dict[str, int] = {}
        self._running, self._resting = _Places(), _Places()
        self._newborn: dict[str, _Newborn] = {}
        self._packed: dict[str, PackedSamples] = {}  # all samples of those that have shrunk
        self._made = _Made()
        self._deflating = threading.Lock()  # one scrape compresses, those that wait for it share the result

    def publish(
        self,
        run: str,
        samples: Mapping[Series, float],
        newborn: bool = False,
        shrunk: bool = False,
        rests: bool = False,
    ) -> None:
        """Replace all samples of that run. The mapping must not change any more: the next scrapes read it.

        `newborn`: its counters are shown at 0 until `scraped` finds that this was seen. `shrunk`: of its
        samples those are exposed that last. `rests`: it is not expected to be published again.
        """
        packed = pack(samples) if shrunk else None
        with self._lock:
            before = self._packed.pop(run, None)
            if packed is not None:
                self._packed[run], samples = packed, lasting(samples)
            elif before is not None:
                self._newborn[run] = _Newborn(samples, unpack(before))
            self._sizes[run] = len(samples)
            if newborn or run in self._newborn:
                known = self._newborn.get(run, _Newborn(samples))
                self._newborn[run] = replace(known, samples=samples, rests=rests)
                samples, rests = _counted(samples, known.before), False
            self._put(run, samples, rests)

    def shrink(self, run: str, shrunk: bool) -> None:
        """Expose of a published run what lasts alone, or all again."""
        with self._lock:
            as_wanted = run not in self._sizes or (run in self._packed) == shrunk
            newborn = self._newborn.get(run)
            rests = run in self._resting or (newborn is not None and newborn.rests)
        if not as_wanted:
            self.publish(run, self.samples(run), shrunk=shrunk, rests=rests)

    def scraped(self, now: float, hold: float) -> None:
        """A scrape begins. Newborn runs first shown `hold` seconds ago are from now on shown as they are.

        `now`: seconds of a clock that never goes back.
        """
        with self._lock:
            for run, newborn in list(self._newborn.items()):
                if newborn.shown is None:
                    self._newborn[run] = replace(newborn, shown=now)
                elif now - newborn.shown >= hold:
                    del self._newborn[run]
                    self._put(run, newborn.samples, newborn.rests)

    def remove(self, run: str) -> None:
        """Forget a run; its series are gone from the next scrape on. A run that is not there is no error."""
        with self._lock:
            if self._sizes.pop(run, None) is not None:
                self._newborn.pop(run, None)
                self._packed.pop(run, None)
                self._running.leave(run)
                self._resting.leave(run)
                self._made = _Made()

    def samples(self, run: str) -> Mapping[Series, float]:
        """What was published of a run last, read back from its lines where these are all that is kept.

        Empty for a run that is not there. Label values are as they are exposed, see `label_value`.
        """
        with self._lock:
            if run not in self._sizes:
                return {}
            packed = self._packed.get(run)
            if packed is None:
                if run in self._newborn:
                    return self._newborn[run].samples
                block, place = (self._resting if run in self._resting else self._running).of(run)
                if place in block.changed:
                    return block.changed[place].samples()
                lines = block.lines(place)
        return parse_samples(lines) if packed is None else unpack(packed)

    @property
    def series(self) -> int:
        """How many samples a scrape carries, the exporter's own not counted."""
        with self._lock:
            return sum(self._sizes.values())

    def pieces(self, openmetrics: bool) -> tuple[KeptText, ...]:
        """Complete families in the catalogue's order, as texts that belong one after another.

        Without the closing `# EOF` and the exporter's own metrics. The texts are shared by all scrapes of an
        unchanged fleet; they are not joined, for at 10,000 runs that would be another 190 MB.
        """
        with self._lock:
            return self._pieces(openmetrics)

    def render(self, openmetrics: bool) -> bytes:
        """The pieces as one."""
        return b"".join(text.plain() for text in self.pieces(openmetrics))

    def deflated(self, openmetrics: bool) -> Deflated:
        """The pieces compressed, once for all scrapes of an unchanged fleet."""
        with self._deflating:
            with self._lock:
                made = self._made
                if openmetrics not in made.deflated:
                    self._settle(packing=True)
                pieces = self._pieces(openmetrics)
            if openmetrics not in made.deflated:
                made.deflated[openmetrics] = joined(text.deflated() for text in pieces)
            return made.deflated[openmetrics]

    def _put(self, run: str, samples: Mapping[Series, float], rests: bool) -> None:
        here, there = (self._resting, self._running) if rests else (self._running, self._resting)
        there.leave(run)
        here.change(run, samples)
        self._made = _Made()

    @property
    def _blocks(self) -> Iterator[RunBlock]:
        yield from self._running.blocks
        yield from self._resting.blocks

    def _pieces(self, openmetrics: bool) -> tuple[KeptText, ...]:
        made = self._made
        if openmetrics not in made.pieces:
            self._settle()
            made.pieces[openmetrics] = tuple(self._families(openmetrics))
        return made.pieces[openmetrics]

    def _settle(self, packing: bool = False) -> None:
        """Write what changed. `packing`: and compress what lasts, before the next block is written."""
        settled, self._made.settled = self._made.settled, True
        packed = 0
        for block in self._blocks:
            if not settled:
                block.settle()
            if packing and block.lasting:
                packed += block.pack()
        if packed >= PACKED_MANY:
            give_back()

    def _families(self, openmetrics: bool) -> Iterator[KeptText]:
        for family, metric in enumerate(METRICS):
            texts = [block.texts[family] for block in self._blocks if family in block.texts]
            if texts:
                yield _header(metric, openmetrics)
                yield from texts


@cache
def _header(metric: Metric, openmetrics: bool) -> KeptText:
    return KeptText(header(metric, openmetrics))


class _Made:
    """What was made of one state of the fleet; true is for OpenMetrics. Dropped at the next change."""

    def __init__(self) -> None:
        self.settled = False
        self.pieces: dict[bool, tuple[KeptText, ...]] = {}
        self.deflated: dict[bool, Deflated] = {}
