"""What to do about the causes of a run: the remedies that apply, and the values that follow from the run."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from llmtrain_exporter.analyse.diagnosis.case import Case, as_logged, highest
from llmtrain_exporter.analyse.diagnosis.patterns import last_good_checkpoint, well_again
from llmtrain_exporter.analyse.diagnosis.weighing import proofs
from llmtrain_exporter.analyse.ways_back import checkpoint_name
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.arguments import TRUTHS
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.evidence import When
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import (
    Change,
    Choice,
    Ladder,
    Measured,
    Quantity,
    Remedy,
    Scale,
    Value,
    ValueRule,
)
from llmtrain_exporter.knowledge.text import switched, written
from llmtrain_exporter.model import Prescription, Proposal, RowKind, Snapshot


def prescribed(case: Case, causes: Iterable[str]) -> list[Prescription]:
    """What to do, what removes the leading cause first; each remedy once, with all causes that it is for."""
    because: dict[str, list[str]] = {}
    for cause in causes:
        for name in CAUSES[cause].remedies:
            because.setdefault(name, []).append(cause)
    found = (prescription(name, tuple(reasons), case) for name, reasons in because.items())
    return [one for one in found if one is not None]


def prescription(name: str, because: tuple[str, ...], case: Case) -> Prescription | None:
    """A remedy with its changes for the run; None where it does not apply, or all is so already."""
    remedy = REMEDIES[name]
    if not applies(remedy, case):
        return None
    wanted = tuple(proposals(remedy.changes, case))
    if remedy.changes and not wanted:
        return None
    return Prescription(name, because, tuple(proposal for proposal in wanted if proposal.flag))


def applies(remedy: Remedy, case: Case) -> bool:
    """Whether the run is one to which the remedy may be told."""
    return (
        case.run.base in remedy.profiles
        and (remedy.prevents or not _is_put_right(case))
        and all(proofs(condition, case) is not None for condition in remedy.when)
        and not any(proofs(condition, case) is not None for condition in remedy.unless)
    )


def _is_put_right(case: Case) -> bool:
    """Whether whoever trains has gone back already, and all is well since."""
    return case.went_back and well_again(case) is not None


def proposals(changes: Iterable[Change], case: Case) -> Iterator[Proposal]:
    """The changes for a run, without a flag where its producer has none for them.

    What is there already is left out, what the producer takes by itself, and what nobody can work out.
    """
    producer, base = case.run.producer, case.run.base
    for change in changes:
        if change.where_no and producer.spelled(change.where_no, base):
            continue
        now = _present(change.setting, case)
        value = None if change.rule is None else worked_out(change.rule, now, case, _default(change, case))
        if change.setting in INTERVALS:
            value = _often_enough(change.setting, value, now, case)
        judged = change.rule is None or (isinstance(change.rule, Measured) and change.rule.judged)
        if (value is None and judged) or (value is not None and value != now):
            text = None if value is None else written(value)
            yield Proposal(change.setting, now, value, producer.flag(change.setting, base, text))


def _default(change: Change, case: Case) -> Value | None:
    """What may be in force where the settings do not say: as the log shows, else as the producer's code."""
    if change.setting == "eval_strategy" and case.run.records.get(RowKind.EVAL):
        return "steps"
    shown = _intervals(case.run).get(change.setting)
    return case.run.producer.default(change.setting, case.run.base) if shown is None else shown


def _intervals(run: Snapshot) -> Mapping[str, float]:
    """Steps from one record, evaluation and checkpoint to the next, where the log shows them."""
    first, last, evaluated = run.first_step, run.last_step, run.records.get(RowKind.EVAL, 0)
    if run.step_is_record or first is None or last is None:
        return {}
    found = {
        "logging_steps": (last - first, run.records.get(RowKind.TRAIN, 0) - 1),
        "eval_steps": (last, evaluated),
    }
    shown = {setting: steps / times for setting, (steps, times) in found.items() if steps > 0 and times > 0}
    saved = [behind - before for before, behind in pairwise(run.checkpoints)]
    return {**shown, "save_steps": float(min(saved))} if saved else shown


INTERVALS = frozenset(("eval_steps", "save_steps"))
"""Settings that say how often something is done."""


