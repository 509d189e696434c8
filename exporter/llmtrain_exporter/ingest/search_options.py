"""What a search for logs is to look for, and what it has to know beyond its own roots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from llmtrain_exporter.ingest.contents import Contents
from llmtrain_exporter.ingest.dialect import Dialect, Role
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.found import Found
from llmtrain_exporter.ingest.glimpses import Glimpses
from llmtrain_exporter.ingest.holdings import Sorting
from llmtrain_exporter.ingest.joined_logs import JoinedLogs
from llmtrain_exporter.ingest.known_folders import KnownFolders
from llmtrain_exporter.ingest.one_run import OneRun
from llmtrain_exporter.ingest.recognise import PRINTED_FILES


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is looked for, and how far."""

    stdout_log: tuple[str, ...] = ()  # names and patterns of printed logs, which are the operator's own
    printed: tuple[str, ...] = PRINTED_FILES  # patterns of files whose content tells whether they are that
    dialects: tuple[Dialect, ...] = field(default_factory=lambda: tuple(registered().values()))
    max_depth: int = 8  # folders below a root
    ignore_older: float | None = 7 * 86400  # seconds since the log was written last; None: no limit
    follow_links: bool = True

    @property
    def names(self) -> Sequence[str]:
        """Names and patterns of the files that are looked for; none that another pattern has as well."""
        own = (name for dialect in self.dialects for name in dialect.files)
        names = {*own, *self.printed, *self.stdout_log}
        return sorted(name for name in names if not any(fnmatchcase(name, other) for other in names - {name}))

    @property
    def consoles(self) -> Sequence[Dialect]:
        """The dialects of what programs print."""
        return [dialect for dialect in self.dialects if dialect.role is Role.CONSOLE]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a search has to know beyond its own roots.

    `others`: roots that are searched apart, by their absolute paths, each with the path after which its runs
    are named. They are not entered, and runs of both are never called the same. `visiting`: told of each
    folder, and of each file that is read, before it is looked at.
    """

    others: Mapping[str, str] = field(default_factory=dict)
    visiting: Callable[[str], object] = lambda _: None


ALONE = Surroundings()


class SearchMemory:
    """What searches of the same roots have seen, so that the next one looks at nothing twice."""

    def __init__(self, options: SearchOptions) -> None:
        self.folders = KnownFolders()
        self.contents = Contents(options.dialects)
        self.glimpses = Glimpses(options.consoles)
        self.one_run = OneRun()
        self.joined = JoinedLogs()
        self.found: Mapping[str, Found] = {}  # by the last search, by the paths of their logs

    def texts(self, path: str, name: str) -> tuple[str, str]:
        """Path and name of a log as the search before holds them: copies of ten thousand are megabytes."""
        known = self.found.get(path)
        if known is None:
            return path, name
        return known.path, known.run if known.run == name else name

    def begin_search(self, sorting: Sorting, now: float) -> None:
        """Begin another one, at a Unix time; what the one before did not meet is forgotten."""
        self.folders.begin_search(sorting, now)
        self.contents.begin_search()
        self.glimpses.begin_search()
        self.joined.begin_search()
