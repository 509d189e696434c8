"""Which dialect a file is of: by its name, and where that does not tell, by its first bytes."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from llmtrain_exporter.ingest.dialect import Dialect, Head, Role
from llmtrain_exporter.ingest.parts import read_part

SNIFFED = 64 << 10  # bytes

PRINTED_FILES = ("*.log", "*.out")
"""How people call a program's output: nohup.out, slurm-4711.out, W&B's output.log, a container's 0.log."""

_WILD = re.compile(r"[*?[]")
_WILD_PART = re.compile(r"\*|\?|\[!?\]?[^]]*\]")


def dialect_of(path: str, dialects: Sequence[Dialect]) -> Dialect:
    """The dialect of a file that was named by hand. Raises OSError."""
    return sniff(path, FileNames(dialects).believed(os.path.basename(path)) or dialects)


def sniff(path: str, candidates: Sequence[Dialect]) -> Dialect:
    """Which of the candidates a file is of; of only one nothing is read. Raises OSError."""
    if len(candidates) == 1:
        return candidates[0]
    return recognise(read_part(path, SNIFFED), candidates)


def recognise(data: bytes, candidates: Iterable[Dialect]) -> Dialect:
    """The dialect of a file that begins so: the surest, of equals the first. One has to take any text."""
    head = Head.of(data)
    return max(candidates, key=lambda dialect: dialect.sniff(head))


class NamePatterns:
    """Patterns of file names, all of them asked at once."""

    def __init__(self, patterns: Iterable[str]) -> None:
        known = tuple(patterns)
        self._any = re.compile("|".join(map(fnmatch.translate, known))) if known else None

    def fit(self, name: str) -> bool:
        """Whether one of them fits."""
        return self._any is not None and self._any.match(name) is not None


class NameEnds(NamedTuple):
    """How the names begin or end that patterns fit: what nearly every other name does not.

    For `str.startswith` and `str.endswith`, which cost a tenth of an expression.
    """

    begins: tuple[str, ...]
    ends: tuple[str, ...]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> NameEnds:
        """Of each pattern what stands behind its last wild character, or else before the first."""
        parts = [_WILD_PART.split(pattern) for pattern in patterns]
        ends = tuple(dict.fromkeys(part[-1] for part in parts if part[-1] and not part[0]))
        begins = [part[0] for part in parts if (part[0] or not part[-1]) and not part[-1].endswith(ends)]
        return cls(tuple(begins), ends)


class FileNames:
    """File names to dialects. An exact name goes before a pattern, a dialect's own before the operator's."""

    def __init__(
        self, dialects: Iterable[Dialect], stdout_log: Iterable[str] = (), printed: Iterable[str] = ()
    ) -> None:
        """`stdout_log`: the operator's names and patterns of what programs print.

        `printed`: patterns of files that may be that, by which a dialect has its own names as well.
        """
        dialects, stdout_log, printed = tuple(dialects), tuple(stdout_log), tuple(printed)
        consoles = tuple(dialect for dialect in dialects if dialect.role is Role.CONSOLE)
        self._exact: dict[str, tuple[Dialect, ...]] = {}
        self._wild: list[tuple[re.Pattern[str], tuple[Dialect, ...]]] = []
        named = [(name, dialect) for dialect in dialects if dialect not in consoles for name in dialect.files]
        for name, dialect in named:
            self._claim(name, (*self._exact.get(name, ()), dialect))
        for name in stdout_log:
            known = self._exact.get(name, ())
            self._claim(name, known if any(not dialect.by_content for dialect in known) else known + consoles)
        own = [name for dialect in consoles for name in dialect.files] if printed else []
        self._printed = NamePatterns((*printed, *own))
        self._parts = NamePatterns(name for dialect in consoles if dialect.several for name in dialect.files)
        doubtful = NameEnds.of(name for name, dialect in named if dialect.by_content and _WILD.search(name))
        self._doubtful = doubtful.ends
        self._wild_ends = NameEnds.of(filter(_WILD.search, (*(name for name, _ in named), *stdout_log)))
        self.name_ends = NameEnds.of((*(name for name, _ in named), *stdout_log, *printed, *own))

    def exact(self, name: str) -> bool:
        """Whether a file of this name was asked for by just this name."""
        return name in self._exact

    def believed(self, name: str) -> Sequence[Dialect]:
        """The dialects that a file of this name can be of, unless others call theirs so too."""
        return [dialect for dialect in self.candidates(name) if not dialect.by_content]

    def only_by_content(self, name: str) -> bool:
        """Whether a file of this name is a log only if its content says so."""
        if name in self._exact:
            return all(dialect.by_content for dialect in self._exact[name])
        return name.endswith(self._doubtful)

    def may_be_numbered(self, name: str) -> bool:
        """Whether a number at the end of a name is its own, and not that of an old log put aside."""
        return self.exact(name) or any(dialect.files_per_run for dialect in self.candidates(name))

    def candidates(self, name: str) -> tuple[Dialect, ...]:
        """The dialects that a file of this name is one of; none: its name does not say that it is a log."""
        begins, ends = self._wild_ends
        if name in self._exact or not (name.endswith(ends) or name.startswith(begins)):
            return self._exact.get(name, ())
        fitting = (dialects for wild, dialects in self._wild if wild.match(name))
        return tuple(dict.fromkeys(dialect for dialects in fitting for dialect in dialects))

    def may_be_printed(self, name: str) -> bool:
        """Whether people call what a program prints so; its content has to tell."""
        return self._printed.fit(name)

    def may_be_part(self, name: str) -> bool:
        """Whether what a program prints goes on in another file, where it is called so."""
        return self._parts.fit(name)

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


@lru_cache(8)
def file_names(
    dialects: tuple[Dialect, ...], stdout_log: tuple[str, ...], printed: tuple[str, ...]
) -> FileNames:
    """Those of settings that are asked for again and again: to make them takes as long as a small search."""
    return FileNames(dialects, stdout_log, printed)
