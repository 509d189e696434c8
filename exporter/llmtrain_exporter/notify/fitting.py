"""A card cut to what a chat takes: what matters least goes first, and the card says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.story.blocks import Items, Line, Paragraph, Part, Piece, Section, lines_in
from llmtrain_exporter.story.shorten import shortened

ELLIPSIS = "\u2026"

ESSENTIAL = 1
"""The highest rank of a section that a bot still gets if it refused more."""

_T = TypeVar("_T")


def fitted(card: Card, write: Callable[[Card], _T], size: Callable[[_T], int], most: int) -> tuple[_T, bool]:
    """The card as written, cut until its size is no more than `most`, and whether it was cut.

    Whole items go first, then the ends of title and texts. A card of nothing but a few words always fits.
    """
    written = write(card)
    if size(written) <= most:
        return written, False
    for shorter in _ever_shorter(card):
        written = write(shorter)
        if size(written) <= most:
            break
    return written, True


def bare(card: Card) -> Card:
    """Only what matters most, and nothing that leads elsewhere, for a bot that refused more."""
    essential = tuple(
        section for section in card.sections if section.rank <= ESSENTIAL and section.part is not Part.LINKS
    )
    return replace(card, sections=essential, left_out=_missing(card.sections, essential))


def _ever_shorter(card: Card) -> Iterator[Card]:
    shorter: Card | None = card
    for sections in shortened(card.sections, card.lang):
        shorter = replace(card, sections=sections, left_out=_missing(card.sections, sections))
        yield shorter
    while shorter is not None and (shorter := _halved(shorter)) is not None:
        yield shorter


def _missing(whole: Iterable[Section], left: Iterable[Section]) -> dict[Part, int]:
    before, after = _counted(whole), _counted(left)
    return {part: count - after.get(part, 0) for part, count in before.items() if count > after.get(part, 0)}


def _counted(sections: Iterable[Section]) -> dict[Part, int]:
    """Items of lists, by part; of a part without lists its blocks."""
    counts: dict[Part, int] = {}
    for section in sections:
        items = sum(len(block.items) for block in section.blocks if isinstance(block, Items))
        counts[section.part] = counts.get(section.part, 0) + (items or len(section.blocks))
    return counts


def _halved(card: Card) -> Card | None:
    """The card with its title and what text is left at half their length; None where that is no shorter."""
    texts = [_text(piece) for line in _lines(card) for piece in line]
    longest = max(map(len, (card.title, *texts)))
    if longest <= 1:
        return None
    sections = tuple(_short_section(section, longest // 2) for section in card.sections)
    return replace(card, title=short(card.title, longest // 2), sections=sections, shortened=True)


def _lines(card: Card) -> Iterator[Line]:
    return lines_in(block for section in card.sections for block in section.blocks)


def _short_section(section: Section, most: int) -> Section:
    lines = lines_in(section.blocks)
    blocks = tuple(Paragraph(tuple(_short_piece(piece, most) for piece in line)) for line in lines)
    return replace(section, blocks=blocks)


def _text(piece: Piece) -> str:
    return piece if isinstance(piece, str) else piece.text


def _short_piece(piece: Piece, most: int) -> Piece:
    return short(piece, most) if isinstance(piece, str) else replace(piece, text=short(piece.text, most))


def short(text: str, most: int) -> str:
    """The text in no more than so many characters."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + ELLIPSIS


def short_name(name: str, most: int = 70) -> str:
    """The end of a name, which tells runs of one folder apart."""
    return name if len(name) <= most else ELLIPSIS + name[1 - most :]
