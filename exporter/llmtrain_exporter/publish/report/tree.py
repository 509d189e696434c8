"""What a document is made of, whatever it is written as. All texts are plain: the writers escape them."""

from __future__ import annotations

from dataclasses import dataclass

from llmtrain_exporter.draw.chart import Marks, Panel


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
    """A verdict word. `kind`: a key of `words.HEALTH` or `words.JUDGED`."""

    kind: str
    text: str


Piece = str | Code | Strong | Mark
Line = Piece | tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences. `small`: beside the point."""

    line: Line
    small: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered where the order matters."""

    lines: tuple[Line, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row says what the row is about."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and what it is."""

    pairs: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """Something to copy."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart. `name`: of its file, where it becomes one. `caption`: what is to be seen."""

    name: str
    caption: str
    panels: tuple[Panel, ...]
    marks: Marks


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: Line
    blocks: tuple[Block, ...]


Block = Paragraph | Items | Table | Facts | Command | Picture | Section


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `lang`: as HTML names languages."""

    title: str
    lead: Line
    lang: str
    blocks: tuple[Block, ...]
    contents: str  # heading of the table of contents
    closing: str


def bare(line: Line) -> str:
    """A line without its marks."""
    pieces = line if isinstance(line, tuple) else (line,)
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces)
