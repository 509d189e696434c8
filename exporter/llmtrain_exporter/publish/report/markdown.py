"""A report as Markdown, its charts as SVG files in a folder beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmtrain_exporter.publish.report.document import Document
from llmtrain_exporter.story.blocks import Figure, Paragraph
from llmtrain_exporter.write.markdown import MarkdownWriter, text_markdown


def sheet_parts(report: Document, draw: Callable[[Figure], str]) -> Iterator[str]:
    """The file, in pieces. `draw`: makes a file of a picture and gives its address beside the report."""
    yield f"# {text_markdown(report.title)}\n\n"
    blocks = (Paragraph(report.lead), *report.blocks)
    yield from MarkdownWriter(report.lang, draw).blocks(blocks, heading=report.title)
    yield f"---\n\n{text_markdown(report.closing)}\n"
