"""The rules: how signals are found in a run's records. A module for each part of a run, as in `knowledge`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from llmtrain_exporter.analyse.shared import KEPT
from llmtrain_exporter.analyse.signals import (
    contrast,
    critic,
    exploration,
    fit,
    gradient,
    hacking,
    length,
    loss,
    mismatch,
    non_finite,
    policy,
    preference,
    progress,
    reward,
    sampling,
)
from llmtrain_exporter.analyse.signals.rule import Context, Rule
from llmtrain_exporter.knowledge.signal import Bound, FoundBy, Profile, Severity, Signal
from llmtrain_exporter.knowledge.signals import SIGNALS

RULES: tuple[type[Rule], ...] = (
    *non_finite.RULES,
    *loss.RULES,
    *gradient.RULES,
    *policy.RULES,
    *exploration.RULES,
    *mismatch.RULES,
    *sampling.RULES,
    *critic.RULES,
    *length.RULES,
    *reward.RULES,
    *hacking.RULES,
    *contrast.RULES,
    *fit.RULES,
    *preference.RULES,
    *progress.RULES,
)

COMPARED = frozenset(watched for rule in RULES for watched in rule.compared)
"""Series that have a level in every run in which they are watched."""


def rules_for(profile: Profile, context: Context) -> tuple[Rule, ...]:
    """The rules of a profile, in the order of the signals: those whose signals it has limits for."""
    found = (_rule(signal, profile.base) for name, signal in SIGNALS.items() if name in profile.limits)
    return tuple(_made(rule, context) for rule in found if rule is not None)


def _made(rule: type[Rule], context: Context) -> Rule:
    if rule in _OF_RUNS:
        return rule(context)
    return _of_all_runs((rule, tuple(context.bounds[rule.signal.name].items())))


@lru_cache(maxsize=KEPT)
def _of_all_runs(judging: tuple[type[Rule], tuple[tuple[Severity, Bound], ...]]) -> Rule:
    """A rule that knows nothing of its run but these bounds: one for all with the same."""
    rule, bounds = judging
    return rule(Context({rule.signal.name: dict(bounds)}, {}))


def _remembers(rule: type[Rule]) -> bool:
    own = rule.__mro__[: rule.__mro__.index(Rule)]
    return any(each.__dict__.get("__slots__", True) for each in own)


_OF_RUNS = frozenset(rule for rule in RULES if _remembers(rule))
"""Those that know more of their run than bounds."""


def _rule(signal: Signal, base: str) -> type[Rule] | None:
    """The rule that finds a signal in a built-in profile; None where no record can show it."""
    return next(iter(_rules_in(base, [rule for rule in RULES if rule.signal is signal])), None)


def _rules_in(base: str, rules: Sequence[type[Rule]]) -> list[type[Rule]]:
    """Those of a signal's rules that are for a built-in profile, else those that are for no certain one."""
    return [rule for rule in rules if base in rule.profiles] or [rule for rule in rules if not rule.profiles]


def validate(rules: Iterable[type[Rule]] = RULES, signals: Mapping[str, Signal] = SIGNALS) -> list[str]:
    """What does not fit between signals and rules, in one sentence each; empty when all is well."""
    known = tuple(rules)
    return [
        *(problem for signal in signals.values() for problem in _unread(signal, known)),
        *(problem for rule in known for problem in _useless(rule, signals)),
    ]


def _unread(signal: Signal, rules: Iterable[type[Rule]]) -> Iterator[str]:
    own = [rule for rule in rules if rule.signal is signal]
    if signal.found_by is not FoundBy.RULE:
        yield from (f"signal {signal.name} has the rule {rule.__name__} and is found without" for rule in own)
    elif not own:
        yield f"signal {signal.name} has no rule"
    else:
        for profile in signal.limits:
            found = len(_rules_in(profile, own))
            if found != 1:
                yield f"signal {signal.name} has {found or 'no'} rules in the profile {profile}"


def _useless(rule: type[Rule], signals: Mapping[str, Signal]) -> Iterator[str]:
    if rule.signal not in signals.values():
        yield f"rule {rule.__name__} finds the signal {rule.signal.name}, which is not among the signals"
    watches = bool(rule.watched) or rule.watched_metric is not None
    if rule.read is not None and not watches:
        yield f"rule {rule.__name__} reads records and watches no series"
    if rule.read is None and watches:
        yield f"rule {rule.__name__} watches series and does not read records"
    if not any((rule.read, rule.look_back, rule.evaluate)):
        yield f"rule {rule.__name__} reads nothing"
