"""A line of a story as text for a terminal."""

from __future__ import annotations

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import Code, Line, Mark, Moment, Piece, Share
from llmtrain_exporter.story.numbers import duration
from llmtrain_exporter.write.columns import NBSP
from llmtrain_exporter.write.style import Style

LONGEST_BAR = 40
DONE, TO_DO = "━", "─"


def line_text(line: Line, style: Style) -> str:
    """The line in colours where the style has them. What is to be typed does not break."""
    return "".join(_piece(piece, style) for piece in line)


def plain_text(line: Line, style: Style) -> str:
    """The same for a stream in which no line is broken."""
    return line_text(line, style).replace(NBSP, " ")


def _piece(piece: Piece, style: Style) -> str:
    if isinstance(piece, str):
        return printable(piece)
    text = printable(piece.text)
    if isinstance(piece, Code):
        return text.replace(" ", NBSP)
    if isinstance(piece, Mark):
        return style.paint(text, piece.kind)
    if isinstance(piece, Share):
        return f"{_bar(piece, style)} {text}"
    if isinstance(piece, Moment) and style.now is not None:
        return words.AGO.of(style.lang).format(time=duration(style.now - piece.at, style.lang))
    return text


def _bar(share: Share, style: Style) -> str:
    width = min(LONGEST_BAR, style.width // 2)
    full = round(width * share.value)
    return style.paint(DONE * full, share.kind) + style.dim(TO_DO * (width - full))
