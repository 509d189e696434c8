"""A report as one HTML file that asks nothing of anybody: no script, no request, its charts inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmtrain_exporter.draw.pictures import inline_svg
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.report.document import Document
from llmtrain_exporter.publish.report.picture import Picture
from llmtrain_exporter.publish.report.style import policy, sheet
from llmtrain_exporter.story.blocks import Figure
from llmtrain_exporter.write.html import HtmlWriter, contents_html, line_html, text_html

CONTENTS_DEPTH = 2

LANGUAGES = {Lang.EN: "en", Lang.ZH: "zh-CN"}
"""As HTML names them."""

Drawn = Callable[[], object]
"""Called after each picture, for the sake of who waits."""


def page_parts(report: Document, drawn: Drawn) -> Iterator[str]:
    """The file, in pieces."""

    def draw(figure: Figure) -> str:
        drawing = ""
        if isinstance(figure, Picture):
            name = printable(figure.caption)
            drawing = inline_svg(figure.panels, figure.marks, report.lang, name, figure.small)
            drawn()
        return drawing

    title, contents, style = text_html(report.title), text_html(report.contents), sheet()
    yield f'<!DOCTYPE html>\n<html lang="{LANGUAGES[report.lang]}">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy(style)}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="referrer" content="no-referrer">\n'
    yield f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    yield f'<header><h1>{title}</h1>\n<p class="lead">{line_html(report.lead)}</p></header>\n'
    yield f'<nav aria-label="{contents}"><strong>{contents}</strong>\n'
    yield from contents_html(report.blocks, CONTENTS_DEPTH)
    yield "</nav>\n<main>\n"
    yield from HtmlWriter(draw, unfolded=not report.folds).blocks(report.blocks)
    yield f"</main>\n<footer><p>{text_html(report.closing)}</p></footer>\n</body>\n</html>\n"
