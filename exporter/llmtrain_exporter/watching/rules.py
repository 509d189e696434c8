"""What the settings say of runs: how they are searched for, called, opened and judged."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING

from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.discover import ALONE, Found, Scan, SearchMemory, Surroundings
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.recognise import FileNames, dialect_of
from llmtrain_exporter.ingest.source import paths_read
from llmtrain_exporter.ingest.survey import survey, with_unread_rows
from llmtrain_exporter.ingest.unread import look_into
from llmtrain_exporter.knowledge.no_run import BARE_CHECKPOINT, OTHER_FILES, SOME_OTHER_FILES, NoRunReason
from llmtrain_exporter.model import LeftOut, NoRun, Unread
from llmtrain_exporter.watching.reading_settings import ReadingSettings

if TYPE_CHECKING:
    from llmtrain_exporter.config import Settings

EPISODES_READ = 10_000
"""Of a log that a person reads, all that one may want to know is kept."""


class RunRules:
    """The rules of the settings, for everything that looks at logs. For one thread at a time."""

    def __init__(
        self, settings: ReadingSettings, judging: RunOptions, before: RunRules | None = None
    ) -> None:
        """`judging`: how a run is judged of which no rule says more; its profile goes before every rule.

        `before`: the rules that held so far, of whose searches all is remembered.
        """
        self._settings = settings
        self._judging = self._newest = judging  # the newest: of the last run, and of most others
        self.readers = Readers(settings.logging_steps)
        new = SearchMemory(self._search_options(None, None))
        self._memory: SearchMemory = before._memory if before else new

    def search(
        self,
        roots: Sequence[str],
        now: float,
        ignore_older: float | None = None,
        max_depth: int | None = None,
        around: Surroundings = ALONE,
    ) -> Scan:
        """The logs below folders, or that files are. `now`: Unix time; `ignore_older`: seconds."""
        options = self._search_options(ignore_older, max_depth)
        return discover.discover(roots, options, now, around, self._memory)

    def survey(self, folder: str, scan: Scan) -> tuple[LeftOut, ...]:
        """What lies in a folder besides runs; that which would be read if it were named comes first."""
        inside = os.path.join(folder, "")
        read = {path for found in scan.found for path in paths_read(found)}
        entered = {os.path.dirname(path) for path in read}
        passed = [left for left in scan.passed if left.path.startswith(inside) and left.path not in entered]
        if not scan.found:
            passed = [_without_log(left) for left in passed]
        passed = list(with_unread_rows(passed))
        known = read.union(left.path for left in passed)
        others = survey(folder, self._search_options(None, None), known, scan.found)
        telling = [left for left in others if left.reason not in (OTHER_FILES, SOME_OTHER_FILES)]
        return (*telling, *passed, *others[len(telling) :])

    def no_log(self, folder: str, seen: Sequence[LeftOut]) -> NoRun:
        """A folder without a log below it. `seen`: see `survey`."""
        names = ", ".join(self._search_options(None, None).names)
        return NoRun(folder, NoRunReason.NO_LOG, detail=names, seen=tuple(seen))

    def look_into(self, path: str, dialect: Dialect | None = None) -> Unread | None:
        """What stands in a file in which there is no row of a training; None where it cannot be read.

        `dialect`: as which it was read, where its name and its first bytes do not tell that.
        """
        options = self._search_options(None, None)
        names = FileNames(options.dialects, options.stdout_log)
        try:
            read_as = dialect or dialect_of(path, options.dialects)
        except OSError:
            return None
        return look_into(path, read_as, names, options.dialects)

    def named_after(self, root: str) -> str:
        """The path after which the runs of a root are named."""
        return discover.named_after(root, self._search_options(None, None))

    def _search_options(self, ignore_older: float | None, max_depth: int | None) -> discover.SearchOptions:
        defaults = discover.SearchOptions()
        return discover.SearchOptions(
            stdout_log=self._settings.printed_logs,
            printed=defaults.printed if self._settings.finds_printed_logs else (),
            max_depth=defaults.max_depth if max_depth is None else max_depth,
            ignore_older=ignore_older,
        )

    def name(self, found: Found, taken: Container[str]) -> str:
        """What the run is called, unlike every name that is taken."""
        return _unique_name(self._settings.assign(found.run).name, found.run, taken)

    def options(self, found: Found) -> RunOptions:
        """How the run is judged."""
        assigned = self._settings.assign(found.run)
        profile = self._judging.profile or assigned.profile
        if (profile, assigned.labels) != (self._newest.profile, self._newest.labels):
            self._newest = self._judging._replace(profile=profile, labels=assigned.labels)
        return self._newest

    def says_the_same(self, before: RunRules, found: Found) -> bool:
        """Whether these rules have the log read, called and judged as the ones before."""
        return (
            self._settings.logging_steps == before._settings.logging_steps
            and self._settings.assign(found.run).name == before._settings.assign(found.run).name
            and self.options(found) == before.options(found)
        )


def _unique_name(name: str, run: str, taken: Container[str]) -> str:
    """A name of its own for `run`, where a renaming rule gave the same to two runs."""
    while name in taken:
        name += f" ({run})"
    return name


def _without_log(left: LeftOut) -> LeftOut:
    """What is passed by where there is no log: a checkpoint that had one would have been a run."""
    return left._replace(reason=BARE_CHECKPOINT) if left.reason == "checkpoint" else left


def rules_for_serving(settings: Settings, before: RunRules | None = None) -> RunRules:
    """Those of runs that are served: within what a Prometheus can take. `before`: those that held so far."""
    judging = RunOptions(
        profiles=settings.known_profiles,
        max_other_keys=settings.max_other_keys,
        max_label_values=settings.max_reward_functions,
    )
    return RunRules(settings, judging, before)


def rules_for_reading(settings: ReadingSettings, profile: str | None = None) -> RunRules:
    """Those of runs that a person reads. `profile` goes before what the settings say."""
    judging = RunOptions(profile=profile, profiles=settings.known_profiles, episodes_kept=EPISODES_READ)
    return RunRules(settings, judging)


def problems_of(scan: Scan) -> Iterator[NoRun]:
    """The paths that a search could not look into."""
    for path, problem in scan.errors.items():
        if path in scan.missing:
            yield NoRun(path, NoRunReason.NOT_THERE)
        else:
            yield NoRun(path, NoRunReason.UNREADABLE, detail=problem)
