"""From where a stopped training goes on, and with which settings: pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmtrain_exporter.guard.keep.checkpoints import Checkpoint
from llmtrain_exporter.guard.keep.ladder import still_good
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge import rescuing
from llmtrain_exporter.knowledge.remedy import Value
from llmtrain_exporter.knowledge.text import Lang, Text, fill
from llmtrain_exporter.model import Diagnosis, Proposal, Series, Snapshot
from llmtrain_exporter.model.guarded import Attempt, SettingChange

if TYPE_CHECKING:
    from llmtrain_exporter.guard.launch.past import PastRun

RATE, SEED = rescuing.LEARNING_RATE, "seed"

SKIPPING = "skip_bad_updates"
"""No setting of a trainer's: what the guard inside does about updates that are not finite."""

_NON_FINITE = "non_finite"


@dataclass(frozen=True, slots=True)
class GivesUp:
    """Why a training is not started again."""

    text: Text
    values: Mapping[str, str]

    def of(self, lang: Lang) -> str:
        """In words."""
        return fill(self.text, lang, self.values)


@dataclass(frozen=True, slots=True)
class RescuePlan:
    """From which checkpoint a training goes on, and what is changed: settings by ms-swift's names.

    `grace_until_step`: before that nothing stops it again.
    """

    attempt: int
    checkpoint: Checkpoint
    changes: Mapping[str, SettingChange]
    wasted_steps: int
    grace_until_step: int

    def as_attempt(self) -> Attempt:
        """As the guard's file tells it."""
        path, step = str(self.checkpoint.path), self.checkpoint.step
        return Attempt(self.attempt, step, path, self.changes, self.wasted_steps)


def plan_rescue(
    past: PastRun,
    checkpoints: Collection[Checkpoint],
    before: Sequence[Attempt],
    most: int,
    seed: float | None = None,
) -> RescuePlan | GivesUp:
    """What to do about a training that was stopped at the end of `past`.

    `before`: the rescues that there were; `most`: how many there may be; `seed`: the one that the command
    sets, None where that is the trainer's own.
    """
    # It takes long to load, and most trainings never need it.
    from llmtrain_exporter.analyse.diagnosis import diagnose

    if len(before) >= most:
        return GivesUp(words.MOST_REACHED if most else words.NONE_WANTED, {"most": str(most)})
    chosen = _chosen(past, checkpoints, before)
    if isinstance(chosen, GivesUp):
        return chosen
    stopped_at = past.snapshot.last_step or chosen.step
    grace = math.ceil(rescuing.GRACE_RECORDS * past.steps_per_record)
    return RescuePlan(
        len(before) + 1,
        chosen,
        gentler(past.snapshot, diagnose(past.snapshot), before, seed),
        max(stopped_at - chosen.step, 0),
        chosen.step + grace,
    )


def _chosen(
    past: PastRun, checkpoints: Collection[Checkpoint], before: Sequence[Attempt]
) -> Checkpoint | GivesUp:
    """The newest checkpoint that was still good, from before where the last rescue began."""
    if not checkpoints:
        return GivesUp(words.NO_CHECKPOINT, {})
    good = still_good(checkpoints, past.marks)
    if not good:
        steps = sorted({each.step for each in checkpoints})
        return GivesUp(words.NONE_GOOD, {"steps": ", ".join(map(str, steps))})
    limit = min((each.from_step for each in before), default=None)
    left = [each for each in good if limit is None or each.step < limit]
    return left[-1] if left else GivesUp(words.NONE_FURTHER_BACK, {"step": str(limit)})


def gentler(
    run: Snapshot, diagnosis: Diagnosis, before: Sequence[Attempt], seed: float | None = None
) -> Mapping[str, SettingChange]:
    """What is set otherwise in the next attempt: less of what the diagnosis says is too much.

    The learning rate is cut in any case but two: that a bad batch is to blame, which another seed avoids, or
    that all was well until a value was no number: that update is skipped, wherever its samples come again.
    """
    known = in_force(before)
    if SKIPPING not in known and _broke_at_once(run):
        return {SKIPPING: SettingChange("false", "true")}
    found: dict[str, SettingChange] = {}
    if _is_bad_batch(diagnosis) and SEED not in known:
        found[SEED] = SettingChange(seed, (rescuing.USUAL_SEED if seed is None else seed) + 1)
    else:
        rate = _value(known.get(RATE), _present_rate(run, diagnosis))
        found[RATE] = SettingChange(rate, None if rate is None else _rounded(rate * rescuing.RATE))
    found.update(_proposed(diagnosis, known))
    return found


def in_force(attempts: Sequence[Attempt]) -> Mapping[str, SettingChange]:
    """All that rescues have changed so far: what it was at first, and what it is now."""
    found: dict[str, SettingChange] = {}
    for attempt in attempts:
        for name, change in attempt.changes.items():
            first = found.get(name, change)
            found[name] = SettingChange(first.before, change.after)
    return found


def _proposed(
    diagnosis: Diagnosis, known: Mapping[str, SettingChange]
) -> Iterator[tuple[str, SettingChange]]:
    """What the diagnosis says of clipping and of the pull towards the reference."""
    for remedy in diagnosis.remedies:
        for proposal in remedy.changes:
            if (
                proposal.setting in rescuing.GENTLER
                and proposal.setting != RATE
                and proposal.value is not None
            ):
                now = known[proposal.setting].after if proposal.setting in known else proposal.now
                if now != proposal.value and not _needs_a_reference(proposal, now):
                    yield proposal.setting, SettingChange(now, proposal.value)


def _needs_a_reference(proposal: Proposal, now: Value | None) -> bool:
    """A training without a pull towards a reference has none loaded, and maybe no memory for it."""
    return proposal.setting == "beta" and now == 0.0


def _broke_at_once(run: Snapshot) -> bool:
    """Whether the last incident is one of values that are no numbers, before which nothing had broken."""
    if not run.incidents or _NON_FINITE not in run.incidents[-1].signals:
        return False
    return len({step for _, step in run.incidents[-1].stages}) == 1


def _is_bad_batch(diagnosis: Diagnosis) -> bool:
    return bool(diagnosis.causes) and diagnosis.causes[0].cause == "bad_batch"


def _present_rate(run: Snapshot, diagnosis: Diagnosis) -> float | None:
    """As the settings say, else as the diagnosis found, else the highest that was logged."""
    stated = run.hyper_parameters.numbers.get(RATE)
    if stated is not None:
        return stated
    proposals = [proposal for remedy in diagnosis.remedies for proposal in remedy.changes]
    told = [each.now for each in proposals if each.setting == RATE and isinstance(each.now, float)]
    if told:
        return told[0]
    key = next((key for key in run.samples if key.metric is c.LEARNING_RATE), None)
    return None if key is None else _highest(run, key)


def _highest(run: Snapshot, key: Series) -> float | None:
    logged = [point.value for courses in run.courses.values() for point in courses.of(key)]
    return _rounded(max(logged, default=run.samples[key])) or None


def _value(change: SettingChange | None, otherwise: float | None) -> float | None:
    if change is not None and isinstance(change.after, (int, float)):
        return float(change.after)
    return otherwise


def _rounded(rate: float) -> float:
    """Without what binary fractions leave behind: 0.1 times 0.003 is 0.0003, and logs are kept in 32 bits."""
    return float(f"{rate:.6g}")
