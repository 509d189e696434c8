"""A log that is one document, written whole again with more in it."""

from __future__ import annotations

import os
from collections.abc import Callable

from llmtrain_exporter.ingest.dialect import LogReader
from llmtrain_exporter.ingest.encoding import as_utf8
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.json_rows import NOT_JSON
from llmtrain_exporter.ingest.readable import explain
from llmtrain_exporter.ingest.reading import Held, KnownByPath, Reading, sort_rows
from llmtrain_exporter.model import Record, Skip
from llmtrain_exporter.printable import printable

LARGEST_DOCUMENT = 256 << 20  # bytes; a document is read whole
FIRST_BYTES = 4096  # of a document; where all are NULs, so may be terabytes behind them


class DocumentSource(KnownByPath):
    """A log that is one JSON document, written whole again with more in it. Writing it is not atomic."""

    def __init__(self, where: Callable[[], str], reader: Callable[[], LogReader]) -> None:
        """`where`: the path, which may be another one the next time: a newer copy, with more rows."""
        self._where = where
        self.path = where()
        self.error: str | None = None
        self._reader = reader()
        self._seen: tuple[int, int, int] | None = None  # inode, size, st_mtime_ns
        self._known = 0  # rows handed on
        self._last: Record | None = None

    def grown(self) -> bool:
        """Whether the document was written since: one stat."""
        return self._state() != self._seen

    def check(self, now: float) -> None:  # noqa: ARG002  # other sources need the time
        """Each look goes by the path; here what could not be read gets another chance."""
        if self.error:
            self._seen = None

    def park(self) -> None:
        """Nothing is held open."""

    def close(self) -> None:
        """Nothing is held open."""

    def rest(self) -> Held:
        """A document has no half rows."""
        return [], ()

    def poll(self, now: float) -> Reading | None:  # noqa: ARG002  # other sources need the time
        """The rows that the document has gained since."""
        if not self.grown():
            return None
        try:
            document, modified = self._read()
        except OSError as error:
            self.error = f"{printable(self.path)}: {explain(error)}"
            self._seen = self._state()
            return None
        rows = list(self._reader.read(document))
        if rows == [NOT_JSON] and self._known:  # caught while it is written; the next look sees it whole
            return None
        return self._news(rows, modified, len(document))

    def _news(self, rows: list[Record | Skip], modified: float, size: int) -> Reading:
        restarted = self._known > 0 and not self._continues(rows)
        past = restarted and self._last is not None  # a torn document had nothing
        begin = 0 if restarted else self._known
        records, skipped = sort_rows([rows[begin:]])
        self._known = len(rows)
        known = None if restarted else self._last
        self._last = records[-1] if records else known
        return Reading(records, skipped, modified, restarted, False, size, past=past)

    def _continues(self, rows: list[Record | Skip]) -> bool:
        """Whether the rows handed on before are still the first ones."""
        if len(rows) < self._known or self._last is None:
            return False
        last = next((row for row in reversed(rows[: self._known]) if isinstance(row, Record)), None)
        return last is not None and repr(last[:3] + last.values) == repr(self._last[:3] + self._last.values)

    def _read(self) -> tuple[bytes, float]:
        descriptor, state = open_regular(self.path)
        with open(descriptor, "rb") as file:
            begin = file.read(FIRST_BYTES)
            document = as_utf8(begin + file.read(LARGEST_DOCUMENT)) if begin.strip(b"\0") else b""
        self._seen = state.st_ino, state.st_size, state.st_mtime_ns
        self.error = None
        return document, state.st_mtime

    def _state(self) -> tuple[int, int, int] | None:
        self.path = self._where()
        try:
            state = os.stat(self.path)
        except OSError:
            return self._seen
        return state.st_ino, state.st_size, state.st_mtime_ns
