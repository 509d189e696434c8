"""The demo's log, and random runs with their truth. The same seed makes the same bytes."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.dialects import swift

from benchmarks.detection.producers import PRODUCERS, arguments, swift_new
from benchmarks.detection.simulation import Collapse, Nature, Row, Run, simulate

DEMO_SEED = 20251126
RUNS = 200
HEALTHY_SHARE = 0.45

NAMES = (
    "Format",
    "AnswerMatchCosine",
    "CaptionMatchCosine",
    "TitleMatchCosine",
    "PlaneMatchString",
    "ModalityMatchString",
)

DEMO = Nature(
    records=1200,
    interval=5,
    kl=0.02,
    kl_noise=0.3,
    kl_warm_up=150,
    kl_drift=2.0,
    beta=0.04,
    grad_norm=32_000.0,
    grad_noise=0.22,
    length=215.0,
    length_noise=0.06,
    length_drift=1.03,
    longest=512.0,
    clipped=0.0,
    functions={name: (0.95, 0.96) if name == "Format" else (0.12, 0.3) for name in NAMES},
    completions=40,
    entropy=0.6,
    entropy_left=0.4,
    learning_rate=5e-5,
)
"""6,000 steps, a record each 5, lengths of 190 to 250 of 512; gradients of 20,000 to 50,000."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the guide's table: the worst of a collapse of the demo, and the step of that."""

    step: int
    kl: float
    grad_norm: float
    loss: float
    clipped: float
    format: float
    after: int = 2  # records until all is as before


DEMO_EVENTS = (
    Event(2800, 19.6, 4.7e6, 0.78, 0.875, 0.2),
    Event(2860, 9.2, 9.0e5, 0.31, 0.9, 0.025, after=3),
    Event(3140, 18.7, 7.6e6, 0.7, 0.6, 0.15),
    Event(3695, 13.6, 2.1e6, 0.54, 0.5, 0.3, after=1),
    Event(4155, 11.8, 9.5e6, 0.47, 0.55, 0.25),
    Event(4655, 8.8, 2.7e7, 0.35, 0.6, 0.2),
    Event(5145, 6.3, 5.5e7, 0.25, 0.45, 0.3),
)
"""Each is the same chain: kl climbs, then completions grow and are cut off, then rewards fall."""

DEMO_SINGLE: Mapping[int, Mapping[str, float]] = {
    2555: {"longest": 504},
    2715: {"length": 335, "clipped": 0.35, "longest": 512},
    2825: {"shortest": 379},
    2870: {"shortest": 144},
    3105: {"longest": 509},
    3145: {"grad_norm": 1.0e7},
    3990: {"length": 348, "clipped": 0.4, "longest": 512},
    3995: {"longest": 507},
}
"""What the guide saw in single records beside them."""


def demo_rows() -> list[Row]:
    """The rows of the demo: the healthy run, with the table's events written over it."""
    rows = simulate(Run(DEMO), random.Random(DEMO_SEED))
    by_step = {int(row["step"]): row for row in rows}
    for event in DEMO_EVENTS:
        _write_over(by_step, event)
    for step, values in DEMO_SINGLE.items():
        by_step[step].update(values)
    return rows


def write_demo(folder: Path) -> Path:
    """Writes the demo as ms-swift does, `logging.jsonl` and `args.json`; the path of the log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "args.json").write_bytes(arguments(DEMO))
    log = folder / "logging.jsonl"
    log.write_bytes(swift_new(demo_rows()))
    return log


def _write_over(rows: Mapping[int, Row], event: Event) -> None:
    for offset, share in [(-2, 0.05), (-1, 0.25), (0, 1.0), *((n, 0.3 / n) for n in range(1, event.after))]:
        row = rows[event.step + offset * DEMO.interval]
        row["kl"] = max(row["kl"], event.kl * share)
        row["loss"] = max(row["loss"], event.loss * share)
        row["grad_norm"] *= (event.grad_norm / row["grad_norm"]) ** (share**0.5)
        if offset >= -1:
            row["clipped"] = event.clipped * (1.0 if offset >= 0 else 0.5)
            row["length"] = max(row["length"], 300 + 200 * row["clipped"])
            row["longest"] = DEMO.longest
        if offset >= 0:
            _spoil(row, event.format if offset == 0 else (1 + event.format) / 2)


def _spoil(row: Row, left: float) -> None:
    """What is written too long and badly formed earns little."""
    for name in NAMES:
        row[f"function:{name}"] *= left if name == "Format" else 0.3 + 0.7 * left
    row["reward"] = sum(row[f"function:{name}"] for name in NAMES)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a detector has to say of a run, in records: when each collapse begins, is there, and is over."""

    events: tuple[tuple[int, int, int], ...]  # first departure, last link broken, as before
    records: int

    def is_healthy(self, record: int, slack: int = 30) -> bool:
        """Whether a record belongs to no collapse and to no aftermath."""
        return not any(first <= record <= end + slack for first, _, end in self.events)


@dataclass(frozen=True, slots=True)
class Case:
    """One generated log."""

    name: str
    dialect: Dialect
    file: str
    log: bytes
    arguments: bytes | None
    interval: int
    rows: list[Row]
    truth: Truth


