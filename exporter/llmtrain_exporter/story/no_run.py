"""What is told of a path without a run besides the reason: what was tried, what stands there, what helps."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from llmtrain_exporter.knowledge import finding_words as words
from llmtrain_exporter.knowledge import story_words
from llmtrain_exporter.knowledge.no_run import NOT_SEEN, ODD_NAME, UNREAD_ROWS, NoRunReason, UnreadRows
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import LeftOut, NoRun, Unread
from llmtrain_exporter.printable import printable

_VARIES = re.compile(r"(?:\[[^]]+\]|\*)+")
"""In a pattern of file names."""

MOST_SEEN = 12
"""Files and folders that are told of a folder."""


def details(no_run: NoRun, lang: Lang, waits: bool = False) -> Sequence[str]:
    """Lines to stand below the reason; those of a list begin with a mark. `waits`: for a first record."""
    if no_run.unread is not None:
        return list(_of_file(no_run.unread, lang))
    return list(_of_folder(no_run, lang, waits)) if no_run.reason is NoRunReason.NO_LOG else []


def no_run_object(no_run: NoRun) -> dict[str, object]:
    """The same as JSON, in English."""
    told: dict[str, object] = {
        "file": printable(no_run.file),
        "reason": printable(story_words.no_run_reason(no_run.reason, no_run.detail, Lang.EN)),
        "skipped_lines": no_run.skipped,
    }
    unread = no_run.unread
    if unread is not None:
        told |= {"read_as": unread.read_as, "tried": list(unread.tried), "first_lines": unread.lines}
        told["what_to_do"] = what_to_do(unread, Lang.EN)
    if no_run.reason is NoRunReason.NO_LOG:
        told["seen"] = [
            {"path": printable(left.path), "why": why_left_out(left, no_run.file, Lang.EN)}
            for left in no_run.seen
        ]
        told["what_to_do"] = f"{words.NO_LOG_WHAT_TO_DO.en} {words.WATCH_WAITS.en}"
    return told


def what_to_do(unread: Unread, lang: Lang) -> str:
    """What helps where no row was found in a file."""
    if unread.rows is not None:
        return words.SHOWS_TRAINING.of(lang).format(rows=words.ROWS_ARE_ELSEWHERE[unread.rows].of(lang))
    return words.WHAT_TO_DO[unread.content].of(lang)


def left_out_text(left: LeftOut, base: str, lang: Lang) -> str:
    """Why a file or folder was passed by; paths relative to `base`."""
    why = why_left_out(left, base, lang)
    return why if left.path == base else story_words.COLON.of(lang).join((shown(left.path, base), why))


def why_left_out(left: LeftOut, base: str, lang: Lang) -> str:
    """The reason alone."""
    return (
        words.LEFT_OUT[left.reason]
        .of(lang)
        .format(detail=_detail(left, lang), instead=shown(left.instead, base))
    )


def _detail(left: LeftOut, lang: Lang) -> str:
    if left.reason in (ODD_NAME, NOT_SEEN):
        return stdout_log_flag(left.path)
    if left.reason == UNREAD_ROWS:
        return words.ROWS_ARE_ELSEWHERE[UnreadRows(left.detail)].of(lang)
    return printable(left.detail)


def stdout_log_flag(path: str) -> str:
    """The flag that names a printed log."""
    return f"--stdout-log '{printable(os.path.basename(path))}'"


def shown(path: str, base: str) -> str:
    """A path as it lies below `base`, else whole."""
    inside = os.path.join(path, "").startswith(os.path.join(base, ""))
    return printable(os.path.relpath(path, base) if inside else path)


def format_text(name: str, files: Sequence[str], lang: Lang) -> str:
    """A format with the names of its files; what varies in them is shown as *."""
    names = dict.fromkeys(_VARIES.sub("*", file) for file in files)
    return f"{name} ({', '.join(names) or words.ANY_TEXT.of(lang)})"


def _of_file(unread: Unread, lang: Lang) -> Iterator[str]:
    if len(unread.tried) > 1:
        tried = ", ".join(unread.possible)
        yield words.READ_BY_CONTENT.of(lang).format(format=unread.read_as, formats=tried)
    else:
        read_as = format_text(unread.read_as, unread.tried.get(unread.read_as, ()), lang)
        yield words.READ_BY_NAME.of(lang).format(format=read_as)
    if unread.lines:
        yield words.BEGINS.of(lang)
        yield from (f"  {line}" for line in unread.lines)
    yield what_to_do(unread, lang)


def _of_folder(no_run: NoRun, lang: Lang, waits: bool) -> Iterator[str]:
    yield (words.SEEN if no_run.seen else words.NOTHING_SEEN).of(lang)
    for left in no_run.seen[:MOST_SEEN]:
        yield f"  - {left_out_text(left, no_run.file, lang)}"
    if len(no_run.seen) > MOST_SEEN:
        yield f"  {words.MORE_SEEN.of(len(no_run.seen) - MOST_SEEN, lang)}"
    if no_run.detail:
        listed = story_words.LISTED
        names = _VARIES.sub("*", printable(no_run.detail)).replace(listed.en, listed.of(lang))
        yield words.LOOKED_FOR.of(lang).format(names=names)
    yield words.NO_LOG_WHAT_TO_DO.of(lang)
    yield (words.SHOWN_WHEN_BEGUN if waits else words.WATCH_WAITS).of(lang)
