"""How far a file was consumed, and what it has to begin with to be read on from there."""

from __future__ import annotations

from llmtrain_exporter.ingest.fingerprint import Fingerprint

TAIL = 256  # consumed bytes that must still stand in the file: about a row, for rows end alike


class Consumed:
    """Where the reading of a file stands that consists of units, and the last part of a unit."""

    __slots__ = ("dropped", "fingerprint", "mark", "offset", "partial")

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        self.partial = bytearray()  # what was consumed behind the last whole unit, as it stands in the file
        self.begin()

    def begin(self) -> None:
        """Back to the first byte of a file."""
        self.offset = 0  # bytes consumed, the partial unit included
        self.fingerprint = Fingerprint()  # of what is before the partial unit
        self.mark = b""  # the last bytes before that, up to TAIL
        self.partial.clear()

    def rewind(self) -> None:
        """Back to the begin of the partial unit."""
        self.offset -= len(self.partial)
        self.partial.clear()

    def leap(self, offset: int) -> None:
        """Go on behind a hole, which is too large to be read; what stands before it is not compared again."""
        self.partial.clear()
        self.offset = offset
        self.fingerprint = Fingerprint(offset)
        self.mark = b"\0" * TAIL

    @property
    def tail(self) -> bytes:
        """The last bytes consumed, up to TAIL."""
        return bytes(self.mark + self.partial[-TAIL:])[-TAIL:]
