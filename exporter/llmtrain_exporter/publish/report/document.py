"""The parts of a report, put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter import __version__
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.publish.check_text import counts_of
from llmtrain_exporter.publish.report.advice import causes, changes
from llmtrain_exporter.publish.report.closing import checklist, checkpoints, open_questions
from llmtrain_exporter.publish.report.compare import comparison, no_runs
from llmtrain_exporter.publish.report.events import chains, events
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.metrics import metrics
from llmtrain_exporter.publish.report.overview import headline, overview
from llmtrain_exporter.publish.report.say import Say
from llmtrain_exporter.publish.report.tree import Block, Document, Line, Paragraph, Section

PARTS = (metrics, events, chains, causes, changes, checkpoints, checklist, open_questions)


def document(runs: Sequence[Material], others: Sequence[tuple[str, str]], lang: Lang) -> Document:
    """The report on one run, or a comparison of several and then each. `others`: files that are no run."""
    say = Say(lang)
    lead: Line
    if len(runs) == 1:
        title, lead = say(r.REPORT, run=runs[0].run.run), headline(runs[0].run, say)
        blocks = list(_run(runs[0], say))
    else:
        title, lead = say(r.COMPARISON, n=len(runs)), counts_of([told.run for told in runs], say.style)
        blocks = [comparison(runs, say)]
        blocks += [Section(told.run.run, (_lead(told, say), *_run(told, say))) for told in runs]
    return Document(
        title,
        lead,
        "zh-CN" if lang is Lang.ZH else "en",
        (*blocks, *no_runs(others, say)),
        say(r.CONTENTS),
        say(r.WRITTEN, version=__version__),
    )


def _lead(told: Material, say: Say) -> Block:
    return Paragraph(headline(told.run, say))


def _run(told: Material, say: Say) -> Iterator[Block]:
    yield from overview(told, say)
    for part in PARTS:
        yield part(told, say)
