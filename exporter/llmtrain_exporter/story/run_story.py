"""A run told once: from what is known of it to the tree that every medium writes."""

from __future__ import annotations

from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Snapshot
from llmtrain_exporter.story import advice, checks, events, facts, verdict
from llmtrain_exporter.story.blocks import Story
from llmtrain_exporter.story.diagnosis import actions, title
from llmtrain_exporter.story.guard import guard_section
from llmtrain_exporter.story.metrics import NO_COURSES, Courses, metrics_section

ACTIONS_TOLD = 6
"""Things to do where not all are asked for; who has tried so many looks at the run again."""


def run_story(
    run: Snapshot,
    lang: Lang,
    courses: Courses = NO_COURSES,
    most_actions: int | None = ACTIONS_TOLD,
    found: Diagnosis | None = None,
) -> Story:
    """All that is to say of a run, in one language.

    `courses`: to be drawn beside its metrics. `most_actions`: things to do at the most; None: all. `found`:
    its diagnosis, where somebody has that already.
    """
    found = found or diagnose(run)
    proposed = actions(run, found, lang)[:most_actions]
    proofs = [proof.metric for cause in found.causes[:1] for proof in cause.evidence]
    evidence = frozenset(metric for metric in proofs if not isinstance(metric, str))
    sections = (
        verdict.verdict_section(run, lang),
        facts.facts_section(run, lang),
        verdict.reason_section(run, found, lang),
        facts.progress_section(run, lang),
        metrics_section(run, lang, courses, evidence),
        events.incidents_section(run, lang),
        events.findings_section(run, lang),
        guard_section(run, lang),
        advice.causes_section(run, found, lang),
        advice.actions_section(proposed, lang),
        advice.flags_section(proposed, run.producer.style, lang),
        checks.checks_section(run, lang),
        facts.settings_section(run, lang),
    )
    return Story(
        run=run.run,
        lang=lang.value,
        health=run.verdict.name.lower(),
        title=title(run, lang),
        sections=tuple(section for section in sections if section is not None),
        state=run.state.value,
        ending=events.ending(run, lang),
    )
