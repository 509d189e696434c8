"""A run in the terminal while it trains: read, told, read again, until it is over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TextIO

from llmtrain_exporter.config import Settings
from llmtrain_exporter.publish.check import can_draw, style_for
from llmtrain_exporter.publish.watch.folder import WatchedFolder
from llmtrain_exporter.publish.watch.keyboard import NO_KEYS, Keys, Pressed
from llmtrain_exporter.publish.watch.plain import LineView
from llmtrain_exporter.publish.watch.status import FolderStatus

DRAW_SECONDS = 0.25
"""Time between two pictures while a lot is being read."""


class View(Protocol):
    """Shows to somebody how things are."""

    def show(self, status: FolderStatus) -> None:
        """Show how things are."""

    def end(self, status: FolderStatus) -> None:
        """Show how things were at the end, for good."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The time. `wait` sleeps so many seconds, or less; it says whether somebody wants the watch to end."""

    wait: Callable[[float], bool]
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time  # Unix time


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What is watched and how it is told. `run`: which one in full; `interval`: seconds between looks."""

    path: str
    lang: str
    profile: str | None = None
    run: str | None = None
    interval: float = 1.0


def run_watch(
    request: WatchRequest, settings: Settings, out: TextIO, clock: Clock, keys: Keys = NO_KEYS
) -> int:
    """Watch until the run is over, or until `clock.wait` says so. The exit code: its health, see `check`."""
    folder = WatchedFolder(request.path, settings, request.profile, request.run)
    try:
        with view_on(out, request.lang) as view:
            watch(folder, view, request.interval, clock, keys)
        return folder.exit_code(clock.now())
    finally:
        folder.close()


def watch(folder: WatchedFolder, view: View, interval: float, clock: Clock, keys: Keys = NO_KEYS) -> None:
    """Look and show, every `interval` seconds, and at once where a key is pressed."""
    shown = float("-inf")
    while True:
        busy = folder.look(clock.monotonic(), clock.now())
        now, over = clock.now(), folder.is_over(clock.now())
        if over or not busy or clock.monotonic() - shown >= DRAW_SECONDS:
            view.show(replace(folder.status(now), has_keys=bool(keys.files)))
            shown = clock.monotonic()
        if over or clock.wait(0.0 if busy else interval) or not _obeyed(keys.pressed(), folder, clock.now()):
            view.end(folder.status(clock.now()))
            return


def _obeyed(pressed: Sequence[Pressed], folder: WatchedFolder, now: float) -> bool:
    """Do what was asked for; whether the watch goes on."""
    for key in pressed:
        if key is Pressed.WORST:
            folder.go_to_worst(now)
        elif key is not Pressed.END:
            folder.go(1 if key is Pressed.NEXT else -1, now)
    return Pressed.END not in pressed


@contextmanager
def view_on(out: TextIO, lang: str) -> Iterator[View]:
    """A picture on a terminal that can show one, else a line for each thing that happens."""
    style = style_for(lang, out)
    if not (out.isatty() and os.environ.get("TERM") != "dumb" and can_draw(out)):
        yield LineView(out, style)
        return
    from llmtrain_exporter.publish.watch.terminal import Terminal

    with Terminal(out, style) as terminal:
        yield terminal
