"""A card before any chat's markup: a title, and sections of a story below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from urllib.parse import quote

from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.story.blocks import (
    Block,
    Code,
    Command,
    Facts,
    Items,
    Line,
    Link,
    Mark,
    Paragraph,
    Part,
    Piece,
    Section,
    Strong,
    Table,
    goes_on,
)

BULLET = "\u2022 "
ARROW = "\u2192"  # of "->", half of which is markup in some chats
_TYPESET = {0xA0: " "}  # a blank at which terminals break no line

MOST_CHARACTERS = 900  # quoted; three of them fit into the smallest message, and into its smallest block
# What no chat's markup takes for the end of an address. % stays, for what was quoted before.
_SAFE = "%/:=&?~#+!$,;@"
_ADDRESS = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)([/?#].*)?", re.DOTALL)


class Tone(str, Enum):
    """What kind of news a card is."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    GOOD = "good"  # it is over, and well
    OVER = "over"  # it is over, and not well


MARKS = {
    Tone.CRITICAL: "\U0001f534",  # red circle
    Tone.WARNING: "\U0001f7e0",  # orange circle
    Tone.INFO: "\U0001f535",  # blue circle
    Tone.GOOD: "\u2705",  # green tick
    Tone.OVER: "\u26aa",  # white circle
}
_TONES = {
    "critical": Tone.CRITICAL,
    "broken": Tone.CRITICAL,
    "warning": Tone.WARNING,
    "watch": Tone.WARNING,
    "look": Tone.WARNING,
    "info": Tone.INFO,
    "healthy": Tone.GOOD,
    "fine": Tone.GOOD,
}
"""Of words of judgement, by the kinds of `story.blocks.Mark`."""


@dataclass(frozen=True, slots=True)
class Card:
    """One message. `left_out`: what there is no room for, counted by part. `shortened`: some texts were."""

    lang: Lang
    tone: Tone
    title: str
    sections: tuple[Section, ...]
    loud: bool = False  # whether people are to be mentioned
    left_out: Mapping[Part, int] = field(default_factory=dict)
    shortened: bool = False


class Markup(Protocol):
    """How one chat writes a line. What it is given is anybody's text, and must do nothing there."""

    newline: str

    def plain(self, text: str) -> str:
        """Words, nothing in them taken for markup."""

    def strong(self, text: str) -> str:
        """The same, standing out."""

    def code(self, text: str) -> str:
        """The same, as something to type."""

    def link(self, text: str, url: str) -> str:
        """The same, leading to an address."""


def section_texts(card: Card, markup: Markup) -> list[str]:
    """The sections in a chat's markup, and the note of what was left out; those of one heading are one."""
    texts: list[str] = []
    before: Section | None = None
    for section in (*card.sections, *_cut_note(card)):
        lines = [line for block in section.blocks for line in _block_lines(block, markup)]
        if before is not None and goes_on(before, section):
            texts[-1] = markup.newline.join((texts[-1], *lines))
        elif lines:
            heading = [markup.strong(section.title)] if section.title else []
            texts.append(markup.newline.join((*heading, *lines)))
        before = section if lines else before
    return texts


def body_text(card: Card, markup: Markup) -> str:
    """All of a card below its title."""
    return (markup.newline * 2).join(section_texts(card, markup))


def _block_lines(block: Block, markup: Markup) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield line_text(block.line, markup)
    elif isinstance(block, Items):
        yield from _item_lines(block, markup)
    elif isinstance(block, Facts):
        yield from (f"{markup.plain(name)}: {line_text(line, markup)}" for name, line in block.pairs)
    elif isinstance(block, Table):
        yield from (" ".join(line_text(cell, markup) for cell in row) for row in block.rows)
    elif isinstance(block, Command):
        yield markup.code(block.text)
    elif isinstance(block, Section):
        yield from (line for inner in block.blocks for line in _block_lines(inner, markup))


def _item_lines(items: Items, markup: Markup) -> Iterator[str]:
    for at, item in enumerate(items.items, 1):
        sign = f"{at}. " if items.numbered else "" if items.bare else _bullet(item.line)
        yield sign + line_text(item.line, markup)
        yield from (line_text(line, markup) for line in item.more)


def _bullet(line: Line) -> str:
    """In the colour of the line's judgement, where it has one."""
    kinds = (piece.kind for piece in line if isinstance(piece, Mark) and piece.kind in _TONES)
    kind = next(kinds, None)
    return BULLET if kind is None else f"{MARKS[_TONES[kind]]} "


def line_text(line: Line, markup: Markup) -> str:
    """One line in a chat's markup."""
    return "".join(_piece_text(piece, markup) for piece in line)


def _piece_text(piece: Piece, markup: Markup) -> str:
    if isinstance(piece, Code):
        return markup.code(piece.text)
    text = (piece if isinstance(piece, str) else piece.text).translate(_TYPESET).replace("->", ARROW)
    if isinstance(piece, Link):
        url = safe(piece.url)
        return markup.plain(text) if url is None else markup.link(text, url)
    return markup.strong(text) if isinstance(piece, Strong) else markup.plain(text)


def safe(url: str) -> str | None:
    """An http or https address without anything that ends a link in some chat; None if it is none."""
    parts = _ADDRESS.fullmatch(url)
    if parts is None or not url.isprintable() or len(url) > MOST_CHARACTERS:
        return None
    quoted = parts[1] + quote(parts[2] or "", safe=_SAFE)
    return quoted if len(quoted) <= MOST_CHARACTERS else None


def _cut_note(card: Card) -> Iterable[Section]:
    counts = [cw.PARTS[part.value].of(count, card.lang) for part, count in card.left_out.items()]
    sentences = [cw.CUT.of(card.lang).format(parts=words.COMMA.of(card.lang).join(counts))] if counts else []
    sentences += [cw.SHORTENED.of(card.lang)] if card.shortened else []
    return [Section(Part.NOTES, None, (Paragraph((" ".join(sentences),)),))] if sentences else []


class PlainText:
    """No markup at all: for a terminal or a log."""

    newline = "\n"

    def plain(self, text: str) -> str:
        """As it is."""
        return text

    strong = code = plain

    def link(self, text: str, url: str) -> str:
        """Words and address."""
        return f"{text}: {url}"
