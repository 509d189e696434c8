"""The parts of a report, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmtrain_exporter import __version__
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.publish.report.advice import causes, changes
from llmtrain_exporter.publish.report.chains import chains
from llmtrain_exporter.publish.report.closing import checklist, checkpoints, open_questions
from llmtrain_exporter.publish.report.compare import comparison, no_runs
from llmtrain_exporter.publish.report.events import events
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.metrics import metrics
from llmtrain_exporter.publish.report.overview import headline, overview, settings
from llmtrain_exporter.publish.report.say import Say, chapter, closed, paragraph
from llmtrain_exporter.story.blocks import Block, Line, Paragraph, Story
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.several import counts_line

CHAPTERS = (causes, changes, checkpoints, checklist, open_questions)
"""What one needs to read of a run: two to three pages."""

APPENDIX = (chains, events, metrics)
"""All that it rests on: long tables, and a chart of each metric."""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `lead`: what stands below its title; `contents`: heading of the table of contents.

    `folds`: the appendix is closed until somebody opens it, and not on paper.
    """

    title: str
    lead: Line
    lang: Lang
    blocks: tuple[Block, ...]
    contents: str
    closing: str
    folds: bool


def document(
    runs: Sequence[Material], others: Sequence[tuple[str, str]], lang: Lang, folds: bool = False
) -> Document:
    """The report on one run, or a comparison of several and then each. `others`: files that are no run."""
    say = Say(lang)
    stories = [run_story(material.run, lang, found=material.found) for material in runs]
    bodies = [
        _body(material, story, say.about(material.run), folds)
        for material, story in zip(runs, stories, strict=True)
    ]
    if len(runs) == 1:
        title, lead, blocks = say(r.REPORT, run=stories[0].run), headline(stories[0]), bodies[0]
    else:
        title = say(r.COMPARISON, n=len(runs))
        lead = counts_line([material.run for material in runs], lang)
        blocks = [comparison(runs, say)]
        for story, body in zip(stories, bodies, strict=True):
            blocks.append(chapter(story.run, Paragraph(headline(story)), *body))
    end = say(r.WRITTEN, version=__version__)
    return Document(title, lead, lang, (*blocks, *no_runs(others, say)), say(r.CONTENTS), end, folds)


def _body(material: Material, story: Story, say: Say, folds: bool) -> list[Block]:
    chapters = (written(material, say) for written in CHAPTERS)
    behind = *(written(material, say) for written in APPENDIX), *settings(material, story, say)
    how_to_open = [paragraph(say(r.FOLDED), small=True)] if folds else []
    appendix = chapter(say(r.APPENDIX), *how_to_open, *map(closed, behind))
    return [overview(material, story, say), *chapters, appendix]
