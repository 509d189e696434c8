"""All samples of all runs as the body of a scrape, where only what changed is written again.

A fleet's text is kept once: for each block of runs and each metric family, the lines of these runs.
Publishing a run only notes its samples; the next scrape writes its lines and splices them into the texts of
its block. Ten publications between two scrapes cost no more than one, and an unchanged fleet costs nothing.

Prometheus takes the first value that it sees of a counter for history. So a run that begins before our eyes
is shown with its counters at 0 until each who scrapes has seen that, and what its first records counted is an
increase like any other. The 0 stays from the first scrape that shows it for as long as `scrapers.py` says:
whoever looks in between, a second Prometheus or a person, takes it away from nobody.

A run that has been over for a while shrinks to the few series that last (`shrunk.py`). Where its log grows
all the same its counters come back as they were, for as long as a new run's stay at 0: what was added is an
increase. The lines of a run of which nothing more is expected are kept compressed (`resting.py`).
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate

import orjson

from llmtrain_exporter.knowledge.metric import Metric, Type
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.model import Series
from llmtrain_exporter.model import series as interned
from llmtrain_exporter.printable import escaped, label_value, number_text
from llmtrain_exporter.serve.deflate import Deflated, PackedText, deflate
from llmtrain_exporter.serve.exposition_parser import parse_samples
from llmtrain_exporter.serve.resting import RestingRuns
from llmtrain_exporter.serve.shrunk import PackedSamples, lasting, pack, unpack

BLOCK = 256
"""Runs in a block: the unit in which texts are kept and spliced."""

_DIGITS = b"0123456789+-.eE,"


def _label(value: str) -> bytes:
    return escaped(label_value(value)).encode()


@lru_cache(maxsize=1 << 15)
def _frame(series: Series) -> tuple[Metric, bytes, bytes]:
    """A sample's family, and its line up to and from the value of the label run."""
    metric = series.metric
    labels = b"".join(b',%s="%s"' % (label.encode(), _label(value)) for label, value in series.labels)
    return metric, f'{metric.sample_name}{{run="'.encode(), b'"%s} ' % labels


def _numbers(values: Iterable[float]) -> list[bytes]:
    """All values, at least one, as text."""
    values = list(values)
    try:
        text = orjson.dumps(values)[1:-1]
    except TypeError:
        text = b"other"
    # JSON knows finite numbers only; whatever it has words for is not one of them.
    return (
        [number_text(value).encode() for value in values]
        if text.translate(None, _DIGITS)
        else text.split(b",")
    )


def _lines(run: str, samples: Mapping[Series, float]) -> dict[Metric, bytes]:
    """A run's lines of each family."""
    if not samples:
        return {}
    name = _label(run)
    lines: dict[Metric, bytes] = {}
    for series, number in zip(samples, _numbers(samples.values()), strict=True):
        metric, head, tail = _frame(series)
        lines[metric] = b"".join((lines.get(metric, b""), head, name, tail, number, b"\n"))
    return lines


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


def _header(metric: Metric, openmetrics: bool) -> bytes:
    """The lines HELP and TYPE. OpenMetrics names the family, the older format its samples."""
    name = metric.family_name if openmetrics else metric.sample_name
    kind = metric.type.value if openmetrics or metric.type is not Type.INFO else Type.GAUGE.value
    text = escaped(metric.help) if openmetrics else metric.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n".encode()


class _Block:
    """The lines of up to 256 runs: a text for each family, and how many bytes of it are whose."""

    def __init__(self) -> None:
        self.texts = [b""] * len(METRICS)
        self._lengths = [array("I", [0]) * BLOCK for _ in METRICS]
        self.changed: dict[int, tuple[str, Mapping[Series, float]]] = {}

    def settle(self) -> None:
        """Write what changed into the texts."""
        fresh = [(place, _lines(run, samples)) for place, (run, samples) in sorted(self.changed.items())]
        for family, metric in enumerate(METRICS):
            self._splice(family, [(place, lines.get(metric, b"")) for place, lines in fresh])
        self.changed.clear()

    def lines(self, place: int) -> bytes:
        """The lines of one run, as they were settled last."""
        starts = [sum(lengths[:place]) for lengths in self._lengths]
        return b"".join(
            text[start : start + lengths[place]]
            for text, start, lengths in zip(self.texts, starts, self._lengths, strict=True)
        )

    def _splice(self, family: int, fresh: Sequence[tuple[int, bytes]]) -> None:
        text, lengths = memoryview(self.texts[family]), self._lengths[family]
        ends = list(accumulate(lengths, initial=0))
        parts: list[bytes | memoryview] = []
        copied = 0
        for place, lines in fresh:
            parts += text[copied : ends[place]], lines
            copied = ends[place + 1]
            lengths[place] = len(lines)
        self.texts[family] = b"".join((*parts, text[copied:]))