def _often_enough(setting: str, value: Value | None, now: Value | None, case: Case) -> float | None:
    """No more rarely than ten times in the run: what happens each 1,000 steps never happens in one of 600.

    And checkpoints before trouble like this one begins. None where steps are not known, where that is no
    oftener than now, and for evaluations of a policy that has none: it may lack the data for them.
    """
    steps = case.run.max_steps or case.run.last_step
    evaluates = case.run.base not in POLICIES or case.run.records.get(RowKind.EVAL)
    if case.run.step_is_record or not steps or (setting == "eval_steps" and not evaluates):
        return None
    wanted = _in_time(case) if setting == "save_steps" and case.run.base in POLICIES else []
    if isinstance(value, float):
        wanted += [value, float(f"{max(1, steps // limits.AT_LEAST_DONE):.1g}")]
    often = min(wanted, default=None)
    return None if often is None or (isinstance(now, float) and often >= now) else often


def _in_time(case: Case) -> list[float]:
    """Steps between checkpoints that leave two before the onset, where none is left from there."""
    half = 0 if case.onset is None else (case.onset - 1) // 2
    return [float(f"{half:.1g}")] if half and last_good_checkpoint(case) is None else []


def _present(setting: str, case: Case) -> Value | None:
    """What the settings say is in force, else the log; of what is on or off as one types it."""
    now = case.run.hyper_parameters.settings.get(setting)
    if now is None and setting == "learning_rate":
        return _level_rate(case)
    return switched(now) if setting in TRUTHS and isinstance(now, float) else now


def worked_out(rule: ValueRule, now: Value | None, case: Case, default: Value | None = None) -> Value | None:
    """The value that a rule proposes in place of `now`; None where it has nothing better.

    Where `now` is None, so unknown, it may be the producer's `default`, which is not proposed, and may be
    another: no value follows from it but the next rung of a ladder.
    """
    if isinstance(rule, Measured):
        return QUANTITIES[rule.quantity](case)
    if isinstance(rule, Choice):
        return _chosen(rule, now, default)
    if isinstance(rule, Scale):
        return _scaled(rule, now) if isinstance(now, float) else None
    if now is None:
        return _rung(rule, default) if isinstance(default, float) else rule.values[0]
    return None if isinstance(now, str) else _next_rung(rule, now)


def _chosen(rule: Choice, now: Value | None, default: Value | None) -> str | None:
    if now is None:
        return None if rule.known or _is_set(default, rule._replace(fine=())) else rule.value
    return None if _is_set(now, rule) else rule.value


def _is_set(now: Value | None, rule: Choice) -> bool:
    if isinstance(now, float):
        return rule.value == ("true" if now else "false")
    return now == rule.value or now in rule.fine


def _scaled(rule: Scale, now: float) -> float | None:
    exact = max(now * rule.by, rule.least)
    value = float(round(exact)) if rule.whole else float(f"{exact:.3g}")
    return value if value != now and value > 0 else None


def _next_rung(rule: Ladder, now: float) -> float | None:
    found = _rung(rule, now)
    if found is None and rule.beyond is not None:
        return now * rule.beyond
    return found


def _rung(rule: Ladder, now: float) -> float | None:
    return next((value for value in rule.values if (value > now if rule.up else value < now)), None)


def length_limit(case: Case) -> float | None:
    """Tokens that a completion may have: as the settings say, else as cut completions show."""
    stated = case.run.hyper_parameters.numbers.get("max_completion_length")
    if stated is not None:
        return stated
    cut = [point for key in case.series(c.COMPLETION_CLIPPED) for point in case.points(key)]
    longest = _longest(case, whole=True)
    return longest if longest is not None and any(point.value > 0 for point in cut) else None


def _room_for_answers(case: Case) -> float | None:
    """Somewhat more than the longest healthy completions; None where that is no less than the limit."""
    longest, limit = _longest(case, whole=False), length_limit(case)
    if longest is None:
        return None
    room = float(math.ceil(longest * limits.ROOM))
    return room if limit is None or room < limit else None


def _longest(case: Case, whole: bool) -> float | None:
    """The longest completion: of the `whole` run, or of its healthy part, before the trouble."""
    for key in case.longest_lengths():
        points = case.points(key)
        if not whole:
            points = [point for point in points if case.onset is None or point.step < case.onset]
        if points:
            return highest(points).value
    return None


