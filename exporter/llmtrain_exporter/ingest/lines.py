"""Consecutive bytes of a file to whole lines; what is no text is dropped and counted, never handed on."""

from __future__ import annotations

from io import BytesIO

from llmtrain_exporter.ingest.consumed import TAIL, Consumed
from llmtrain_exporter.ingest.encoding import HALF_MARKS, SHOWN, UTF8_MARK, wide_encoding

WIDE_HOLE = 4096  # NULs in a row that are no text of UTF-16
SHORT = 100  # bytes of a line; longer ones are quicker found by whoever looks for their ends alone
OVERWRITTEN = 1 << 20  # bytes of progress bars without a line's end that are worth keeping


def _parted(text: bytes) -> list[bytes]:
    """The lines of a text, each of which has its end there: `split` looks at each byte by itself."""
    if text.find(b"\n") < SHORT:
        return text[:-1].split(b"\n")
    return [line[:-1] for line in BytesIO(text)]


class Lines(Consumed):
    """How far a file was consumed, what of it, and the last half line."""

    __slots__ = (
        "_encoding",
        "_endured",
        "_max_line",
        "_nul_looks",
        "_nuls_end",
        "_patience",
        "_skipping",
    )

    def __init__(self, max_line: int, patience: int) -> None:
        """`max_line`: bytes. `patience`: looks at NULs before they are skipped."""
        self._max_line = max_line
        self._patience = patience
        super().__init__()

    def begin(self) -> None:
        """Back to the first byte of a file."""
        super().begin()
        self._encoding: str | None = None  # of UTF-16; None for what has its ASCII as single bytes
        self._skipping = False  # inside a line above the cap, up to its end
        self._nul_looks = 0  # at the NULs that stand next
        self._nuls_end = 0  # size of the file when they were seen first
        self._endured = 0  # NULs before this offset have been waited for

    @property
    def waiting(self) -> bool:
        """Whether NULs stand next that may yet become data."""
        return 0 < self._nul_looks <= self._patience

    @property
    def in_hole(self) -> bool:
        """Whether all that was consumed last were NULs that are skipped."""
        return self._nul_looks > self._patience

    @property
    def unfinished(self) -> bytes:
        """The half line at the end."""
        return self._decoded(bytes(self.partial)) if self._encoding else bytes(self.partial)

    def take(self, data: bytes, begin: int, size: int) -> list[bytes]:
        """Consumes data[begin:], at most up to NULs that are waited for. `size`: of the file.

        What is before `begin` was consumed earlier.
        """
        if self.offset == 0:
            if data[begin:] in HALF_MARKS:
                return []
            self._encoding = wide_encoding(data[begin : begin + SHOWN])
        # UTF-16 is half NULs; much that is nothing else is a hole.
        if self._encoding and data.count(0, begin) < max(len(data) - begin, WIDE_HOLE):
            return self._take_wide(data[begin:])
        lines: list[bytes] = []
        if begin == len(data):
            self._nul_looks = 0
        while begin < len(data):
            begin = self._past_nuls(data, begin, size)
            if self.waiting:
                break
            nul = data.find(b"\0", begin)
            end = len(data) if nul < 0 else nul
            if begin < end:
                lines += self._take_text(data, begin, end)
            begin = end
        return lines

    def _take_text(self, data: bytes, begin: int, end: int) -> list[bytes]:
        self._nul_looks = 0
        first = self.fingerprint.length == 0
        self.offset += end - begin
        last = data.rfind(b"\n", begin, end)
        if last < 0:
            self._extend(data[begin:end])
            return []
        self.fingerprint.update(self.partial)
        self.fingerprint.update(memoryview(data)[begin : last + 1])
        lines = _parted(data[begin : last + 1])
        self._complete(lines)
        if first and lines:
            lines[0] = lines[0].removeprefix(UTF8_MARK)
        self.partial += data[last + 1 : end]
        self.mark = data[max(0, last + 1 - TAIL) : last + 1]
        return lines

    def _take_wide(self, data: bytes) -> list[bytes]:
        """The same of UTF-16, whose lines are handed on as UTF-8."""
        self._nul_looks = 0
        known, base = len(self.partial), self.offset - len(self.partial)
        self.offset += len(data)
        self.partial += data
        end = self._wide_end(max(0, known - 1), base)
        if not end:
            if len(self.partial) > self._max_line:
                self._forget(len(self.partial), None if self._skipping else "too_long")
                self._skipping = True
            return []
        lines = self._decoded(bytes(self.partial[base % 2 : end])).split(b"\n")[:-1]
        self._forget(end)
        if self._skipping:
            self._skipping = False
            del lines[0]
        return lines

    def _wide_end(self, start: int, base: int) -> int:
        """Behind the last line's end in the partial line, searched from `start`; 0 for none."""
        mark = "\n".encode(self._encoding or "")
        at = self.partial.rfind(mark, start)
        while at >= 0 and (base + at) % 2:
            at = self.partial.rfind(mark, start, at + 1)
        return at + 2 if at >= 0 else 0

    def _decoded(self, data: bytes) -> bytes:
        text = data.decode(self._encoding or "", "replace")
        return text.replace("\ufeff", "").replace("\0", "").encode()

    def _past_nuls(self, data: bytes, begin: int, size: int) -> int:
        """Where to go on: before the NULs as long as they may become data, then behind them."""
        if data[begin : begin + 1] != b"\0":
            self._nul_looks = 0
            return begin
        if self._nul_looks == 0:
            self._nuls_end = size
            if self.offset < self._endured:  # stood there while others before them were waited for
                self._nul_looks = self._patience
        self._nul_looks += 1
        if self.waiting:
            return begin
        self._endured = max(self._endured, self._nuls_end)
        if self._nul_looks == self._patience + 1:  # once for a run of NULs, however many chunks it takes
            self._drop("nul")
        end = len(data) - len(data[begin:].lstrip(b"\0"))
        self.fingerprint.update(self.partial)
        self.fingerprint.update(memoryview(data)[begin:end])
        self.partial.clear()
        self.mark = data[max(0, end - TAIL) : end]
        self.offset += end - begin
        return end

    def _complete(self, lines: list[bytes]) -> None:
        """Joins the partial line with the first of `lines`, which is its end."""
        if self._skipping:
            self._skipping = False
            del lines[0]
        elif len(self.partial) + len(lines[0]) > self._max_line:
            self._drop("too_long")
            del lines[0]
        elif self.partial:
            self.partial += lines[0]
            lines[0] = bytes(self.partial)
        self.partial.clear()

    def _extend(self, text: bytes) -> None:
        """Adds to the partial line, and bounds it."""
        known = len(self.partial)
        self.partial += text
        if self._skipping:
            self._forget(len(self.partial))
            return
        limit = min(OVERWRITTEN, self._max_line)
        if len(self.partial) > limit:
            # Without the last byte, which may be the first half of "\r\n"; without what was searched before.
            cut = self.partial.rfind(b"\r", known - 1 if known > limit else 0, -1) + 1
            self._forget(cut, "overwritten")
        if len(self.partial) > self._max_line:
            self._forget(len(self.partial), "too_long")
            self._skipping = True

    def _forget(self, count: int, reason: str | None = None) -> None:
        """Drops the first `count` bytes of the partial line."""
        if count and reason:
            self._drop(reason)
        self.fingerprint.update(self.partial[:count])
        self.mark = bytes(self.mark + self.partial[max(0, count - TAIL) : count])[-TAIL:]
        del self.partial[:count]

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
