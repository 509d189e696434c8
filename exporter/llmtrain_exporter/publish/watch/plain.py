"""A watched run in a pipe: one line for each thing that happens."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TextIO

from llmtrain_exporter.knowledge import watch_words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.model import State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.style import Style
from llmtrain_exporter.publish.watch.folder import Look, Scene
from llmtrain_exporter.publish.watch.news import advice, news, standing, story
from llmtrain_exporter.publish.wrap import NBSP


class Plain:
    """Tells what is new in each scene, on a stream that anything may read. Remembers what it has told."""

    def __init__(self, out: TextIO, style: Style) -> None:
        self._out = out
        self._style = style
        self._told: dict[str, Look] = {}  # by run
        self._ended: set[str] = set()
        self._reason = ""
        self._failed: set[str] = set()

    def show(self, scene: Scene) -> None:
        """Tell what has happened since the last scene."""
        for name in scene.failed.keys() - self._failed:
            self._failed.add(name)
            self._tell(scene.now, name, [self._style.say(watch_words.FAILED, error=scene.failed[name])])
        self._say_gone(scene)
        if scene.reason != self._reason:
            self._reason = scene.reason
            if scene.reason and not scene.unread:
                self._write(scene.now, [waiting(scene, self._style)])
        for look in scene.looks:
            if look.caught_up or look.error:
                self._look(look, look is scene.chosen, scene.now)

    def end(self, scene: Scene) -> None:
        """Tell the verdict on what has not ended, too: nobody looks any more."""
        shown = [look for look in scene.looks if look.live or look is scene.chosen]
        for look in shown:
            if look.run.run not in self._ended:
                self._tell(scene.now, look.run.run, [standing(look.run, self._style)])

    def _look(self, look: Look, chosen: bool, now: float) -> None:
        name, run = look.run.run, look.run
        before = self._told.get(name)
        self._told[name] = look
        if look.error and (before is None or before.error != look.error):
            self._tell(now, name, [look.error])
        if before is None or before.rewritten != look.rewritten:
            self._ended.discard(name)
            again = [watch_words.REWRITTEN.of(self._style.lang)] if before else []
            first = story(run, self._style) if chosen or look.live else [standing(run, self._style)]
            self._tell(now, name, [*again, *first])
            if look.over:
                self._ended.add(name)
            return
        self._tell(now, name, news(before.run, run, now, self._style))
        if look.over and name not in self._ended:
            self._ended.add(name)
            self._tell(now, name, [standing(run, self._style), *advice(run, self._style)])
        elif run.state is State.RUNNING:
            self._ended.discard(name)

    def _say_gone(self, scene: Scene) -> None:
        for name in self._told.keys() - {look.run.run for look in scene.looks} - scene.failed.keys():
            del self._told[name]
            self._ended.discard(name)
            self._tell(scene.now, name, [watch_words.GONE.of(self._style.lang)])

    def _tell(self, now: float, name: str, texts: Iterable[str]) -> None:
        self._write(now, (f"{printable(name)}: {text}" for text in texts))

    def _write(self, now: float, texts: Iterable[str]) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        for text in texts:
            self._out.write(f"{when} {text.replace(NBSP, ' ')}\n")
            self._out.flush()


def waiting(scene: Scene, style: Style) -> str:
    """Why there is no run to show."""
    reason = watch_words.REASONS.get(scene.reason, Text(scene.reason, scene.reason))
    return style.say(watch_words.WAITING, path=scene.path, reason=printable(reason.of(style.lang)))
