"""What was read of a file, in a few bytes: enough to know it again, whatever number the file has by then."""

from __future__ import annotations

import errno
import os
from array import array
from enum import Enum

try:
    from isal.isal_zlib import crc32  # ten times as fast
except ImportError:
    from zlib import crc32

SLICE = 1 << 18  # bytes read at once
COMPARED = 16 << 20  # bytes compared at most in one look: some hundredths of a second


class Fingerprint:
    """A rolling checksum of the bytes from `start` on; also as it was after 1, 2, 4, 8, ... bytes.

    The latter tell another file before it has as many bytes, and cost 4 bytes for each doubling.
    """

    __slots__ = ("crc", "doublings", "length", "start")

    def __init__(self, start: int = 0) -> None:
        """`start`: offset in the file; above 0 only behind a hole that nobody reads."""
        self.start = start
        self.length = 0
        self.crc = 0
        self.doublings = array("I")

    @property
    def end(self) -> int:
        """The offset in the file up to which it goes."""
        return self.start + self.length

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in the bytes that follow."""
        view = memoryview(data)
        while (ahead := (1 << len(self.doublings)) - self.length) <= len(view):
            self._roll(view[:ahead])
            self.doublings.append(self.crc)
            view = view[ahead:]
        self._roll(view)

    def agrees(self, other: Fingerprint) -> bool:
        """Whether both can be of the same file, one of them perhaps of less of it."""
        both = min(len(self.doublings), len(other.doublings))
        if self.start != other.start or self.doublings[:both] != other.doublings[:both]:
            return False
        return self.length != other.length or self.crc == other.crc

    def copy(self) -> Fingerprint:
        """Another one of the same bytes."""
        made = Fingerprint(self.start)
        made.length, made.crc, made.doublings = self.length, self.crc, self.doublings[:]
        return made

    def _roll(self, view: memoryview) -> None:
        self.crc = crc32(view, self.crc)
        self.length += len(view)


class Likeness(Enum):
    """What a file is to the log that was read."""

    SAME = "it begins with all that was read"
    SHORTER = "it has less than was read, and that may be the begin of it"
    OTHER = "it begins otherwise"
    UNDECIDED = "not all of it has been compared yet"


class Suspect:
    """An open file that may be the log which was read, or another: compared in as many looks as it takes."""

    __slots__ = ("_seen", "descriptor", "identity", "size")

    def __init__(self, descriptor: int, identity: tuple[int, int] | None, start: int) -> None:
        """`identity`: (device, inode). `start`: where the fingerprint of what was read begins."""
        self.descriptor = descriptor
        self.identity = identity
        self.size = 0  # bytes, at the last look
        self._seen = Fingerprint(start)

    @property
    def compared(self) -> int:
        """Bytes that were compared so far."""
        return self._seen.length

    def compare(self, known: Fingerprint) -> Likeness:
        """Compare some more of the file. Raises OSError."""
        self.size = os.fstat(self.descriptor).st_size
        last = self._seen.length + COMPARED
        while self._seen.length < min(known.length, last):
            if not self._advance(known.length):
                # Nothing there; where the size says that there should be, that is no proof.
                return Likeness.SHORTER if self.size < known.end else Likeness.UNDECIDED
            if not self._seen.agrees(known):
                return Likeness.OTHER
        return Likeness.SAME if self._seen.length == known.length else Likeness.UNDECIDED

    def _advance(self, length: int) -> bool:
        seen = self._seen
        data = os.pread(self.descriptor, min(SLICE, length - seen.length), seen.end)
        seen.update(data)
        return bool(data)


def stands_in(descriptor: int, fingerprint: Fingerprint) -> bool:
    """Whether an open file begins with what this is of. Compares all of it. Raises OSError."""
    suspect, looked = Suspect(descriptor, None, fingerprint.start), -1
    while (verdict := suspect.compare(fingerprint)) is Likeness.UNDECIDED and suspect.compared > looked:
        looked = suspect.compared
    return verdict is Likeness.SAME


def next_data(descriptor: int, offset: int, size: int) -> int:
    """Where the hole at this offset ends; the offset itself where there is none, or nobody knows."""
    try:
        return max(offset, min(os.lseek(descriptor, offset, os.SEEK_DATA), size))
    except OSError as error:
        return max(offset, size) if error.errno == errno.ENXIO else offset
