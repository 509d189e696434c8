"""The causes that a run shows, the best proved first, and what to do about them."""

from __future__ import annotations

from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.patterns import reward_lost
from llmtrain_exporter.analyse.diagnosis.prescribing import prescribed
from llmtrain_exporter.analyse.diagnosis.weighing import proofs
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.evidence_limits import CLEAR, SHOWN
from llmtrain_exporter.model import Diagnosis, Proof, ProvedCause, RowKind, Snapshot, State, series

GPUS, PACE = "global_world_size", series(c.RECENT_SECONDS_PER_STEP)


def diagnose(run: Snapshot) -> Diagnosis:
    """What a run shows; nothing where nothing speaks against it, or its courses are not known."""
    case = Case(run)
    if not case.serious and run.state is not State.STALLED and reward_lost(case) is None:
        return Diagnosis()
    weighed = (_weighed(name, cause, case) for name, cause in CAUSES.items())
    shown = sorted((cause for cause in weighed if cause is not None), key=lambda cause: -cause.weight)
    remedies = prescribed(case, [cause.cause for cause in shown])
    clear = bool(shown) and shown[0].weight >= CLEAR
    return Diagnosis(tuple(shown), tuple(remedies), clear, lost_gpu_hours(case))


def _weighed(name: str, cause: Cause, case: Case) -> ProvedCause | None:
    """How much speaks for a cause, all in all; None where that is not enough, or what it needs is missing."""
    if case.run.base not in cause.profiles:
        return None
    weight, found = 0.0, list[Proof]()
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
            known = {proof.metric for proof in found}
            found.extend(proof for proof in proved if proof.metric not in known)
    return ProvedCause(name, weight, tuple(found)) if weight >= SHOWN else None


def lost_gpu_hours(case: Case) -> float | None:
    """From the onset to the end, or to now, by the run's own pace and its GPUs; None where one is unknown."""
    run = case.run
    if case.incident is None or not case.incident.active or run.last_step is None:
        return None
    gpus, pace = run.hyper_parameters.numbers.get(GPUS), run.samples.get(PACE)
    if gpus is None or pace is None or not run.records.get(RowKind.TRAIN):
        return None
    return max(0, run.last_step - case.incident.onset_step) * pace * gpus / 3600
