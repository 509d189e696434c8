"""What lies in a folder besides logs: what would be read under another name, and how much else there is."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence

from llmtrain_exporter.ingest import checkpoints
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.glimpses import MOST_LOOKED_AT, likely
from llmtrain_exporter.ingest.search_options import SearchOptions
from llmtrain_exporter.ingest.walk import SKIPPED_FOLDERS
from llmtrain_exporter.knowledge.no_run import ODD_NAME, OTHER_FILES, OTHER_FORMAT
from llmtrain_exporter.model import LeftOut

MOST_FOLDERS, MOST_FILES, MOST_READ = 200, 5000, 50
"""Of what lies below a folder that is looked into; a person asks, and does not wait for long."""

_TEXTS = frozenset(("", ".txt", ".err", ".log", ".out", ".jsonl", ".json", ".stdout", ".md", ".text"))
_LARGE = 1 << 30


def survey(root: str, options: SearchOptions, known: Collection[str]) -> Sequence[LeftOut]:
    """What lies below a folder and is not `known`, by path: files that a training has written come first.

    Of a folder that is known all is.
    """
    others: Counter[str] = Counter()
    telling = list(_telling(root, options, known, others))
    kinds = ", ".join(f"{count} *{suffix or ' (no suffix)'}" for suffix, count in others.most_common(5))
    return [*telling, *([LeftOut(root, OTHER_FILES, detail=kinds)] if kinds else [])]


def _telling(
    root: str, options: SearchOptions, known: Collection[str], others: Counter[str]
) -> Iterator[LeftOut]:
    read = 0
    for path in _files(root, known):
        suffix = os.path.splitext(path)[1].lower()
        if path in known:
            continue
        found = None
        if suffix in _TEXTS and read < MOST_READ:
            read += 1
            found = _looked_into(path, options)
        if found is None:
            others[suffix] += 1
        else:
            yield found


def _files(root: str, known: Collection[str]) -> Iterator[str]:
    """The files below a folder, its own first; those of checkpoints and working folders are none of them."""
    folders, count = deque([root]), 0
    for _ in range(MOST_FOLDERS):
        if not folders:
            return
        try:
            with os.scandir(folders.popleft()) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                skipped = entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS
                if not (skipped or entry.path in known) and not checkpoints.is_checkpoint(entry.name):
                    folders.append(entry.path)
            elif count < MOST_FILES:
                count += 1
                yield entry.path


def _looked_into(path: str, options: SearchOptions) -> LeftOut | None:
    """Whether it would be read under another name, or when it is named by hand."""
    try:
        descriptor, state = open_regular(path)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        data = file.read(MOST_LOOKED_AT) if state.st_size < _LARGE else b""
    printed = likely(data, options.consoles)
    if printed is not None:
        return LeftOut(path, ODD_NAME, detail=printed.name)
    sure = _surely(data, [dialect for dialect in options.dialects if dialect.role is not Role.CONSOLE])
    return None if sure is None else LeftOut(path, OTHER_FORMAT, detail=sure.name)


def _surely(data: bytes, dialects: Sequence[Dialect]) -> Dialect | None:
    head = Head.of(data)
    return next((dialect for dialect in dialects if dialect.sniff(head) is Confidence.SURE), None)
