"""A GRPO run by its numbers: a healthy process, harmless oddities, and collapses with a known course.

A row maps plain names (kl, grad_norm, length, function:Format, ...) to numbers; producers.py writes it as a
trainer does.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Row = dict[str, float]

WIDEST_LOGARITHM = 3.0
"""Of a logarithm, a heavier tail is no noise any more but a spike."""
MOST_HEALTHY = 4.0
"""kl of a healthy record; from 5 on the guide speaks against it."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """The chain kl, length, reward, in records from `start`, and how bad each link gets."""

    start: int
    lead: int  # records in which kl climbs to its peak
    length_lag: int  # records after `start` until lengths change
    reward_lag: int  # and until rewards fall
    hold: int  # records at its worst
    recovery: int | None  # records until all is as before; None: the run is dead
    kl_peak: float
    grad_factor: float
    length_factor: float  # of the mean length, at most up to the limit
    reward_left: float  # share of the functions' means
    functions: frozenset[str]  # those that fall

    @property
    def worst(self) -> int:
        """The record at which the last link has broken."""
        return self.start + max(self.lead, self.length_lag, self.reward_lag) + 1

    def end(self, records: int) -> int:
        """The record after which the run is as before."""
        return records if self.recovery is None else min(records, self.worst + self.hold + self.recovery)

    def force(self, record: int, lag: int, climb: int) -> float:
        """How far a link is broken at a record, from 0 to 1."""
        since = record - self.start - lag
        if since < 0:
            return 0.0
        over = record - self.worst - self.hold
        if over > 0 and self.recovery is not None:
            return max(0.0, 1.0 - over / (self.recovery + 1))
        return min(1.0, (since + 1) / max(climb, 1))


@dataclass(frozen=True, slots=True)
class Nature:
    """What is normal for a run."""

    records: int
    interval: int  # steps from one record to the next
    kl: float | None  # None: trained without one
    kl_noise: float  # standard deviation of the logarithm
    kl_warm_up: int  # records in which it climbs from nothing
    kl_drift: float  # factor from the first record to the last
    beta: float
    grad_norm: float
    grad_noise: float
    length: float
    length_noise: float  # share of the mean
    length_drift: float
    longest: float  # max_completion_length
    clipped: float  # usual share of completions cut off
    functions: Mapping[str, tuple[float, float]]  # mean at the beginning and at the end
    completions: int  # of a record: the means' noise
    entropy: float
    entropy_left: float  # share of it after its early fall
    learning_rate: float
    tail: float = 0.0  # share of records whose noise is three times as wide
    freedom: int = 0  # degrees of freedom of Student's t, if that is what the noise is like


@dataclass(frozen=True, slots=True)
class Run:
    """What happens in a run. `oddities`: factors on single records' values, by record and name."""

    nature: Nature
    collapses: tuple[Collapse, ...] = ()
    oddities: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


def simulate(run: Run, source: random.Random) -> list[Row]:
    """The rows of a run, from its first record on."""
    rows = []
    for record in range(run.nature.records):
        row = _row(run, record, source)
        for name, factor in run.oddities.get(record, {}).items():
            if name in row:
                row[name] *= factor
        rows.append(_consistent(run.nature, row))
    return rows


def _row(run: Run, record: int, source: random.Random) -> Row:
    nature, done = run.nature, record / run.nature.records
    step = record + 1 if nature.interval == 1 else max(record * nature.interval, 1)
    row: Row = {"step": float(step), "epoch": 2.0 * done}
    row["learning_rate"] = (
        nature.learning_rate
        * min(1.0, (record + 1) / (0.05 * nature.records + 1))
        * (0.55 + 0.45 * math.cos(math.pi * done))
    )
    row |= _policy(run, record, _width(nature, source), source)
    row |= _lengths(run, record, _width(nature, source), source)
    row |= _rewards(
        run, record, _width(replace(nature, freedom=0), source), source
    )  # means of bounded values
    return row


