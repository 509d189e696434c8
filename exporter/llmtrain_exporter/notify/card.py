"""A card before any chat's markup: blocks of lines, of which some matter more than others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol, TypeVar

from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.text import Lang

ELLIPSIS = "\u2026"
BULLET = "\u2022 "

_T = TypeVar("_T")


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


@dataclass(frozen=True, slots=True)
class Plain:
    """Words of anybody."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong(Plain):
    """Words that stand out."""


@dataclass(frozen=True, slots=True)
class Code(Plain):
    """What one types."""


@dataclass(frozen=True, slots=True)
class Link(Plain):
    """Words that lead somewhere. `url`: as `links.safe` gives it."""

    url: str


Line = tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together. `part`: a key of card_words.PARTS; those of the highest rank go first."""

    part: str
    lines: tuple[Line, ...]
    rank: int
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One message. `left_out`: lines that were, by part."""

    lang: Lang
    tone: Tone
    title: str
    blocks: tuple[Block, ...]
    loud: bool = False  # whether people are to be mentioned
    left_out: Mapping[str, int] = field(default_factory=dict)
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


def line_text(line: Line, markup: Markup) -> str:
    """One line in a chat's markup."""
    return "".join(_span_text(span, markup) for span in line)


def _span_text(span: Plain, markup: Markup) -> str:
    if isinstance(span, Link):
        return markup.link(span.text, span.url)
    if isinstance(span, Strong):
        return markup.strong(span.text)
    return markup.code(span.text) if isinstance(span, Code) else markup.plain(span.text)


def block_texts(card: Card, markup: Markup) -> list[str]:
    """The blocks in a chat's markup, and the note of what was left out."""
    texts = []
    for block in (*card.blocks, *_cut_note(card)):
        lines = [markup.strong(block.heading)] if block.heading else []
        lines += [line_text(line, markup) for line in block.lines]
        texts += [markup.newline.join(lines)] if block.lines else []
    return texts


def body_text(card: Card, markup: Markup) -> str:
    """All of a card below its title."""
    return (markup.newline * 2).join(block_texts(card, markup))


def _cut_note(card: Card) -> list[Block]:
    told = [cw.PARTS[part].of(count, card.lang) for part, count in card.left_out.items()]
    lines = [cw.CUT.of(card.lang).format(parts=words.COMMA.of(card.lang).join(told))] if told else []
    lines += [cw.SHORTENED.of(card.lang)] if card.shortened else []
    return [Block("notes", ((Plain(" ".join(lines)),),), 0)] if lines else []


def shorter(card: Card) -> Card | None:
    """The card without its least important line; None where there is none to leave out.

    The last line of the block of the highest rank goes first; the very first line stays.
    """
    left = [block for block in card.blocks[1:] if block.lines]
    if card.blocks and len(card.blocks[0].lines) > 1:
        left.append(card.blocks[0])
    if not left:
        return None
    block = max(left, key=lambda one: one.rank)
    cut = replace(block, lines=block.lines[:-1])
    blocks = tuple(cut if one is block else one for one in card.blocks)
    left_out = Counter(card.left_out)
    left_out[block.part] += 1
    return replace(card, blocks=blocks, left_out=dict(left_out))


def fitted(card: Card, write: Callable[[Card], _T], size: Callable[[_T], int], most: int) -> tuple[_T, bool]:
    """The card as written, cut until its size is no more than `most`, and whether it was cut.

    Whole lines go first, then the ends of titles and texts. A card of nothing but a few words always fits.
    """
    written = write(card)
    cut = False
    while size(written) > most:
        cut = True
        less = shorter(card) or _halved(card)
        if less is None:
            return written, True
        card = less
        written = write(card)
    return written, cut


def _halved(card: Card) -> Card | None:
    """The card with its title and what text is left at half their length."""
    longest = max(
        (len(span.text) for block in card.blocks for line in block.lines for span in line), default=0
    )
    longest = max(longest, len(card.title))
    if longest <= 1:
        return None
    most = longest // 2
    blocks = tuple(
        replace(block, lines=tuple(tuple(_short(span, most) for span in line) for line in block.lines))
        for block in card.blocks
    )
    return replace(card, title=short(card.title, most), blocks=blocks, shortened=True)


def _short(span: Plain, most: int) -> Plain:
    return replace(span, text=short(span.text, most))


def short(text: str, most: int) -> str:
    """The text in no more than so many characters."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + ELLIPSIS


def short_name(name: str, most: int = 70) -> str:
    """The end of a name, which tells runs of one folder apart."""
    return name if len(name) <= most else ELLIPSIS + name[1 - most :]


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
