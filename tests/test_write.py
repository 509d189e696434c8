"""The writers of blocks: what each kind looks like, and that a text of a stranger is only ever a text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import click
import pytest
from hypothesis import given
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.story import blocks as b
from llmtrain_exporter.write.columns import columns
from llmtrain_exporter.write.html import HtmlWriter, contents_html, line_html
from llmtrain_exporter.write.line import line_text, plain_text
from llmtrain_exporter.write.markdown import MarkdownWriter, line_markdown
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal import block_lines
from llmtrain_exporter.write.terminal_table import table_lines

from tests.test_story import sections, several

BAD = "<img src=x onerror=alert(1)>\"'`|*_[a](http://b)\x1b[31m\u202e&lt;"
EN = Style(Lang.EN, 60)
NOW = 1_700_000_000.0

LINE: b.Line = (
    "a ",
    b.Code("--x 1"),
    b.Joint(", "),
    b.Strong("b"),
    b.Mark("critical", "bad"),
    b.Span("step 7", 7, None),
    b.Moment("at noon", NOW),
    b.Link("there", "https://example.org/?a=1&b=2"),
)
"""A line with a piece of each kind that has words."""


def chapter(title: str | None, *inside: b.Block) -> b.Section:
    """A section."""
    return b.Section(b.Part.CHAPTER, title, inside)


def paragraph(text: str) -> b.Paragraph:
    """A sentence."""
    return b.Paragraph((text,))


def html_of(*some: b.Block) -> str:
    """These blocks as HTML."""
    return "".join(HtmlWriter().blocks(some))


def markdown_of(*some: b.Block) -> str:
    """These blocks as Markdown."""
    return "".join(MarkdownWriter(Lang.EN).blocks(some))


def lines_of(*some: b.Block, style: Style = EN) -> list[str]:
    """These blocks as lines of a terminal."""
    return list(block_lines(some, style))


class Tags(HTMLParser):
    """The elements of a page, in order, and their ids; fails where one is closed that is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


# HTML


def test_each_piece_of_a_line_has_its_element() -> None:
    """What a script may want to know of it stands in attributes."""
    assert line_html(LINE) == (
        "a <code>--x 1</code>, <strong>b</strong>"
        '<span class="mark critical">bad</span>'
        '<span data-first="7">step 7</span>'
        f'<time datetime="2023-11-14T22:13:20Z" data-at="{NOW:.3f}">at noon</time>'
        '<a href="https://example.org/?a=1&amp;b=2">there</a>'
    )
    assert line_html((b.Span("x", 1, 2), b.Course((1.0,)))) == '<span data-first="1" data-last="2">x</span>'
    share = line_html((b.Share("25%", 0.25, "watch"),))
    assert share == '<progress class="watch" aria-label="25%" max="1" value="0.2500"></progress> 25%'


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//example.org", "x"])
def test_a_link_leads_only_to_the_web(url: str) -> None:
    """Any other address is left out, and its words stay."""
    assert line_html((b.Link("<x>", url),)) == "&lt;x&gt;"


def test_a_moment_that_no_calendar_knows_is_only_words() -> None:
    """A clock may be far off."""
    assert line_html((b.Moment("then", 1e18),)) == "then"


def test_a_heading_that_goes_on_is_written_once() -> None:
    """As two sections of one story have the same; the table of contents has it once as well."""
    blocks = (chapter("A", paragraph("1")), chapter("A", paragraph("2")), chapter("B", chapter("C")))
    tags = Tags(html_of(*blocks))
    assert tags.ids == ["s-1", "s-3", "s-3-1"]
    assert [tag for tag in tags.seen if tag != "section"] == ["h2", "p", "p", "h2", "h3"]
    contents = "".join(contents_html(blocks, 2))
    assert re.findall(r'href="#([^"]*)">(\w)', contents) == [("s-1", "A"), ("s-3", "B"), ("s-3-1", "C")]
    assert markdown_of(*blocks) == "## A\n\n1\n\n2\n\n## B\n\n### C\n\n"
    assert lines_of(*blocks[:2]) == ["A", "  1", "  2"]


