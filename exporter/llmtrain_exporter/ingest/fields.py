"""The fields of a printed row, `key: value`, with the forms in which programs write numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.prefixes import without_prefix_at_end
from llmtrain_exporter.ingest.python_dict import UNREADABLE
from llmtrain_exporter.ingest.values import LONGEST

LONGEST_ROW = 1 << 17
"""Bytes; the longest real ones have 300 fields and take a tenth."""

LOST_ROW: LogRow = {"loss": UNREADABLE, "epoch": UNREADABLE}
"""Stands for a row of which nothing can be read, so that it is counted."""

_WRAPPED = re.compile(
    rb"[A-Za-z_][\w.]{0,40}\(([^(),]{1,40})[,)]"
)  # np.float64(0.5), tensor(0.5, device='cuda:0')
_SIZES = {b"K": 1e3, b"M": 1e6, b"G": 1e9, b"B": 1e9, b"T": 1e12, b"P": 1e15}


def number_or_text(text: bytes) -> object:
    """The number that a field shows; else its text, of which the key tells whether that is a loss."""
    try:
        return float(text) if b"_" not in text and len(text) <= LONGEST else _text(text)
    except ValueError:
        wrapped = _WRAPPED.match(text)
        return _text(text) if wrapped is None else number_or_text(wrapped[1].strip())


def human_number(text: bytes) -> object:
    """As `number_or_text`, and of a number of three digits with a letter for its size: 10.7M."""
    read = number_or_text(text[:-1]) if text[-1:] in _SIZES else None
    return read * _SIZES[text[-1:]] if isinstance(read, float) else number_or_text(text)


def grouped_number(text: bytes) -> object:
    """As `number_or_text`, and of a number with commas between its thousands: 7,123."""
    return number_or_text(text.replace(b",", b"")) if len(text) <= LONGEST else _text(text)


def fields(
    text: bytes, between: bytes, sign: bytes, read: Callable[[bytes], object] = number_or_text
) -> dict[str, object]:
    """The fields of a row, each value as `read`. A part without a sign is one that was cut."""
    found: dict[str, object] = {}
    for part in text.split(between):
        key, signed, value = part.rpartition(sign)
        if signed:
            found[name(key)] = read(value.strip())
        elif part and not part.isspace():
            found[name(part)] = UNREADABLE
    return found


def matching(text: bytes, field: re.Pattern[bytes], read: Callable[[bytes], object]) -> dict[str, object]:
    """The fields of a row by a pattern of key and value. What stands between them beside commas was cut."""
    found = {name(key): read(value) for key, value in field.findall(text)}
    rest = field.sub(b"", text).strip(b", \t\r")
    return {**found, name(rest): UNREADABLE} if rest else found


def rows_in(line: bytes, begin: re.Pattern[bytes], mark: bytes) -> Iterator[tuple[re.Match[bytes], bytes]]:
    """Where each row in a line begins, and the text behind that; several where writers' lines were glued.

    `mark`: is in each begin; to look for it costs a tenth of the expression.
    """
    before: bytes | None = None
    found = begin.search(line) if mark in line and len(line) <= LONGEST_ROW else None
    while found:
        end = found.end()
        before = line[: found.start()] if before is None else before
        another = begin.search(line, end) if line.find(mark, end) >= 0 else None
        yield found, without_prefix_at_end(before, line[end : another.start()]) if another else line[end:]
        found = another


def name(key: bytes) -> str:
    """A key without the blanks around it."""
    return key.strip().decode(errors="replace")


def _text(text: bytes) -> str:
    return text.decode(errors="replace")
