"""What is drawn: lines over training steps, and what is marked among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One series. `values` are as many as `steps`; None is a gap, and so is a step that goes back.

    `spikes`, `superseded`: indices. `odd`: steps from and to which the log says NaN or infinity.
    `evaluation`: points far apart, which are marked one by one.
    """

    name: str
    steps: Sequence[int]
    values: Values
    spikes: Sequence[int] = ()
    superseded: Sequence[int] = ()
    odd: Sequence[tuple[int, int]] = ()
    baseline: Values | None = None
    evaluation: bool = False
    part: str = ""  # of the metric, the same for training and evaluation


@dataclass(frozen=True, slots=True)
class ChartPanel:
    """Series that share an axis. `limits`: severity to value; `healthy`: from, to; all in the lines' unit."""

    name: str
    lines: tuple[ChartLine, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    healthy: tuple[float | None, float | None] = (None, None)
    left_out: int = 0  # lines that there was no room for


@dataclass(frozen=True, slots=True)
class Marks:
    """What happened to the run, by step. `incidents`: onset and end, None while it lasts."""

    incidents: Sequence[tuple[int, int | None]] = ()
    resumes: Sequence[int] = ()
    window: tuple[float, float] | None = None  # steps that are shown; None: all
    unit: str = "step"  # a key of `words.COUNTED_IN`
    guard: Sequence[int] = ()  # steps at which a guard did something
