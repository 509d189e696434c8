"""A report as one HTML file that asks nothing of anybody: no script, no request, its charts inside."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator

from llmtrain_exporter.draw.pictures import inline_svg
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.report.style import policy, sheet
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
    Strong,
    Table,
    bare,
)

DEEPEST = 6
"""HTML knows so many levels of headings."""

CONTENTS_DEPTH = 2

Drawn = Callable[[], object]
"""Called after each picture, for the sake of who waits."""


class Page:
    """Writes a document, part by part; counts the headings, so that each has a name of its own."""

    def __init__(self, document: Document, drawn: Drawn) -> None:
        self._document = document
        self._drawn = drawn
        self._lang = Lang.ZH if document.lang.startswith("zh") else Lang.EN

    def parts(self) -> Iterator[str]:
        """The file, in pieces."""
        told, style = self._document, sheet()
        yield f'<!DOCTYPE html>\n<html lang="{told.lang}">\n<head>\n<meta charset="utf-8">\n'
        yield f'<meta http-equiv="Content-Security-Policy" content="{policy(style)}">\n'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        yield '<meta name="referrer" content="no-referrer">\n'
        yield f"<title>{_text(told.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        yield f'<header><h1>{_text(told.title)}</h1>\n<p class="lead">{_line(told.lead)}</p></header>\n'
        yield f'<nav aria-label="{_text(told.contents)}"><strong>{_text(told.contents)}</strong>\n'
        yield from _contents(told.blocks, "s", CONTENTS_DEPTH)
        yield "</nav>\n<main>\n"
        yield from self._blocks(told.blocks, 2, "s")
        yield f"</main>\n<footer><p>{_text(told.closing)}</p></footer>\n</body>\n</html>\n"

    def _blocks(self, blocks: tuple[Block, ...], level: int, place: str, heading: str = "") -> Iterator[str]:
        for at, block in enumerate(blocks, 1):
            if isinstance(block, Section):
                yield from self._section(block, level, f"{place}-{at}")
            elif isinstance(block, Picture):
                yield from self._picture(block)
            else:
                yield from _plain(block, heading)

    def _section(self, section: Section, level: int, place: str) -> Iterator[str]:
        tag = f"h{min(level, DEEPEST)}"
        yield f'<section aria-labelledby="{place}">\n<{tag} id="{place}">{_line(section.title)}</{tag}>\n'
        yield from self._blocks(section.blocks, level + 1, place, bare(section.title))
        yield "</section>\n"

    def _picture(self, picture: Picture) -> Iterator[str]:
        drawn = inline_svg(picture.panels, picture.marks, self._lang, printable(picture.caption))
        yield f"<figure>{drawn}<figcaption>{_text(picture.caption)}</figcaption></figure>\n"
        self._drawn()


def _contents(blocks: tuple[Block, ...], place: str, depth: int) -> Iterator[str]:
    sections = [(at, block) for at, block in enumerate(blocks, 1) if isinstance(block, Section)]
    if not sections or not depth:
        return
    yield "<ul>\n"
    for at, section in sections:
        yield f'<li><a href="#{place}-{at}">{_text(bare(section.title))}</a>'
        yield from _contents(section.blocks, f"{place}-{at}", depth - 1)
        yield "</li>\n"
    yield "</ul>\n"


def _plain(block: Block, heading: str) -> Iterator[str]:
    if isinstance(block, Paragraph):
        kind = ' class="small"' if block.small else ""
        yield f"<p{kind}>{_line(block.line)}</p>\n"
    elif isinstance(block, Items):
        tag = "ol" if block.numbered else "ul"
        yield f"<{tag}>\n"
        yield from (f"<li>{_line(line)}</li>\n" for line in block.lines)
        yield f"</{tag}>\n"
    elif isinstance(block, Facts):
        yield "<dl>\n"
        yield from (f"<dt>{_text(name)}</dt><dd>{_line(fact)}</dd>\n" for name, fact in block.pairs)
        yield "</dl>\n"
    elif isinstance(block, Command):
        yield f"<pre><code>{_text(block.text)}</code></pre>\n"
    elif isinstance(block, Table):
        yield from _table(block, heading)


def _table(table: Table, heading: str) -> Iterator[str]:
    # Whoever has no mouse scrolls a wide table with the keyboard.
    yield f'<div class="wide" role="region" aria-label="{_text(table.caption)}" tabindex="0">'
    said_above = table.caption == heading
    yield "<table>\n" + ("" if said_above else f"<caption>{_text(table.caption)}</caption>\n") + "<thead><tr>"
    yield from (f'<th scope="col">{_text(name)}</th>' for name in table.head)
    yield "</tr></thead>\n<tbody>\n"
    for first, *cells in table.rows:
        yield f'<tr><th scope="row">{_line(first)}</th>'
        yield from (f"<td>{_line(cell)}</td>" for cell in cells)
        yield "</tr>\n"
    yield "</tbody></table></div>\n"


def _line(line: Line) -> str:
    return "".join(map(_piece, line)) if isinstance(line, tuple) else _piece(line)


def _piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return _text(piece)
    if isinstance(piece, Code):
        return f"<code>{_text(piece.text)}</code>"
    if isinstance(piece, Strong):
        return f"<strong>{_text(piece.text)}</strong>"
    return f'<span class="mark {_text(piece.kind)}">{_text(piece.text)}</span>'


def _text(text: str) -> str:
    return html.escape(printable(text))
