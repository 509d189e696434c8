"""A report as Markdown, its charts as SVG files in a folder beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.report.tree import (
    Block,
    Code,
    Command,
    Document,
    Facts,
    Items,
    Line,
    Paragraph,
    Picture,
    Piece,
    Section,
    Table,
    bare,
)

DEEPEST = 6

Draw = Callable[[Picture], str]
"""Makes a file of a picture; its address in relation to the report."""

_MARKUP = re.compile(r"[\\`*\[\]|~&$]|<(?=[A-Za-z/!?])|(?<![^\W_])_|_(?![^\W_])")
_LINKS = re.compile(r"(?i)(?<=[a-z])://|(?<=\bwww)\.|@")  # what some readers make links of without being told
_BEGINNING = re.compile(r"^\s*(\d*)([-+.)#>=])")


class Sheet:
    """Writes a document, part by part."""

    def __init__(self, document: Document, draw: Draw) -> None:
        self._document = document
        self._draw = draw
        self._colon = "：" if document.lang.startswith("zh") else ": "  # noqa: RUF001  # full width is the point

    def parts(self) -> Iterator[str]:
        """The file, in pieces."""
        told = self._document
        yield f"# {_text(told.title)}\n\n{_first(_line(told.lead))}\n\n"
        yield from self._blocks(told.blocks, 2, told.title)
        yield f"---\n\n{_text(told.closing)}\n"

    def _blocks(self, blocks: tuple[Block, ...], level: int, heading: str) -> Iterator[str]:
        for block in blocks:
            if isinstance(block, Section):
                yield f"{'#' * min(level, DEEPEST)} {_line(block.title)}\n\n"
                yield from self._blocks(block.blocks, level + 1, bare(block.title))
            elif isinstance(block, Picture):
                yield f"![{_text(block.caption)}]({self._draw(block)})\n\n"
            elif isinstance(block, Table):
                yield from _table(block, heading)
            else:
                yield from self._plain(block)

    def _plain(self, block: Block) -> Iterator[str]:
        if isinstance(block, Paragraph):
            yield f"{_first(_line(block.line))}\n\n"
        elif isinstance(block, Items):
            for at, line in enumerate(block.lines, 1):
                yield f"{f'{at}.' if block.numbered else '-'} {_first(_line(line))}\n"
            yield "\n"
        elif isinstance(block, Facts):
            for name, fact in block.pairs:
                yield f"- **{_text(name)}**{self._colon}{_line(fact)}\n"
            yield "\n"
        elif isinstance(block, Command):
            fence = _fence(block.text, 3)
            yield f"{fence}\n{printable(block.text)}\n{fence}\n\n"


def _table(table: Table, heading: str) -> Iterator[str]:
    if table.caption != heading:
        yield f"*{_text(table.caption)}*\n\n"
    yield f"| {' | '.join(map(_text, table.head))} |\n"
    yield f"|{' --- |' * len(table.head)}\n"
    for row in table.rows:
        yield f"| {' | '.join(_line(cell, in_table=True) for cell in row)} |\n"
    yield "\n"


def _line(line: Line, in_table: bool = False) -> str:
    pieces = line if isinstance(line, tuple) else (line,)
    return "".join(_piece(piece, in_table) for piece in pieces)


def _piece(piece: Piece, in_table: bool) -> str:
    if isinstance(piece, str):
        return _text(piece)
    if isinstance(piece, Code):
        return _code(piece.text, in_table)
    return f"**{_text(piece.text)}**"


def _code(text: str, in_table: bool) -> str:
    """Between more backticks than are in it. A bar would end a cell even there, however it is escaped."""
    clean = printable(text)
    if in_table and "|" in clean:
        return _text(clean)
    fence = _fence(clean, 1)
    gap = " " if clean.startswith("`") or clean.endswith("`") else ""
    return f"{fence}{gap}{clean}{gap}{fence}"


def _fence(text: str, least: int) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(longest + 1, least)


def _first(text: str) -> str:
    """What stands at the beginning of a line makes no list of it."""
    return _BEGINNING.sub(r"\1\\\2", text)


def _text(text: str) -> str:
    clean = _MARKUP.sub(r"\\\g<0>", printable(text))
    return _LINKS.sub(lambda found: f"\\{found[0]}", clean)
