"""How the text of a file is encoded, by the mark before it: PowerShell's `>` writes UTF-16."""

from __future__ import annotations

import codecs

UTF8_MARK = codecs.BOM_UTF8

HALF_MARKS = (b"\xff", b"\xfe")
"""What may become the mark of UTF-16 with the next byte."""

SHOWN = 16
"""Bytes that tell the encoding of a text without a mark."""

_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def wide_encoding(head: bytes) -> str | None:
    """The encoding if these first bytes of a file say that it is UTF-16, by a mark or by their NULs."""
    return _WIDE.get(head[:2]) or _unmarked(head[:SHOWN])


def _unmarked(head: bytes) -> str | None:
    """Of text that begins with some letters of ASCII, each beside a NUL: PowerShell's `>>` sets no mark."""
    one, other = head[0::2], head[1::2]
    if len(head) < SHOWN:
        return None
    if not other.strip(b"\0") and _is_text(one):
        return "utf-16-le"
    return "utf-16-be" if not one.strip(b"\0") and _is_text(other) else None


def _is_text(letters: bytes) -> bool:
    return all(letter in b"\t\n\r\x1b" or 32 <= letter < 127 for letter in letters)


def as_utf8(data: bytes) -> bytes:
    """All of a file, or the begin of it, as UTF-8 without a mark. What is no text stays as it is."""
    encoding = wide_encoding(data)
    if encoding is None:
        return data.removeprefix(UTF8_MARK)
    return data.decode(encoding, "replace").removeprefix("\ufeff").encode()
