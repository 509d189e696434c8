"""Sends history to one server that takes remote write 1.0: in batches, again where that helps, in order."""

from __future__ import annotations

import logging
import random
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from llmtrain_exporter.push.answers import OTHER, TOO_OLD, Outcome, RemoteAnswer, Verdict, judge
from llmtrain_exporter.push.batch import Batch
from llmtrain_exporter.push.place import Place
from llmtrain_exporter.push.place_file import PlaceFile
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.remote_queue import GapReading, QueueState, RemoteQueue
from llmtrain_exporter.push.remote_statistics import RemoteStatistics
from llmtrain_exporter.push.sending import Floor, Progress, Records, Sending
from llmtrain_exporter.push.troubles import Troubles
from llmtrain_exporter.push.write_request import RequestEncoder

FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0
"""Seconds to wait after a failure; twice as long after each further one."""

IDLE_SECONDS = 0.5
READING_SECONDS = 0.01
"""So long a log is read before one looks whether live records are to be sent, and rests: a scrape that comes
meanwhile shares the interpreter for a moment only."""

log = logging.getLogger(__name__)

LogReader = Callable[[str], Iterator[RecordSamples | None] | None]
"""Reads a run's log from its beginning, None among its records being pauses; None where there is no such log
any more."""


class Poster(Protocol):
    """Posts a packed body."""

    def post(self, body: bytes) -> RemoteAnswer:
        """The answer to it."""

    def close(self) -> None:
        """Let go of the connection."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time: `monotonic` never goes back, `unix` may."""

    monotonic: Callable[[], float]
    unix: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a writer works with. `pack`: snappy; `chance`: from 0 to 1."""

    encoder: RequestEncoder
    pack: Callable[[bytes], bytes]
    poster: Poster
    read_log: LogReader
    clocks: Clocks
    chance: Callable[[], float] = random.random


class RemoteWriter:
    """One server's. All but `queue` and `statistics` belongs to one thread, which makes step after step."""

    def __init__(self, name: str, queue: RemoteQueue, places: PlaceFile, tools: Tools) -> None:
        """`name`: what metrics and messages call the server."""
        self.name = name
        self.queue = queue
        self.statistics = RemoteStatistics()
        self._places = places
        self._tools = tools
        self._floor = Floor(tools.clocks.monotonic)
        self.troubles = Troubles(name)
        self._batch: Batch | None = None  # under way
        self._sending: Sending | None = None  # of it
        self._too_old: list[RecordSamples] = []  # what of it was refused for its age
        self._log: GapReading | None = None  # that is read
        self._failures = 0  # in a row
        self._wait_until = float("-inf")  # monotonic time

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self._sending is None and self._log is None

    @property
    def keeps_places(self) -> bool:
        """Whether a restart will know what was sent."""
        return self._places.is_kept

    def behind_seconds(self, waiting: QueueState) -> float:
        """For how long the record has waited that waits longest, 0 where none does. From any thread.

        `waiting`: the state of the queue, just asked for: what leaves it meanwhile is under way.
        """
        batch = self._batch
        since = [] if waiting.since is None else [waiting.since]
        if batch is not None:
            since.append(batch.since)
        return max(self._tools.clocks.monotonic() - min(since), 0.0) if since else 0.0

    def step(self, at_once: bool = False) -> float:
        """Make one request at most; seconds until the next step can be of use.

        `at_once`: what waits is not held back for more to come.
        """
        now = self._tools.clocks.monotonic()
        if now < self._wait_until:
            return self._wait_until - now
        if self._sending is None:
            self._begin(self.queue.take(at_once) or self._read_on())
        if self._sending is None:
            return IDLE_SECONDS if self._log is None else 0.0
        self._advance(self._sending)
        return max(self._wait_until - now, 0.0)

    def close(self) -> None:
        """Give back what is held open."""
        self._tools.poster.close()
        self._places.close()

    def _begin(self, batch: Batch | None) -> None:
        if batch is not None:
            self._batch, self._sending = batch, Sending(batch.records, self._floor)
            self._places.note(_under_way(batch))

    def _advance(self, sending: Sending) -> None:
        self._note(sending.drop_known())
        if not sending.is_over:
            self._send(sending)
        if sending.is_over and self._batch is not None:
            arrived = self.queue.arrived(self._batch, self._too_old)
            self._places.note({ledger.run: ledger.place for ledger in arrived})
            self._batch, self._sending, self._too_old = None, None, []

    def _send(self, sending: Sending) -> None:
        clocks = self._tools.clocks
        answer, verdict = self._ask(sending.part)
        self.troubles.note(verdict, answer)
        self._note(sending.answered(verdict, clocks.unix() * 1000))
        if verdict.outcome in (Outcome.TAKEN, Outcome.REFUSED):
            self._failures = 0
        else:
            self.statistics.failed_requests[verdict.reason] += 1
            self._wait_until = clocks.monotonic() + self._pause(verdict)
            self._failures += 1
            if not answer.status:
                self._floor.forget()

    def _ask(self, part: Records) -> tuple[RemoteAnswer, Verdict]:
        try:
            body = self._tools.pack(self._tools.encoder.encode(part))
        except (ValueError, OverflowError, struct.error) as error:  # no number, or no name, of theirs
            return RemoteAnswer(body=str(error)), Verdict(Outcome.REFUSED, OTHER)
        answer = self._tools.poster.post(body)
        self.statistics.asked(len(body))
        return answer, judge(answer, self._tools.clocks.unix())

    def _pause(self, verdict: Verdict) -> float:
        """Seconds until the same is sent again: what the server asks for, or longer each time."""
        if verdict.wait is not None:
            return verdict.wait
        if verdict.outcome is Outcome.DENIED:
            return LONGEST_WAIT
        # Exporters that lost a server at one time should not come back at one time.
        longest: float = min(FIRST_WAIT * 2 ** min(self._failures, 16), LONGEST_WAIT)
        return longest * (0.5 + self._tools.chance() / 2)

    def _note(self, progress: Progress) -> None:
        self.statistics.progress(progress, self._tools.clocks.unix())
        if progress.dropped:
            self.troubles.dropped(progress)
            if progress.reason == TOO_OLD:
                self._too_old += progress.dropped

    def _read_on(self) -> Batch | None:
        """More of a log that was there before it was followed, or for which there was no room."""
        if self._log is None:
            self._log = self._opened()
        log = self._log
        if log is None:
            return None
        batch = self.queue.read_on(log, self._tools.clocks.monotonic() + READING_SECONDS)
        if log.is_over:
            self._log = None
            self._end(log)
        return batch

    def _opened(self) -> GapReading | None:
        ledger = self.queue.next_log()
        if ledger is None:
            return None
        log = GapReading(ledger, iter(()))
        log.records = self._records(log)
        self.queue.begin(log)
        return log

    def _records(self, log: GapReading) -> Iterator[RecordSamples | None]:
        records = self._tools.read_log(log.ledger.run)
        log.is_gone = records is None
        yield from records or ()

    def _end(self, log: GapReading) -> None:
        gone = self.queue.end(log)
        if log.failure is not None:
            self.troubles.unreadable(log.ledger.run, log.failure)
        if gone:
            self.statistics.gone(gone)
        self._places.note({log.ledger.run: log.ledger.place})


def _under_way(batch: Batch) -> dict[str, Place]:
    """Where the runs of a batch stand, with the times at which its records are sent."""
    times: dict[str, dict[int, int]] = defaultdict(dict)
    for record in batch.records:
        times[record.run][record.record] = record.time_ms
    places = {arrival.ledger.run: arrival.ledger.place for arrival in batch.arrivals}
    return {run: replace(place, under_way=times[run]) for run, place in places.items()}
