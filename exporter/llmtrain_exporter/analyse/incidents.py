"""Signals that belong together: an incident, from its onset until the run has recovered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from llmtrain_exporter.knowledge.signal import Family
from llmtrain_exporter.knowledge.signals.collapse import (
    AT_ONCE,
    FORCE,
    INCIDENT_QUIET,
    INCIDENT_WITHIN,
    SIGN_GAP,
    SIGNS,
)
from llmtrain_exporter.model import Incident

CHAIN = (Family.KL, Family.GRADIENT, Family.LENGTH, Family.REWARD)
"""The families that break in a collapse, in the order in which the guide saw them break."""

PARTS = {Family.KL: 0, Family.GRADIENT: 0, Family.LENGTH: 1, Family.REWARD: 2}
"""kl and gradients break together; that alone is no collapse."""


class Sign(NamedTuple):
    """What speaks for an incident in a family at one record.

    `force`: how bad it is. `began`: the step since which it is there, None: this one.
    """

    family: Family
    signal: str
    force: float
    began: int | None = None


class Trace:
    """A family's signs: the record and step at which the present row of them began, and the last one."""

    __slots__ = ("count", "first", "first_step", "force", "last", "signals")

    def __init__(self, index: int, step: int) -> None:
        self.first = self.last = index
        self.first_step = step
        self.count = 0
        self.force = 0.0
        self.signals: list[str] = []


class Incidents:
    """Follows the signs of a run. `current` is the incident that lasts, None while there is none."""

    __slots__ = (
        "_held",
        "_lost_before",
        "_over_at",
        "_peak_force",
        "_quiet_since",
        "_step",
        "_traces",
        "current",
    )

    def __init__(self) -> None:
        self._traces: dict[Family, Trace] = {}
        self._peak_force = 0.0
        self._held = 0  # index of the last record at which it held
        self._quiet_since: int | None = None  # step of the first record without a sign
        self._step = 0  # of the last record that was looked at
        self._lost_before = 0  # steps of the incidents that are over
        self._over_at = 0  # step at which the run had recovered from the last of them
        self.current: Incident | None = None

    @property
    def lost_steps(self) -> int:
        """Steps trained from the onset of each incident until the run had recovered, or until now.

        What came after a resume took the place of all that an incident had lasted for before it.
        """
        return self._lost_before + self._lost_until(self._step)

    def note(self, signs: Collection[Sign], critical: bool, step: int, index: int) -> Incident | None:
        """Take in a record's signs, and whether anything critical is there; the incident that is over."""
        self._step = step
        self._trace(signs, step, index)
        broken = self._broken_together(index)
        self._quiet_since = None if signs else (self._quiet_since or step)
        critical = critical and bool(signs)  # else what was critical is only not yet told to be over
        if signs:
            self._held = index
        if self.current is not None:
            self._go_on(broken, signs, step)
        elif broken or critical:
            self._open(broken, step, index)
            self._worse(signs, step)
        if self.current is not None and index - self._held >= INCIDENT_QUIET:
            return self.close(self._quiet_since or step)
        return None

    def close(self, step: int) -> Incident | None:
        """End the incident: the run has recovered at `step`."""
        return self._end(step, lost_until=step)

    def resume(self, step: int) -> Incident | None:
        """End the incident: a process goes on from `step`, and nobody needs what came after the onset."""
        return self._end(step, lost_until=self._step)

    def _lost_until(self, step: int) -> int:
        return 0 if self.current is None else max(step - self.current.onset_step, 0)

    def _end(self, step: int, lost_until: int) -> Incident | None:
        self._lost_before += self._lost_until(lost_until)
        over, self.current = self.current, None
        self._traces.clear()
        self._peak_force, self._quiet_since, self._over_at = 0.0, None, step
        return None if over is None else over._replace(recovery_step=step, active=False)

    def _trace(self, signs: Iterable[Sign], step: int, index: int) -> None:
        for sign in signs:
            trace = self._traces.get(sign.family)
            if trace is None or index - trace.last > SIGN_GAP + 1:
                began = step if sign.began is None else max(sign.began, self._over_at)
                trace = self._traces[sign.family] = Trace(index, began)
            trace.count += trace.last != index or trace.count == 0
            trace.last, trace.force = index, max(trace.force, sign.force)
            if sign.signal not in trace.signals:
                trace.signals.append(sign.signal)

    def _recent(self, index: int, within: int) -> dict[Family, Trace]:
        return {family: trace for family, trace in self._traces.items() if index - trace.last < within}

    def _parts(self, index: int, within: int) -> int:
        return len({PARTS[family] for family in self._recent(index, within)})

    def _broken_together(self, index: int) -> bool:
        recent = self._recent(index, INCIDENT_WITHIN)
        if self._parts(index, AT_ONCE + 1) == len(set(PARTS.values())):
            return True
        return any(
            _broke_together(earlier, later)
            for family, earlier in recent.items()
            for second, later in recent.items()
            if PARTS[family] < PARTS[second]
        )

    def _open(self, collapse: bool, step: int, index: int) -> None:
        recent = self._recent(index, INCIDENT_WITHIN)
        stages = _ordered({family.value: trace.first_step for family, trace in recent.items()})
        traces = sorted(recent.values(), key=lambda trace: trace.first)
        names = tuple(dict.fromkeys(name for trace in traces for name in trace.signals))
        onset = min((at for _, at in stages), default=step)
        self.current = Incident(onset, step, None, stages, names, True, collapse)
        self._held = index

    def _go_on(self, collapse: bool, signs: Collection[Sign], step: int) -> None:
        incident = self.current
        if incident is None:
            return
        stages = dict(incident.stages)
        for sign in signs:
            stages.setdefault(sign.family.value, self._traces[sign.family].first_step)
        names = tuple(dict.fromkeys((*incident.signals, *(sign.signal for sign in signs))))
        self.current = incident._replace(
            stages=_ordered(stages), signals=names, collapse=incident.collapse or collapse
        )
        self._worse(signs, step)

    def _worse(self, signs: Collection[Sign], step: int) -> None:
        force = max((sign.force for sign in signs), default=0.0)
        if self.current is not None and force > self._peak_force:
            self._peak_force = force
            self.current = self.current._replace(peak_step=step)


def _broke_together(first: Trace, second: Trace) -> bool:
    """Whether two families, of which the first is the earlier link of the chain, broke as links do."""
    follows = second.first >= first.first - AT_ONCE
    if not follows and min(first.count, second.count) == 1:  # one odd record, beside what was there before
        return False
    apart = max(first.first, second.first) - min(first.last, second.last)
    forced = apart <= AT_ONCE and max(first.force, second.force) >= FORCE
    return forced or first.count + second.count >= SIGNS


_RANK = {family.value: rank for rank, family in enumerate(CHAIN)}


def _ordered(stages: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(stages.items(), key=lambda stage: (stage[1], _RANK[stage[0]])))
