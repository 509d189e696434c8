"""Random runs with one slow fault each, and how soon the signal that is for it tells of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median

from llmtrain_exporter.ingest.dialects import swift
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Episode

from benchmarks.detection.generator import random_nature
from benchmarks.detection.producers import arguments, swift_extended
from benchmarks.detection.score import analyse
from benchmarks.detection.simulation import Nature, Row, Run, simulate

RUNS = 100
LEAST = 60
"""Records before a fault begins."""


@dataclass(frozen=True, slots=True)
class Planted:
    """Rows with a fault in them: the record at which it begins, and that by which it has to be told."""

    rows: Sequence[Row]
    nature: Nature
    begins: int
    told_by: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: who plants it in healthy rows, and which signals are its own."""

    plant: Callable[[list[Row], Nature, int, random.Random], int | None]
    own: frozenset[str]
    least: float = 0.97  # share of the runs that are told in time


def planted(kind: Kind, seed: str) -> Planted:
    """A random run with that fault; drawn anew where what was planted is none yet when it is due."""
    source = random.Random(seed)
    while True:
        kind_of_run = replace(random_nature(source), records=source.randint(250, 500))
        rows = simulate(Run(kind_of_run), source)
        begins = source.randint(LEAST, kind_of_run.records - 2 * LEAST)
        told_by = kind.plant(rows, kind_of_run, begins, source)
        if told_by is not None:
            return Planted(rows, kind_of_run, begins, told_by)


def _fade(rows: list[Row], _: Nature, begins: int, source: random.Random) -> int:
    """Entropy loses four fifths in 15 to 25 records; told within 15."""
    fading = source.randint(15, 25)
    for at, row in enumerate(rows[begins:]):
        row["entropy"] *= 0.2 ** min((at + 1) / fading, 2.0)
    return begins + 15


def _explode(rows: list[Row], _: Nature, begins: int, source: random.Random) -> int:
    """Entropy rises to 3 to 6 times, at least to 2 nats, in 10 to 30 records; told within 30."""
    rising, start = source.randint(10, 30), rows[begins]["entropy"]
    times = max(source.uniform(3.0, 6.0), 2.0 / start)
    for at, row in enumerate(rows[begins:]):
        row["entropy"] *= times ** min((at + 1) / rising, 1.0)
    return begins + 30


def _creep(rows: list[Row], of: Nature, begins: int, source: random.Random) -> int:
    """Completions grow to their limit in 60 to 150 records, and are cut off; told before it is reached."""
    creeping = source.randint(60, 150)
    times = of.longest / rows[begins]["length"]
    for at, row in enumerate(rows[begins:]):
        row["length"] = min(row["length"] * times ** min((at + 1) / creeping, 1.0), 0.98 * of.longest)
        share = row["length"] / of.longest
        row["clipped"] = min(1.0, row["clipped"] + max(0.0, share - 0.7) * source.uniform(1.0, 2.0))
        row["longest"] = of.longest if row["clipped"] else min(of.longest, 1.5 * row["length"])
    return min(begins + creeping, len(rows) - 1)


def _trade(rows: list[Row], of: Nature, begins: int, source: random.Random) -> int | None:
    """One reward function rises to its most while the others fall to a third, in 40 to 100 records."""
    trading = source.randint(40, 100)
    names = sorted(name for name, (first, _) in of.functions.items() if first > 0)
    if all(_is_hidden(rows[:begins], f"function:{name}", trading) for name in names[len(names) > 1 :]):
        return None
    wins = f"function:{names[0]}" if len(names) > 1 else "function:Fluency"
    for at, row in enumerate(rows):
        done = min(max(0, at + 1 - begins) / trading, 1.0)
        if len(names) == 1:
            row[wins] = 0.3 + source.gauss(0, 0.03)
        row[wins] += done * (0.95 - row[wins])
        for name in names[len(names) > 1 :]:
            row[f"function:{name}"] *= 1 - 2 * done / 3
        row["reward"] = sum(value for name, value in row.items() if name.startswith("function:"))
    return begins + TRADED


TRADED = 40
"""Records after which a trade is due."""
HIDDEN = 4.0
"""Standard deviations, below which the best of observers cannot tell a fall from chance."""


