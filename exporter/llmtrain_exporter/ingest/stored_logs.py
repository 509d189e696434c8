"""Which runs lie in a store that was found, and what they are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import quote

from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.store import StoredRun


def runs_in(path: str, dialects: Sequence[Dialect]) -> tuple[Dialect, Sequence[StoredRun]] | None:
    """The runs in a store, and whose it is; None where it is of none of these. Raises OSError."""
    for dialect in dialects:
        runs = dialect.store(path).runs() if dialect.store is not None else None
        if runs is not None:
            return dialect, runs
    return None


def stored_path(path: str, run: StoredRun) -> str:
    """The path of a run, which no other log has: below that of a store of several."""
    return os.path.join(path, quote(run.key, safe="")) if run.key else path


def stored_name(folder: str, run: StoredRun) -> str:
    """What a run is called that a store in this folder has, relative to a root."""
    parts = folder.split("/") if folder else []
    return "/".join([*parts[: max(len(parts) - run.levels, 0)], run.name])
