"""What a run is doing, and what kind of training it is."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Set

from llmtrain_exporter.analyse.pace import RunPace
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import profile as profiles
from llmtrain_exporter.knowledge.catalogue import evaluation, mismatch, objective, reward, rollout, value
from llmtrain_exporter.knowledge.metric import Group, Metric
from llmtrain_exporter.knowledge.pace import CUT_OFF_SECONDS
from llmtrain_exporter.knowledge.signal import Profile, Severity
from llmtrain_exporter.model import Health, Record, RowKind, Series, Snapshot, State, series

HEALTH_OF = {None: Health.UNKNOWN, Severity.WARNING: Health.WATCH, Severity.CRITICAL: Health.BROKEN}
"""What the silence of a run says of its health; nothing where there is none."""

STALLED = "stalled"
"""The signal that no record can show, only a clock."""

TELLING = 10
"""First training records, which tell of what kind the training is: of them, some may be another program's."""

CLOSING = frozenset((RowKind.FINAL, RowKind.SUMMARY, RowKind.FAILURE))
"""Rows with which a trainer leaves its log."""

_TRAIN = RowKind.TRAIN  # a look at an enumeration takes as long as a call
_STATES = {state: series(c.RUN_STATE, ("state", state.value)) for state in State}
_STALLED = {
    severity: series(m.SIGNAL_ACTIVE, ("signal", STALLED), ("severity", severity.value))
    for severity in (Severity.WARNING, Severity.CRITICAL)
}
_PENALISED = series(reward.REWARD_PART, ("part", "penalised"), ("split", "train"))
"""A reward with its KL penalty, which some log in the place of the reward."""

_PREFERRED = series(objective.AUXILIARY_LOSS, ("part", "dpo"), ("split", "train"))
"""The loss of training from pairs, which some log without the rewards and margins of that."""

_SAMPLED = (mismatch.MISMATCH_KL, reward.ENVIRONMENT_REWARD)
"""What only a policy has that writes its own samples, whether or not a total reward is logged."""


_OF_POLICY = (
    *(c.KL, c.REWARD_FUNCTION_MEAN, objective.POLICY_LOSS, objective.ADVANTAGE, objective.POLICY_RATIO),
    *(c.ENTROPY, c.CLIP_RATIO, c.COMPLETION_CLIPPED, rollout.TOTAL_LENGTH, evaluation.VALIDATION_SCORE),
)
"""What beside a reward shows that a policy learns from it."""


class Ending:
    """Whether and how the trainer has closed its log. A training record after that opens it again."""

    __slots__ = ("closed", "failed", "stated_step")

    def __init__(self) -> None:
        self.closed = False  # the trainer says that it came to its end
        self.failed = False  # it left without saying so
        self.stated_step = False  # it said at which step

    def state(self, silent: float, patience: float) -> State:
        """What a run does short of its last step, after `silent` seconds without a record."""
        if self.closed:
            return State.FINISHED
        if self.failed:
            return State.FAILED
        return State.STALLED if silent > patience else State.RUNNING

    def note(self, record: Record) -> None:
        """Take a record in."""
        kind = record.kind
        if kind is _TRAIN:
            self.closed = self.failed = False
        elif kind is RowKind.FINAL:
            self.closed, self.stated_step = True, record.step is not None
        elif kind in (RowKind.SUMMARY, RowKind.FAILURE):
            self.failed = True


def silences(profile: Profile, pace: RunPace) -> Mapping[Severity, float]:
    """Seconds without a record that are as bad as that, the worst first."""
    bounds = profile.limits.get(STALLED, {})
    return {
        severity: pace.silence(bounds[severity].limit, bounds[severity].floor)
        for severity in reversed(Severity)
        if severity in bounds
    }


def is_cut_off(stalled: Severity | None, silent: float, silences: Mapping[Severity, float]) -> bool:
    """Whether a stalled run is so long without a record, in seconds, that it was most likely ended."""
    return stalled is not None and silent > max(*silences.values(), CUT_OFF_SECONDS)


def cut_off_at(run: Snapshot) -> float:
    """Unix time from which on a run that is as silent as can be was most likely ended; never of any other."""
    if run.last_record is None or run.cut_off or run.state is not State.STALLED:
        return math.inf
    return run.last_record + CUT_OFF_SECONDS


def samples(current: State, stalled: Severity | None) -> dict[Series, float]:
    """One series per state, and one per severity of the signal that only a clock can see: 1 for what is."""
    states = {flag: float(state is current) for state, flag in _STATES.items()}
    return states | {flag: float(severity is stalled) for severity, flag in _STALLED.items()}


def profile_of(latest: Mapping[Series, float]) -> str:
    """The kind of training, by the metrics that a run logs."""
    metrics = {key.metric for key in latest}
    groups = {metric.group for metric in metrics}
    rewarded = c.REWARD in metrics or _PENALISED in latest
    if objective.RESPONSE_KL in metrics or (rewarded and value.VALUE_LOSS in metrics):
        return profiles.PPO
    if not metrics.isdisjoint(_SAMPLED) or (rewarded and _is_of_policy(metrics, groups)):
        return profiles.GRPO
    if c.REWARD_MODEL_SCORE in metrics or (c.PREFERENCE_REWARD in metrics and c.LOGPS not in metrics):
        return profiles.REWARD_MODEL
    if Group.PREFERENCE in groups or _PREFERRED in latest:
        return profiles.DPO
    return profiles.SFT if c.LOSS in metrics and c.REWARD not in metrics else profiles.GENERIC


def _is_of_policy(metrics: Set[Metric], groups: Collection[Group]) -> bool:
    """Whether what is logged beside a reward is that of a policy that learns from it."""
    if not {Group.LENGTH, Group.MISMATCH, Group.ROLLOUT}.isdisjoint(groups):
        return True
    return not metrics.isdisjoint(_OF_POLICY)
