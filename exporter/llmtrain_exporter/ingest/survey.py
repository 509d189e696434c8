"""What lies in a folder besides logs: what would be read under another name, and how much else there is."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence

from llmtrain_exporter.ingest import checkpoints
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.glimpses import MOST_LOOKED_AT, likely
from llmtrain_exporter.ingest.holdings import SKIPPED_FOLDERS
from llmtrain_exporter.ingest.log_ends import LogEnds, are_of_one_training, read_ends
from llmtrain_exporter.ingest.one_run import MOST_COMPARED
from llmtrain_exporter.ingest.recognise import NamePatterns
from llmtrain_exporter.ingest.same_rows import Agreement
from llmtrain_exporter.ingest.search_options import SearchOptions
from llmtrain_exporter.ingest.unread_rows import unread_rows
from llmtrain_exporter.knowledge.no_run import (
    COVERED,
    NOT_A_TRAINING,
    NOT_SEEN,
    ODD_NAME,
    OTHER_FILES,
    OTHER_FORMAT,
    SOME_OTHER_FILES,
    UNREAD_ROWS,
)
from llmtrain_exporter.model import LeftOut

MOST_FOLDERS, MOST_FILES, MOST_READ = 200, 5000, 50
"""Of what lies below a folder that is looked into; a person asks, and does not wait for long."""

_TEXTS = frozenset(("", ".txt", ".err", ".log", ".out", ".jsonl", ".json", ".stdout", ".text"))
_LARGE = 1 << 30

_LINE_END = re.compile(rb"[\r\n]+")
_WORDS_BEHIND = re.compile(r"\}[^\w\s{}\[|]*\s*(?![a-zA-Z0-9_./-]+[:=])(?:[^\W\d_]{2}|[^\W\d_a-zA-Z])")
"""A brace and what closes a quotation, and behind them a word in any script.

Bars begin with none, or with a name and a colon; loggers put `train.py:12` there, and `level=info`.
"""


def survey(
    root: str, options: SearchOptions, known: Collection[str], found: Sequence[Found] = ()
) -> Sequence[LeftOut]:
    """What lies below a folder and is not `known`, by path: files that a training has written come first.

    Of a folder that is known all is. `found`: the runs, whose rows may stand in other files as well.
    """
    others: Counter[str] = Counter()
    files = _Files(root, known)
    telling = [_of_a_run(left, options, found) for left in _telling(files, options, known, others)]
    kinds = ", ".join(f"{count} *{suffix or ' (no suffix)'}" for suffix, count in others.most_common(5))
    reason = SOME_OTHER_FILES if files.cut_short else OTHER_FILES
    return [*telling, *([LeftOut(root, reason, detail=kinds)] if kinds else [])]


def with_unread_rows(passed: Sequence[LeftOut]) -> Sequence[LeftOut]:
    """The same; of files without a row of a training it is said where one shows them in another way.

    And where a file is too large for all of it to have been looked at.
    """
    texts = [at for at, left in enumerate(passed) if left.reason == NOT_A_TRAINING][:MOST_READ]
    shown = {at: _with_unread_rows(passed[at]) for at in texts}
    return [shown.get(at, left) for at, left in enumerate(passed)]


def _with_unread_rows(left: LeftOut) -> LeftOut:
    try:
        rows, size = unread_rows(left.path), os.path.getsize(left.path)
    except OSError:
        return left
    if rows is not None:
        return left._replace(reason=UNREAD_ROWS, detail=rows.value)
    return left._replace(reason=NOT_SEEN) if size > MOST_LOOKED_AT else left


def _telling(
    files: Iterable[str], options: SearchOptions, known: Collection[str], others: Counter[str]
) -> Iterator[LeftOut]:
    read = 0
    for path in files:
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


def _of_a_run(left: LeftOut, options: SearchOptions, runs: Sequence[Found]) -> LeftOut:
    """The same; of what nobody looks for by its name it is said whose rows it has, if a run has them."""
    if left.reason != ODD_NAME:
        return left
    dialect = next(each for each in options.consoles if each.name == left.detail)
    ends = read_ends(left.path, dialect)
    near = [run for run in runs if _is_near(left.path, run)][:MOST_COMPARED]
    same = (run for run in near if are_of_one_training(ends, _ends_of(run)) is Agreement.SAME)
    run = next(same, None)
    return LeftOut(left.path, COVERED, instead=run.path) if run else left


def _is_near(path: str, run: Found) -> bool:
    """Whether one of them lies in or below the folder of the other."""
    folders = [os.path.join(os.path.dirname(each), "") for each in (path, run.path)]
    return folders[0].startswith(folders[1]) or folders[1].startswith(folders[0])


def _ends_of(run: Found) -> LogEnds:
    return read_ends(checkpoints.current_document(run.path), run.dialect, run.key)


class _Files:
    """The files below a folder, its own first; those of checkpoints and working folders are none of them."""

    def __init__(self, root: str, known: Collection[str]) -> None:
        self._folders, self._known, self._count = deque([root]), known, 0
        self.cut_short = False  # there are more; known when all were gone through

    def __iter__(self) -> Iterator[str]:
        for _ in range(MOST_FOLDERS):
            if not self._folders:
                return
            for entry in _entries(self._folders.popleft()):
                if entry.is_dir(follow_symlinks=False):
                    self._descend(entry)
                elif self._count < MOST_FILES:
                    self._count += 1
                    yield entry.path
                else:
                    self.cut_short = True
        self.cut_short = self.cut_short or bool(self._folders)

    def _descend(self, entry: os.DirEntry[str]) -> None:
        skipped = entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS
        if not (skipped or entry.path in self._known) and not checkpoints.is_checkpoint(entry.name):
            self._folders.append(entry.path)


def _entries(folder: str) -> Sequence[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError:
        return ()


def _looked_into(path: str, options: SearchOptions) -> LeftOut | None:
    """Whether it would be read under another name, or when it is named by hand."""
    try:
        descriptor, state = open_regular(path)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        data = file.read(MOST_LOOKED_AT) if state.st_size < _LARGE else b""
    printed = None if _is_document(path, data) else likely(_without_sentences(data), options.consoles)
    if printed is not None and not NamePatterns(options.printed).fit(os.path.basename(path)):
        return LeftOut(path, ODD_NAME, detail=printed.name)
    sure = _surely(data, [dialect for dialect in options.dialects if dialect.role is not Role.CONSOLE])
    return None if sure is None else LeftOut(path, OTHER_FORMAT, detail=sure.name)


def _is_document(path: str, data: bytes) -> bool:
    """Whether it is one value in JSON, as Transformers' all_results.json: no program prints one alone."""
    if not path.lower().endswith(".json"):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _without_sentences(data: bytes) -> bytes:
    """A text without the lines that go on in words behind a row: they speak of it, and nobody prints it.

    A printed row ends its line, but for what several processes print at once, which is some rows of many.
    """
    return b"\n".join(
        line
        for line in _LINE_END.split(data)
        if b"}" not in line or not _WORDS_BEHIND.search(line.decode(errors="replace"))
    )


def _surely(data: bytes, dialects: Sequence[Dialect]) -> Dialect | None:
    head = Head.of(data)
    return next((dialect for dialect in dialects if dialect.sniff(head) is Confidence.SURE), None)
