"""A search through folders: one stat per folder and per file of a fitting name.

A folder is looked into when something came to it or went. Nothing is read, but for the first bytes of a file
whose name says nothing, and of one whose name fits several dialects.
"""

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from llmtrain_exporter.ingest import checkpoints, event_folders
from llmtrain_exporter.ingest.borders import Borders
from llmtrain_exporter.ingest.candidates import Basis, Log, covered_by_name, state_of_log
from llmtrain_exporter.ingest.dialect import Dialect, Role
from llmtrain_exporter.ingest.folders import Folder, Holding, PossibleLog
from llmtrain_exporter.ingest.holdings import CHECKPOINT, NOT_A_FILE, ROTATED, Sorting
from llmtrain_exporter.ingest.joined_logs import are_parts
from llmtrain_exporter.ingest.readable import NotAFileError, demand_regular, explain
from llmtrain_exporter.ingest.recognise import file_names, sniff
from llmtrain_exporter.ingest.search_options import SearchMemory, SearchOptions, Surroundings
from llmtrain_exporter.ingest.sqlite_file import LOG
from llmtrain_exporter.ingest.stored_logs import runs_in, stored_name, stored_path
from llmtrain_exporter.knowledge.no_run import EMPTY_FILE, NOT_A_TRAINING, NoRunReason
from llmtrain_exporter.knowledge.story_words import NO_RUN_REASONS
from llmtrain_exporter.model import LeftOut
from llmtrain_exporter.printable import printable

MOST_PASSED = 1000
"""Files and folders that are left out and named; the others are only counted."""

UNREADABLE = "unreadable"

_INODE_BITS = 64


