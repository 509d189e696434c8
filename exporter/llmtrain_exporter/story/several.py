"""Several runs in short, and the files beside them that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Health, Snapshot
from llmtrain_exporter.story.blocks import Line
from llmtrain_exporter.story.facts import health_mark, skipped_text
from llmtrain_exporter.story.phrase import joined


def counts_line(runs: Sequence[Snapshot], lang: Lang) -> Line:
    """How many runs there are, and how many are how."""
    counts = {health: sum(run.verdict is health for run in runs) for health in reversed(Health)}
    by_health = ((f"{count} ", health_mark(health, lang)) for health, count in counts.items() if count)
    all_runs = (words.RUNS.of(len(runs), lang),)
    return joined((all_runs, joined(by_health, words.COMMA.of(lang))), words.COLON.of(lang))


def reason_text(reason: str, lang: Lang) -> str:
    """Why a file is no run, or cannot be read; what is not known to be translated stays as it is."""
    return words.NO_RUNS.get(reason, Text(reason, reason)).of(lang)


def no_run_line(file: str, reason: str, skipped: Mapping[str, int], lang: Lang) -> Line:
    """A file that is no run: why, and what was in it instead."""
    form = words.NO_RUN if reason in words.ABOUT_CONTENT else words.NO_RUN_THERE
    why = form.of(lang).format(reason=reason_text(reason, lang))
    contents = words.IN_BRACKETS.of(lang).format(text=skipped_text(skipped, lang)) if skipped else ""
    return (f"{file}: {why}{contents}",)