def _width(nature: Nature, source: random.Random) -> float:
    """How wide the noise of a record is. Of a random width, a normal variable is Student's, of variance 1."""
    if nature.freedom:
        return math.sqrt((nature.freedom - 2) / source.gammavariate(nature.freedom / 2, 2.0))
    return 3.0 if source.random() < nature.tail else 1.0


def _policy(run: Run, record: int, wide: float, source: random.Random) -> Row:
    nature, done = run.nature, record / run.nature.records
    force = max((c.force(record, 0, c.lead) for c in run.collapses), default=0.0)
    row: Row = {}
    kl = 0.0
    if nature.kl is not None:
        usual = nature.kl * nature.kl_drift**done * min(1.0, (record + 0.01) / max(nature.kl_warm_up, 1))
        peak = max((c.kl_peak for c in run.collapses if c.force(record, 0, c.lead) > 0), default=usual)
        broken = (max(peak, usual) / max(usual, 1e-9)) ** force
        kl = usual * broken * math.exp(source.gauss(0, nature.kl_noise * min(wide, WIDEST_LOGARITHM)))
        row["kl"] = kl if force > 0 else min(kl, MOST_HEALTHY)
    worse = max((c.grad_factor ** c.force(record, 0, c.lead) for c in run.collapses), default=1.0)
    row["grad_norm"] = nature.grad_norm * worse * math.exp(source.gauss(0, nature.grad_noise * wide))
    row["loss"] = nature.beta * kl + source.gauss(0, 0.002)
    falling = nature.entropy_left + (1 - nature.entropy_left) * math.exp(-record / 60)
    row["entropy"] = nature.entropy * falling * math.exp(source.gauss(0, 0.05)) * (1 + 3 * force)
    return row


def _lengths(run: Run, record: int, wide: float, source: random.Random) -> Row:
    nature, done = run.nature, record / run.nature.records
    mean = nature.length * nature.length_drift**done * (1 + source.gauss(0, nature.length_noise * wide))
    clipped = nature.clipped * source.random() * 2
    for collapse in run.collapses:
        force = collapse.force(record, collapse.length_lag, 2)
        mean *= collapse.length_factor**force
        clipped += force * max(0.0, min(1.0, (collapse.length_factor - 1) * 0.8))
    return {"length": mean, "clipped": clipped}


def _rewards(run: Run, record: int, wide: float, source: random.Random) -> Row:
    nature, done = run.nature, record / run.nature.records
    row: Row = {}
    force = max((c.force(record, c.reward_lag, 2) for c in run.collapses), default=0.0)
    for name, (first, last) in nature.functions.items():
        mean = first + (last - first) * done
        for collapse in run.collapses:
            if name in collapse.functions:
                mean *= 1 - (1 - collapse.reward_left) * collapse.force(record, collapse.reward_lag, 2)
        spread = wide * math.sqrt(max(abs(mean) * (1 - abs(mean)), 1e-4) / nature.completions)
        row[f"function:{name}"] = min(1.0, max(min(0.0, 2 * mean), mean + source.gauss(0, spread)))
    row["reward_std"] = 0.35 * (1 - 0.9 * force) * math.exp(source.gauss(0, 0.1))
    row["zero_std"] = min(1.0, max(0.0, round((0.15 + 0.7 * force + source.gauss(0, 0.08)) * 8) / 8))
    return row


def _consistent(nature: Nature, row: Row) -> Row:
    """What follows from the rest: a total, bounds, the shortest and the longest."""
    row["clipped"] = min(1.0, max(0.0, round(row["clipped"] * nature.completions) / nature.completions))
    row["length"] = min(row["length"], nature.longest * (0.5 + 0.5 * max(row["clipped"], 0.9)))
    row["shortest"] = round(row["length"] * 0.5)
    row["longest"] = nature.longest if row["clipped"] else min(nature.longest, round(row["length"] * 1.7))
    row["reward"] = sum(value for name, value in row.items() if name.startswith("function:"))
    return row
