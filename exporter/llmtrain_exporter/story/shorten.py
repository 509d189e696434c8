"""What a small output leaves out first, as the ranks of a story say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.story.blocks import DETAIL, Block, Cut, Items, Paragraph, Part, Section, Story, Table

_GAPS = {Part.INCIDENTS: words.MORE_INCIDENTS}


@dataclass(frozen=True, slots=True)
class _Gap(Paragraph):
    """A note of how many items are left out. A list that was cut is cut again as one, and has one note."""

    gone: int = 0


MOST_INCIDENTS = 8
"""Of more the first and the last are told."""


def essentials(story: Story) -> tuple[Section, ...]:
    """The sections of a story without what is only for who wants all of it, rows of tables included."""
    return tuple(
        replace(section, blocks=tuple(map(_essential, _of_many(section, Lang(story.lang)).blocks)))
        for section in story.sections
        if section.rank < DETAIL
    )


def _of_many(section: Section, lang: Lang) -> Section:
    return at_most(section, MOST_INCIDENTS, lang) if section.part is Part.INCIDENTS else section


def _essential(block: Block) -> Block:
    if not isinstance(block, Table) or not block.ranks:
        return block
    return with_rows(block, [at for at, rank in enumerate(block.ranks) if rank < DETAIL])


def with_rows(table: Table, places: Sequence[int]) -> Table:
    """The table with these of its rows, and what goes with each."""
    return replace(
        table,
        rows=tuple(table.rows[at] for at in places),
        ranks=tuple(table.ranks[at] for at in places if table.ranks),
        groups=tuple(table.groups[at] for at in places if table.groups),
        notes=tuple(table.notes[at] for at in places if table.notes),
    )


def urgent_rows(table: Table, most: int) -> list[int]:
    """Which rows to show where there is room for so many: those that matter most, in their order."""
    ranks = table.ranks or (0,) * len(table.rows)
    return sorted(sorted(range(len(table.rows)), key=ranks.__getitem__)[:most])


def at_most(section: Section, most: int, lang: Lang, needed: bool = False) -> Section:
    """The section with no more than so many items in each of its lists; `needed`: but all of rank 0."""
    blocks: list[Block] = []
    for block, gap in _whole(section.blocks):
        surplus = _surplus(block, most, needed) if isinstance(block, Items) else 0
        blocks += _fewer(block, max(surplus, 0), gap, section.part, lang)
    return replace(section, blocks=tuple(blocks))


_Hole = tuple[int, int]
"""What is missing from a list already: how many items, and before which of those that are left."""


def _whole(blocks: Sequence[Block]) -> list[tuple[Block, _Hole]]:
    """The blocks, lists that were cut before in one piece again, each with its hole."""
    whole: list[tuple[Block, _Hole]] = []
    for block in blocks:
        last, (gone, at) = whole[-1] if whole else (None, (0, 0))
        if isinstance(block, _Gap):
            kept = last if isinstance(last, Items) else Items((), cut=Cut.MIDDLE)
            whole[len(whole) - isinstance(last, Items) :] = [(kept, (block.gone, len(kept.items)))]
        elif isinstance(block, Items) and isinstance(last, Items) and gone and at == len(last.items):
            whole[-1] = (replace(block, items=(*last.items, *block.items)), (gone, at))
        else:
            whole.append((block, (0, 0)))
    return whole


def _surplus(block: Items, most: int, needed: bool) -> int:
    surplus = len(block.items) - most
    return min(surplus, sum(item.rank > 0 for item in block.items)) if needed else surplus


def shortened(sections: Sequence[Section], lang: Lang) -> Iterator[tuple[Section, ...]]:
    """The sections whole, then ever shorter, each time without what matters least; never quite empty.

    It is the section with the highest rank that gives way: first all that only says more, then item by item.
    """
    yield tuple(sections)
    left = list(sections)
    for at in sorted(range(len(sections)), key=lambda at: (-sections[at].rank, -at)):
        for shorter in _shorter(sections[at], lang):
            left[at] = shorter
            if any(map(_tells, left)):
                yield tuple(section for section in left if section.blocks)


def _tells(section: Section) -> bool:
    """Whether there is more than notes of what is left out."""
    return not all(isinstance(block, _Gap) for block in section.blocks)


def _shorter(section: Section, lang: Lang) -> Iterator[Section]:
    items_alone = brief(section)
    if items_alone != section:
        yield items_alone
    for gone in range(1, sum(map(_size, section.blocks)) + 1):
        yield replace(items_alone, blocks=tuple(_without(items_alone, gone, lang)))


def brief(section: Section) -> Section:
    """The section without the lines that only say more."""
    return replace(section, blocks=tuple(map(_brief, section.blocks)))


def _brief(block: Block) -> Block:
    if not isinstance(block, Items):
        return block
    return replace(block, items=tuple(replace(item, more=()) for item in block.items))


def _size(block: Block) -> int:
    return len(block.items) if isinstance(block, Items) else 1


def _without(section: Section, gone: int, lang: Lang) -> list[Block]:
    """The blocks without so many items; a block that is no list counts as one, and the last ones go first."""
    blocks: list[Block] = []
    for block, gap in reversed(_whole(section.blocks)):
        here = min(gone, _size(block))
        gone -= here
        blocks[:0] = _fewer(block, here, gap, section.part, lang)
    return blocks


def _fewer(block: Block, gone: int, hole: _Hole, part: Part, lang: Lang) -> list[Block]:
    """A block without so many items, and a note in the hole that they leave; of several holes behind all."""
    if not isinstance(block, Items):
        return [] if gone else [block]
    missing, at = hole
    if not gone + missing:
        return [block]
    dropped = set(_order_of_going(block)[:gone])
    left = [place for place in range(len(block.items)) if place not in dropped]
    if block.cut is Cut.LAST:
        return [replace(block, items=tuple(block.items[place] for place in left))] if left else []
    note = _Gap((_GAPS.get(part, words.MORE).of(gone + missing, lang),), gone=gone + missing)
    behind = _behind_the_hole(left, [*dropped, *([at - 0.5] if missing else [])])
    parts = (left[:-behind] if behind else left, left[len(left) - behind :])
    before, after = (
        [replace(block, items=tuple(map(block.items.__getitem__, some)))] if some else [] for some in parts
    )
    return [*before, note, *after]


def _behind_the_hole(left: Sequence[int], missing: Sequence[float]) -> int:
    """How many of the places left stand behind those that are missing; none where these are not in one."""
    first, last = min(missing), max(missing)
    scattered = any(first < place < last for place in left)
    return 0 if scattered else sum(place > last for place in left)


def _order_of_going(items: Items) -> list[int]:
    """Places in the list, what goes first in front."""
    places = list(range(len(items.items)))
    if items.cut is Cut.LAST:
        places.reverse()
    elif items.cut is Cut.MIDDLE:
        places = [*places[1:], *places[:1]]
    return sorted(places, key=lambda at: -items.items[at].rank)