class Walk:
    """One scan: where it still has to go, where it has been, what it counted."""

    def __init__(
        self, options: SearchOptions, now: float, around: Surroundings, memory: SearchMemory
    ) -> None:
        self.left_out: Counter[str] = Counter()
        self.passed: list[LeftOut] = []  # the first of what it counted, and files whose content was no log's
        self.errors: dict[str, str] = {}
        self.missing: set[str] = set()
        self.named_after: list[str] = []  # for each root the path that its run would be named after
        self._options = options
        self._around = around
        self._memory = memory
        self._oldest = float("-inf") if options.ignore_older is None else now - options.ignore_older
        self._now = now
        self._names = file_names(options.dialects, options.stdout_log, options.printed)
        self._sorting = Sorting(self._names, options.max_depth, frozenset(around.others))
        # Links come last, so that a run is named after the place where it really lies; roots come first, so
        # that one below another keeps its own name.
        self._folders: deque[Folder] = deque()
        self._links: deque[Folder] = deque()
        self._visited: set[int] = set()  # device and inode in one number: half of what a pair takes
        self._borders = Borders(())
        self._old: list[Log] = []  # those that are too old, but that their training may have gone on

    def roots(self, paths: Sequence[str]) -> list[Log]:
        """The logs among the roots; folders are noted for later."""
        self._borders = Borders(paths)
        return [log for index, path in enumerate(paths) for log in self._root(index, path)]

    def logs(self, paths: Sequence[str]) -> list[Log]:
        """The live log of each run, each file once."""
        self._memory.begin_search(self._sorting, self._now)
        found = self.roots(paths)
        while folders := self._folders or self._links:
            found.extend(self._visit(folders.popleft()))
        once: dict[tuple[int, int, str], Log] = {}
        for log in sorted(found, key=lambda log: log.linked):
            first = once.setdefault(log.identity, log)
            if first is not log:
                self._leave_out("duplicate", log.path, instead=first.path)
        logs = self._without(list(once.values()), covered_by_name(once.values()))
        logs = self._without(logs, event_folders.covered(logs, self._memory.one_run.is_silent))
        covered = self._memory.one_run.covered(logs, self._around.visiting)
        # What a training wrote before it was resumed is read before the rest, which lacks those rows.
        before = {log.path for log in logs if log.path in covered and are_parts(log, covered[log.path])}
        logs = self._without(logs, {path: log for path, log in covered.items() if path not in before})
        return self._joined(logs)

    def _joined(self, logs: list[Log]) -> list[Log]:
        """The logs, those of one training in several files as one."""
        joined = self._memory.joined.join(logs, self._old)
        first = {part: log.path for log in joined for part in log.parts}
        read = {*first, *first.values()}
        for log in self._old:
            if log.path not in read and not log.by_content:
                self._leave_out("too_old", log.path)
        if first:
            told = self.passed
            self.passed = [left._replace(instead=first.get(left.instead, left.instead)) for left in told]
        return joined

    def _without(self, logs: list[Log], covered: Mapping[str, Log]) -> list[Log]:
        """The logs that do not give way to others."""
        for path, followed in covered.items():
            self._leave_out("covered", path, instead=followed.path)
        return [log for log in logs if log.path not in covered]

    def _root(self, index: int, path: str) -> list[Log]:
        """The log that a root is; a folder is noted for later."""
        self._around.visiting(path)
        candidates, logs = self._names.believed(os.path.basename(path)), []
        dialect = candidates[0] if candidates else None
        try:
            state = os.stat(path)
            if stat.S_ISDIR(state.st_mode):
                self._borders.begin_at(state)
                known = self._memory.folders.begin_at(path, 0)
                self._folders.append(Folder(path, index, "", 0, linked=False, inside=False, known=known))
                dialect = None
            else:
                demand_regular(state.st_mode, path)
                dialect = sniff(path, candidates or self._options.dialects)
                extra = self._beside(path, dialect)
                log = Log(path, index, "", dialect, False, state_of_log(state), extra, Basis.ASKED)
                logs = self._opened(log, candidates or self._options.dialects)
        except FileNotFoundError:
            self.errors[printable(path)] = NO_RUN_REASONS[NoRunReason.NOT_THERE].en
            self.missing.add(printable(path))
        except OSError as error:
            self._unreadable(path, error)
        self.named_after.append(named_after(path, dialect))
        return self._fresh(logs)

    def _beside(self, path: str, dialect: Dialect) -> tuple[str, ...]:
        """The other logs of a run that was named by its live log."""
        return self._names.beside(path) if dialect.live and not dialect.run_per_file else ()

    def _visit(self, folder: Folder) -> list[Log]:
        self._around.visiting(folder.path)
        try:
            state = os.stat(folder.path)
            identity = state.st_dev << _INODE_BITS | state.st_ino
            if identity in self._visited:
                return []
            self._visited.add(identity)
            if folder.depth and (border := self._borders.forbid(state, folder.linked)) is not None:
                self._leave_out(border, folder.path)
                return []
            holding = self._memory.folders.holding(folder, state) or self._look_into(folder, state)
        except OSError as error:
            self._unreadable(folder.path, error)
            return []
        for reason, name in holding.left_out:
            self._leave_out(reason, folder.path_of(name))
        if holding.below:
            self._descend(folder, holding.inside)
        return self._look_at_each(folder, state, holding) if holding.files or holding.steps else []

    def _look_into(self, folder: Folder, state: os.stat_result) -> Holding:
        """What a folder holds by now. Raises OSError."""
        with os.scandir(folder.path) as scan:
            entries = list(scan)
        holding = self._sorting.sorted_out(folder, entries)
        self._memory.folders.note(folder, state, holding)
        return holding

    def _descend(self, folder: Folder, inside: bool) -> None:
        """Note the folders in a folder for later."""
        _, root, name, depth, linked, _, known = folder
        path, name = folder.path_of("/")[:-1], f"{name}/" if name else ""
        (self._links if linked else self._folders).extend(
            Folder(path + below, root, name + below, depth + 1, linked, inside, child)
            for below, child in zip(known.below, known.children, strict=True)
        )

    def _look_at_each(self, folder: Folder, state: os.stat_result, holding: Holding) -> list[Log]:
        """The logs among what a folder holds, but for those that are none or have to wait."""
        files: Sequence[PossibleLog] = holding.files
        if holding.doubtful:
            files = self._memory.contents.worth_a_look(state, folder, files, holding.doubtful)
        inside = folder if folder.inside == holding.inside else folder._replace(inside=holding.inside)
        logs = [log for file in files for log in self._look(inside, file, folder.path_of(file.name))]
        shared = [log for log in logs if not log.by_content]
        runs = self._runs(logs) if logs else []
        return runs if shared or not holding.steps else runs + self._in_checkpoints(folder, holding.steps)

    def _in_checkpoints(self, folder: Folder, names: Iterable[str]) -> list[Log]:
        """The run whose log stands in its checkpoints alone; copies inside of another's output are none."""
        if folder.inside:
            return []
        for dialect in self._options.dialects:
            for file in dialect.files if dialect.in_checkpoints else ():
                newest = checkpoints.newest_document(folder.path, file, names)
                if newest is not None:
                    return self._newest(folder, os.path.join(folder.path, file), dialect, newest)
        return []

    def _newest(self, folder: Folder, path: str, dialect: Dialect, newest: str) -> list[Log]:
        try:
            state = os.stat(newest)
        except OSError as error:
            self._unreadable(newest, error)
            return []
        where = path, folder.root, folder.name, dialect, folder.linked
        return self._fresh([Log(*where, state_of_log(state), basis=Basis.CHECKPOINT)])

    def _look(self, folder: Folder, entry: PossibleLog, path: str) -> list[Log]:
        """The log that an entry is, or those in it; a folder is noted for later."""
        try:
            if entry.linked and not (self._options.follow_links and self._leads_here(path)):
                return []
            if not entry.is_file and _is_folder(path):
                self._descend_by(folder, entry, path)
            elif entry.candidates:
                return self._log(folder, entry, path)
            elif self._names.may_be_printed(entry.name):
                return self._printed_log(folder, entry, path)
        except OSError as error:
            self._unreadable(path, error)
        return []

    def _leads_here(self, link: str) -> bool:
        """Whether a link does not lead into a root that is searched apart; that is asked nothing."""
        if not self._around.others:
            return True
        path = os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))
        return not any(f"{path}/".startswith(f"{root}/") for root in self._around.others)

    def _descend_by(self, folder: Folder, link: PossibleLog, path: str) -> None:
        """Note a folder for later to which a link leads."""
        name, linked = link.name, link.linked or folder.linked
        reason = self._sorting.bar(folder, name, folder.inside)
        if reason != NOT_A_FILE and link.linked and checkpoints.leads_to_checkpoint(path):
            reason = CHECKPOINT
        if reason:
            self._leave_out(reason, path)
            return
        depth = folder.depth + 1
        known = self._memory.folders.begin_at(path, depth)
        below = Folder(path, folder.root, folder.below(name), depth, linked, folder.inside, known)
        (self._links if linked else self._folders).append(below)

    def _log(self, folder: Folder, entry: PossibleLog, path: str) -> list[Log]:
        if entry.linked and self._sorting.is_rotated(entry.name):
            self._leave_out(ROTATED, path)
            return []
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode):
            self._leave_out(NOT_A_FILE, path)
            return []
        if (dialect := self._dialect(path, state, entry.candidates)) is None:
            return []
        named_by_file = dialect.run_per_file and dialect.store is None
        name = folder.below(os.path.splitext(entry.name)[0]) if named_by_file else folder.name
        told = Basis.CONTENT if dialect.by_content else Basis.NAME
        basis = Basis.STDOUT_LOG if dialect.role is Role.CONSOLE else told
        linked = entry.linked or folder.linked
        path, name = self._memory.texts(path, name)
        log = Log(path, folder.root, name, dialect, linked, state_of_log(state), basis=basis)
        return self._opened(log, entry.candidates)

    def _dialect(self, path: str, state: os.stat_result, candidates: Sequence[Dialect]) -> Dialect | None:
        """What a file of such a name is; None: no log, or not yet. Raises OSError."""
        own = [dialect for dialect in candidates if not dialect.by_content]
        found = self._memory.contents.dialect(path, state) if len(own) < len(candidates) else None
        return found or (sniff(path, own) if own else None)

    def _opened(self, log: Log, candidates: Sequence[Dialect]) -> list[Log]:
        """The log itself; of a store the runs in it, and none where it is no tracker's. Raises OSError."""
        if log.dialect.store is None:
            return [log]
        dialect, runs = runs_in(log.path, candidates) or (log.dialect, ())
        store = log._replace(dialect=dialect, extra=(log.path + LOG,))
        return [
            store._replace(path=stored_path(log.path, run), name=stored_name(log.name, run), stored=run)
            for run in runs
        ]

    def _printed_log(self, folder: Folder, entry: PossibleLog, path: str) -> list[Log]:
        """A file that may be what a program printed, where a row of a training stands in it.

        One that cannot be read is no problem of the search: nobody knows that a training writes it.
        """
        self._around.visiting(path)
        try:
            state = os.stat(path)
            too_old = state.st_mtime < self._oldest and not self._names.may_be_part(entry.name)
            if too_old or not stat.S_ISREG(state.st_mode):
                return []
            dialect = self._memory.glimpses.dialect(path, state)
        except OSError as error:
            self._pass_by(LeftOut(path, UNREADABLE, detail=explain(error)))
            return []
        if dialect is None:
            self._pass_by(LeftOut(path, NOT_A_TRAINING if state.st_size else EMPTY_FILE))
            return []
        name = folder.below(os.path.splitext(entry.name)[0])
        linked = entry.linked or folder.linked
        return [Log(path, folder.root, name, dialect, linked, state_of_log(state), basis=Basis.CONTENT)]

    def _runs(self, logs: list[Log]) -> list[Log]:
        """Of the logs of a folder's run the live one, with the others; and the runs of single files."""
        if len(logs) == 1 and not logs[0].extra:
            return self._fresh(logs)
        logs = event_folders.one_per_run(logs, lambda log, state: log._replace(state=state))
        single = [log for log in logs if log.dialect.run_per_file or log.dialect.files_per_run]
        shared = [log for log in logs if not (log.dialect.run_per_file or log.dialect.files_per_run)]
        if not shared:
            return self._fresh(single)
        newest = max(log.modified for log in shared)
        live, *others = sorted(shared, key=lambda log: (log.modified < self._oldest, log.preference(newest)))
        run = self._fresh([live._replace(extra=tuple(other.path for other in others))])
        covered = [log for log in single if _is_covered(log)] if run else []
        if covered and live.says_less_than(covered[0]):
            self._leave_out("covered", live.path, instead=covered[0].path)
            return self._fresh(single)
        for log in covered:
            self._leave_out("covered", log.path, instead=live.path)
        return run + self._fresh([log for log in single if log not in covered])

    def _fresh(self, logs: list[Log]) -> list[Log]:
        for log in logs:
            if log.modified >= self._oldest:
                continue
            if log.dialect.several and log.basis is not Basis.ASKED:
                self._old.append(log)
            else:
                self._leave_out("too_old", log.path)
        return [log for log in logs if log.modified >= self._oldest]

    def _leave_out(self, reason: str, path: str, instead: str = "", detail: str = "") -> None:
        self.left_out[reason] += 1
        self._pass_by(LeftOut(path, reason, instead, detail))

    def _pass_by(self, left: LeftOut) -> None:
        if len(self.passed) < MOST_PASSED:
            self.passed.append(left)

    def _unreadable(self, path: str, error: OSError) -> None:
        reason = NOT_A_FILE if isinstance(error, NotAFileError) else UNREADABLE
        self._leave_out(reason, path, detail=explain(error))
        self.errors[printable(path)] = explain(error)


def _is_folder(path: str) -> bool:
    """Whether it is one, or a link to one. Raises OSError, but where there is nothing."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


def _is_covered(log: Log) -> bool:
    """Whether it gives way to any log of data in its folder; of one found by its content the rows tell."""
    return log.printed and not log.by_content


def named_after(path: str, dialect: Dialect | None) -> str:
    """The path after which the runs of a root are named: a folder, or a file without its suffix.

    `dialect` None: the root is a folder, or unknown.
    """
    if dialect is None:
        return path
    return os.path.splitext(path)[0] if dialect.run_per_file else os.path.dirname(path)