def _is_hidden(before: Sequence[Row], name: str, trading: int) -> bool:
    """Whether, when a trade is due, who knows its beginning, course and noise cannot tell the fall yet."""
    values = [row[name] for row in before]
    noise = sum((later - earlier) ** 2 for earlier, later in pairwise(values)) / 2 / (len(values) - 1)
    lost = sum((2 / 3 * fmean(values) * min(at / trading, 1.0)) ** 2 for at in range(1, TRADED + 1))
    return lost < HIDDEN**2 * noise


def _drift_apart(rows: list[Row], _: Nature, begins: int, source: random.Random) -> int:
    """Sampler and trainer part to 8 to 20 times their noise in 25 to 60 records, before the rewards fall."""
    lead, times = source.randint(25, 60), source.uniform(8.0, 20.0)
    add_engines(rows, source)
    for at, row in enumerate(rows[begins:]):
        row["logp_difference"] *= times ** min((at + 1) / lead, 1.0)
        row["ratio"] *= math.exp(-row["logp_difference"])
        if at >= lead:
            for name in [name for name in row if name.startswith("function:")]:
                row[name] *= max(0.2, 1 - (at - lead) / 20)
            row["reward"] = sum(value for name, value in row.items() if name.startswith("function:"))
    return begins + lead - 20


def add_engines(rows: list[Row], source: random.Random) -> None:
    """What sampler and trainer differ by in health: noise with single outliers."""
    usual, noise = math.exp(source.uniform(-6.0, -3.5)), source.uniform(0.03, 0.2)
    for row in rows:
        wide = 3.0 if source.random() < 0.01 else 1.0
        row["logp_difference"] = usual * math.exp(source.gauss(0, noise * wide))
        row["ratio"] = math.exp(source.gauss(0, usual))


KINDS: Mapping[str, Kind] = {
    "entropy fades": Kind(_fade, frozenset({"entropy_fall"})),
    "length creeps to its limit": Kind(_creep, frozenset({"length_creep", "length_surge"})),
    "rewards part": Kind(_trade, frozenset({"rewards_part", "reward_function_drop"})),
    "sampler and trainer drift apart": Kind(_drift_apart, frozenset({"engine_mismatch"})),
    "entropy explodes": Kind(_explode, frozenset({"entropy_explosion"})),
}
"""By name."""

_OTHERS = frozenset({"length_surge", "reward_function_drop"})
OWN = frozenset(signal for kind in KINDS.values() for signal in kind.own) - _OTHERS
"""Signals that are for slow faults only."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a kind: shares of the runs in which it was told in time, and in which that became a warning."""

    told: float
    warned: float
    delay: float  # records from its beginning until it was told, median


def measure(kind: Kind, seeds: Sequence[int], runs: int = RUNS) -> Figures:
    """What the analysis makes of random runs of a kind, so many with each of the seeds."""
    made = [planted(kind, f"slow/{seed}/{number}") for seed in seeds for number in range(runs)]
    signs = [(_first_signs(kind, each), each.told_by - each.begins) for each in made]
    told = sum(sign <= due for (sign, _), due in signs)
    warned = sum(warning <= due for (_, warning), due in signs)
    delays = [sign for (sign, _), _ in signs if sign < math.inf]
    return Figures(told / len(made), warned / len(made), median(delays) if delays else math.inf)


def _first_signs(kind: Kind, made: Planted) -> tuple[float, float]:
    """Records from the beginning of the fault until it is told, and until it is warned of, or infinity."""
    steps = [int(row["step"]) for row in made.rows]
    own = [
        (max(steps.index(e.first_step) - made.begins, 0), e.severity)
        for e in episodes(made.rows, made.nature)
        if e.signal in kind.own and steps.index(e.last_step) >= made.begins
    ]
    warnings = [delay for delay, severity in own if severity is not Severity.INFO]
    return min((delay for delay, _ in own), default=math.inf), min(warnings, default=math.inf)


def episodes(rows: Sequence[Row], kind_of_run: Nature) -> Sequence[Episode]:
    """The episodes of a run that ms-swift logged, with its settings beside it."""
    log = swift_extended(rows)
    snapshot, _ = analyse(log, swift.DIALECT, arguments(kind_of_run))
    return snapshot.episodes


def healthy(seed: int, runs: int) -> Iterator[tuple[int, Sequence[Episode]]]:
    """Records and episodes of random runs without a fault."""
    for number in range(runs):
        source = random.Random(f"healthy/{seed}/{number}")
        kind_of_run = random_nature(source)
        rows = simulate(Run(kind_of_run), source)
        add_engines(rows, source)
        yield kind_of_run.records, episodes(rows, kind_of_run)
