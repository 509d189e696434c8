"""What runs are called: printable, not too long, unique, and the same at every scan."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Sequence

from llmtrain_exporter.printable import printable

LONGEST_NAME = 200  # characters


def labels(paths: Sequence[str]) -> list[str]:
    """For each path the shortest end of it that no other has; the whole path where there is none."""
    parts = [path.strip("/").split("/") for path in paths]
    found = [""] * len(paths)
    for length in range(1, max(map(len, parts), default=0) + 1):
        ends = ["/".join(part[-length:]) for part in parts]
        count = Counter(ends)
        found = [label or (end if count[end] == 1 else "") for label, end in zip(found, ends, strict=True)]
        if all(found):
            break
    return [label or path.strip("/") or "root" for label, path in zip(found, paths, strict=True)]


def run_names(wanted: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Path to name, of paths and the names that they would have; of equals the first keeps it as it is."""
    named: dict[str, str] = {}  # path by name
    later: list[tuple[str, str]] = []
    for path, whole in wanted:
        name = shortened(whole, path)
        if named.setdefault(name, path) != path:
            later.append((name, path))
    for name, path in later:
        marks = (_marked(name, path, attempt) for attempt in itertools.count())
        named[next(marked for marked in marks if marked not in named)] = path
    return {path: name for name, path in named.items()}


def shortened(name: str, path: str) -> str:
    """A name that is not too long, and printable. `path`: of the run."""
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else _marked(name, path)


def _marked(name: str, path: str, attempt: int = 0) -> str:
    """`attempt`: for another mark, where somebody called a folder like the first one."""
    from hashlib import sha256  # loads OpenSSL; hardly any name needs it

    mark = "~" + sha256(os.fsencode(path) + b"\0" * attempt).hexdigest()[:8]
    return name[: LONGEST_NAME - len(mark)] + mark
