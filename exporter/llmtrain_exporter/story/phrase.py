"""Texts of the knowledge with pieces in place of their placeholders."""

from __future__ import annotations

from collections.abc import Iterable

from llmtrain_exporter.knowledge.text import PATTERN, Lang, Text
from llmtrain_exporter.story.blocks import Line, Piece

Value = Piece | Line | int | None
"""What a placeholder may stand for; a number is written as it is, None as nothing."""


def phrase(text: Text, lang: Lang, /, **values: Value) -> Line:
    """The text as a line, each placeholder replaced by its value. Raises KeyError for one without a value."""
    parts = PATTERN.split(text.of(lang))  # words and names of placeholders in turns
    return joined(_line(values[part]) if at % 2 else (part,) for at, part in enumerate(parts))


def joined(lines: Iterable[Line], between: str = "") -> Line:
    """Several lines as one; words that meet become one piece."""
    pieces: list[Piece] = []
    for at, line in enumerate(lines):
        for piece in ((between,) if at else ()) + line:
            if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
                pieces[-1] += piece
            elif piece:
                pieces.append(piece)
    return tuple(pieces)


def _line(value: Value) -> Line:
    if value is None:
        return ()
    if isinstance(value, int):
        return (str(value),)
    return value if isinstance(value, tuple) else (value,)
