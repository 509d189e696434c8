"""Watching by hand, without threads: a test says when there is a round, and what time it is."""

from __future__ import annotations

from llmtrain_exporter.serve.watcher import Watcher


def search_and_read(watcher: Watcher, monotonic: float, now: float) -> None:
    """Search for runs, and read what there is of them. `now`: Unix time."""
    watcher.scan(now)
    read_all(watcher, monotonic, now)


def read_all(watcher: Watcher, monotonic: float, now: float) -> None:
    """Look until there is no more to read."""
    while watcher.round(monotonic, now):
        pass
