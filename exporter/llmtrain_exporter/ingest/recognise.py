"""Which dialect a file is of: by its name, and where that does not tell, by its first bytes."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Sequence

from llmtrain_exporter.ingest.dialect import Dialect, Head, Role
from llmtrain_exporter.ingest.follow import open_regular

SNIFFED = 64 << 10  # bytes

_WILD = re.compile(r"[*?[]")


def dialect_of(path: str, dialects: Sequence[Dialect]) -> Dialect:
    """The dialect of a file that was named by hand. Raises OSError."""
    return sniff(path, FileNames(dialects).believed(os.path.basename(path)) or dialects)


def sniff(path: str, candidates: Sequence[Dialect]) -> Dialect:
    """Which of the candidates a file is of; of only one nothing is read. Raises OSError."""
    if len(candidates) == 1:
        return candidates[0]
    fd, _ = open_regular(path)
    try:
        return recognise(os.pread(fd, SNIFFED, 0), candidates)
    finally:
        os.close(fd)


def recognise(data: bytes, candidates: Iterable[Dialect]) -> Dialect:
    """The dialect of a file that begins so: the surest, of equals the first. One has to take any text."""
    head = Head.of(data)
    return max(candidates, key=lambda dialect: dialect.sniff(head))


class FileNames:
    """File names to dialects. An exact name goes before a pattern, a dialect's own before the operator's."""

    def __init__(self, dialects: Iterable[Dialect], stdout_log: Iterable[str] = ()) -> None:
        """`stdout_log`: the operator's names and patterns of what programs print."""
        self._exact: dict[str, tuple[Dialect, ...]] = {}
        self._wild: list[tuple[re.Pattern[str], tuple[Dialect, ...]]] = []
        for dialect in dialects:
            for name in dialect.files:
                self._claim(name, (*self._exact.get(name, ()), dialect))
        printed = tuple(dialect for dialect in dialects if dialect.role is Role.CONSOLE)
        for name in stdout_log:
            self._claim(name, self._exact.get(name, printed))

    def exact(self, name: str) -> bool:
        """Whether a file of this name was asked for by just this name."""
        return name in self._exact

    def believed(self, name: str) -> Sequence[Dialect]:
        """The dialects that a file of this name can be of, unless others call theirs so too."""
        return [dialect for dialect in self.candidates(name) if not dialect.by_content]

    def may_be_numbered(self, name: str) -> bool:
        """Whether a number at the end of a name is its own, and not that of an old log put aside."""
        return self.exact(name) or any(dialect.files_per_run for dialect in self.candidates(name))

    def candidates(self, name: str) -> tuple[Dialect, ...]:
        """The dialects that a file of this name can be of; none: it is no log."""
        if name in self._exact or not self._wild:
            return self._exact.get(name, ())
        fitting = (dialects for wild, dialects in self._wild if wild.match(name))
        return tuple(dict.fromkeys(dialect for dialects in fitting for dialect in dialects))

    def beside(self, path: str) -> tuple[str, ...]:
        """The other logs of a run in the folder of its live log."""
        folder = os.path.dirname(path)
        names = [name for name, dialects in self._exact.items() if not dialects[0].run_per_file]
        paths = [os.path.join(folder, name) for name in names]
        return tuple(other for other in paths if other != path and os.path.isfile(other))

    def _claim(self, name: str, dialects: tuple[Dialect, ...]) -> None:
        if _WILD.search(name):
            self._wild.append((re.compile(fnmatch.translate(name)), dialects))
        else:
            self._exact[name] = dialects