def cases(seed: int, count: int = RUNS) -> Iterator[Case]:
    """Random runs."""
    for number in range(count):
        source = random.Random(f"{seed}/{number}")
        nature = random_nature(source)
        collapses = () if source.random() < HEALTHY_SHARE else random_collapses(nature, source)
        truth = Truth(tuple((c.start, c.worst, c.end(nature.records)) for c in collapses), nature.records)
        rows = simulate(Run(nature, collapses, random_oddities(nature, truth, source)), source)
        producer = source.choice(list(PRODUCERS))
        write, dialect, file = PRODUCERS[producer]
        settings = arguments(nature) if dialect is swift.DIALECT else None
        name = f"{seed}-{number:03d} {producer}"
        yield Case(name, dialect, file, write(rows), settings, nature.interval, rows, truth)


def between(source: random.Random, low: float, high: float) -> float:
    """Log-uniform."""
    return math.exp(source.uniform(math.log(low), math.log(high)))


def random_nature(source: random.Random) -> Nature:
    """What is normal for a random run."""
    longest = float(source.choice((128, 256, 512, 1024, 4096)))
    names = source.sample([*NAMES, "Accuracy", "Cosine", "Repetition"], source.randint(1, 5))
    return Nature(
        records=source.randint(200, 1200),
        interval=source.choice((1, 1, 2, 5, 10, 20)),
        kl=None if source.random() < 0.1 else between(source, 1e-4, 0.3),
        kl_noise=source.uniform(0.05, 0.6),
        kl_warm_up=source.choice((0, 20, 100)),
        kl_drift=between(source, 0.5, 4.0),
        beta=source.choice((0.001, 0.01, 0.04, 0.1)),
        grad_norm=between(source, 0.1, 5e4),
        grad_noise=source.uniform(0.05, 0.5),
        length=longest * source.uniform(0.2, 0.6),
        length_noise=source.uniform(0.01, 0.12),
        length_drift=between(source, 0.6, 1.5),
        longest=longest,
        clipped=source.choice((0.0, 0.0, 0.01, 0.03)),
        functions={name: _course(source, name != names[0]) for name in names},
        completions=source.choice((8, 16, 32, 64, 128)),
        entropy=between(source, 0.1, 2.0),
        entropy_left=source.uniform(0.27, 1.0),
        tail=source.choice((0.0, 0.0, 0.005, 0.02)),
        learning_rate=between(source, 1e-7, 1e-4),
    )


HELD = 0.85
"""Share of a reward function that a healthy run loses at the most: what loses a quarter is to be told."""


def _course(source: random.Random, may_be_penalty: bool) -> tuple[float, float]:
    if may_be_penalty and source.random() < 0.15:
        return -0.05, -0.02
    first = source.uniform(0.1, 0.95)
    return first, min(1.0, max(HELD * first, first + source.uniform(-0.1, 0.5)))


def random_collapses(nature: Nature, source: random.Random) -> tuple[Collapse, ...]:
    found: list[Collapse] = []
    start = source.randint(40, 120)
    while start < nature.records - 40 and len(found) < 4:
        collapse = _collapse(nature, start, source)
        found.append(collapse)
        start = collapse.end(nature.records) + source.randint(120, 400)
    return tuple(found)


def _collapse(nature: Nature, start: int, source: random.Random) -> Collapse:
    lead = source.choice((1, 2, 3, 5, 8, 12, 20, 40))
    names = sorted(name for name, (first, _) in nature.functions.items() if first > 0)
    hit = names if source.random() < 0.6 else source.sample(names, max(1, len(names) // 2))
    surges = source.random() < 0.75
    return Collapse(
        start=start,
        lead=lead,
        length_lag=source.randint(0, lead + 3),
        reward_lag=source.randint(lead // 2, lead + 8),
        hold=source.randint(0, 40),
        recovery=None if source.random() < 0.3 else source.randint(1, 15),
        kl_peak=max(between(source, 0.5, 30.0), 12 * (nature.kl or 0.0) * max(1.0, nature.kl_drift)),
        grad_factor=between(source, 1.0 if nature.kl else 15.0, 1000.0),
        length_factor=source.uniform(1.7, 2.5) if surges else source.uniform(0.15, 0.45),
        reward_left=source.uniform(0.0, 0.4),
        functions=frozenset(hit),
    )


def random_oddities(nature: Nature, truth: Truth, source: random.Random) -> dict[int, dict[str, float]]:
    """Single records that are far off and harmless, and the outliers with which runs begin."""
    found: dict[int, dict[str, float]] = {0: {"loss": 30.0, "grad_norm": source.uniform(1, 40)}}
    # Ten is where the guide rolls back whatever else the record says, so no harmless kl gets there.
    most = min(30.0, 4.0 / ((nature.kl or 1e-3) * max(1.0, nature.kl_drift)) / math.exp(2 * nature.kl_noise))
    for _ in range(round(nature.records / 250)):
        record = source.randrange(1, nature.records)
        if truth.is_healthy(record) and truth.is_healthy(record + 20):
            found[record] = source.choice(
                (
                    {"kl": max(1.0, most * source.random()), "grad_norm": source.uniform(1, 10)},
                    {"grad_norm": source.uniform(3, 150)},
                    {"length": source.choice((0.6, 1.4))},
                    {f"function:{name}": source.uniform(0.2, 1.0) for name in nature.functions},
                    {"entropy": 0.3},
                )
            )
    return found
