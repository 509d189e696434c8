"""The threads that watch: one for each root, so that none that does not answer holds up the others."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from threading import Thread

from llmtrain_exporter.config import Settings
from llmtrain_exporter.push.live_history import HistorySink
from llmtrain_exporter.serve.finished_runs import FinishedRuns
from llmtrain_exporter.serve.first_read import Processes
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.protection import Protection
from llmtrain_exporter.serve.pulse import LOOK_SECONDS, Pulse, Pulses
from llmtrain_exporter.serve.sharing import Sharing
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watcher import Watcher
from llmtrain_exporter.watching.roots import Place, ask_each, grouped, place_of, unknown_place
from llmtrain_exporter.watching.rules import RunRules, rules_for_serving
from llmtrain_exporter.watching.seats import Seats

ANSWER_SECONDS = 2.0
"""A root is waited for so long before it is watched; one that does not answer is watched by itself."""

LONGEST_GAP_SECONDS = 5.0
"""Where the threads were not looked at for longer, the process itself stood still (SIGSTOP)."""


class Watchers:
    """A watcher for each thread; the fleet has their signs of life. Set up and changed by one thread."""

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        telemetry: Telemetry,
        sink: HistorySink | None = None,
        protection: Protection | None = None,
        finished: FinishedRuns | None = None,
        start: Callable[[Settings], Processes | None] = lambda _: None,
    ) -> None:
        """`sink`: takes the history of all runs, where that is sent; `protection`: protects them.

        `finished`, `start`: see `Sharing`. Who sends or protects wants to see each record: all is read here.
        """
        watched_alone = sink is None and protection is None
        self._fleet = fleet
        self._telemetry = telemetry
        self._sharing = Sharing(
            Seats(),
            {},
            sink,
            protection,
            finished,
            start if watched_alone else lambda _: None,
        )
        self._threads: list[Thread] = []
        self._watch: Callable[[Watcher], object] | None = None  # what a thread does, once they are started
        self.all: list[Watcher] = []
        self._arrange(settings)

    def start(self, watch: Callable[[Watcher], object], stop: threading.Event) -> None:
        """Let a thread `watch` with each, and another look after them until `stop` is set."""
        self._watch = watch
        self._run(self.all)
        Thread(target=self._look_after, args=(stop,), name="pulses", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait for the threads to end; none that hangs is waited for longer: daemons end with the process."""
        ends_at = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(ends_at - time.monotonic(), 0.0))

    def change(self, settings: Settings) -> None:
        """Go by these settings: roots may be new, or gone."""
        known = list(self.all)
        self._arrange(settings)
        for watcher in known:
            if watcher not in self.all:
                watcher.retire()
            watcher.change(settings)
        if self._watch is not None:
            self._run(watcher for watcher in self.all if watcher not in known)

    def _arrange(self, settings: Settings) -> None:
        rules = rules_for_serving(settings)
        paths = tuple(dict.fromkeys(map(os.path.abspath, settings.paths)))
        asked = ask_each(paths, lambda path: _ask(path, rules), ANSWER_SECONDS) if len(paths) > 1 else {}
        found = {path: asked.get(path) or (unknown_place(path), path) for path in paths}
        for gone in self._sharing.named_after.keys() - found.keys():
            del self._sharing.named_after[gone]
        self._sharing.named_after.update({path: named_after for path, (_, named_after) in found.items()})
        known = {watcher.pulse.roots: watcher for watcher in self.all}
        groups = grouped([place for place, _ in found.values()])
        self.all = [known.get(group) or self._watcher(settings, group) for group in groups]
        self._fleet.pulses = Pulses([watcher.pulse for watcher in self.all], self._fleet.note_pulses)
        self._fleet.note_pulses(self._fleet.pulses)

    def _watcher(self, settings: Settings, group: tuple[str, ...]) -> Watcher:
        pulse = Pulse(group, time.monotonic())
        return Watcher(settings, self._fleet, self._telemetry, pulse, self._sharing)

    def _run(self, watchers: Iterable[Watcher]) -> None:
        for watcher in watchers:
            thread = Thread(target=self._watch, args=(watcher,), name="watch", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _look_after(self, stop: threading.Event) -> None:
        looked = time.monotonic()
        while not stop.wait(LOOK_SECONDS):
            monotonic = time.monotonic()
            if monotonic - looked < LONGEST_GAP_SECONDS:
                self._fleet.pulses.judge(monotonic, time.time())
            looked = monotonic


def _ask(path: str, rules: RunRules) -> tuple[Place, str]:
    return place_of(path), rules.named_after(path)
