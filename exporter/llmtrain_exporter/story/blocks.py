"""What a story is made of, whatever writes it: a terminal, a page, a report, a chat's card.

All texts are plain: a writer escapes them, and decides nothing else. What a small output leaves out first is
said by the ranks: of the section with the highest rank the last item goes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Part(str, Enum):
    """What a section is about; a medium may want only some of them, or put them in places of their own."""

    VERDICT = "verdict"  # how the run is, and the worst that speaks against it
    FACTS = "facts"  # what it is, and how far
    METRICS = "metrics"
    INCIDENTS = "incidents"  # what broke, in which order, and where to go back to
    FINDINGS = "findings"  # each signal: when, how bad, its worst
    CAUSES = "causes"
    ACTIONS = "actions"
    SETTINGS = "settings"
    NOTES = "notes"


@dataclass(frozen=True, slots=True)
class Code:
    """Something to type, or the name of a file."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """What a line is about."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word of judgement. `kind`: a key of `words.HEALTH` or `words.JUDGED`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the run, from one step to another (None: it lasts); a page can show it in its charts."""

    text: str
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment, Unix time. `text` is how a medium that stands still writes it; a live one counts on."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere."""

    text: str
    url: str


Piece = str | Code | Strong | Mark | Span | Moment | Link
Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences. `small`: beside the point."""

    line: Line
    small: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a list. `more`: lines that say how, or where; they go before the item does."""

    line: Line
    more: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered where the order matters."""

    items: tuple[Item, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and what it is."""

    pairs: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row says what the row is about."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """Something to copy."""

    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (None: it needs none) and what stands below it."""

    part: Part
    title: str | None
    blocks: tuple[Block, ...]
    rank: int = 0


Block = Paragraph | Items | Facts | Table | Command | Section


@dataclass(frozen=True, slots=True)
class Story:
    """A run in one language. `title`: the worst that speaks against it, in a few words."""

    run: str
    lang: str
    health: str
    title: str
    sections: tuple[Section, ...]


def plain(line: Line) -> str:
    """A line without its marks."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in line)