def test_rows_that_are_details_are_marked_as_such() -> None:
    """A page may fold them; a caption that the heading says already is not repeated."""
    table = b.Table("A", ("x", "y"), ((("a",), ("1",)), (("b",), ("2",))), (0, b.DETAIL))
    page = html_of(chapter("A", table))
    assert '<tr><th scope="row">a</th>' in page
    assert '<tr class="detail"><th scope="row">b</th>' in page
    assert "<caption>" not in page
    assert "<caption>A</caption>" in html_of(table)


def test_a_picture_is_drawn_by_who_can() -> None:
    """Its caption stands there in any case; Markdown has nothing to lead to without a file."""
    figure = b.Figure("kl", "kl <over> steps")
    drawn = HtmlWriter(lambda figure: f"<svg id={figure.name}></svg>")
    assert "<svg id=kl></svg><figcaption>kl &lt;over&gt;" in "".join(drawn.blocks((figure,)))
    assert "<figure><figcaption>kl &lt;over&gt; steps" in html_of(figure)
    assert "".join(MarkdownWriter(Lang.EN, lambda _: "kl.svg").blocks((figure,))).endswith("](kl.svg)\n\n")
    assert (markdown_of(figure), lines_of(figure)) == ("", [])


@given(several(sections()))
def test_any_tree_is_a_page_without_a_tag_of_its_own(blocks: tuple[b.Section, ...]) -> None:
    """Every element is closed, and no id stands twice."""
    ids = Tags(html_of(*blocks)).ids
    assert len(ids) == len(set(ids))


# Markdown


def test_a_line_of_markdown_reads_as_it_was_written() -> None:
    """Marks are bold, code is code, and an address stays in one piece."""
    assert line_markdown(LINE) == (
        "a `--x 1`, **b****bad**step 7at noon[there](<https://example.org/?a=1&b=2>)"
    )
    assert line_markdown((b.Link("x", "https://a.org/<b> c"),)) == "[x](<https://a.org/%3Cb%3E%20c>)"


def test_lists_of_markdown() -> None:
    """Numbered, or with a dash; a bare one has neither, but lines that end."""
    item = b.Item(("do",), (("so",),))
    assert markdown_of(b.Items((item, b.Item(("b",))), numbered=True)) == "1. do\n\n   so\n\n2. b\n\n"
    assert markdown_of(b.items([("a",), ("- b",)])) == "- a\n- \\- b\n\n"
    assert markdown_of(b.Items((item, b.Item(("b",))), bare=True)) == "do  \nso  \nb\n\n"
    assert markdown_of(b.Facts((("name", (b.Code("x"),)),))) == "- **name**: `x`\n\n"
    assert markdown_of(b.Command("a ``` b")) == "````\na ``` b\n````\n\n"


# A terminal


def test_a_story_in_lines() -> None:
    """Headings with what is below them moved in, a blank line before each, lists hanging from their mark."""
    how = b.Item(("first",), (("how it is done, in a sentence that needs more than one line of it",),))
    blocks = (
        b.Section(b.Part.FACTS, None, (b.items([("a",), ("b",)], bare=True),)),
        b.Section(b.Part.REASON, None, (paragraph("because"),)),
        b.Section(b.Part.ACTIONS, "What to do", (b.Items((how,), numbered=True),)),
        b.Section(b.Part.METRICS, None, (b.Table("", ("x", "y"), ((("n",), ("1",)),)),)),
        chapter("Rest", b.Facts((("name", ("fact",)),)), b.Command("--x"), b.items([("c",)])),
    )
    assert lines_of(*blocks) == [
        *("a", "b", "because", ""),
        *("What to do", "  1. first", "     how it is done, in a sentence that needs more than one"),
        *("     line of it", "", "x  y", "n  1", ""),
        *("Rest", "  name: fact", "  --x", "  - c"),
    ]


def test_what_is_to_be_typed_does_not_break() -> None:
    """In a stream of lines it has its ordinary blanks."""
    line = ("word " * 11, b.Code("--learning_rate 1e-6"))
    assert lines_of(b.Paragraph(line))[-1] == "--learning_rate 1e-6"
    assert plain_text(line, EN).endswith("word --learning_rate 1e-6")


