"""What a signal is: the terms in which signals, their limits and the advice on them are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text


class Severity(str, Enum):
    """How much a signal matters. `info` says something of a run and nothing against it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    def __init__(self, _: str) -> None:
        self.rank = len(type(self).__members__)  # the worse, the higher: they stand in this order


class Family(str, Enum):
    """What part of a run a signal is about. The first four are an incident's stages."""

    KL = "kl"
    GRADIENT = "gradient"
    LENGTH = "length"
    REWARD = "reward"
    FIT = "fit"
    PROGRESS = "progress"


class Measure(str, Enum):
    """What a signal's limit is in."""

    VALUE = "value"  # the metric's own unit
    RATIO = "ratio"  # times the run's own baseline
    FALL = "fall"  # share of the run's own baseline that is lost
    SIGMA = "sigma"  # robust standard deviations from the run's own baseline
    TRUTH = "truth"  # none: it is there or it is not
    GAPS = "gaps"  # the run's own median gaps between records


class FoundBy(str, Enum):
    """What tells that a signal is there."""

    RULE = "rule"  # one in `analyse.signals`, by the values of records
    CLOCK = "clock"  # the time that passes without a record
    INCIDENT = "incident"  # other signals that come together


class Bound(NamedTuple):
    """From where on a signal has a severity: when the limit is met in `records` of the last `within` records.

    `floor`: the metric's own value, or its distance from the baseline, has to be at least this as well.
    """

    limit: float
    source: Text
    records: int = 1
    within: int = 0  # 0: as many as `records`, so all in a row
    floor: float = 0.0


Bounds = Mapping[Severity, Bound]
"""A signal's bounds in one profile, from the least severe to the most."""

Limits = Mapping[str, Bounds]
"""A profile's bounds by signal."""


def in_each(profiles: Iterable[str], bounds: Bounds) -> Mapping[str, Bounds]:
    """The same bounds in several profiles."""
    return dict.fromkeys(profiles, bounds)


MISSING = Text("", "")
"""Stands for a text that nobody has written yet; `knowledge.validate` tells of it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """All texts about one signal.

    `title` names the condition. `summary` is one static sentence, for the alert. `finding` says what happened
    in a run; it alone holds placeholders of the moment. `findings`: the same at severities at which something
    else has happened. `meaning` says what that tells, `impact` what follows
    if nothing is done, `diagnosis` what to look at, in order. `causes` and `remedies` are ids, the likeliest
    and the first to try in front; each has the profiles that it applies to. `baselines`: what `finding` calls
    the baseline, by split of the series, where that is not the series' own usual level.
    """

    title: Text = MISSING
    summary: Text = MISSING
    finding: Text = MISSING
    meaning: Text = MISSING
    impact: Text = MISSING
    causes: tuple[str, ...] = ()
    diagnosis: tuple[Text, ...] = ()
    remedies: tuple[str, ...] = ()
    sources: tuple[Text, ...] = ()
    baselines: Mapping[str, Text] = field(default_factory=dict)
    findings: Mapping[Severity, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """All that is known of a condition on a run's records; `analyse.signals` has the rule that finds it.

    `limits`: by profile; one that is not among them does not have the signal.
    `below`: it holds at or below its limit, else at or above.
    `clear_after`: records in which the condition does not hold, after which the signal is cleared.
    `levels`: metrics whose own value the limit is, so that it can be drawn as a line across their charts.
    `limit_phrase`: the limit in words, with the blank {limit}, where the measure's own words do not fit.
    `limit_percent`: the limit is a share, which is told in percent.
    `no_alert`: severities of which no alert is sent, and why; whoever looks at the run still sees them.
    """

    name: str
    family: Family
    metrics: tuple[Metric, ...]
    measure: Measure = Measure.VALUE
    below: bool = False
    clear_after: int = 5
    found_by: FoundBy = FoundBy.RULE
    limits: Mapping[str, Bounds] = field(default_factory=dict)
    levels: tuple[Metric, ...] = ()
    limit_phrase: Text | None = None
    limit_percent: bool = False
    no_alert: Mapping[Severity, str] = field(default_factory=dict)
    advice: Advice = Advice()

    @property
    def told_in_percent(self) -> bool:
        """Whether people are told its limit in percent; a loss by a share always is."""
        return self.limit_percent or self.measure is Measure.FALL


class Profile(NamedTuple):
    """A kind of training and where its limits lie. `base`: the built-in one that it comes from, maybe itself.

    Whatever is known of a kind of training, texts and rules alike, goes by the base.
    """

    name: str
    base: str
    limits: Limits