@dataclass(frozen=True, slots=True)
class _Newborn:
    """A run whose counters are shown as they were `before`, its samples, and since when it was scraped so.

    `rests`: it is to rest when they are shown as they are.
    """

    samples: Mapping[Series, float]
    before: Mapping[Series, float] = field(default_factory=dict)  # empty: all at 0
    shown: float | None = None
    rests: bool = False


class Exposition:
    """All samples of all runs as the bytes of a scrape; see the module for how.

    One thread publishes, any thread may scrape.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below; held for a change, or for a settling (0.05 s)
        self._places: dict[str, int] = {}  # of those that do not rest
        self._sizes: dict[str, int] = {}
        self._free: list[int] = []
        self._blocks: list[_Block] = []
        self._resting = RestingRuns()
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
                self._leave_place(run)
                self._resting.take(run)
                self._made = _Made()

    def samples(self, run: str) -> Mapping[Series, float]:
        """What was published of a run last, read back from its lines where these are all that is kept.

        Empty for a run that is not there. Label values are as they are exposed, see `label_value`.
        """
        with self._lock:
            packed = self._packed.get(run)
            if packed is None:
                if run in self._newborn:
                    return self._newborn[run].samples
                if run in self._resting:
                    lines = self._resting.lines(run)
                elif run in self._places:
                    number, place = divmod(self._places[run], BLOCK)
                    block = self._blocks[number]
                    if place in block.changed:
                        return block.changed[place][1]
                    lines = block.lines(place)
                else:
                    return {}
        return parse_samples(lines) if packed is None else unpack(packed)

    @property
    def series(self) -> int:
        """How many samples a scrape carries, the exporter's own not counted."""
        with self._lock:
            return sum(self._sizes.values())

    def pieces(self, openmetrics: bool) -> tuple[bytes | PackedText, ...]:
        """Complete families in the catalogue's order, as texts that belong one after another.

        Without the closing `# EOF` and the exporter's own metrics. The pieces are shared by all scrapes of an
        unchanged fleet; they are not joined, for at 10,000 runs that would be another 44 MB.
        """
        with self._lock:
            return self._pieces(openmetrics)

    def render(self, openmetrics: bool) -> bytes:
        """The pieces as one."""
        return b"".join(map(bytes, self.pieces(openmetrics)))

    def deflated(self, openmetrics: bool) -> Deflated:
        """The pieces compressed, once for all scrapes of an unchanged fleet."""
        with self._deflating:
            with self._lock:
                made, pieces = self._made, self._pieces(openmetrics)
            if openmetrics not in made.deflated:
                made.deflated[openmetrics] = deflate(pieces)
            return made.deflated[openmetrics]

    def _put(self, run: str, samples: Mapping[Series, float], rests: bool) -> None:
        if rests:
            self._leave_place(run)
            self._resting.put(run, _lines(run, samples))
        else:
            self._resting.take(run)
            if run not in self._places:
                self._places[run] = self._free.pop() if self._free else len(self._places)
            self._change(self._places[run], run, samples)
        self._made = _Made()

    def _leave_place(self, run: str) -> None:
        place = self._places.pop(run, None)
        if place is not None:
            self._free.append(place)
            self._change(place, run, {})

    def _change(self, place: int, run: str, samples: Mapping[Series, float]) -> None:
        number, place = divmod(place, BLOCK)
        if number == len(self._blocks):
            self._blocks.append(_Block())
        self._blocks[number].changed[place] = run, samples

    def _pieces(self, openmetrics: bool) -> tuple[bytes | PackedText, ...]:
        made = self._made
        if openmetrics not in made.pieces:
            self._resting.mend()
            for block in self._blocks:
                if block.changed:
                    block.settle()
            made.pieces[openmetrics] = tuple(self._families(openmetrics))
        return made.pieces[openmetrics]

    def _families(self, openmetrics: bool) -> Iterator[bytes | PackedText]:
        for family, metric in enumerate(METRICS):
            texts: list[bytes | PackedText] = [
                text for block in self._blocks if (text := block.texts[family])
            ]
            texts += self._resting.texts(metric)
            if texts:
                yield _header(metric, openmetrics)
                yield from texts


class _Made:
    """What was made of one state of the fleet; true is for OpenMetrics. Dropped at the next change."""

    def __init__(self) -> None:
        self.pieces: dict[bool, tuple[bytes | PackedText, ...]] = {}
        self.deflated: dict[bool, Deflated] = {}
