"""Blocks as HTML. Every text is escaped: none of them becomes markup, whoever it comes from."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import (
    DETAIL,
    Block,
    Code,
    Command,
    Course,
    Facts,
    Figure,
    Folded,
    Item,
    Items,
    Line,
    Link,
    Mark,
    Moment,
    Paragraph,
    Piece,
    Section,
    Share,
    Span,
    Strong,
    Table,
    goes_on,
)

DEEPEST = 6
"""HTML knows so many levels of headings."""

SCHEMES = ("https://", "http://")
"""What a link may lead to; anything else is shown as words."""


PLACE = "s"
"""What the ids of headings begin with."""


@dataclass(frozen=True, slots=True)
class HtmlWriter:
    """Writes blocks. `draw`: the markup of a picture; without it there is only its caption.

    `unfolded`: what is for who wants all of it is open, and stands on paper too.
    """

    draw: Callable[[Figure], str] | None = None
    unfolded: bool = False

    def blocks(
        self, blocks: Sequence[Block], level: int = 2, place: str = PLACE, heading: str | None = None
    ) -> Iterator[str]:
        """The markup, in pieces. `level`: of the headings of sections; `place`: what their ids begin with.

        `heading`: what stands above, so that it is not said once more.
        """
        for at, block in enumerate(blocks, 1):
            if isinstance(block, Folded):
                yield from self._folded(block, level, f"{place}-{at}")
            elif isinstance(block, Section):
                again = at > 1 and goes_on(blocks[at - 2], block)
                yield from self._section(block, level, f"{place}-{at}", again)
            elif isinstance(block, Figure):
                yield self._figure(block)
            else:
                yield from _plain(block, heading)

    def _section(self, section: Section, level: int, place: str, again: bool) -> Iterator[str]:
        if section.title is None or again:
            yield f'<section data-part="{section.part.value}">\n'
            yield from self.blocks(section.blocks, level, place, section.title)
        else:
            tag = f"h{min(level, DEEPEST)}"
            yield f'<section data-part="{section.part.value}" aria-labelledby="{place}">\n'
            yield f'<{tag} id="{place}">{text_html(section.title)}</{tag}>\n'
            yield from self.blocks(section.blocks, level + 1, place, section.title)
        yield "</section>\n"

    def _folded(self, section: Section, level: int, place: str) -> Iterator[str]:
        tag = f"h{min(level, DEEPEST)}"
        heading = f'<{tag} id="{place}">{text_html(section.title or "")}</{tag}>'
        opened = " open" if self.unfolded else ""
        yield f'<details data-part="{section.part.value}"{opened}><summary>{heading}</summary>\n'
        yield from self.blocks(section.blocks, level + 1, place, section.title)
        yield "</details>\n"

    def _figure(self, figure: Figure) -> str:
        drawing = "" if self.draw is None else self.draw(figure)
        small = ' class="beside"' if figure.small else ""
        return f"<figure{small}>{drawing}<figcaption>{text_html(figure.caption)}</figcaption></figure>\n"


def _plain(block: Block, heading: str | None) -> Iterator[str]:
    if isinstance(block, Paragraph):
        small = ' class="small"' if block.small else ""
        yield f"<p{small}>{line_html(block.line)}</p>\n"
    elif isinstance(block, Items):
        yield from _items(block)
    elif isinstance(block, Facts):
        yield "<dl>\n"
        yield from (f"<dt>{text_html(name)}</dt><dd>{line_html(fact)}</dd>\n" for name, fact in block.pairs)
        yield "</dl>\n"
    elif isinstance(block, Command):
        yield f"<pre><code>{text_html(block.text)}</code></pre>\n"
    elif isinstance(block, Table):
        yield from _table(block, heading)


def _items(items: Items) -> Iterator[str]:
    tag = "ol" if items.numbered else "ul"
    yield f'<{tag} class="bare">\n' if items.bare else f"<{tag}>\n"
    yield from map(_item, items.items)
    yield f"</{tag}>\n"


def _item(item: Item) -> str:
    more = "".join(f'<div class="more">{line_html(line)}</div>' for line in item.more)
    return f"<li>{line_html(item.line)}{more}</li>\n"


def _table(table: Table, heading: str | None) -> Iterator[str]:
    # Whoever has no mouse scrolls a wide table with the keyboard.
    yield f'<div class="wide" role="region" aria-label="{text_html(table.caption)}" tabindex="0">'
    caption = "" if table.caption == heading else f"<caption>{text_html(table.caption)}</caption>\n"
    yield f"<table>\n{caption}<thead><tr>"
    yield from (f'<th scope="col">{text_html(name)}</th>' for name in table.head)
    yield "</tr></thead>\n<tbody>\n"
    for at, (first, *cells) in enumerate(table.rows):
        detail = ' class="detail"' if table.ranks and table.ranks[at] >= DETAIL else ""
        yield f'<tr{detail}><th scope="row">{line_html(first)}</th>'
        yield from (f"<td>{line_html(cell)}</td>" for cell in cells)
        yield "</tr>\n"
    yield "</tbody></table></div>\n"


def contents_html(blocks: Sequence[Block], depth: int, place: str = PLACE) -> Iterator[str]:
    """A list of the headings, so many levels of them, each with a link to where the writer puts it."""
    sections = [
        (at, block)
        for at, block in enumerate(blocks)
        if isinstance(block, Section) and block.title and not (at and goes_on(blocks[at - 1], block))
    ]
    if not sections or not depth:
        return
    yield "<ul>\n"
    for at, section in sections:
        name = f"{place}-{at + 1}"
        yield f'<li><a href="#{name}">{text_html(section.title or "")}</a>'
        yield from contents_html(section.blocks, depth - 1, name)
        yield "</li>\n"
    yield "</ul>\n"


def line_html(line: Line) -> str:
    """A line of text with its marks."""
    return "".join(map(_piece, line))


def text_html(text: str) -> str:
    """A plain text, safe in an element and in a quoted attribute."""
    return html.escape(printable(text))


def _piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return text_html(piece)
    return _MARKUP[type(piece)](piece, text_html(piece.text))


def _span(span: Span, text: str) -> str:
    last = "" if span.last is None else f' data-last="{span.last}"'
    return f'<span data-first="{span.first}"{last}>{text}</span>'


def _moment(moment: Moment, text: str) -> str:
    """With the Unix time, for who makes it count on."""
    try:
        iso = f"{datetime.fromtimestamp(moment.at, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):  # a clock that is far off
        return text
    return f'<time datetime="{iso}" data-at="{moment.at:.3f}">{text}</time>'


def _share(share: Share, text: str) -> str:
    label = f'class="{text_html(share.kind)}" aria-label="{text}"'
    return f'<progress {label} max="1" value="{share.value:.4f}"></progress> {text}'


def _link(link: Link, text: str) -> str:
    return f'<a href="{text_html(link.url)}">{text}</a>' if link.url.startswith(SCHEMES) else text


_MARKUP: dict[type, Callable[..., str]] = {
    Code: lambda _, text: f"<code>{text}</code>",
    Strong: lambda _, text: f"<strong>{text}</strong>",
    Mark: lambda mark, text: f'<span class="mark {text_html(mark.kind)}">{text}</span>',
    Span: _span,
    Moment: _moment,
    Share: _share,
    Course: lambda _, text: text,
    Link: _link,
}
