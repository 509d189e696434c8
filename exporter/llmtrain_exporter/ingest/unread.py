"""What stands in a file in which no row of a training was found, for people to see."""

from __future__ import annotations

import os
from collections.abc import Sequence

from llmtrain_exporter.ingest.dialect import Dialect, Head
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.recognise import FileNames
from llmtrain_exporter.knowledge.no_run import Content
from llmtrain_exporter.model import Unread
from llmtrain_exporter.printable import printable

LOOKED_AT = 4 << 10  # bytes
MOST_LINES = 5
LONGEST_LINE = 100  # characters

_POINTER = b"version https://git-lfs.github.com/spec/"
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
"""The first bytes of gzip, bzip2, xz, zstd, zip."""


def look_into(path: str, read_as: Dialect, names: FileNames, dialects: Sequence[Dialect]) -> Unread | None:
    """What the file looks like, and which formats were tried; None where it cannot be read."""
    try:
        data = read_part(path, LOOKED_AT)
    except OSError:
        return None
    tried = names.believed(os.path.basename(path)) or dialects
    content = _content(data)
    lines = _first_lines(data) if content in (Content.JSON, Content.TEXT, Content.POINTER) else ()
    return Unread(read_as.name, {dialect.name: dialect.files for dialect in tried}, content, lines)


def _content(data: bytes) -> Content:
    head = Head.of(data)
    if not head.text:
        return Content.NOTHING
    if head.text.startswith(_POINTER):
        return Content.POINTER
    if data.startswith(_PACKED):
        return Content.PACKED
    if b"\0" in head.text:
        return Content.BINARY
    return Content.TEXT if head.first is None else Content.JSON


def _first_lines(data: bytes) -> tuple[str, ...]:
    text = Head.of(data).text.decode(errors="replace")
    lines = (" ".join(line.split()) for line in text.splitlines())
    return tuple(_shortened(printable(line)) for line in [line for line in lines if line][:MOST_LINES])


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
