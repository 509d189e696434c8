"""What a story is made of, whatever writes it: a terminal, a page, a report, a chat's card.

All texts are plain: a writer escapes them, and decides nothing else. What a small output leaves out first is
said by the ranks; see `story.shorten`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

DETAIL = 6
"""From this rank on it is for who wants all of it: a terminal or a card leaves it out, whatever its size."""


class Part(str, Enum):
    """What a section is about; a medium may want only some of them, or put them in places of their own."""

    VERDICT = "verdict"  # how the run is, in a word
    FACTS = "facts"  # what it is, and how far
    REASON = "reason"  # the verdict in a sentence: the worst that speaks against it, or that nothing does
    PROGRESS = "progress"  # for who waits for it: how much is done, how long it still takes
    METRICS = "metrics"
    INCIDENTS = "incidents"  # what broke, in which order, and where to go back to
    FINDINGS = "findings"  # each signal: when, how bad, its worst
    GUARD = "guard"  # what a guard has done to it, and what is next
    CAUSES = "causes"
    ACTIONS = "actions"
    FLAGS = "flags"  # all that the actions change, to copy
    SETTINGS = "settings"  # where it comes from, and its hyper-parameters
    CHECKS = "checks"  # the questions of the checklists, answered
    NOTES = "notes"
    ALERTS = "alerts"  # of a card: what fires, besides what the run itself tells
    LINKS = "links"  # of a card: where to read on
    CHAPTER = "chapter"  # what only a whole report has


class Cut(str, Enum):
    """Which items of the same rank a small output leaves out first."""

    LAST = "last"  # the list goes from what matters most to what matters least
    FIRST = "first"  # it goes by time, and the newest matters most
    MIDDLE = "middle"  # it goes by time, and how it began matters, too


class Joint(str):
    """Punctuation between two parts of a line. Words like any other where a line is written in one go.

    A page that sets the parts apart, each in its own place, shows none.
    """

    __slots__ = ()


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
class Share:
    """How much of something is done, 0 to 1. `kind`: a key of `words.HEALTH`, for its colour."""

    text: str
    value: float
    kind: str


@dataclass(frozen=True, slots=True)
class Course:
    """The values of a metric one after the other, to draw in a line of text; NaN where there is no number."""

    values: tuple[float, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere."""

    text: str
    url: str


Piece = str | Code | Strong | Mark | Span | Moment | Share | Course | Link
Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences. `small`: beside the point."""

    line: Line
    small: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a list. `more`: lines that say how, or where; they go before the item does.

    `rank`: of the items of a list the highest go first.
    """

    line: Line
    more: tuple[Line, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered where the order matters. `bare`: without a mark in front of each."""

    items: tuple[Item, ...]
    numbered: bool = False
    bare: bool = False
    cut: Cut = Cut.LAST


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and what it is."""

    pairs: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row says what the row is about.

    `ranks`: of each row, none where all are alike; those of the highest go first. `spare`: the columns that
    a narrow output leaves out, in this order.

    For a medium with much room: `groups`: the heading under which each row stands; `notes`: what each means,
    empty where a row above says it, in a column below `notes_head`.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    ranks: tuple[int, ...] = ()
    spare: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    notes: tuple[Line, ...] = ()
    notes_head: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to copy."""

    text: str


@dataclass(frozen=True)
class Figure:
    """A picture, for a medium that can draw it. `name`: of its file; `caption`: what is to be seen.

    `small`: one of many of its kind, which stand beside each other.
    """

    name: str
    caption: str
    small: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (None: it needs none) and what stands below it.

    A section with the same heading as the one before it goes on with that: the heading is written once.
    """

    part: Part
    title: str | None
    blocks: tuple[Block, ...]
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Folded(Section):
    """A section for who wants all of it: closed on a screen until somebody opens it, left out on paper."""


Block = Paragraph | Items | Facts | Table | Command | Figure | Section


@dataclass(frozen=True, slots=True)
class Story:
    """A run in one language. `title`: the worst that speaks against it, in a few words.

    `health` and `state` are keys of `words.HEALTH` and `words.STATE`. `ending`: how its last incident ended,
    whose mark says whether well; None where it goes on, or there was none.
    """

    run: str
    lang: str
    health: str
    title: str
    sections: tuple[Section, ...]
    state: str = ""
    ending: Item | None = None


def plain(line: Line) -> str:
    """A line without its marks."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in line)


def items(lines: Iterable[Line], numbered: bool = False, bare: bool = False) -> Items:
    """A list of lines that have nothing more to say."""
    return Items(tuple(map(Item, lines)), numbered, bare)


def goes_on(before: Block, section: Section) -> bool:
    """Whether a section stands under the same heading as what comes before it."""
    return isinstance(before, Section) and section.title is not None and before.title == section.title


def lines_in(blocks: Iterable[Block]) -> Iterator[Line]:
    """Every line of running text and of lists, in order; those in sections within as well."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block.line
        elif isinstance(block, Items):
            for item in block.items:
                yield from (item.line, *item.more)
        elif isinstance(block, Section):
            yield from lines_in(block.blocks)


def blocks_of(sections: Iterable[Section], *parts: Part) -> tuple[Block, ...]:
    """What stands in the sections of these parts."""
    return tuple(block for section in sections if section.part in parts for block in section.blocks)
