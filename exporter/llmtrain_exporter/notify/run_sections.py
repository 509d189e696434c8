"""What of a run's story stands on a card: for somebody with a phone, and so a few items of some parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.story.blocks import (
    Block,
    Item,
    Items,
    Paragraph,
    Part,
    Section,
    Story,
    blocks_of,
    lines_in,
)
from llmtrain_exporter.story.sections import section_of
from llmtrain_exporter.story.shorten import at_most


@dataclass(frozen=True, slots=True)
class Room:
    """How many items of a list a card has, and whether what says more about each."""

    items: int
    details: bool = False


ROOMS = {
    Part.INCIDENTS: Room(2, details=True),
    Part.FINDINGS: Room(7),
    Part.ACTIONS: Room(4),
    Part.CAUSES: Room(2),
    Part.GUARD: Room(4, details=True),
}


def first_fact(story: Story) -> tuple[Paragraph, ...]:
    """What the run is, and how far; empty where the story does not say it."""
    lines = lines_in(blocks_of(story.sections, Part.FACTS))
    return tuple(Paragraph(line) for line in islice(lines, 1))


def run_sections(story: Story, lang: Lang, *parts: Part) -> Iterator[Section]:
    """These parts of the story as a card has them; what says nothing against the run is left out."""
    for section in story.sections:
        if section.part in parts:
            room = ROOMS[section.part]
            blocks = tuple(_brief(block, room) for block in section.blocks)
            yield at_most(replace(section, blocks=blocks), room.items, lang)


def _brief(block: Block, room: Room) -> Block:
    if not isinstance(block, Items):
        return block
    items = (item for item in block.items if not item.rank)
    return replace(block, items=tuple(item if room.details else replace(item, more=()) for item in items))


def run_actions(story: Story, lang: Lang, first: Iterable[str] = ()) -> Iterator[Section]:
    """What to do as the story says, `first` in front of it."""
    in_front = tuple(Item((text,)) for text in first)
    sections = list(run_sections(story, lang, Part.ACTIONS))
    if in_front and sections:
        yield replace(sections[0], blocks=tuple(_after(in_front, sections[0].blocks)))
        sections = sections[1:]
    elif in_front:
        yield actions_section(Items(in_front, numbered=True), lang)
    yield from sections


def _after(in_front: tuple[Item, ...], blocks: Iterable[Block]) -> Iterator[Block]:
    """One list, so that it is numbered through."""
    for block in blocks:
        yield replace(block, items=in_front + block.items) if isinstance(block, Items) else block
        in_front = ()


def actions_section(actions: Items, lang: Lang) -> Section:
    """What to do, where no story says it."""
    return section_of(Part.ACTIONS, lang, words.WHAT_TO_DO, actions)
