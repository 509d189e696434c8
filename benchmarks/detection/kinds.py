"""Random runs by the kind of trouble, or of health that looks like trouble; when each is found in time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from llmtrain_exporter.ingest.dialects import swift

from benchmarks.detection import supervised
from benchmarks.detection.generator import (
    Case,
    Truth,
    between,
    random_collapses,
    random_nature,
    random_oddities,
)
from benchmarks.detection.producers import PRODUCERS, arguments
from benchmarks.detection.simulation import Collapse, Nature, Row, Run, simulate
from benchmarks.detection.supervised import Loss, Supervised

COLLAPSING = 0.55
"""Share of the runs of a kind that can be healthy which are not."""


@dataclass(frozen=True, slots=True)
class Due:
    """Records by which a fault has to be found: critical, and before that by a sign of any severity."""

    begins: int
    critical: int
    sign: int


@dataclass(frozen=True, slots=True)
class KindCase:
    """A run of a kind, and when its faults are due; none: it is healthy."""

    case: Case
    due: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class RandomKind:
    """A kind of random run. `in_time` says what that means."""

    name: str
    in_time: str
    make: Callable[[str, random.Random], KindCase]


def of_kind(kind: RandomKind, seed: int, count: int) -> Iterator[KindCase]:
    """Random runs of a kind; the same for a seed."""
    for number in range(count):
        name = f"{kind.name} {seed}-{number:03d}"
        yield kind.make(name, random.Random(name))


def _policy_case(
    name: str, usual: Nature, faults: tuple[Collapse, ...], rows: list[Row], source: random.Random
) -> Case:
    write, dialect, file = PRODUCERS[source.choice(WITH_REWARDS)]
    settings = arguments(usual) if dialect is swift.DIALECT else None
    truth = Truth(tuple((c.start, c.worst, c.end(usual.records)) for c in faults), usual.records)
    return Case(name, dialect, file, write(rows), settings, usual.interval, rows, truth)


WITH_REWARDS = [name for name in PRODUCERS if name != "swift 4, two updates"]
"""Those whose records all hold rewards: what is due is counted in such records."""

Change = Callable[[Nature, random.Random], Nature]


def _chain(change: Change) -> Callable[[str, random.Random], KindCase]:
    """Runs of a changed nature, some of which collapse as a chain."""

    def make(name: str, source: random.Random) -> KindCase:
        usual = change(random_nature(source), source)
        faults = random_collapses(usual, source) if source.random() < COLLAPSING else ()
        truth = Truth(tuple((c.start, c.worst, c.end(usual.records)) for c in faults), usual.records)
        rows = simulate(Run(usual, faults, random_oddities(usual, truth, source)), source)
        due = tuple(Due(c.start, c.worst + AFTER_WORST, c.worst + AFTER_WORST) for c in faults)
        return KindCase(_policy_case(name, usual, faults, rows, source), due)

    return make


AFTER_WORST = 10
"""Records after the last link of a chain has broken."""


def _heavy(usual: Nature, source: random.Random) -> Nature:
    return replace(usual, freedom=source.choice((4, 5, 6)), tail=0.0)


def _growing(usual: Nature, source: random.Random) -> Nature:
    """Long reasoning that is learned: completions grow to two or three times their length."""
    return replace(usual, length=0.2 * usual.longest, length_drift=source.uniform(2.0, 3.5), clipped=0.0)


def _without_kl(usual: Nature, _: random.Random) -> Nature:
    return replace(usual, kl=None, beta=0.0)


def _changing(name: str, source: random.Random) -> KindCase:
    """Healthy: in the middle the data become others."""
    usual = random_nature(source)
    truth = Truth((), usual.records)
    odd = dict(random_oddities(usual, truth, source))
    factors = {
        "length": source.uniform(0.8, 1.3),
        "grad_norm": source.uniform(0.7, 1.6),
        "entropy": source.uniform(0.8, 1.3),
        "kl": source.uniform(0.7, 1.6),
        **{f"function:{each}": source.uniform(0.92, 1.15) for each in usual.functions},
    }
    for record in range(source.randint(usual.records // 3, 2 * usual.records // 3), usual.records):
        odd[record] = {**factors, **odd.get(record, {})}
    rows = simulate(Run(usual, (), odd), source)
    return KindCase(_policy_case(name, usual, (), rows, source), ())


def _sinking(name: str, source: random.Random) -> KindCase:
    """A reward function goes from about .62 to .12 within 60 to 90 records, without a jump."""
    usual = random_nature(source)
    course, start = source.randint(60, 90), source.randint(40, 120)
    best, worst = source.uniform(0.55, 0.7), source.uniform(0.1, 0.15)
    usual = replace(
        usual,
        records=start + course + 40,
        kl=None if source.random() < 0.5 else usual.kl,
        completions=source.choice((32, 64, 128)),  # of fewer, a record is so noisy that a quarter is no loss
        functions={"Accuracy": (best, best)},
    )
    odd = {}
    for record in range(start, usual.records):
        share = min(1.0, (record - start) / course)
        odd[record] = {"function:Accuracy": 1 - share * (1 - worst / best)}
    rows = simulate(Run(usual, (), odd), source)
    fault = Collapse(
        start, course, 0, 0, usual.records, None, 0, 1, 1, worst / best, frozenset(("Accuracy",))
    )
    lost = best - worst
    due = Due(
        start,
        start + round(course * best / 2 / lost) + HALF_LOST,
        start + round(course * best / 4 / lost) + QUARTER_LOST,
    )
    return KindCase(_policy_case(name, usual, (fault,), rows, source), (due,))


HALF_LOST, QUARTER_LOST = 20, 15
"""Records after half of the reward is lost until that is critical; after a quarter, until a warning."""


def _short(name: str, source: random.Random) -> KindCase:
    """40 records of 5 steps, as many tutorials log, most of which die between the 4th and the 9th record."""
    usual = replace(
        random_nature(source),
        records=40,
        interval=5,
        kl=None,
        kl_warm_up=0,
        length_noise=0.08,
        entropy_left=1.0,
        clipped=0.02,
        completions=64,
        tail=0.0,
        functions={"Accuracy": (0.8, 0.92)},
    )
    faults: tuple[Collapse, ...] = ()
    if source.random() < COLLAPSING:
        faults = (_sudden(source.randint(4, 9), source),)
    rows = simulate(Run(usual, faults, {}), source)
    due = tuple(Due(c.start, c.worst + SHORTLY, c.worst + SHORTLY) for c in faults)
    return KindCase(_policy_case(name, usual, faults, rows, source), due)


SHORTLY = 2
"""Records after a sudden collapse is there."""


def _sudden(start: int, source: random.Random) -> Collapse:
    return Collapse(
        start=start,
        lead=1,
        length_lag=0,
        reward_lag=0,
        hold=40,
        recovery=None,
        kl_peak=0.0,
        grad_factor=source.uniform(5, 100),
        length_factor=source.uniform(1.9, 2.5),
        reward_left=source.uniform(0.0, 0.2),
        functions=frozenset(("Accuracy",)),
    )


def _supervised(source: random.Random) -> Supervised:
    first = source.uniform(1.2, 4.0)
    return Supervised(
        records=source.randint(60, 400),
        interval=source.choice((1, 5, 10)),
        first=first,
        last=first * source.uniform(0.3, 0.8),
        noise=source.uniform(0.02, 0.12),
        grad_norm=between(source, 0.2, 5.0),
        learning_rate=between(source, 1e-6, 3e-4),
        vocabulary=source.choice((32_000, 128_256, 151_936)),
    )


def _lost(loss: Loss, within: int) -> Callable[[str, random.Random], KindCase]:
    """Supervised runs that are lost at some record."""

    def make(name: str, source: random.Random) -> KindCase:
        usual = _supervised(source)
        at = source.randint(3, usual.records - 30)
        run = replace(usual, lost=loss, at=at, clips_nan=source.random() < 0.5)
        due = Due(at, at + within, at + within)
        return KindCase(_supervised_case(name, run, ((at, at, run.records),), source), (due,))

    return make


def _memorised(name: str, source: random.Random) -> KindCase:
    """Healthy as far as a log tells: nearly no loss, and single gradients of ten times the usual and more."""
    run = replace(_supervised(source), first=source.uniform(0.5, 2.0), last=source.uniform(0.01, 0.05))
    run = replace(run, grad_norm=source.uniform(0.1, 0.8), noise=min(run.noise, 0.05))
    late = [record for record in range(run.records) if supervised.usual_loss(run, record) < MEMORISED]
    spikes = {record: source.uniform(10, 29) for record in late if source.random() < SPIKING}
    run = replace(run, spikes=spikes)
    return KindCase(_supervised_case(name, run, (), source), ())


MEMORISED, SPIKING = 0.07, 0.05
"""Loss below which all is known by heart; share of the records from then on with a gradient far out."""


def _healthy_supervised(name: str, source: random.Random) -> KindCase:
    return KindCase(_supervised_case(name, _supervised(source), (), source), ())


def _supervised_case(
    name: str, run: Supervised, events: tuple[tuple[int, int, int], ...], source: random.Random
) -> Case:
    write, dialect, file = supervised.WRITERS[source.choice(list(supervised.WRITERS))]
    rows = supervised.simulate(run, source)
    return Case(name, dialect, file, write(rows), None, run.interval, rows, Truth(events, run.records))


OF_A_CHAIN = f"critical by {AFTER_WORST} records after the last link broke"
NONE_DUE = "healthy: nothing to find"

KINDS: Mapping[str, RandomKind] = {
    kind.name: kind
    for kind in (
        RandomKind("heavy-tailed noise", OF_A_CHAIN, _chain(_heavy)),
        RandomKind("length grows steadily", OF_A_CHAIN, _chain(_growing)),
        RandomKind("beta 0, no kl", OF_A_CHAIN, _chain(_without_kl)),
        RandomKind("data change in the middle", NONE_DUE, _changing),
        RandomKind(
            "reward sinks slowly",
            f"warning by {QUARTER_LOST} records after a quarter is lost, critical by {HALF_LOST} after half",
            _sinking,
        ),
        RandomKind(
            "40 records, collapse at 4 to 9", f"critical by {SHORTLY} records after it is there", _short
        ),
        RandomKind("SFT, loss exactly 0", "critical in the second such record", _lost(Loss.ZERO, 1)),
        RandomKind("SFT, destroyed by its rate", "critical within 10 records", _lost(Loss.DESTROYED, 10)),
        RandomKind("SFT, memorised", NONE_DUE, _memorised),
        RandomKind("SFT, healthy", NONE_DUE, _healthy_supervised),
    )
}
"""By name."""
