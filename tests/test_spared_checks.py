"""A path at which a search has just looked is not looked at once more."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest import stirrings
from llmtrain_exporter.ingest.follow import Follower
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.quiet_logs import LOOK_AT_ALL_SECONDS, SEARCHES_BELIEVED
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watchers import Watchers
from llmtrain_exporter.watching.live import LiveRun

from tests.rounds import read_all
from tests.training import append, swift


class Loop:
    """A watcher of one log, searching as often as it looks at paths; a test cranks its time."""

    def __init__(self, root: Path) -> None:
        self.log = append(root / "run" / "logging.jsonl", swift(1))
        fleet = Fleet(exposition := Exposition(), (str(root),))
        settings = Settings(paths=(str(root),))
        (self.watcher,) = Watchers(settings, fleet, Telemetry("0", fleet, exposition)).all
        self._began = self.log.stat().st_mtime
        self.seconds = 0

    @property
    def run(self) -> LiveRun[Sparkline]:
        """The only one that there is."""
        (run,) = self.watcher._runs
        assert isinstance(run, LiveRun)
        return run

    def go_on(self, seconds: int) -> None:
        """Let so many pass, with a round in each."""
        for _ in range(seconds):
            if self.seconds % LOOK_AT_ALL_SECONDS == 0:
                self.watcher.scan(self._began + self.seconds)
            read_all(self.watcher, self.seconds, self._began + self.seconds)
            self.seconds += 1


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often followers look at each path by themselves."""
    counted: Counter[str] = Counter()
    check = Follower.check_path

    def counting(self: Follower, now: float) -> bool:
        counted[self.path] += 1
        return check(self, now)

    monkeypatch.setattr(Follower, "check_path", counting)
    monkeypatch.setattr(stirrings, "tells_of_writes", lambda _: True)
    return counted


@pytest.fixture
def loop(tmp_path: Path, looks: Counter[str]) -> Loop:
    """One whose log is quiet; it has searched as often as makes the next ones believed."""
    loop = Loop(tmp_path)
    loop.go_on(round(SEARCHES_BELIEVED * LOOK_AT_ALL_SECONDS))
    looks.clear()
    return loop


def test_a_quiet_log_has_its_path_looked_at_by_the_search(loop: Loop, looks: Counter[str]) -> None:
    """And now and then by its follower, which alone settles what it has put off."""
    loop.go_on(round(SEARCHES_BELIEVED * LOOK_AT_ALL_SECONDS))
    assert looks == {str(loop.log): 1}


@pytest.mark.parametrize("turned", ["folder", "link"])
def test_another_log_behind_the_same_path_is_found_no_later(loop: Loop, turned: str) -> None:
    """A folder above it changed hands: of that the kernel tells nothing."""
    folder = loop.log.parent
    other = append(folder.parent.parent / f"{folder.parent.name}-other" / "logging.jsonl", swift(1), swift(2))
    folder.rename(other.parent.with_name(f"{folder.parent.name}-away"))
    if turned == "folder":
        other.parent.rename(folder)
    else:
        folder.symlink_to(other.parent)
    loop.go_on(round(2 * LOOK_AT_ALL_SECONDS))
    assert loop.run.source.place is not None
    assert os.fstat(loop.run.source.place[0]).st_ino == loop.log.stat().st_ino


def test_only_the_very_file_as_it_was_read_is_what_was_found(loop: Loop) -> None:
    """Bytes that came without a word, and a touched file, are looked at."""
    loop.watcher.scan(loop.log.stat().st_mtime)
    (found,) = loop.watcher._seen
    assert loop.run.is_still(found)
    for other in (
        replace(found, size=found.size + 1),
        replace(found, modified=found.modified + 1),
        replace(found, identity=(found.identity[0], found.identity[1] + 1)),
    ):
        assert not loop.run.is_still(other)