def test_only_judgements_have_a_colour() -> None:
    """It changes nothing else."""
    coloured = Style(Lang.EN, 60, coloured=True)
    assert line_text((b.Mark("broken", "broken"),), coloured) == click.style("broken", fg="red")
    assert click.unstyle(line_text(LINE, coloured)) == line_text(LINE, EN)
    assert line_text((b.Mark("broken", "broken"),), EN) == "broken"


def test_a_live_style_counts_on_from_a_moment() -> None:
    """One that stands still says when it was."""
    line: b.Line = ("last record ", b.Moment("at noon", NOW))
    assert line_text(line, EN) == "last record at noon"
    assert line_text(line, Style(Lang.EN, 60, now=NOW + 200)) == "last record 3 min 20 s ago"
    assert line_text(line[1:], Style(Lang.ZH, 60, now=NOW + 200)) == "3 分 20 秒前"


def test_a_share_is_a_bar() -> None:
    """As wide as half of the terminal."""
    assert (
        line_text((b.Share("25%", 0.25, "healthy"),), Style(Lang.EN, 40)) == "━━━━━───────────────" + " 25%"
    )


COURSE = b.Course(tuple(map(float, range(40))))
WIDE = b.Table(
    "Metrics",
    ("metric", "last value", "healthy", "verdict", "trend"),
    (
        (
            ("completion_length_tokens mean",),
            ("47.84",),
            ("<= 0.1",),
            (b.Mark("warning", "warning"),),
            (COURSE,),
        ),
    ),
    spare=(2, 4),
)


@pytest.mark.parametrize(
    ("width", "there"),
    [
        (110, (True, True)),
        (64, (True, True)),
        (62, (False, True)),
        (44, (False, False)),
        (30, (False, False)),
    ],
)
def test_a_narrow_table_leaves_out_what_it_can_spare(width: int, there: tuple[bool, bool]) -> None:
    """In the order that the table says; then the first cell gives way."""
    head, row = table_lines(WIDE, Style(Lang.EN, width))
    assert ("healthy" in head, "▁" in row) == there
    assert max(map(columns, (head, row))) <= width


def test_a_low_table_keeps_the_rows_that_matter() -> None:
    """In their order, with a note of how many there are besides."""
    rows = tuple(((name,), ("1",)) for name in "abcd")
    table = b.Table("", ("x", "y"), rows, (3, 0, 3, 1))
    assert table_lines(table, EN, 4) == ["x  y", "b  1", "d  1", "... and 2 more"]
    assert (table_lines(table, EN, 1), len(table_lines(table, EN, 5))) == ([], 5)


@given(several(sections()))
def test_no_line_is_wider_than_the_terminal(blocks: tuple[b.Section, ...]) -> None:
    """Whatever is to be written, tables apart that are wider in the very least that they need."""
    narrow = Style(Lang.EN, 40)
    paragraphs = [b.Paragraph(line) for line in b.lines_in(blocks)]
    assert all(columns(line) <= 40 for line in lines_of(*paragraphs, style=narrow))


# Texts of strangers


def test_a_text_of_a_stranger_is_only_a_text() -> None:
    """In every place of every writer: no markup, no escape sequence, no line of its own."""
    line: b.Line = (BAD, b.Code(BAD), b.Strong(BAD), b.Mark(BAD, BAD), b.Span(BAD, 1, 2), b.Link(BAD, BAD))
    everything = chapter(
        BAD,
        b.Paragraph(line),
        b.Items((b.Item(line, (line,)),)),
        b.Facts(((BAD, line),)),
        b.Table(BAD, (BAD,), ((line,),)),
        b.Command(BAD),
        b.Figure(BAD, BAD),
    )
    page, sheet, lines = html_of(everything), markdown_of(everything), lines_of(everything)
    assert {"img", "script"} & set(Tags(page).seen) == set()
    assert "<img" not in page
    assert "\\<img" in sheet
    for text in (page, sheet, *lines):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
