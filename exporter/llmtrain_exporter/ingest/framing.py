"""Binary logs that grow by whole records, each in a frame that says where it ends."""

from __future__ import annotations

from typing import Protocol

from llmtrain_exporter.model import Skip

BROKEN_FRAME = Skip("broken_frame")


class Framing(Protocol):
    """Finds the records in consecutive bytes of one file."""

    def begin_near(self, offset: int, /) -> int:
        """Begin in the midst of a file, at the offset that is returned: at this one or little before it."""

    def take(self, data: bytes, last: bool, /) -> tuple[list[bytes | Skip], int]:
        """The payloads of whole frames, or why there is none, and how many bytes they took up.

        `data` begins behind what was taken before; what is left is handed in again with more behind it.
        `last`: nobody writes any more, and what is not whole is broken.
        """
