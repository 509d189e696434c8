"""`push`: every record of logs to a server, and whether it has taken all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from llmtrain_exporter import __version__
from llmtrain_exporter.config import Settings
from llmtrain_exporter.config.remote_write import RemoteWriteRule
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.progress_line import ProgressLine
from llmtrain_exporter.push.history_files import whole_log
from llmtrain_exporter.push.read_history import histories
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.remote_write import Clocks, RemoteWriter
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.push.senders import writer_for
from llmtrain_exporter.story.several import no_run_text
from llmtrain_exporter.watching.on_demand import missed

PROGRESS_SECONDS = 1.0
"""Between two words on how far a push is."""


class PushError(ValueError):
    """Why it cannot be done, or not to its end, for people."""


@dataclass(frozen=True, slots=True)
class PushWanted:
    """What is to be pushed where. `folder`: where the places of the server are kept, None for nowhere.

    `profile`: kind of training, where the logs do not tell. `give_up`: seconds after which a server is given
    up that takes nothing.
    """

    server: RemoteWriteRule
    folder: Path | None
    profile: str | None
    give_up: float


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the server has taken now, and what it has dropped, by reason; the rest it had before.

    `whole`: no path that was named is without a run, and no log could not be read.
    """

    runs: int
    records: int
    samples: int
    dropped: Mapping[str, int]
    whole: bool


@dataclass(frozen=True, slots=True)
class Outside:
    """What pushing needs of the world. `err`: where it is told what is no run."""

    environ: Mapping[str, str]
    clocks: Clocks
    sleep: Callable[[float], object]
    err: TextIO
    progress: ProgressLine


def push_logs(paths: Sequence[str], settings: Settings, wanted: PushWanted, world: Outside) -> Pushed:
    """Send what the server does not have yet of the logs below `paths`, one after the other.

    Raises PushError where the server cannot be reached for too long, or lets nobody in.
    """
    reading = _LogsInTurn(world)
    writer = writer_for(wanted.server, wanted.folder, world.environ, reading.read, __version__)
    if wanted.folder is not None and not writer.keeps_places:
        raise PushError(
            f"{wanted.folder}: what was sent is kept there, and cannot be used: it may belong to an exporter "
            "that runs, which sends its logs by itself. Give another folder with --state-dir"
        )
    try:
        runs = 0
        for history in histories(paths, settings, wanted.profile, world.clocks.unix()):
            if isinstance(history, NoRun):
                reading.leave_out(history)
            else:
                reading.history = history
                writer.queue.read_up_to(history.name, math.inf)
                _until_sent(writer, wanted.give_up, world)
                runs += bool(history.records)
    finally:
        world.progress.clear()
        writer.close()
    sent = writer.statistics
    dropped = {reason: records for reason, records in sent.dropped_records.items() if records}
    whole = bool(runs) and not missed(paths, reading.others)
    return Pushed(runs, sent.records, sent.samples, dropped, whole)


class _LogsInTurn:
    """Reads the log whose turn it is."""

    def __init__(self, world: Outside) -> None:
        self.history: RunHistory | None = None
        self.others: list[NoRun] = []
        self._world = world

    def read(self, _: str) -> Iterator[RecordSamples] | None:
        """All records of that log; where it is none, that is said."""
        assert self.history is not None
        return self._records(self.history)

    def _records(self, history: RunHistory) -> Iterator[RecordSamples]:
        for each in whole_log(history, self._world.clocks.unix()):
            if isinstance(each, NoRun):
                self.leave_out(each)
            else:
                yield each

    def leave_out(self, other: NoRun) -> None:
        """Say that it is no run."""
        self.others.append(other)
        self._world.progress.clear()
        self._world.err.write(f"{no_run_text(other, Lang.EN)}\n")


def _until_sent(writer: RemoteWriter, give_up: float, world: Outside) -> None:
    """Make step after step until nothing is left. Raises PushError."""
    monotonic = world.clocks.monotonic
    since, answered = monotonic(), -1
    sent = writer.statistics
    while not (writer.is_idle and writer.queue.is_empty):
        wait = writer.step(at_once=True)
        if writer.troubles.denied:
            raise PushError(f"{writer.name}: {writer.troubles.denied}")
        if sent.records + sent.dropped != answered:
            since, answered = monotonic(), sent.records + sent.dropped
        elif monotonic() - since > give_up:
            raise PushError(
                f"{writer.name} has taken nothing for {give_up:g} s; what it has is noted: push again"
            )
        world.progress.say(lambda: f"{sent.records} records sent")
        if wait > 0 and not (writer.is_idle and writer.queue.is_empty):
            world.sleep(wait)
