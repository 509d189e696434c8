"""What a remedy is, and how the value that it proposes follows from the run's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.text import Text, written

ALL_PROFILES = frozenset(profile.PROFILES)
ONLY_GRPO = frozenset((profile.GRPO,))
ONLY_DPO = frozenset((profile.DPO,))
ALL_BUT_GRPO = ALL_PROFILES - ONLY_GRPO

Value = float | str


@dataclass(frozen=True, slots=True)
class Ladder:
    """The next of `values` beyond the present one; past the last one times `beyond`, or no further."""

    values: tuple[float, ...]
    up: bool = True
    beyond: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """The present value times `by`, rounded where the setting counts something, and no lower than `least`."""

    by: float
    whole: bool = False
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One fixed value; those of `fine` serve as well."""

    value: str
    fine: tuple[str, ...] = ()


ValueRule = Ladder | Scale | Choice


@dataclass(frozen=True, slots=True)
class Change:
    """A hyper-parameter to change. `rule` None: to what is for a person to judge.

    `setting`: its name in `arguments`, which is ms-swift's; each `Producer` knows its own flag for it.
    """

    setting: str
    rule: ValueRule | None


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to do about a signal. `changes` is empty where nothing is set on the command line."""

    title: Text
    how: Text
    sources: tuple[Text, ...]
    changes: tuple[Change, ...] = ()
    profiles: frozenset[str] = ALL_PROFILES


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change worked out for one run.

    `flag`: "--beta 0.1", as the producer writes it; without the value where there is none, empty where the
    producer has no such flag.
    `change` is what people are told, beside the present value: the flag; "beta -> 0.1" where there is none;
    "learning_rate x 0.1" where the present value is unknown.
    """

    setting: str
    now: Value | None
    value: Value | None
    change: str
    flag: str


def propose(rule: ValueRule, now: Value | None) -> Value | None:
    """The value that a rule proposes in place of `now` (None: unknown); None where it has nothing better."""
    if isinstance(rule, Choice):
        return None if now == rule.value or now in rule.fine else rule.value
    if isinstance(now, str):
        return None
    if isinstance(rule, Scale):
        return None if now is None else _scaled(rule, now)
    return rule.values[0] if now is None else _next_rung(rule, now)


def proposals(
    remedy: Remedy, producer: Producer, kind: str, settings: Mapping[str, Value]
) -> tuple[Proposal, ...]:
    """The changes of a remedy for a run of that producer and profile. What is there already is left out.

    Empty for a remedy that has changes: all of them are there already, it is of no use.
    """
    worked_out = (_proposal(change, producer, kind, settings) for change in remedy.changes)
    return tuple(proposal for proposal in worked_out if proposal is not None)


def _proposal(
    change: Change, producer: Producer, kind: str, settings: Mapping[str, Value]
) -> Proposal | None:
    now = settings.get(change.setting, producer.default(change.setting, kind))
    value = None if change.rule is None else propose(change.rule, now)
    if value is None and change.rule is not None and now is not None:
        return None
    flag = producer.flag(change.setting, kind, None if value is None else written(value))
    return Proposal(change.setting, now, value, _in_words(change, value, flag), flag)


def _in_words(change: Change, value: Value | None, flag: str) -> str:
    if value is not None:
        return flag or f"{change.setting} -> {written(value)}"
    if isinstance(change.rule, Scale):
        return f"{change.setting} x {change.rule.by:.3g}"
    return flag or change.setting


def _scaled(rule: Scale, now: float) -> float | None:
    exact = max(now * rule.by, rule.least)
    value = float(round(exact)) if rule.whole else float(f"{exact:.3g}")
    return value if value != now and value > 0 else None


def _next_rung(rule: Ladder, now: float) -> float | None:
    further = (value for value in rule.values if (value > now if rule.up else value < now))
    found = next(further, None)
    if found is None and rule.beyond is not None:
        return now * rule.beyond
    return found
