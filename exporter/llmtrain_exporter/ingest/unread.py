"""What stands in a file in which no row of a training was found, for people to see."""

from __future__ import annotations

import os
from collections.abc import Sequence

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Shape
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.recognise import FileNames
from llmtrain_exporter.ingest.sqlite_file import MAGIC
from llmtrain_exporter.ingest.unread_rows import unread_rows
from llmtrain_exporter.knowledge.no_run import Content
from llmtrain_exporter.model import Unread
from llmtrain_exporter.printable import printable

LOOKED_AT = 4 << 10  # bytes
WIDE_LOOK = 256  # bytes, of these the last
MOST_LINES = 5
LONGEST_LINE = 100  # characters

_POINTER = b"version https://git-lfs.github.com/spec/"
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
"""The first bytes of gzip, bzip2, xz, zstd, zip."""

_BINARY_SHAPES = (Shape.RECORDS, Shape.FRAMES)
_TEXTS = (Content.JSON, Content.TEXT, Content.UNREAD_ROWS, Content.NO_MARK)
_OF_LINES = (Content.JSON, Content.TEXT, Content.POINTER, Content.UNREAD_ROWS, Content.NO_STORE)


def look_into(path: str, read_as: Dialect, names: FileNames, dialects: Sequence[Dialect]) -> Unread | None:
    """What the file looks like, and which formats were tried; None where it cannot be read."""
    try:
        data = read_part(path, LOOKED_AT)
        rows = unread_rows(path)
    except OSError:
        return None
    believed = names.believed(os.path.basename(path))
    head = Head.of(data)
    content = _of_bytes(data, head, read_as) or (Content.UNREAD_ROWS if rows else _of_text(head, read_as))
    lines = _first_lines(head) if content in _OF_LINES and b"\0" not in head.text else ()
    rows = rows if content is Content.UNREAD_ROWS else None
    tried = {dialect.name: dialect.files for dialect in believed or dialects}
    possible = tuple(each.name for each in dialects if each.name in tried and _may_hold(each, content))
    return Unread(read_as.name, tried, content, lines, rows, possible)


def _may_hold(dialect: Dialect, content: Content) -> bool:
    """Whether a file of the dialect can look so: what is text was never held to be a tracker's store."""
    return content not in _TEXTS or dialect.shape in (Shape.LINES, Shape.DOCUMENT)


def _of_bytes(data: bytes, head: Head, read_as: Dialect) -> Content | None:
    """What the first bytes say of a file that is no text for people; None: it is."""
    if not head.text:
        return Content.NO_ROW_YET if read_as.kept_by_tracker else Content.NOTHING
    if head.text.startswith(_POINTER):
        return Content.POINTER
    if data.startswith(_PACKED):
        return Content.PACKED
    if read_as.shape in _BINARY_SHAPES and read_as.sniff(head) is Confidence.SURE:
        return Content.NO_ROW_YET
    if data.startswith(MAGIC):
        return Content.NO_STORE
    if b"\0" not in head.text:
        return None
    if _is_wide(data):
        return Content.NO_MARK
    return Content.NO_STORE if read_as.kept_by_tracker else Content.BINARY


def _is_wide(data: bytes) -> bool:
    """Whether bytes end in text in UTF-16: each second one of letters, digits and signs is NUL."""
    end = data[-WIDE_LOOK:]
    return any(
        end[at::2].count(0) > 0.8 * len(end[at::2]) and end[1 - at :: 2].count(0) == 0 for at in (0, 1)
    )


def _of_text(head: Head, read_as: Dialect) -> Content:
    if read_as.shape is Shape.STORE:
        return Content.NO_STORE
    return Content.TEXT if head.first is None else Content.JSON


def _first_lines(head: Head) -> tuple[str, ...]:
    text = head.text.decode(errors="replace")
    lines = (" ".join(line.split()) for line in text.splitlines())
    return tuple(_shortened(printable(line)) for line in [line for line in lines if line][:MOST_LINES])


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
