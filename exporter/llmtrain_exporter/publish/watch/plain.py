"""A watched run in a pipe: one line for each thing that happens."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TextIO

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge import watch_words
from llmtrain_exporter.knowledge.no_run import ODD_NAME, OTHER_FORMAT, NoRunReason
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import LeftOut, NoRun, State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.watch.status import FolderStatus, RunStatus
from llmtrain_exporter.story.blocks import Line
from llmtrain_exporter.story.news import advice_line, news, so_far, standing_line
from llmtrain_exporter.story.no_run import details
from llmtrain_exporter.story.phrase import phrase
from llmtrain_exporter.story.several import why_no_run
from llmtrain_exporter.write.columns import wrapped
from llmtrain_exporter.write.line import plain_text
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal import INDENT, indented


class LineView:
    """Tells what is new in each status, on a stream that anything may read. Remembers what it has told."""

    def __init__(self, out: TextIO, style: Style) -> None:
        self._out = out
        self._style = style
        self._lang = style.lang
        self._before: dict[str, RunStatus] = {}  # by run: as it was told last
        self._ended: set[str] = set()
        self._no_run: NoRun | None = None
        self._failed: set[str] = set()

    def show(self, status: FolderStatus) -> None:
        """Tell what has happened since the last status."""
        for name in status.failed.keys() - self._failed:
            self._failed.add(name)
            self._tell(status.now, name, [broken_line(status.failed[name], self._lang)])
        self._tell_gone(status)
        if not status.unread:
            self._tell_no_run(status)
        for watched in status.runs:
            if watched.caught_up or watched.error:
                self._tell_run(watched, watched is status.chosen, status.now)

    def end(self, status: FolderStatus) -> None:
        """Tell the verdict on what has not ended, too: nobody looks any more."""
        for watched in status.runs:
            if (watched.live or watched is status.chosen) and watched.run.run not in self._ended:
                self._tell(status.now, watched.run.run, [standing_line(watched.run, self._lang)])

    def _tell_run(self, watched: RunStatus, chosen: bool, now: float) -> None:
        name, run = watched.run.run, watched.run
        before = self._before.get(name)
        self._before[name] = watched
        if watched.error and (before is None or before.error != watched.error):
            self._tell(now, name, [(watched.error,)])
        if before is None or before.rewritten != watched.rewritten:
            self._ended.discard(name)
            again = [(watch_words.REWRITTEN.of(self._lang),)] if before else []
            in_full = chosen or watched.live
            first = so_far(run, self._lang) if in_full else [standing_line(run, self._lang)]
            self._tell(now, name, [*again, *first])
            if watched.over:
                self._ended.add(name)
            return
        self._tell(now, name, news(before.run, run, now, self._lang))
        if watched.over and name not in self._ended:
            self._ended.add(name)
            self._tell(now, name, [standing_line(run, self._lang), advice_line(run, self._lang)])
        elif run.state is State.RUNNING:
            self._ended.discard(name)

    def _tell_no_run(self, status: FolderStatus) -> None:
        """Why no run is shown. That more lines have come which are no record is no news."""
        before, self._no_run = self._no_run, status.no_run
        if status.no_run and (before is None or _why(before) != _why(status.no_run)):
            self._write(status.now, waiting_text(status.path, status.no_run, self._style))
            for line in details(status.no_run, self._lang, waits=True):
                self._write(status.now, f"  {line}")

    def _tell_gone(self, status: FolderStatus) -> None:
        for name in self._before.keys() - {watched.run.run for watched in status.runs} - status.failed.keys():
            del self._before[name]
            self._ended.discard(name)
            self._tell(status.now, name, [(watch_words.GONE.of(self._lang),)])

    def _tell(self, now: float, name: str, lines: Iterable[Line]) -> None:
        for line in filter(None, lines):
            self._write(now, f"{printable(name)}: {plain_text(line, self._style)}")

    def _write(self, now: float, text: str) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        self._out.write(f"{when} {text}\n")
        self._out.flush()


def _why(no_run: NoRun) -> tuple[NoRunReason, str, frozenset[LeftOut]]:
    """The reason, and which files would be read if they were named."""
    readable = frozenset(left for left in no_run.seen if left.reason in (ODD_NAME, OTHER_FORMAT))
    return no_run.reason, no_run.detail, readable


def broken_line(error: str, lang: Lang) -> Line:
    """Why a log cannot be analysed. `error`: class of the exception."""
    return (words.no_run_reason(NoRunReason.BROKEN, error, lang),)


def waiting_text(path: str, no_run: NoRun, style: Style) -> str:
    """Why there is no run to show."""
    reason = why_no_run(no_run, style.lang)
    return plain_text(phrase(watch_words.WAITING, style.lang, path=path, reason=reason), style)


def waiting_lines(path: str, no_run: NoRun, style: Style, whole_paths: bool = False) -> Iterator[str]:
    """The same, what lies there and what is looked for. `whole_paths`: see `wrapped`."""
    yield from wrapped(waiting_text(path, no_run, style), style.width, whole_paths)
    for line in details(no_run, style.lang, waits=True):
        yield from indented(wrapped(line, style.width - INDENT, whole_paths))
