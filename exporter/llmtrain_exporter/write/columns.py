"""Text in the columns of a terminal, in which Chinese characters are two wide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import click

NBSP = "\xa0"
"""A blank at which no line breaks; printed as an ordinary one."""

_WIDE = "\u2e80-\u303f\u3040-\u9fff\uf900-\ufaff\uff00-\uffef"
_OPENING, _CLOSING = "（「《", "，。；：、！？）」》"  # noqa: RUF001  # full width is the point
# A line may break between two of these: never before closing or after opening punctuation.
_UNIT = rf"[{_OPENING}]*(?:[^ {_WIDE}]+|[^ {_OPENING}{_CLOSING}])[{_CLOSING}]*"
_PIECE = re.compile(rf" +|{_UNIT}(?:(?:(?={NBSP})|(?<={NBSP})){_UNIT})*|[{_OPENING}{_CLOSING}]+")
_TOGETHER = re.compile(r"(?<=第) (?=\d)|(?<=\d) (?=步)|(?<=step) (?=\d)")
_LEAD = re.compile(r" *(?:- |\d+\. )?")


def columns(text: str) -> int:
    """Columns that a text takes; colours take none."""
    return sum(_columns(char) for char in click.unstyle(text))


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(line: str, width: int, whole_paths: bool = False) -> Iterator[str]:
    """A line as lines of at most `width` columns, those after the first indented like its text.

    `whole_paths`: one that is wider takes more than a line of the terminal, so that people can copy it.
    """
    line = _TOGETHER.sub(NBSP, line)
    lead = _LEAD.match(line)
    indent = " " * (len(lead[0]) if lead else 0)
    begun, empty = line[: len(indent)], True
    for piece in _pieces(line[len(indent) :], max(width - len(indent), 2), whole_paths):
        if not empty and columns(begun + piece.rstrip(" ")) > width:
            yield begun.rstrip(" ").replace(NBSP, " ")
            begun, empty = indent, True
            piece = piece.lstrip(" ")
        begun += piece
        empty = empty and not piece
    yield begun.rstrip(" ").replace(NBSP, " ")


def _pieces(text: str, most: int, whole_paths: bool) -> Iterator[str]:
    """What stays together; a word that is wider than `most` is cut."""
    for piece in _PIECE.findall(text):
        while columns(piece) > most and not (whole_paths and "/" in piece):
            at = next(at for at in range(len(piece), 0, -1) if columns(piece[:at]) <= most)
            yield piece[:at]
            piece = piece[at:]
        yield piece


def padded(text: str, width: int) -> str:
    """The text with blanks up to `width` columns."""
    return text + " " * (width - columns(text))


def shortened_name(text: str, width: int) -> str:
    """At most `width` columns of a text: its middle gives way, for both ends of a name tell more."""
    if columns(text) <= width:
        return text
    head, tail = text[: len(text) // 2], text[len(text) // 2 :]
    while columns(head) + 1 + columns(tail) > max(width, 3):
        if columns(head) > columns(tail):
            head = head[:-1]
        else:
            tail = tail[1:]
    return f"{head}…{tail}"
