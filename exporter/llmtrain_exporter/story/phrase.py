"""Texts of the knowledge with pieces in place of their placeholders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import PATTERN, Lang, Text
from llmtrain_exporter.story.blocks import Joint, Line, Piece

Value = Piece | Line | int | None
"""What a placeholder may stand for; a number is written as it is, None as nothing."""


def phrase(text: Text, lang: Lang, /, **values: Value) -> Line:
    """The text as a line, each placeholder replaced by its value. Raises KeyError for one without a value."""
    parts = PATTERN.split(text.of(lang))  # words and names of placeholders in turns
    return joined(_line(values[part]) if at % 2 else (part,) for at, part in enumerate(parts))


def parts(text: Text, lang: Lang, /, **values: Value) -> Line:
    """The same with a joint wherever the text itself says something: each value is a part of the line."""
    pieces = PATTERN.split(text.of(lang))
    return joined(_line(values[piece]) if at % 2 else (Joint(piece),) for at, piece in enumerate(pieces))


def enumerated(names: Sequence[str], lang: Lang) -> str:
    """ "KL", "KL and reward", "KL, reward and length"."""
    *others, last = names or ("",)
    listed = words.LISTED.of(lang).join(others)
    return words.LISTED_LAST.of(lang).join(filter(None, (listed, last)))


def joined(lines: Iterable[Line], between: str = "") -> Line:
    """Several lines as one; words that meet become one piece, but for a joint."""
    pieces: list[Piece] = []
    for at, line in enumerate(lines):
        for piece in ((between,) if at else ()) + line:
            before = pieces[-1] if pieces else None
            if type(piece) is str and type(before) is str:
                pieces[-1] = before + piece
            elif piece:
                pieces.append(piece)
    return tuple(pieces)


def _line(value: Value) -> Line:
    if value is None:
        return ()
    if isinstance(value, int):
        return (str(value),)
    return value if isinstance(value, tuple) else (value,)
