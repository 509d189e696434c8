"""Blocks as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import (
    Block,
    Command,
    Facts,
    Item,
    Items,
    Paragraph,
    Section,
    Table,
    goes_on,
)
from llmtrain_exporter.write.columns import wrapped
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal_table import table_lines

INDENT = 2
"""Columns by which what stands below a heading is moved to the right."""


def block_lines(blocks: Sequence[Block], style: Style) -> Iterator[str]:
    """The lines, none of them wider than the style says."""
    for at, block in enumerate(blocks):
        if isinstance(block, Section):
            again = at > 0 and goes_on(blocks[at - 1], block)
            yield from [""] if at and not again and _stands_apart(block) else []
            yield from _section(block, again, style)
        else:
            yield from _plain(block, style)


def indented(lines: Iterable[str]) -> Iterator[str]:
    """The lines as they stand below a heading."""
    return (f"{' ' * INDENT}{line}" if line else "" for line in lines)


def narrowed(style: Style) -> Style:
    """The style of what will be indented."""
    return replace(style, width=style.width - INDENT)


def _stands_apart(section: Section) -> bool:
    return section.title is not None or isinstance(section.blocks[0], Table)


def _section(section: Section, again: bool, style: Style) -> Iterator[str]:
    if section.title is None:
        yield from block_lines(section.blocks, style)
        return
    if not again:
        yield from wrapped(printable(section.title), style.width)
    yield from indented(block_lines(section.blocks, narrowed(style)))


def _plain(block: Block, style: Style) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield from wrapped(line_text(block.line, style), style.width)
    elif isinstance(block, Items):
        for at, item in enumerate(block.items, 1):
            yield from _item(item, "" if block.bare else f"{at}. " if block.numbered else "- ", style)
    elif isinstance(block, Facts):
        for name, fact in block.pairs:
            named = f"{printable(name)}{words.COLON.of(style.lang)}{line_text(fact, style)}"
            yield from wrapped(named, style.width)
    elif isinstance(block, Command):
        yield from wrapped(printable(block.text), style.width)
    elif isinstance(block, Table):
        yield from table_lines(block, style)


def _item(item: Item, lead: str, style: Style) -> Iterator[str]:
    yield from wrapped(lead + line_text(item.line, style), style.width)
    indent = " " * (len(lead) or INDENT)
    for line in item.more:
        yield from wrapped(indent + line_text(line, style), style.width)
