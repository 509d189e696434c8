"""Blocks as Markdown. Every text is escaped, so that it reads as it was written and makes no link or list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import (
    Block,
    Code,
    Command,
    Facts,
    Figure,
    Items,
    Line,
    Link,
    Mark,
    Paragraph,
    Piece,
    Section,
    Strong,
    Table,
    goes_on,
)

DEEPEST = 6
"""Markdown knows so many levels of headings."""

_MARKUP = re.compile(r"[\\`*\[\]|~&$]|<(?=[A-Za-z/!?])|(?<![^\W_])_|_(?![^\W_])")
_LINKS = re.compile(
    r"(?i)(?<=[a-z])://|(?<=\bwww)\.|@"
)  # what some readers make links of without being asked
_BEGINNING = re.compile(r"^\s*(\d*)([-+.)#>=])")
_IN_ADDRESS = {"<": "%3C", ">": "%3E", " ": "%20"}


@dataclass(frozen=True, slots=True)
class MarkdownWriter:
    """Writes blocks. `draw`: makes a file of a picture and gives its address; without it there are none."""

    lang: Lang
    draw: Callable[[Figure], str] | None = None

    def blocks(self, blocks: Sequence[Block], level: int = 2, heading: str | None = None) -> Iterator[str]:
        """The markup, in pieces. `level`: of the headings of sections; `heading`: what stands above."""
        for at, block in enumerate(blocks):
            if isinstance(block, Section):
                again = at > 0 and goes_on(blocks[at - 1], block)
                yield from self._section(block, level, again)
            elif isinstance(block, Figure):
                yield from [f"![{text_markdown(block.caption)}]({self.draw(block)})\n\n"] if self.draw else []
            elif isinstance(block, Table):
                yield from _table(block, heading)
            else:
                yield from self._plain(block)

    def _section(self, section: Section, level: int, again: bool) -> Iterator[str]:
        if section.title is None or again:
            yield from self.blocks(section.blocks, level, section.title)
        else:
            yield f"{'#' * min(level, DEEPEST)} {text_markdown(section.title)}\n\n"
            yield from self.blocks(section.blocks, level + 1, section.title)

    def _plain(self, block: Block) -> Iterator[str]:
        if isinstance(block, Paragraph):
            yield f"{_first(line_markdown(block.line))}\n\n"
        elif isinstance(block, Items):
            yield from _bare(block) if block.bare else _items(block)
            yield "\n"
        elif isinstance(block, Facts):
            for name, fact in block.pairs:
                yield f"- **{text_markdown(name)}**{words.COLON.of(self.lang)}{line_markdown(fact)}\n"
            yield "\n"
        elif isinstance(block, Command):
            fence = _fence(block.text, 3)
            yield f"{fence}\n{printable(block.text)}\n{fence}\n\n"


def _items(items: Items) -> Iterator[str]:
    for at, item in enumerate(items.items, 1):
        lead = f"{at}. " if items.numbered else "- "
        yield f"{lead}{_first(line_markdown(item.line))}\n"
        yield from (f"\n{' ' * len(lead)}{_first(line_markdown(line))}\n\n" for line in item.more)


def _bare(items: Items) -> Iterator[str]:
    """Two blanks at its end make a line one of its own."""
    lines = [line for item in items.items for line in (item.line, *item.more)]
    yield "  \n".join(_first(line_markdown(line)) for line in lines) + "\n"


def _table(table: Table, heading: str | None) -> Iterator[str]:
    if table.caption != heading:
        yield f"*{text_markdown(table.caption)}*\n\n"
    yield f"| {' | '.join(map(text_markdown, table.head))} |\n"
    yield f"|{' --- |' * len(table.head)}\n"
    for row in table.rows:
        yield f"| {' | '.join(line_markdown(cell, in_table=True) for cell in row)} |\n"
    yield "\n"


def line_markdown(line: Line, in_table: bool = False) -> str:
    """A line of text with its marks."""
    return "".join(_piece(piece, in_table) for piece in line)


def text_markdown(text: str) -> str:
    """A plain text."""
    clean = _MARKUP.sub(r"\\\g<0>", printable(text))
    return _LINKS.sub(lambda found: f"\\{found[0]}", clean)


def _piece(piece: Piece, in_table: bool) -> str:
    if isinstance(piece, str):
        return text_markdown(piece)
    if isinstance(piece, Code):
        return _code(piece.text, in_table)
    if isinstance(piece, Link):
        address = "".join(_IN_ADDRESS.get(char, char) for char in printable(piece.url))
        return f"[{text_markdown(piece.text)}](<{address}>)"
    text = text_markdown(piece.text)
    return f"**{text}**" if isinstance(piece, (Strong, Mark)) and text else text


def _code(text: str, in_table: bool) -> str:
    """Between more backticks than are in it. A bar would end a cell even there, however it is escaped."""
    clean = printable(text)
    if in_table and "|" in clean:
        return text_markdown(clean)
    fence = _fence(clean, 1)
    gap = " " if clean.startswith("`") or clean.endswith("`") else ""
    return f"{fence}{gap}{clean}{gap}{fence}"


def _fence(text: str, least: int) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(longest + 1, least)


def _first(text: str) -> str:
    """What stands at the beginning of a line makes no list of it."""
    return _BEGINNING.sub(r"\1\\\2", text)
