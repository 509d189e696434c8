"""A watched run in a pipe: one line for each thing that happens."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TextIO

from llmtrain_exporter.knowledge import watch_words
from llmtrain_exporter.model import State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.watch.folder import Look, Scene
from llmtrain_exporter.story.blocks import Line
from llmtrain_exporter.story.news import advice_line, news, so_far, standing_line
from llmtrain_exporter.story.phrase import phrase
from llmtrain_exporter.write.line import plain_text
from llmtrain_exporter.write.style import Style


class Plain:
    """Tells what is new in each scene, on a stream that anything may read. Remembers what it has told."""

    def __init__(self, out: TextIO, style: Style) -> None:
        self._out = out
        self._style = style
        self._lang = style.lang
        self._known: dict[str, Look] = {}  # by run
        self._ended: set[str] = set()
        self._reason = ""
        self._failed: set[str] = set()

    def show(self, scene: Scene) -> None:
        """Tell what has happened since the last scene."""
        for name in scene.failed.keys() - self._failed:
            self._failed.add(name)
            self._tell(scene.now, name, [failure_line(scene.failed[name], self._style)])
        self._say_gone(scene)
        if scene.reason != self._reason:
            self._reason = scene.reason
            if scene.reason and not scene.unread:
                self._write(scene.now, waiting_text(scene, self._style))
        for look in scene.looks:
            if look.caught_up or look.error:
                self._look(look, look is scene.chosen, scene.now)

    def end(self, scene: Scene) -> None:
        """Tell the verdict on what has not ended, too: nobody looks any more."""
        shown = [look for look in scene.looks if look.live or look is scene.chosen]
        for look in shown:
            if look.run.run not in self._ended:
                self._tell(scene.now, look.run.run, [standing_line(look.run, self._lang)])

    def _look(self, look: Look, chosen: bool, now: float) -> None:
        name, run = look.run.run, look.run
        before = self._known.get(name)
        self._known[name] = look
        if look.error and (before is None or before.error != look.error):
            self._tell(now, name, [(look.error,)])
        if before is None or before.rewritten != look.rewritten:
            self._ended.discard(name)
            again = [(watch_words.REWRITTEN.of(self._lang),)] if before else []
            first = so_far(run, self._lang) if chosen or look.live else [standing_line(run, self._lang)]
            self._tell(now, name, [*again, *first])
            if look.over:
                self._ended.add(name)
            return
        self._tell(now, name, news(before.run, run, now, self._lang))
        if look.over and name not in self._ended:
            self._ended.add(name)
            self._tell(now, name, [standing_line(run, self._lang), advice_line(run, self._lang)])
        elif run.state is State.RUNNING:
            self._ended.discard(name)

    def _say_gone(self, scene: Scene) -> None:
        for name in self._known.keys() - {look.run.run for look in scene.looks} - scene.failed.keys():
            del self._known[name]
            self._ended.discard(name)
            self._tell(scene.now, name, [(watch_words.GONE.of(self._lang),)])

    def _tell(self, now: float, name: str, lines: Iterable[Line]) -> None:
        for line in filter(None, lines):
            self._write(now, f"{printable(name)}: {plain_text(line, self._style)}")

    def _write(self, now: float, text: str) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        self._out.write(f"{when} {text}\n")
        self._out.flush()


def failure_line(error: str, style: Style) -> Line:
    """Why a log cannot be analysed."""
    return phrase(watch_words.FAILED, style.lang, error=error)


def waiting_text(scene: Scene, style: Style) -> str:
    """Why there is no run to show."""
    known = watch_words.REASONS.get(scene.reason)
    reason = known.of(style.lang) if known else scene.reason
    return plain_text(phrase(watch_words.WAITING, style.lang, path=scene.path, reason=reason), style)
