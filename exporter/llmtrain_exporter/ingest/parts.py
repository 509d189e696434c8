"""Part of a file, read at once."""

from __future__ import annotations

import os

from llmtrain_exporter.ingest.follow import open_regular


def read_part(path: str, size: int, offset: int = 0) -> bytes:
    """At most so many bytes of a file. Raises OSError."""
    descriptor, _ = open_regular(path)
    try:
        return os.pread(descriptor, size, offset)
    finally:
        os.close(descriptor)
