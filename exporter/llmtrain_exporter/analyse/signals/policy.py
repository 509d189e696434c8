"""How far the policy has gone: kl, clip ratio, entropy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_exporter.analyse.baseline import UNLIMITED, Level
from llmtrain_exporter.analyse.signals.rule import (
    CLIP_RATIOS,
    ENTROPY,
    KL,
    POLICY_RATIO,
    RESPONSE_KL,
    Context,
    Interval,
    RecordView,
    Renewal,
    Rule,
    SignalReading,
    down_to,
    up_to,
)
from llmtrain_exporter.knowledge.own_level import COMMON
from llmtrain_exporter.knowledge.profile import GENERIC, PPO, SFT
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.policy import (
    CLIP_RATIO_HIGH,
    ENTROPY_COLLAPSE,
    ENTROPY_DEAD,
    ENTROPY_EXPLODED,
    GSPO_EPSILON,
    KL_CLAMPED,
    KL_CLAMPED_RECORDS,
    KL_DOUBLING,
    KL_DOUBLINGS,
    KL_HEALTHY,
    KL_HIGH,
    KL_LASTS,
    KL_MOST,
    KL_SPIKE,
    RATIO_DRASTIC,
    RESPONSE_KL_LEAST,
    RESPONSE_KL_MOST,
)
from llmtrain_exporter.model import Series


class KlHigh(Rule):
    """kl by its value. Where the trainer clamps it, the worst is a row of values just below the clamp."""

    __slots__ = ("_clamp", "_clamped", "_clamped_from")

    signal = KL_HIGH
    watched = (KL,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # Whoever allows more than the clamp does not mean it.
        most = max(bound.limit for bound in self.bounds.values())
        self._clamped_from = KL_CLAMPED if most <= context.kl_clamp < UNLIMITED else UNLIMITED
        self._clamp = context.kl_clamp
        self._clamped = 0

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything below the first limit."""
        return {KL: up_to(self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The value itself."""
        kl = view.values.get(KL)
        if kl is None:
            return None
        if kl > self._clamp:  # then nothing clamps it
            self._clamped_from = UNLIMITED
        self._clamped = self._clamped + 1 if kl >= self._clamped_from else 0
        if self._clamped < KL_CLAMPED_RECORDS:
            return SignalReading(kl, kl, KL)
        return SignalReading(kl, kl, KL, force=Severity.CRITICAL, limit=self._clamped_from)


class KlSpike(Rule):
    """kl against the run's own. Its baseline may not rise as fast as a dying run's kl does.

    What the run's own high values come near to, though the baseline lies lower, has to last.
    """

    __slots__ = ("_above", "_base", "_seen")

    signal = KL_SPIKE
    spiking: ClassVar[Series] = KL
    watched: ClassVar[tuple[Series, ...]] = (KL,)
    compared: ClassVar[tuple[Series, ...]] = (KL,)
    usual: ClassVar[tuple[float, float]] = KL_HEALTHY, KL_MOST
    """Between which the baseline is taken to lie."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """The first baseline is taken as it comes."""
        self._base = 0.0
        self._seen = 0  # the number of the record at which the baseline was last looked at
        self._above = 0  # records above the limit, less those below it since

    def pending(self) -> bool:
        """While records above the limit are counted."""
        return self._above > 0

    def follow(self, renewal: Renewal) -> None:
        """Let the baseline follow the level, downwards at once and upwards at its own pace."""
        doublings = min((renewal.record - self._seen) / KL_DOUBLING, KL_DOUBLINGS)
        lowest, highest = self.usual
        level_now = min(max(renewal.level.median, lowest), highest)
        self._base = min(level_now, self._base * 2.0**doublings) if self._base else level_now
        self._seen = renewal.record

    def ordinary_at(self, level: Level) -> Interval:
        """Up to the limit, or to the floor where that is higher."""
        return up_to(max(self.first.limit * self._unit(level), self.first.floor))

    def read(self, view: RecordView) -> SignalReading | None:
        """How many times the baseline it is."""
        kl, level = view.values.get(self.spiking), view.levels.get(self.spiking)
        if kl is None or level is None or not self._base:
            return None
        unit = self._unit(level)
        if not self._lasts(kl >= self.first.limit * unit) and not level.young:
            unit = max(unit, level.top / COMMON)
        return SignalReading(kl / unit, kl, self.spiking, size=kl, unit=unit, baseline=self._base)

    def _lasts(self, above: bool) -> bool:
        """Count a record above the limit, or below it, which is worth two."""
        self._above = min(self._above + 1, 2 * KL_LASTS) if above else max(self._above - 2, 0)
        return self._above >= KL_LASTS

    def _unit(self, level: Level) -> float:
        """The baseline, higher where the run's own high values are far above its median."""
        if level.young:
            return self._base * level.caution
        common = max(level.top, self.usual[0]) / max(level.median, self.usual[0])
        return self._base * max(1.0, common / COMMON)


class ResponseKlHigh(Rule):
    """kl that is summed over a response, by its value."""

    __slots__ = ()

    signal = KL_HIGH
    profiles = (PPO,)
    watched = (RESPONSE_KL,)

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything below the first limit."""
        return {RESPONSE_KL: up_to(self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The value itself."""
        kl = view.values.get(RESPONSE_KL)
        return None if kl is None else SignalReading(kl, kl, RESPONSE_KL)


class ResponseKlSpike(KlSpike):
    """The same against the run's own."""

    __slots__ = ()

    profiles = (PPO,)
    spiking = RESPONSE_KL
    watched = compared = (RESPONSE_KL,)
    usual = RESPONSE_KL_LEAST, RESPONSE_KL_MOST


class ClipRatioHigh(Rule):
    """Share of token ratios that are clipped. 0 is normal as long as a batch is used once."""

    __slots__ = ("_sequences",)

    signal = CLIP_RATIO_HIGH
    watched = CLIP_RATIOS

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sequences = context.numbers.get("epsilon", 1.0) < GSPO_EPSILON

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything below the limit; all of it where whole sequences are clipped."""
        return {} if self._sequences else {share: up_to(self.first.limit) for share in CLIP_RATIOS}

    def read(self, view: RecordView) -> SignalReading | None:
        """The highest of the bounds' shares."""
        if self._sequences:
            return None
        found = [(view.values[share], share) for share in CLIP_RATIOS if share in view.values]
        if not found:
            return None
        value, where = max(found, key=lambda pair: pair[0])
        return SignalReading(value, value, where)


class RatioDrastic(ClipRatioHigh):
    """The same, and a mean probability ratio that is far from 1: each update is too drastic."""

    __slots__ = ()

    profiles = (PPO,)
    watched = (*CLIP_RATIOS, POLICY_RATIO)

    def ordinary(self) -> Mapping[Series, Interval]:
        """Shares below the limit, and ratios around 1."""
        return {**super().ordinary(), POLICY_RATIO: RATIO_DRASTIC}

    def read(self, view: RecordView) -> SignalReading | None:
        """The ratio where it is drastic, else the highest share."""
        ratio, (low, high) = view.values.get(POLICY_RATIO, 1.0), RATIO_DRASTIC
        if low <= ratio <= high or ratio != ratio:
            return super().read(view)
        return SignalReading(self.first.limit, ratio, POLICY_RATIO, limit=low if ratio < low else high)


class EntropyCollapse(Rule):
    """Entropy against that of the first records. That it falls early is healthy; how low it gets counts."""

    __slots__ = ("_early",)

    signal = ENTROPY_COLLAPSE
    watched = compared = (ENTROPY,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._early = 0.0

    def follow(self, renewal: Renewal) -> None:
        """Take the first level that is mature."""
        if not renewal.level.young and not self._early:
            self._early = renewal.level.median

    def ordinary(self) -> Mapping[Series, Interval]:
        """Above the dead floor, or above the limit."""
        return {ENTROPY: down_to(min(ENTROPY_DEAD, self.first.limit * self._early))}

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of the early entropy that is left."""
        entropy = view.values.get(ENTROPY)
        if entropy is None or not self._early or entropy >= ENTROPY_DEAD:
            return None
        return SignalReading(entropy / self._early, entropy, ENTROPY, unit=self._early, baseline=self._early)


class EntropyRange(Rule):
    """The FAQ's normal range of entropy in supervised fine-tuning, told as a fact."""

    __slots__ = ()

    signal = ENTROPY_COLLAPSE
    profiles = (SFT, GENERIC)
    watched = (ENTROPY,)

    def ordinary(self) -> Mapping[Series, Interval]:
        """Within the range."""
        return {ENTROPY: (self.first.limit, ENTROPY_EXPLODED)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The entropy; above the range as far above the limit as it is above the range."""
        entropy = view.values.get(ENTROPY)
        if entropy is None:
            return None
        if entropy <= ENTROPY_EXPLODED:
            return SignalReading(entropy, entropy, ENTROPY)
        above = self.first.limit * ENTROPY_EXPLODED / entropy
        return SignalReading(above, entropy, ENTROPY, limit=ENTROPY_EXPLODED)


RULES = (
    KlHigh,
    KlSpike,
    ResponseKlHigh,
    ResponseKlSpike,
    ClipRatioHigh,
    RatioDrastic,
    EntropyCollapse,
    EntropyRange,
)
