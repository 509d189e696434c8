"""A run at a glance: its story in short with the chart that shows it best, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmtrain_exporter.draw.from_history import FIT, chain, panels
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.picture import Picture
from llmtrain_exporter.publish.report.say import Say, chapter, paragraph
from llmtrain_exporter.story.blocks import Block, Facts, Line, Part, Section, Story, blocks_of, lines_in
from llmtrain_exporter.story.numbers import duration
from llmtrain_exporter.story.phrase import joined
from llmtrain_exporter.story.shorten import essentials

AT_A_GLANCE = (Part.FACTS, Part.INCIDENTS, Part.FINDINGS, Part.GUARD)
"""What the report begins with; causes, actions and metrics have chapters of their own."""


def headline(story: Story) -> Line:
    """The verdict, and why it is what it is."""
    lines = lines_in(blocks_of(story.sections, Part.VERDICT, Part.REASON))
    return joined(lines, words.FULL_STOP.of(Lang(story.lang)))


def overview(material: Material, story: Story, say: Say) -> Section:
    """In short, with the chart that shows it best."""
    facts, *others = (section for section in essentials(story) if section.part in AT_A_GLANCE)
    return chapter(say(r.IN_SHORT), facts, *_picture(material, say), *others)


def settings(material: Material, story: Story, say: Say) -> list[Section]:
    """Where the run comes from, and its hyper-parameters."""
    found = (section for section in story.sections if section.part is Part.SETTINGS)
    return [_with_clock(section, material, say) for section in found]


def _picture(material: Material, say: Say) -> Iterator[Block]:
    drawn = chain(material.drawn) if material.run.base in POLICIES else panels(material.drawn, FIT)
    if drawn:
        yield Picture("overview", say(r.WHOLE_RUN), tuple(drawn), material.marks)
        guard = (say(r.GUARD_LEGEND),) if material.marks.guard else ()
        yield paragraph(say.sentences((say(r.CHART_LEGEND), *guard)), small=True)


def _with_clock(settings: Section, material: Material, say: Say) -> Section:
    """How long it took is nothing that a snapshot knows."""
    if not material.seconds:
        return settings
    clock: tuple[str, Line] = say(r.DURATION), (duration(material.seconds, say.lang),)
    blocks = (
        replace(block, pairs=(*block.pairs, clock)) if isinstance(block, Facts) else block
        for block in settings.blocks
    )
    return replace(settings, blocks=tuple(blocks))
