"""How the text of a file is encoded, by the mark before it: PowerShell's `>` writes UTF-16."""

from __future__ import annotations

import codecs

UTF8_MARK = codecs.BOM_UTF8

HALF_MARKS = (b"\xff", b"\xfe")
"""What may become the mark of UTF-16 with the next byte."""

_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def wide_encoding(head: bytes) -> str | None:
    """The encoding if these first bytes of a file say that it is UTF-16."""
    return _WIDE.get(head[:2])


def as_utf8(data: bytes) -> bytes:
    """All of a file, or the begin of it, as UTF-8 without a mark. What is no text stays as it is."""
    encoding = wide_encoding(data)
    if encoding is None:
        return data.removeprefix(UTF8_MARK)
    return data[2:].decode(encoding, "replace").encode()
