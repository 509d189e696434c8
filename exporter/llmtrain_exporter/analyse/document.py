"""A run as a document: plain objects for JSON, the same for every program that asks.

NaN and infinities stay what they are; writing JSON turns them into null.
"""

from __future__ import annotations

from llmtrain_exporter.analyse import verdict
from llmtrain_exporter.analyse.written import series_name
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.remedy import Proposal
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Episode, Incident, Kind, Snapshot, State, series
from llmtrain_exporter.printable import printable

Object = dict[str, object]

_PACE, _TRAINERS_OWN = series(c.RECENT_SECONDS_PER_STEP), series(c.REMAINING)


def run_object(run: Snapshot) -> Object:
    """What is known of a run: where it is, its signals and incidents by step.

    `health` is the verdict on the whole log: a run that broke and recovered stays broken.
    """
    return {
        "run": printable(run.run),
        "file": printable(run.file),
        "dialect": run.dialect,
        "profile": printable(run.profile),
        "records": {kind.value: run.records.get(kind, 0) for kind in (Kind.TRAIN, Kind.EVAL)},
        "first_step": run.first_step,
        "last_step": run.last_step,
        "max_steps": run.max_steps,
        "resumes": [{"from": resume.last, "to": resume.first} for resume in run.resumes],
        "state": run.state.value,
        "health": run.verdict.name.lower(),
        "signals": [_signal(episode) for episode in run.episodes],
        "incidents": [_incident(incident) for incident in run.incidents],
        "best": None if run.best is None else {"eval_loss": run.best[0], "step": run.best[1]},
        "skipped_lines": dict(run.skipped),
    }


def story(run: Snapshot, lang: Lang) -> Object:
    """The same with what it means, in words: findings, causes, actions; see `analyse.verdict`.

    `verdict` is `health` by the name that no answer uses otherwise; `health_now` is that at the last record.
    """
    return {
        **run_object(run),
        "lang": lang.value,
        "title": title(run, lang),
        "verdict": run.verdict.name.lower(),
        "health_now": run.health.name.lower(),
        "state_text": words.STATE[run.state.value].of(lang),
        "health_text": words.HEALTH[run.verdict.name.lower()].of(lang),
        "base": run.base,
        "progress": progress(run),
        "last_record_timestamp": run.last_record,
        "info": {key: printable(value) for key, value in run.settings.info.items()},
        "settings": dict(run.settings.numbers),
        "findings": [_finding(finding) for finding in verdict.findings(run, lang)],
        "incidents": [
            {
                **_incident(incident),
                "active": incident.active,
                "collapse": incident.collapse,
                "checkpoint": verdict.checkpoint_before(run, incident),
            }
            for incident in run.incidents
        ],
        "causes": verdict.causes(run, lang),
        "actions": [
            {
                "title": action.title,
                "how": action.how,
                "proposals": [_proposal(proposal) for proposal in action.proposals],
            }
            for action in verdict.actions(run, lang)
        ],
    }


def title(run: Snapshot, lang: Lang) -> str:
    """The worst that speaks against a run, in a few words; its health where nothing does."""
    serious = verdict.against(run)
    return (
        SIGNALS[serious[0]].advice.title.of(lang)
        if serious
        else words.HEALTH[run.verdict.name.lower()].of(lang)
    )


def progress(run: Snapshot) -> float | None:
    """Share of the planned steps that is done, None where one of both is unknown."""
    return run.last_step / run.max_steps if run.last_step is not None and run.max_steps else None


def remaining(run: Snapshot) -> float | None:
    """Seconds to the end of a run that goes on: by the pace of its last records, else as its trainer says."""
    if run.state is not State.RUNNING:
        return None
    pace = run.samples.get(_PACE)
    if pace is not None and run.max_steps and run.last_step is not None:
        return max(run.max_steps - run.last_step, 0) * pace
    return run.samples.get(_TRAINERS_OWN)


def worst(run: Snapshot) -> tuple[str, Severity] | None:
    """The worst signal that lasts, info left out."""
    lasting = [one for one in run.episodes if one.active and one.severity is not Severity.INFO]
    ranks = list(Severity)
    found = max(lasting, key=lambda one: ranks.index(one.severity), default=None)
    return None if found is None else (found.signal, found.severity)


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


def _finding(finding: verdict.Finding) -> Object:
    return {
        "first_step": finding.first_step,
        "last_step": finding.last_step,
        "times": finding.times,
        "severity": finding.severity.value,
        "title": finding.title,
        "text": printable(finding.text),
    }


def _proposal(proposal: Proposal) -> Object:
    return {
        "setting": proposal.setting,
        "now": proposal.now,
        "value": proposal.value,
        "change": proposal.change,
        "flag": proposal.flag,
    }
