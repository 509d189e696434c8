"""Several runs in short, and the files beside them that are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, NoRun, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import Line, plain
from llmtrain_exporter.story.facts import skipped_text
from llmtrain_exporter.story.phrase import joined
from llmtrain_exporter.story.verdict import health_mark

_FORMS = {
    NoRunReason.NOT_THERE: words.NO_RUN_THERE,
    NoRunReason.NO_LOG: words.NO_RUN_THERE,
    NoRunReason.NOT_UNDERSTOOD: words.NOT_KNOWN,
    NoRunReason.NOT_CHOSEN: words.NOT_KNOWN,
}


def counts_line(runs: Sequence[Snapshot], lang: Lang) -> Line:
    """How many runs there are, and how many are how."""
    counts = {health: sum(run.verdict is health for run in runs) for health in reversed(Health)}
    by_health = ((f"{count} ", health_mark(health, lang)) for health, count in counts.items() if count)
    all_runs = (words.RUNS.of(len(runs), lang),)
    return joined((all_runs, joined(by_health, words.COMMA.of(lang))), words.COLON.of(lang))


def no_run_line(no_run: NoRun, lang: Lang) -> Line:
    """A file that is no run: why, and what was in it instead."""
    form = _FORMS.get(no_run.reason, words.NO_RUN)
    return (f"{no_run.file}: {form.of(lang).format(reason=why_no_run(no_run, lang))}",)


def no_run_text(no_run: NoRun, lang: Lang) -> str:
    """The same as a line for a terminal, without what was in it."""
    return printable(plain(no_run_line(replace(no_run, skipped={}), lang)))


def why_no_run(no_run: NoRun, lang: Lang) -> str:
    """Why a file or folder is no run, and what was in it instead."""
    reason = words.no_run_reason(no_run.reason, no_run.detail, lang)
    contents = words.IN_BRACKETS.of(lang).format(text=skipped_text(no_run.skipped, lang))
    return f"{reason}{contents if no_run.skipped else ''}"
