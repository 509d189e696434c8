"""Where a limit can go: few round rungs, looser or tighter, or a signal that has to hold for longer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from llmtrain_exporter.config.profiles import CONFIGURED
from llmtrain_exporter.knowledge.calibrating import DIGITS, LONGER, LOOSER, NEVER_MOVED, ROOM, TIGHTER
from llmtrain_exporter.knowledge.signal import (
    Bound,
    Bounds,
    FoundBy,
    Limits,
    Measure,
    Profile,
    Severity,
    Signal,
)
from llmtrain_exporter.knowledge.signals import SIGNALS

JUDGING = (Severity.WARNING, Severity.CRITICAL)
"""Severities that speak against a run."""


@dataclass(frozen=True, slots=True)
class Move:
    """The bound of a severity, as it is to be."""

    signal: str
    severity: Severity
    limit: float
    records: int
    within: int

    def moved(self, bound: Bound) -> Bound:
        """That bound instead of another one."""
        return bound._replace(limit=self.limit, records=self.records, within=self.within, source=CONFIGURED)

    def differs_from(self, bound: Bound) -> bool:
        """Whether it is another bound: rounded, it may be the same."""
        return (self.limit, self.records) != (bound.limit, bound.records)

    def is_tighter_than(self, limits: Limits) -> bool:
        """Whether it makes the signal hold where it did not."""
        before = limits[self.signal][self.severity].limit
        return self.limit > before if SIGNALS[self.signal].below else self.limit < before


Moves = frozenset[Move]
"""At most one for each signal and severity."""

NO_MOVES: Moves = frozenset()


def with_moves(profile: Profile, moves: Moves, name: str) -> Profile:
    """A profile with these bounds."""
    known = {(move.signal, move.severity): move for move in moves}
    limits = {
        signal: {
            severity: known[signal, severity].moved(bound) if (signal, severity) in known else bound
            for severity, bound in bounds.items()
        }
        for signal, bounds in profile.limits.items()
    }
    return Profile(name, profile.base, limits)


def instead(moves: Moves, new: Moves) -> Moves:
    """The moves with some new ones, which take the place of those of the same bounds."""
    taken = {(move.signal, move.severity) for move in new}
    return new | {move for move in moves if (move.signal, move.severity) not in taken}


def can_move(name: str, bounds: Bounds) -> bool:
    """Whether a signal has a limit of its own that says something against a run."""
    signal = SIGNALS[name]
    fixed = signal.measure in (Measure.TRUTH, Measure.GAPS) or signal.found_by is not FoundBy.RULE
    return not fixed and name not in NEVER_MOVED and Severity.WARNING in bounds


def looser(name: str, bounds: Bounds, critical: bool) -> Iterator[Moves]:
    """What silences a signal, the least first. `critical`: its critical bound may have to move as well."""
    for severities in ((Severity.WARNING,), JUDGING) if critical else ((Severity.WARNING,),):
        there = {severity: bounds[severity] for severity in severities if severity in bounds}
        for steps in (LOOSER, LONGER):
            for times in steps:
                longer = int(times) if steps is LONGER else 0
                yield from _fitting(name, bounds, there, times, longer)


def tighter(name: str, bounds: Bounds) -> Iterator[Moves]:
    """A signal that warns earlier, the least first. What is critical stays: a guard stops runs by that."""
    for times in TIGHTER:
        yield from _fitting(name, bounds, {Severity.WARNING: bounds[Severity.WARNING]}, times, 0)


def with_room(moves: Moves) -> Moves:
    """Tightened bounds that are tighter still."""
    return frozenset(replace(move, limit=_scaled(SIGNALS[move.signal], move.limit, ROOM)) for move in moves)


def _fitting(
    name: str, all_bounds: Bounds, bounds: Mapping[Severity, Bound], times: float, longer: int
) -> Iterator[Moves]:
    """One set of moves, unless it changes nothing or severities would come in another order."""
    signal = SIGNALS[name]
    moves = frozenset(
        move
        for severity, bound in bounds.items()
        if (move := _step(signal, severity, bound, times, longer)).differs_from(bound)
    )
    new = {**all_bounds, **{move.severity: move.moved(all_bounds[move.severity]) for move in moves}}
    if (
        moves
        and _in_order(signal, new)
        and all(_has_sense(signal, move, bounds[move.severity]) for move in moves)
    ):
        yield moves


def _step(signal: Signal, severity: Severity, bound: Bound, times: float, longer: int) -> Move:
    if longer:
        return _longer(signal.name, severity, bound, longer)
    return Move(signal.name, severity, _scaled(signal, bound.limit, times), bound.records, bound.within)


def _longer(name: str, severity: Severity, bound: Bound, times: int) -> Move:
    """A single record may be odd: of several, one may be as it should."""
    records = bound.records * times
    within = bound.within * times or (records + 1 if bound.records == 1 else 0)
    return Move(name, severity, bound.limit, records, within)


def _in_order(signal: Signal, bounds: Bounds) -> bool:
    limits = [-bound.limit if signal.below else bound.limit for bound in bounds.values()]
    return all(lesser <= worse for lesser, worse in pairwise(limits))


def _has_sense(signal: Signal, move: Move, bound: Bound) -> bool:
    """Whether the limit can be reached, and is one that settings take."""
    if _is_share(signal, bound.limit):
        return 0 < move.limit < 1
    return move.limit > (1 if signal.measure is Measure.RATIO else 0)


def _is_share(signal: Signal, limit: float) -> bool:
    if signal.measure is Measure.VALUE:
        return signal.metrics[0].name.endswith("_ratio")
    return signal.measure is Measure.FALL or (signal.measure is Measure.RATIO and limit < 1)


def _scaled(signal: Signal, limit: float, times: float) -> float:
    """A limit that is so many times as loose: a share by its odds, a ratio by its distance from 1."""
    if signal.below:
        looser_limit = limit / times
    elif _is_share(signal, limit):
        odds = limit / max(1 - limit, 1e-9) * times
        looser_limit = odds / (1 + odds)
    elif signal.measure is Measure.RATIO and limit > 1:
        looser_limit = 1 + (limit - 1) * times
    else:
        looser_limit = limit * times
    return float(f"{looser_limit:.{DIGITS}g}")
