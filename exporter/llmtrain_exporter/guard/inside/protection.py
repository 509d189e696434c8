"""Keeps the good checkpoints of a training from its rotation, from inside of it.

On a thread of its own: where no file can be linked, copies of many gigabytes would have all ranks wait.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from llmtrain_exporter.analyse.analysis import TROUBLE, Analysis
from llmtrain_exporter.guard.inside.fence import Fence
from llmtrain_exporter.guard.keep.checkpoints import found, of_training
from llmtrain_exporter.guard.keep.keeping import Bounds, CheckpointKeeper
from llmtrain_exporter.guard.keep.marks import MarkKeeper, is_about_learning, troubles_of
from llmtrain_exporter.guard.keep.protecting import protect
from llmtrain_exporter.ingest.checkpoints import step_of
from llmtrain_exporter.knowledge.guard_limits import FINISH_SECONDS
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER
from llmtrain_exporter.model import Record
from llmtrain_exporter.model.guarded import Began


class RotationProtection:
    """Keeps what is good as soon as, and as long as, anything speaks against a training, or `always`.

    A slide is often longer than rotation remembers when the first signal tells of it.
    """

    def __init__(self, folder: Path, bounds: Bounds, always: bool = False) -> None:
        self._always = always
        self._folder = folder
        self._keeper = CheckpointKeeper(folder, bounds)  # of the thread's alone, once there is one
        self._marks = MarkKeeper()
        self._fence = Fence("the keeping of checkpoints")
        self._thread: threading.Thread | None = None
        self._began: Began | None = None
        self._seen: Collection[str] = ()  # names of the checkpoints when it was looked last

    def begin(self, step: int, began: Began | None) -> None:
        """The training goes on from a step: what is kept of later ones must not change with their folders.

        `began`: its first start.
        """
        self._began = began
        if (self._folder / KEPT_FOLDER).is_dir():
            self._keeper.part(step + 1, "the training goes on from an earlier step")

    def note(self, record: Record, step: int) -> None:
        """Take in a record."""
        self._marks.note(record, step)

    def look(self, analysis: Analysis | None) -> None:
        """Have checkpoints kept if it is time for it, and some are there that were not before."""
        against = _against(analysis)
        if analysis is None or not (against or self._always):
            return
        present = self._present()
        busy = self._thread is not None and self._thread.is_alive()
        if not busy and present != self._seen:
            self._seen = present
            self._start(analysis, ", ".join(against) or "a way back")

    def finish(self) -> None:
        """Wait a while for what is being kept: the process ends."""
        if self._thread is not None:
            self._thread.join(FINISH_SECONDS)

    def _present(self) -> Collection[str]:
        try:
            return frozenset(name for name in os.listdir(self._folder) if step_of(name) is not None)
        except OSError:
            return self._seen

    def _start(self, analysis: Analysis, because: str) -> None:
        marks = self._marks.marks(troubles_of(analysis.episodes, analysis.incidents))

        def keep() -> None:
            protect(self._keeper, of_training(found(self._folder), self._began), marks, because)

        self._thread = threading.Thread(
            target=lambda: self._fence.run(keep, None),
            name="llmtrain-guard-keep",
            daemon=True,
        )
        self._thread.start()


def _against(analysis: Analysis | None) -> Sequence[str]:
    """The signals that speak against what a training learns; how fast it is does not."""
    trackers = analysis.trackers if analysis is not None else {}
    met = (name for name, tracker in trackers.items() if tracker.severity in TROUBLE)
    return sorted(name for name in met if is_about_learning(name))
