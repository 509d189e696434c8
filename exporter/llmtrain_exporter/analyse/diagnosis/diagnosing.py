"""The causes that a run shows, the best proved first, and what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmtrain_exporter.analyse.diagnosis.case import SILENT_SINCE, Case, as_logged
from llmtrain_exporter.analyse.diagnosis.first_look import leading_signal, looking
from llmtrain_exporter.analyse.diagnosis.fit_patterns import (
    chosen_falls,
    loss_lost,
    nothing_trained,
    preference_reversed,
    preference_saturated,
    rate_useless,
)
from llmtrain_exporter.analyse.diagnosis.found import Found
from llmtrain_exporter.analyse.diagnosis.prescribing import prescribed
from llmtrain_exporter.analyse.diagnosis.reward_patterns import (
    all_right,
    reward_constant,
    reward_lost,
)
from llmtrain_exporter.analyse.diagnosis.weighing import proofs
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.evidence import Signalled
from llmtrain_exporter.knowledge.evidence_limits import CLEAR, SHOWN
from llmtrain_exporter.model import Diagnosis, Proof, ProvedCause, Series, Snapshot, series

LOST, SECONDS_PER_HOUR = series(m.LOST_GPU_TIME), 3600


UNTOLD: Sequence[Callable[[Case], Found]] = (
    *(reward_lost, loss_lost, nothing_trained, rate_useless),
    *(all_right, reward_constant),
    *(preference_saturated, preference_reversed, chosen_falls),
)
"""What has a cause worth telling though no signal of a record speaks against the run."""


INFORMED = {
    name: cause
    for name, cause in CAUSES.items()
    if any(
        isinstance(evidence, Signalled) and evidence.informs and evidence.needed and evidence.weight >= SHOWN
        for evidence in cause.evidence
    )
}
"""The causes that a signal shows which says nothing against a run."""


def diagnose(run: Snapshot) -> Diagnosis:
    """What a run shows; nothing where nothing is worth telling, or its courses are not known."""
    case = Case(run)
    troubled = case.serious or case.silent or any(sign(case) for sign in UNTOLD)
    asked = CAUSES if troubled else INFORMED
    weighed = (_weighed(name, cause, case) for name, cause in asked.items())
    ordered = sorted((cause for cause in weighed if cause is not None), key=lambda cause: -cause.weight)
    shown = _agreed(ordered)
    look_at = "" if shown else leading_signal(case)
    remedies = prescribed(case, [cause.cause for cause in shown]) if shown else looking(case, look_at)
    clear = bool(shown) and shown[0].weight >= CLEAR
    return Diagnosis(tuple(shown), tuple(remedies), clear, lost_gpu_hours(run), look_at)


def _weighed(name: str, cause: Cause, case: Case) -> ProvedCause | None:
    """How much speaks for a cause, all in all; None where that is not enough, or what it needs is missing."""
    if case.run.base not in cause.profiles:
        return None
    weight, found = 0.0, dict[Series | str, Proof]()
    for evidence in cause.evidence:
        if evidence.profiles is not None and case.run.base not in evidence.profiles:
            continue
        proved = proofs(evidence, case)
        if proved is None:
            if evidence.needed:
                return None
            continue
        weight += evidence.weight
        if evidence.weight > 0:
            for proof in proved:
                _take_in(found, _as_logged(proof))
    return ProvedCause(name, weight, tuple(found.values())) if weight >= SHOWN else None


def _take_in(found: dict[Series | str, Proof], proof: Proof) -> None:
    """One for each metric, so that no two tell the same: the first that says what was before."""
    known = found.get(proof.metric)
    if known is None or (known.before is None and proof.before is not None):
        found[proof.metric] = proof


def _agreed(causes: Sequence[ProvedCause]) -> Sequence[ProvedCause]:
    """Let all causes tell the way of a metric as the first that tells it does: there is one, not several."""
    ways: dict[tuple[Series | str, bool], Proof] = {}
    return [cause._replace(evidence=tuple(_way(proof, ways) for proof in cause.evidence)) for cause in causes]


def _way(proof: Proof, ways: dict[tuple[Series | str, bool], Proof]) -> Proof:
    return proof if proof.before is None else ways.setdefault((proof.metric, proof.at > proof.before), proof)


def _as_logged(proof: Proof) -> Proof:
    """Without the digits that a 32-bit float of a course does not hold."""
    if proof.metric == SILENT_SINCE:
        return proof
    before = None if proof.before is None else as_logged(proof.before)
    return proof._replace(before=before, at=as_logged(proof.at))


def lost_gpu_hours(run: Snapshot) -> float | None:
    """GPU hours of the steps in incidents, which trained nothing that is of use.

    Steps from each onset to where the run had recovered, to the newest where it has not, or to the last
    before a resume, after which they were done again. They count by the pace of the run's last records,
    pauses left out, and by its GPUs. 0 where there was no incident; None where pace or GPUs are not known.
    """
    lost = run.samples.get(LOST)
    return None if lost is None else lost / SECONDS_PER_HOUR
