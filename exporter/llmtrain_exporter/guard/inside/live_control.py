"""What is changed while a training runs: when, and how it is done.

A controller on the first rank says what should be in force; each rank applies it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.guard.inside.rates import TOLERANCE, CannotBeChangedError, LearningRates
from llmtrain_exporter.guard.options import LiveControl
from llmtrain_exporter.knowledge import guard_limits as limits
from llmtrain_exporter.knowledge import guard_words as words
from llmtrain_exporter.knowledge import refusal_words
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.text import Lang, fill


class LiveSettings(NamedTuple):
    """What is in force: the learning rate as a share of the given one, beta, max_grad_norm. 0: left alone."""

    rate_share: float = 0.0
    beta: float = 0.0
    max_grad_norm: float = 0.0


@dataclass(frozen=True, slots=True)
class LiveChange:
    """A setting that is changed, from what to what, and why."""

    setting: str
    before: float
    after: float
    because: str


class LiveController:
    """Says by the logged rows what should be in force. For the first rank alone."""

    def __init__(self, control: LiveControl, given: LiveSettings) -> None:
        """`given`: what the user gave, and cannot be exceeded; 0 for what cannot be changed here."""
        self._control = control
        self._given = given
        self.in_force = given
        self._beta = given.beta  # as worked out; what is in force moves in larger steps
        self._norms: deque[float] = deque(maxlen=limits.USUAL_NORM_STEPS)

    def starts_at(self, rate_share: float) -> None:
        """A checkpoint was loaded whose learning rate had been cut before."""
        if self._given.rate_share:
            self.in_force = self.in_force._replace(rate_share=min(max(rate_share, self._control.floor), 1.0))

    def take(self, row: Mapping[str, object]) -> list[LiveChange]:
        """Take in a training row; the changes that follow."""
        kl, norm = _number(row.get("kl")), _number(row.get("grad_norm"))
        found = (self._rate(kl), self._penalty(kl), self._clipping(norm))
        return [change for change in found if change is not None]

    def _rate(self, kl: float | None) -> LiveChange | None:
        target, share = self._control.kl_target, self.in_force.rate_share
        if target is None or kl is None or not share:
            return None
        wanted = share
        if kl > 2 * target:
            wanted = max(share / self._control.factor, self._control.floor)
        elif kl < target / 2:
            wanted = min(share * self._control.factor, self._given.rate_share)
        return self._set("rate_share", "learning_rate_share", wanted, _by_kl(kl, target))

    def _penalty(self, kl: float | None) -> LiveChange | None:
        """Ziegler et al. (2019), section 2.2, held between two bounds: else it runs away, or ends at 0."""
        target, control = self._control.beta_target, self._control
        if target is None or kl is None or not self._given.beta:
            return None
        error = min(max(kl / target - 1, -control.beta_gain), control.beta_gain)
        wanted = self._beta * (1 + error / control.beta_horizon)
        least, most = self._given.beta * control.beta_least, self._given.beta * control.beta_most
        self._beta = min(max(wanted, least), most)
        at_bound = self._beta in (least, most)
        if not at_bound and abs(self._beta / self.in_force.beta - 1) < limits.LIVE_STEP:
            return None
        return self._set("beta", "beta", self._beta, _by_kl(kl, target))

    def _clipping(self, norm: float | None) -> LiveChange | None:
        if self._control.clip_at is None or norm is None or not self._given.max_grad_norm:
            return None
        self._norms.append(norm)
        if len(self._norms) < limits.USUAL_NORM_LEAST:
            return None
        usual = median(self._norms)
        least = self._given.max_grad_norm * limits.CLIP_FLOOR
        wanted = min(max(usual * self._control.clip_at, least), self._given.max_grad_norm)
        if abs(wanted / self.in_force.max_grad_norm - 1) < limits.LIVE_STEP:
            return None
        because = fill(words.USUAL_NORM, Lang.EN, {"norm": number(usual)})
        return self._set("max_grad_norm", "max_grad_norm", wanted, because)

    def _set(self, field: str, setting: str, wanted: float, because: str) -> LiveChange | None:
        before = getattr(self.in_force, field)
        if abs(wanted / before - 1) <= TOLERANCE:
            return None
        self.in_force = self.in_force._replace(**{field: wanted})
        return LiveChange(setting, before, wanted, because)


def _by_kl(kl: float, target: float) -> str:
    return fill(words.KL_TARGET, Lang.EN, {"kl": number(kl), "target": number(target)})


def _number(value: object) -> float | None:
    """A number of a row; infinity too, NaN says nothing."""
    if type(value) not in (int, float) or math.isnan(value):  # type: ignore[arg-type]
        return None
    return float(value)  # type: ignore[arg-type]


class Steering:
    """Sets what is in force in a trainer. On each rank alike."""

    def __init__(self, trainer: Any, args: Any, rates: LearningRates | None, given_rate: float) -> None:
        """`rates`: None where they cannot be changed. `given_rate`: the base rate that the user gave."""
        self._trainer, self._args, self._rates = trainer, args, rates
        self._given_rate = given_rate

    def apply(self, wanted: LiveSettings) -> None:
        """Let this be in force; 0 leaves alone."""
        if wanted.rate_share and self._rates is not None:
            self._rates.make(wanted.rate_share * self._given_rate)
        if wanted.beta:
            self._trainer.beta = wanted.beta
        if wanted.max_grad_norm:
            self._args.max_grad_norm = wanted.max_grad_norm


def given_settings(
    control: LiveControl, trainer: Any, args: Any, rates: Callable[[], LearningRates]
) -> tuple[LiveSettings, dict[str, str]]:
    """What the user gave of that which is to be changed, and by setting why something cannot be.

    What trainers read once, at their start, or read for one part of their work alone, is not offered:
    temperature, completion length, the arguments' own beta.
    """
    given, refused = LiveSettings(), dict[str, str]()
    asked: list[tuple[bool, str, str, Callable[[], float]]] = [
        (control.kl_target is not None, "rate_share", "learning_rate", lambda: _rate_of(rates())),
        (control.beta_target is not None, "beta", "beta", lambda: _beta_of(trainer)),
        (control.clip_at is not None, "max_grad_norm", "max_grad_norm", lambda: _clipping_of(trainer, args)),
    ]
    for wanted, field, setting, ask in asked:
        if wanted:
            try:
                given = given._replace(**{field: ask()})
            except CannotBeChangedError as error:
                refused[setting] = str(error)
    return given, refused


def set_given(trainer: Any, args: Any, setting: str, value: float) -> float:
    """Let a setting that a rescue has changed be in force; what it was. Raises CannotBeChangedError."""
    if setting == "max_grad_norm":
        before = _clipping_of(trainer, args)
        args.max_grad_norm = value
    elif setting == "beta":
        before = _beta_of(trainer)
        trainer.beta = value
    else:
        raise CannotBeChangedError(refusal_words.READ_ONCE, setting=setting)
    return before


def _rate_of(rates: LearningRates) -> float:
    if not rates.bases:
        raise CannotBeChangedError(refusal_words.RATE_ZERO)
    return 1.0


def _beta_of(trainer: Any) -> float:
    beta: Any = getattr(trainer, "beta", None)
    if type(beta) not in (int, float):
        raise CannotBeChangedError(refusal_words.NO_BETA)
    if not beta > 0:
        raise CannotBeChangedError(refusal_words.BETA_ZERO)
    return float(beta)


def _clipping_of(trainer: Any, args: Any) -> float:
    norm: Any = getattr(args, "max_grad_norm", None)
    if type(norm) not in (int, float) or not norm > 0:
        raise CannotBeChangedError(refusal_words.NOTHING_CLIPPED)
    if getattr(trainer, "is_deepspeed_enabled", False):
        raise CannotBeChangedError(refusal_words.DEEPSPEED_CLIPS)
    return float(norm)
