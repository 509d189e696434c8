"""A run in a store, as a log: asked anew when the store was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from llmtrain_exporter.ingest.late_numbers import Lateness
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.readable import explain
from llmtrain_exporter.ingest.reading import Held, KnownByPath, Reading, held_rows
from llmtrain_exporter.ingest.sqlite_file import BusyError
from llmtrain_exporter.ingest.stated import producer_of
from llmtrain_exporter.ingest.store import Portion, Store
from llmtrain_exporter.ingest.tracked_order import TrackedOrder
from llmtrain_exporter.ingest.tracked_rows import RowsByKey, TrackedRow, TrackedRun, planned_steps
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import Record, Skip
from llmtrain_exporter.printable import printable

SETTLED_SECONDS = 1.0
"""Values of a row that come one by one are not further apart."""

BUSY_SECONDS, BROKEN_SECONDS = 0.5, 10.0
"""From one try to the next where somebody writes, and where the store cannot be read."""

TRIES = 20
"""Of a store that is read once while somebody writes."""

BYTES_A_VALUE = 40
"""About as much as a value takes in any other log."""

MOST_ANEW = 3
"""Times that a run is read from its start because of settings that were stated later."""


class StoreSource(KnownByPath):
    """One run of a store."""

    def __init__(
        self,
        path: str,
        key: str,
        store: Store,
        normaliser: Normaliser,
        patient: bool,
        settings_known: int,
        lateness: Lateness,
    ) -> None:
        """`path`: of the run, for people. `patient`: wait for the rest of a row that is kept value by value.

        `settings_known`: how many of the run's settings whoever folds it knows already. `lateness`: which of
        its numbers come late, as far as is known by now.
        """
        self.path = path
        self.error: str | None = None
        self._key, self._store, self._normaliser, self._patient = key, store, normaliser, patient
        self._settings_known, self._anew_left = settings_known, MOST_ANEW
        self._lateness = lateness
        self._generation = store.generation
        self._seen = -1  # the store's stamp of the run at the last look
        self._wake = float("-inf")  # no look before, monotonic
        self._modified = 0.0  # Unix time of the last row
        self._restarted = self._again = False  # to be told with the next reading
        self._settings_seen = -1
        self._planned: int | None = None  # steps in all, where the settings say
        self._producer: Producer | None = None  # whose settings they are
        self._begin()

    def _begin(self) -> None:
        self._run, self._rows = TrackedRun(self._normaliser), RowsByKey()
        self._order = TrackedOrder(self._lateness)
        self._after = 0
        self._due = True
        self._arrived = 0.0  # monotonic, of the last values
        self._finished: bool | None = None  # what the store says of the run's end
        self._ending = False  # that was handed on

    def grown(self) -> bool:
        """Whether the run may have logged more since; also where that cannot be told."""
        if self._due or self._holds:
            return True
        try:
            return self._store.stamp(self._key) != self._seen
        except OSError:
            return True

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which what is held is whole; None: nothing is."""
        if self._order.holds:
            return self._order.patience
        return SETTLED_SECONDS if self._rows.begun else None

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""
        self._arrived -= seconds

    @property
    def _holds(self) -> bool:
        return self.wait is not None

    def check(self, now: float) -> None:
        """Each look goes by the path."""

    def park(self) -> None:
        """Nothing is held open."""

    def close(self) -> None:
        """Nothing is held open."""

    def rest(self) -> Held:
        """The records of a row that may not be whole."""
        return held_rows(self._timed(self._end()))

    def poll(self, now: float) -> Reading | None:
        """The records of what the run has logged since."""
        if now < self._wake:
            return None
        try:
            reading = self._try(now)
        except BusyError:
            self._due, self._wake = True, now + BUSY_SECONDS
            return None
        except OSError as error:
            self.error = f"{printable(self.path)}: {explain(error)}"
            self._due, self._wake = self._patient, now + BROKEN_SECONDS
            return None
        self.error = None
        return reading

    def _try(self, now: float) -> Reading | None:
        """Look; where nobody looks again, several times if somebody writes."""
        for _ in range(0 if self._patient else TRIES):
            with suppress(BusyError):
                return self._look(now)
        return self._look(now)

    def _look(self, now: float) -> Reading | None:
        stamp = self._store.stamp(self._key)
        if self._store.generation != self._generation:
            self._generation, self._restarted = self._store.generation, True
            self._begin()
        if stamp == self._seen and not self._due:
            return self._settle(now - self._arrived)
        portion = self._store.read(self._key, self._after)
        self._seen, self._due, self._after = stamp, portion.more, portion.after
        if self._anew_left > 0 and len(portion.settings) > self._settings_known:
            return self._anew(len(portion.settings), now)
        return self._take(portion, now)

    def _settle(self, silence: float) -> Reading | None:
        """What no more is to come of after so many seconds without a value."""
        if self._order.holds and silence >= self._order.patience:
            return self._reading(self._end(), 0)
        settled = self._rows.begun and silence >= SETTLED_SECONDS
        return self._reading(self._ordered(self._rows.end()), 0) if settled else None

    def _ordered(self, rows: Iterable[TrackedRow]) -> list[TrackedRow]:
        return [ordered for row in rows for ordered in self._order.add(row)]

    def _end(self) -> list[TrackedRow]:
        """All rows that are held, as they are."""
        return [*self._ordered(self._rows.end()), *self._order.end()]

    def _anew(self, settings: int, now: float) -> Reading | None:
        """Read from the start, with the settings that are known by now."""
        self._settings_known = settings
        self._anew_left -= 1
        self._again = True
        self._begin()
        return self._look(now)

    def _take(self, portion: Portion, now: float) -> Reading | None:
        if len(portion.settings) != self._settings_seen:
            self._settings_seen = len(portion.settings)
            self._planned, self._producer = planned_steps(portion.settings), producer_of(portion.settings)
        rows = list(portion.rows)
        size = BYTES_A_VALUE * sum(len(row.cells) for row in rows)
        if rows:
            self._arrived, self._modified, self._ending = now, rows[-1].time or self._modified, False
        if self._store.by_key:
            rows = [whole for row in rows for whole in self._rows.add(row)]
        rows = self._ordered(rows)
        ends = portion.finished is not None and portion.finished is not self._finished
        if not portion.more and (ends or not self._patient):
            rows += self._end()
        self._finished = portion.finished
        return self._reading(rows, size)

    def _timed(self, rows: Iterable[TrackedRow]) -> Iterator[tuple[Record | Skip, float | None]]:
        """What rows say, with their times."""
        return ((read, row.time) for row in rows for read in self._run.read(row, self._planned))

    def _reading(self, rows: Sequence[TrackedRow], size: int) -> Reading | None:
        """What whole rows say; behind the last one, how the run ended, where the store says that."""
        found = list(self._timed(rows))
        if self._finished is not None and not (self._ending or self._holds or self._due):
            self._ending = True
            found += [(read, None) for read in self._run.end(self._finished)]
        if not found and not self._due and not self._restarted:
            return None
        records, times = held_rows(found)
        skips = Counter(read.reason for read, _ in found if isinstance(read, Skip))
        restarted, again = self._restarted, self._again
        self._restarted = self._again = False
        return Reading(
            records,
            skips,
            self._modified,
            restarted,
            self._due,
            size,
            again=again,
            past=restarted,
            producer=self._producer or self._run.writer,
            times=tuple(times),
        )