def _twice_the_limit(case: Case) -> float | None:
    """Of what the settings say, or the log shows."""
    limit = case.run.hyper_parameters.numbers.get("max_completion_length", _shown_limit(case))
    return None if limit is None else 2 * limit


def _shown_limit(case: Case) -> float | None:
    """Tokens of the longest completions in most records, and in many; others may be means of several."""
    for key in case.longest_lengths()[:1]:
        longest = [point.value for point in case.points(key)]
        seen = longest.count(max(longest, default=0.0))
        if seen >= limits.LIMIT_SEEN and 2 * seen > len(longest):
            return max(longest)
    return None


def _lower_learning_rate(case: Case) -> float | None:
    """By the highest that was logged, which warm-up and decay are below; else by the setting.

    What was logged before a rescue lowered it says nothing of what it is now.
    """
    stated = case.run.hyper_parameters.numbers.get("learning_rate")
    lowered = case.run.guard is not None and "learning_rate" in case.run.guard.settings
    rate = max((not lowered and _highest_rate(case)) or 0.0, stated or 0.0)
    if not rate:
        return None
    if rate < limits.RATE_FAR_OFF:
        rate *= limits.RATE_LOWER_GRPO if case.run.base in POLICIES else limits.RATE_LOWER
    while _round_rate(rate, stated) >= limits.RATE_FAR_OFF:
        rate = as_logged(rate / 10)
    return min(_round_rate(rate, stated), case.highest_healthy(c.LEARNING_RATE))


def _highest_rate(case: Case) -> float | None:
    """As far as the log goes; a run in its warm-up has not had its highest yet."""
    logged = [case.stretch(key, When.BEST) for key in case.series(c.LEARNING_RATE)]
    return max((as_logged(stretch.value) for stretch in logged if stretch is not None), default=None)


def _level_rate(case: Case) -> float | None:
    """The learning rate that was set: the highest, where more than one record stands or as a single peak.

    Such a peak, between a warm-up and a decay, lies a little below. From there it only decays, else somebody
    changed it; a resumed run may have another; of what decays from the first record on nobody knows.
    """
    for key in () if case.run.resumes else case.series(c.LEARNING_RATE):
        rates = [point.value for point in case.points(key)]
        peak = max(rates, default=0.0)
        since = rates[len(rates) - rates[::-1].index(peak) - 1 :] if rates else []
        if not all(later < earlier for earlier, later in pairwise(since)):
            continue
        if rates.count(peak) > 1:
            return as_logged(peak)
        if rates and rates[0] < peak > rates[-1]:
            return float(f"{peak:.2g}")
    return None


def _round_rate(rate: float, stated: float | None) -> float:
    """Logged ones lie a little below what was set, so that only their first digit says anything."""
    return float(f"{rate:.1g}" if stated is None else f"{rate:.2g}")


def _warmup_steps(case: Case) -> float | None:
    """A tenth of the planned steps, or the present number of them where that is more."""
    planned, now = case.run.max_steps, case.run.hyper_parameters.numbers.get("warmup_steps", 0.0)
    return None if not planned else max(float(math.ceil(limits.WARMUP * planned)), now)


def _good_checkpoint(case: Case) -> str | None:
    step = last_good_checkpoint(case)
    return None if step is None else _checkpoint(case, step)


def _newest_checkpoint(case: Case) -> str | None:
    step = max(case.run.checkpoints, default=None)
    return None if step is None else _checkpoint(case, step)


def _checkpoint(case: Case, step: int) -> str:
    return os.path.join(os.path.dirname(case.run.file), checkpoint_name(case.run, step))


QUANTITIES: Mapping[Quantity, Callable[[Case], Value | None]] = {
    Quantity.ROOM_FOR_ANSWERS: _room_for_answers,
    Quantity.TWICE_THE_LIMIT: _twice_the_limit,
    Quantity.LOWER_LEARNING_RATE: _lower_learning_rate,
    Quantity.GOOD_CHECKPOINT: _good_checkpoint,
    Quantity.NEWEST_CHECKPOINT: _newest_checkpoint,
    Quantity.WARMUP_STEPS: _warmup_steps,
}
"""How each quantity is measured."""
