"""Protects the runs of an exporter from outside: looks at their output folders while they train."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_exporter.guard.keep.checkpoints import found
from llmtrain_exporter.guard.keep.keeping import Bounds, CheckpointKeeper
from llmtrain_exporter.guard.keep.news import MarkObserver, RunNews, news_of
from llmtrain_exporter.guard.keep.obstacles import Obstacle
from llmtrain_exporter.guard.keep.protecting import protect
from llmtrain_exporter.guard.keep.settling import Settling, TrainingProgress
from llmtrain_exporter.model import Protected, Snapshot, State

LOOK_SECONDS = 1.0
"""Time between two looks at an output folder."""

LOOK_SHARE = 0.02
"""Share of the time that looks may take, or they get rarer."""

UNDONE = ("keep", "let_go", "part", "set_aside")
"""What is counted from 0 on."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator wants. `from_start`: checkpoints are kept before anything speaks against a run."""

    bounds: Bounds = Bounds()  # noqa: RUF009  # frozen
    from_start: bool = False


@dataclass(slots=True)
class _Watched:
    """A run, and what was done about it. Belongs to the thread that looks."""

    news: RunNews
    folder: Path | None = None  # where its checkpoints lie, once that was looked for
    part_from: int | None = None  # step from which on links must become copies
    settling: Settling = field(default_factory=Settling)
    shares: bool = False  # another one trains into the same folder, which was said
    given_up: bool = False


class RunProtector:
    """Protects the runs whose logs one thread reads, and does it in another. No method raises or waits."""

    def __init__(self, wishes: Wishes, say: Callable[[str], object] = log.warning) -> None:
        self._wishes = wishes
        self._say = say
        self._known: set[str] = set()  # runs that were seen to train; of the thread that reads logs, as is:
        self._covered: Mapping[str, Collection[str]] = {}
        self._telling = threading.Lock()  # held for what the two threads share:
        self._news: dict[str, RunNews | None] = {}  # by run, since the last look; None: it has left
        self._watched: dict[str, _Watched] = {}
        self._keepers: dict[Path, CheckpointKeeper] = {}
        self._protected: dict[str, Protected] = {}  # read by any thread, each replaced as a whole

    def observer(self) -> MarkObserver:
        """What is to see the records of a run that begins."""
        return MarkObserver()

    def see(self, run: Snapshot, observer: MarkObserver) -> None:
        """Hear of a run as it stands. One that does not train when it is met is left alone."""
        if run.state is State.RUNNING:
            self._known.add(run.run)
        if run.run in self._known:
            others = self._covered.get(run.file, ())
            news = news_of(run, observer, others, self._wishes.from_start)
            with self._telling:
                self._news[run.run] = news

    def know_covered(self, logs: Mapping[str, Collection[str]]) -> None:
        """Hear which other logs show the same training, by the path of the one that is followed."""
        self._covered = logs

    def leave(self, run: str) -> None:
        """Hear that a run is watched no longer. What is kept of it stays."""
        self._known.discard(run)
        with self._telling:
            self._news[run] = None

    def protected(self) -> Sequence[Protected]:
        """What is kept of which run."""
        return list(self._protected.copy().values())

    def run(self) -> None:
        """Look, for ever. What is cut short when the process ends is finished by the next."""
        while True:
            began = time.monotonic()
            self.look(began)
            time.sleep(max(LOOK_SECONDS, (time.monotonic() - began) / LOOK_SHARE))

    def look(self, monotonic: float) -> None:
        """Do what is to be done about each run."""
        with self._telling:
            news, self._news = self._news, {}
        for name, heard in news.items():
            self._hear(name, heard)
        for name, watched in self._watched.items():
            if watched.news.lives and not watched.given_up:
                self._guarded(name, watched, monotonic)

    def _guarded(self, name: str, watched: _Watched, monotonic: float) -> None:
        """One run that cannot be protected must not stop the others."""
        try:
            self._look_at(name, watched, monotonic)
        except Exception:
            log.exception("%s: its checkpoints cannot be protected", name)
            watched.given_up = True

    def _hear(self, name: str, news: RunNews | None) -> None:
        if news is None:
            self._watched.pop(name, None)
            self._protected.pop(name, None)
            return
        before = self._watched.get(name)
        if before is None:
            self._watched[name] = _Watched(news, part_from=news.last_step)
            return
        if news.resumes > before.news.resumes or news.last_step < before.news.last_step:
            earlier = [] if before.part_from is None else [before.part_from]
            before.part_from = min([news.begins_at, *earlier])
        before.news = news

    def _look_at(self, name: str, watched: _Watched, monotonic: float) -> None:
        news, folder = watched.news, _folder_of(watched.news)
        watched.folder, keeper = folder, self._keeper(folder)
        if watched.part_from is not None and keeper.part(watched.part_from, "these steps may be saved again"):
            watched.part_from = None
        if not self._is_to_be_protected(watched):
            return
        others = self._others(name, folder)
        if others and not watched.shares:
            keeper.hinder(Obstacle.SHARED, f"{folder}: {', '.join([name, *others])}")
        watched.shares = bool(others)
        if not any(other < name and self._is_to_be_protected(self._watched[other]) for other in others):
            progress = TrainingProgress(news.last_step, news.records, monotonic)
            whole = watched.settling.settled(found(folder), progress)
            protect(keeper, whole, news.marks, news.because or "from the start")
        self._protected[name] = _told(name, keeper)

    def _is_to_be_protected(self, watched: _Watched) -> bool:
        return bool(watched.news.because) or self._wishes.from_start

    def _others(self, name: str, folder: Path) -> list[str]:
        """The other runs that train into the same folder; of all in trouble the first alone is protected."""
        return sorted(
            other
            for other, watched in self._watched.items()
            if other != name and watched.folder == folder and watched.news.lives
        )

    def _keeper(self, folder: Path) -> CheckpointKeeper:
        known = self._keepers.get(folder)
        if known is None:
            known = self._keepers[folder] = CheckpointKeeper(folder, self._wishes.bounds, self._say)
        return known


class Protector:
    """Protects all runs of an exporter: it has a `RunProtector` for each thread that reads logs.

    So a file system that does not answer holds up no runs on others.
    """

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._all: list[RunProtector] = []  # only ever appended to

    def for_thread(self) -> RunProtector:
        """One more, at work in a thread of its own, which ends with the process."""
        protector = RunProtector(self._wishes)
        self._all.append(protector)
        threading.Thread(target=protector.run, name="protect", daemon=True).start()
        return protector

    def protected(self) -> Iterable[Protected]:
        """What is kept of which run."""
        return [each for protector in list(self._all) for each in protector.protected()]


def _folder_of(news: RunNews) -> Path:
    """Where its checkpoints lie: beside its log, or one with the same rows."""
    first, *others = news.folders
    return next((folder for folder in news.folders if found(folder)), first) if others else first


def _told(name: str, keeper: CheckpointKeeper) -> Protected:
    steps = tuple(kept.step for kept in keeper.kept())
    obstacles = {obstacle.value: keeper.obstacles[obstacle] for obstacle in Obstacle}
    return Protected(name, steps, keeper.bytes_held(), {**dict.fromkeys(UNDONE, 0), **keeper.done}, obstacles)
