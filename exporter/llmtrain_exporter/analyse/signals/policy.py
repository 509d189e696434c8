"""How far the policy has gone: kl, clip ratio, entropy."""

from __future__ import annotations

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.rule import (
    CLIP_RATIOS,
    ENTROPY,
    KL,
    UNLIMITED,
    Context,
    Interval,
    Reading,
    Row,
    Rule,
)
from llmtrain_exporter.knowledge import limits
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Series

MOST_DOUBLINGS = 60.0
"""More than any kl can rise."""


class KlHigh(Rule):
    """kl by its value. Where the trainer clamps it, the worst is a row of values just below the clamp."""

    __slots__ = ("_clamped", "_clamped_from")

    name = "kl_high"
    watched = (KL,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # Whoever allows more than the clamp does not mean it.
        most = max(bound.limit for bound in self.bounds.values())
        self._clamped_from = limits.KL_CLAMPED if most <= limits.KL_CLAMP else UNLIMITED
        self._clamped = 0

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Anything below the first limit."""
        return -UNLIMITED, self.first.limit

    def read(self, row: Row) -> Reading | None:
        """The value itself."""
        kl = row.values.get(KL)
        if kl is None:
            return None
        self._clamped = self._clamped + 1 if kl >= self._clamped_from else 0
        destroyed = Severity.CRITICAL if self._clamped >= limits.KL_CLAMPED_RECORDS else None
        return Reading(kl, kl, KL, force=destroyed)


class KlSpike(Rule):
    """kl against the run's own. Its baseline may not rise as fast as a dying run's kl does."""

    __slots__ = ("_base", "_seen")

    name = "kl_spike"
    watched = (KL,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._base = 0.0
        self._seen = 0  # the number of the record at which the baseline was last looked at

    def reset(self) -> None:
        """The first baseline is taken as it comes."""
        self._base, self._seen = 0.0, 0

    def follow(self, one: Series, level: Level, index: int) -> None:  # noqa: ARG002
        """Let the baseline follow the level, downwards at once and upwards at its own pace."""
        doublings = min((index - self._seen) / limits.KL_DOUBLING, MOST_DOUBLINGS)
        level_now = min(max(level.median, limits.KL_HEALTHY), limits.KL_MOST)
        self._base = min(level_now, self._base * 2.0**doublings) if self._base else level_now
        self._seen = index

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Up to the limit, or to the floor where that is higher."""
        if level is None:
            return -UNLIMITED, UNLIMITED
        return -UNLIMITED, max(self.first.limit * self._unit(level), self.first.floor)

    def read(self, row: Row) -> Reading | None:
        """How many times the baseline it is."""
        kl, level = row.values.get(KL), row.levels.get(KL)
        if kl is None or level is None or not self._base:
            return None
        unit = self._unit(level)
        return Reading(kl / unit, kl, KL, size=kl, unit=unit, baseline=self._base)

    def _unit(self, level: Level) -> float:
        """The baseline, higher where the run's own high values are far above its median."""
        if level.young:
            return self._base * level.caution
        common = max(level.top, limits.KL_HEALTHY) / max(level.median, limits.KL_HEALTHY)
        return self._base * max(1.0, common / limits.COMMON)


class ClipRatioHigh(Rule):
    """Share of token ratios that are clipped. 0 is normal as long as a batch is used once."""

    __slots__ = ("_sequences",)

    name = "clip_ratio_high"
    watched = CLIP_RATIOS

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sequences = context.numbers.get("epsilon", 1.0) < limits.GSPO_EPSILON

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Anything below the limit."""
        return -UNLIMITED, UNLIMITED if self._sequences else self.first.limit

    def read(self, row: Row) -> Reading | None:
        """The highest of the bounds' shares."""
        if self._sequences:
            return None
        found = [(row.values[one], one) for one in CLIP_RATIOS if one in row.values]
        if not found:
            return None
        value, where = max(found, key=lambda pair: pair[0])
        return Reading(value, value, where)


class EntropyCollapse(Rule):
    """Entropy against that of the first records. That it falls early is healthy; how low it gets counts."""

    __slots__ = ("_early",)

    name = "entropy_collapse"
    watched = (ENTROPY,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._early = 0.0

    def follow(self, one: Series, level: Level, index: int) -> None:  # noqa: ARG002
        """Take the first level that is mature."""
        if not level.young and not self._early:
            self._early = level.median

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Above the dead floor, or above the limit."""
        return min(limits.ENTROPY_DEAD, self.first.limit * self._early), UNLIMITED

    def read(self, row: Row) -> Reading | None:
        """The share of the early entropy that is left."""
        entropy = row.values.get(ENTROPY)
        if entropy is None or not self._early or entropy >= limits.ENTROPY_DEAD:
            return None
        return Reading(entropy / self._early, entropy, ENTROPY, unit=self._early, baseline=self._early)


class EntropyRange(Rule):
    """The FAQ's normal range of entropy in supervised fine-tuning, told as a fact."""

    __slots__ = ()

    name = "entropy_collapse"
    watched = (ENTROPY,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Within the range."""
        return self.first.limit, limits.ENTROPY_EXPLODED

    def read(self, row: Row) -> Reading | None:
        """The entropy; above the range as far above the limit as it is above the range."""
        entropy = row.values.get(ENTROPY)
        if entropy is None:
            return None
        above = self.first.limit * limits.ENTROPY_EXPLODED / max(entropy, limits.ENTROPY_EXPLODED)
        return Reading(entropy if entropy <= limits.ENTROPY_EXPLODED else above, entropy, ENTROPY)
