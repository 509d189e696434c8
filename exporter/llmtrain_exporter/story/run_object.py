"""A run as a document: plain objects for JSON, the same for every program that asks.

NaN and infinities stay what they are; writing JSON turns them into null.
"""

from __future__ import annotations

from llmtrain_exporter.analyse.checks import check_answers, is_asked
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Episode, Health, Incident, Proof, RowKind, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.diagnosis import checkpoint_before
from llmtrain_exporter.story.facts import progress, remaining
from llmtrain_exporter.story.guard_object import guard_object
from llmtrain_exporter.story.numbers import series_name
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.tree_json import to_object

Object = dict[str, object]


def run_object(run: Snapshot, found: Diagnosis | None = None) -> Object:
    """What is known of a run: where it is, its signals and incidents by step.

    `health` is the verdict on the whole log: a run that broke and recovered stays broken. None where there is
    nothing to judge. `found`: its diagnosis, where somebody has that already. `guard` is there where a guard
    stands in the training, or has stood.
    """
    return {
        "run": printable(run.run),
        "file": printable(run.file),
        "dialect": run.dialect,
        "profile": printable(run.profile),
        "records": {kind.value: run.records.get(kind, 0) for kind in (RowKind.TRAIN, RowKind.EVAL)},
        "first_step": run.first_step,
        "last_step": run.last_step,
        "step_is_record": run.step_is_record,
        "max_steps": run.max_steps,
        "resumes": [{"from": resume.last, "to": resume.first} for resume in run.resumes],
        "state": run.state.value,
        "health": health_word(run.verdict),
        "signals": [_signal(episode) for episode in run.episodes],
        "incidents": [_incident(incident) for incident in run.incidents],
        "diagnosis": _diagnosis(found or diagnose(run)),
        "checks": _checks(run) if is_asked(run) else [],
        "best": None if run.best is None else {"eval_loss": run.best[0], "step": run.best[1]},
        "skipped_lines": dict(run.skipped),
        **({} if run.guard is None else {"guard": guard_object(run, run.guard)}),
    }


def health_word(health: Health) -> str | None:
    """The health as JSON says it; None: not known."""
    return None if health is Health.UNKNOWN else health.name.lower()


def full_object(run: Snapshot, lang: Lang) -> Object:
    """The same with all that programs draw and compare it by, and its story in words; see `story.tree_json`.

    `verdict` is `health` by the name that no answer uses otherwise; `health_now` is that at the last record.
    """
    found = diagnose(run)
    return {
        **run_object(run, found),
        "verdict": health_word(run.verdict),
        "health_now": health_word(run.health),
        "base": run.base,
        "progress": progress(run),
        "remaining_seconds": remaining(run),
        "last_record_timestamp": run.last_record,
        "labels": {name: printable(value) for name, value in run.labels.items()},
        "info": {key: printable(value) for key, value in run.hyper_parameters.info.items()},
        "settings": dict(run.hyper_parameters.numbers),
        "incidents": [_full_incident(run, incident) for incident in run.incidents],
        "kept_checkpoints": list(run.kept),
        "story": to_object(run_story(run, lang, found=found)),
    }


def _signal(episode: Episode) -> Object:
    return {
        "signal": episode.signal,
        "severity": episode.severity.value,
        "first_step": episode.first_step,
        "last_step": episode.last_step,
        "records": episode.records,
        "peak": episode.peak,
        "peak_step": episode.peak_step,
        "limit": episode.limit,
        "metric": printable(series_name(episode.metric)),
    }


def _incident(incident: Incident) -> Object:
    return {
        "onset_step": incident.onset_step,
        "peak_step": incident.peak_step,
        "recovery_step": incident.recovery_step,
        "stages": [{"stage": stage, "step": step} for stage, step in incident.stages],
        "signals": list(incident.signals),
    }


def _diagnosis(found: Diagnosis) -> Object:
    return {
        "clear": found.clear,
        "causes": [
            {
                "cause": cause.cause,
                "weight": cause.weight,
                "evidence": [_proof(proof) for proof in cause.evidence],
            }
            for cause in found.causes
        ],
        "remedies": [
            {
                "remedy": remedy.remedy,
                "because": list(remedy.because),
                "changes": [change._asdict() for change in remedy.changes],
            }
            for remedy in found.remedies
        ],
        "lost_gpu_hours": found.lost_gpu_hours,
    }


def _checks(run: Snapshot) -> list[Object]:
    return [{"check": found.check, "answer": found.answer.value} for found in check_answers(run)]


def _proof(proof: Proof) -> Object:
    metric = proof.metric if isinstance(proof.metric, str) else series_name(proof.metric)
    return {**proof._asdict(), "metric": printable(metric)}


def _full_incident(run: Snapshot, incident: Incident) -> Object:
    return {
        **_incident(incident),
        "active": incident.active,
        "collapse": incident.collapse,
        "checkpoint": checkpoint_before(run, incident),
    }
