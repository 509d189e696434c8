"""What the loop and the HTTP server share."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from llmtrain_exporter.analyse.checks import check_samples
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.printable import label_value
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.kept_run import KeptRun
from llmtrain_exporter.serve.listed_metrics import kept_values, listed_metrics
from llmtrain_exporter.serve.pulse import Pulse, Pulses
from llmtrain_exporter.serve.run_notes import NONE, Notes
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.story.facts import remaining
from llmtrain_exporter.story.headline import Headlines
from llmtrain_exporter.watching.outline import outline

_NO_SAMPLES: Mapping[Series, float] = {}


class Shown(NamedTuple):
    """A run as it is published: what is known of it without its samples, and where its log is."""

    snapshot: Snapshot
    found: Found | None
    sparkline: Sparkline | None
    remaining: float | None  # seconds to its end when it was published
    pulse: Pulse | None = None  # of the thread that reads its log
    last_values: bytes = b"\0"  # see `listed_metrics`
    rests: bool = False  # it is over, and of the snapshot there is but an outline
    note: str = ""  # what an operator has noted about it, a line for each text

    @property
    def metrics(self) -> Mapping[str, float]:
        """Those of the list."""
        return listed_metrics(self.last_values)

    @property
    def unread_since(self) -> float | None:
        """Unix time since when its log cannot be read, because its file system does not answer; else None."""
        return None if self.pulse is None else self.pulse.stuck_since


class Fleet:
    """The runs that are published now. Written by the threads that read logs, read by any."""

    def __init__(self, exposition: Exposition, roots: tuple[str, ...]) -> None:
        self.roots = roots
        self.ready = False  # true once every log that was there at the start is read to its end
        self.version = 0  # grows with every change
        self.problems: Mapping[str, str] = {}  # what cannot be read, by path
        self.pulses = Pulses(())  # of the threads that read logs
        self._notes = NONE
        self._exposition = exposition
        self._headlines = Headlines()
        self._writing = threading.Lock()  # held for every change
        self._problems: dict[object, Mapping[str, str]] = {}  # by who found them
        self._shown: dict[str, Shown] = {}  # readers copy it in one step
        self._odd: dict[str, str] = {}  # names that cannot be shown as they are, by what is shown instead

    def __len__(self) -> int:
        return len(self._shown)

    def publish(
        self,
        snapshot: Snapshot,
        newborn: bool = False,
        found: Found | None = None,
        sparkline: Sparkline | None = None,
        pulse: Pulse | None = None,
        shrunk: bool = False,
        rests: bool = False,
    ) -> None:
        """Show this from now on, instead of what was known of the run before.

        `newborn`, `shrunk`, `rests`: see `Exposition`. Of a run that rests an outline is kept.

        The samples are the exposition's alone: kept here too, they would double what a run takes.
        """
        run = snapshot.run
        left = remaining(snapshot)
        more = {**check_samples(snapshot), **self._headlines.samples(snapshot)}
        samples = {**snapshot.samples, **more} if more else snapshot.samples
        with self._writing:
            self._exposition.publish(run, samples, newborn, shrunk, rests)
            kept = outline(snapshot) if rests else replace(snapshot, samples=_NO_SAMPLES)
            drawn = sparkline.alone() if rests and sparkline is not None else sparkline
            self._show(Shown(kept, found, drawn, left, pulse, kept_values(snapshot.samples), rests))

    def keep(self, kept: KeptRun, found: Found, pulse: Pulse, shrunk: bool) -> None:
        """Show a run that is over and was not read here. `shrunk`: see `Exposition`."""
        run = kept.snapshot.run
        with self._writing:
            self._exposition.publish(run, kept.samples, shrunk=shrunk, rests=True)
            values = kept_values(kept.samples)
            self._show(Shown(kept.snapshot, found, kept.course, None, pulse, values, rests=True))

    def _show(self, shown: Shown) -> None:
        run = shown.snapshot.run
        if run not in self._shown and label_value(run) != run:
            self._odd[label_value(run)] = run
        self._shown[run] = shown._replace(note=self._notes.of(run))
        self.version += 1

    def take_notes(self, notes: Notes) -> None:
        """What is noted about runs from now on."""
        known = {run: notes.of(run) for run in tuple(self._shown)}  # before: globs of many runs take a while
        with self._writing:
            self._notes = notes
            for run, shown in self._shown.items():
                note = known[run] if run in known else notes.of(run)
                if note != shown.note:
                    self._shown[run] = shown._replace(note=note)  # the same keys, so that readers may copy
            self.version += 1

    def remove(self, run: str) -> None:
        """Show nothing of that run any more. A run that is not there is no error."""
        with self._writing:
            if self._shown.pop(run, None) is not None:
                self._odd.pop(label_value(run), None)
                self.version += 1
            self._exposition.remove(run)
            self._headlines.forget(run)

    def shrink(self, run: str, shrunk: bool) -> None:
        """Expose of a run what lasts alone, or all again; what is shown of it elsewhere stays."""
        with self._writing:
            self._exposition.shrink(run, shrunk)

    def note_problems(self, finder: object, problems: Mapping[str, str]) -> None:
        """What cannot be read, by path, as far as `finder` knows; replaces what it said before."""
        with self._writing:
            self._problems[finder] = problems
            self.problems = {path: why for each in self._problems.values() for path, why in each.items()}

    def note_pulses(self, pulses: Pulses) -> None:
        """A root cannot be read any more, or again: what is shown of its runs says so."""
        self.note_problems(Pulses, pulses.problems)
        with self._writing:
            self.ready = self.ready or pulses.ready
            self.version += 1

    def get(self, run: str) -> Snapshot | None:
        """What is known of that run, None if there is no such run."""
        shown = self._shown.get(run)
        return None if shown is None else shown.snapshot

    def find(self, name: str) -> Shown | None:
        """The run of that name, which may be the one that stands in its label run."""
        return self._shown.get(name) or self._shown.get(self._odd.get(name, name))

    def with_samples(self, snapshot: Snapshot) -> Snapshot:
        """The same with its last values."""
        return replace(snapshot, samples=self._exposition.samples(snapshot.run))

    def shown(self) -> list[Shown]:
        """All of them, in no order."""
        return list(self._shown.copy().values())

    def snapshots(self) -> list[Snapshot]:
        """All of them, sorted by the name of the run."""
        return sorted((shown.snapshot for shown in self.shown()), key=attrgetter("run"))
