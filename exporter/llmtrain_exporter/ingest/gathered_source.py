"""A log whose rows are written in parts: its records come when a row is whole, or in silence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from llmtrain_exporter.ingest.dialect import LogReader
from llmtrain_exporter.ingest.gathering import Gathers
from llmtrain_exporter.ingest.reading import AroundSource, Held, Reading, Source, sort_rows


class ReadsFile(Source, Protocol):
    """A source that makes its records with one reader, until the file begins anew."""

    reader: LogReader


class GatheredSource(AroundSource):
    """Such a log, followed."""

    def __init__(self, lines: ReadsFile) -> None:
        """`lines`: the log, whose reader holds rows."""
        super().__init__(lines)
        self._lines = lines
        self._came = -math.inf  # monotonic: when something came last
        self._modified = 0.0  # Unix time of that
        self._past = False  # and whether it was history
        self._settled = False  # at the last check it was long ago

    @property
    def place(self) -> tuple[int, int] | None:
        """Where the follower stands; None where silence has made a row whole."""
        return None if self._settled else super().place

    def grown(self) -> bool:
        """Whether the file has grown, or a row is whole since the last check."""
        return self._settled or self._lines.grown()

    def check(self, now: float) -> None:
        """Look whether the path still names the same file, and how long nothing came."""
        self._lines.check(now)
        self._settled = self._is_settled(now)

    def poll(self, now: float) -> Reading | None:
        """The records of the rows that are whole by now."""
        reading = self._lines.poll(now)
        if reading is not None:
            self._came, self._modified, self._past = now, reading.modified, reading.past
            self._settled = False
            return replace(reading, times=self._take_times())
        if not self._is_settled(now):
            return None
        self._settled = False
        reader = self._lines.reader
        records, skipped = sort_rows([reader.settle() if isinstance(reader, Gathers) else ()])
        times = self._take_times()
        return Reading(records, skipped, self._modified, False, False, 0, past=self._past, times=times)

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which the row is whole that is held; None: none is."""
        reader = self._lines.reader
        return reader.wait if isinstance(reader, Gathers) else None

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""
        wait = self.wait
        self._came -= seconds
        self._settled = wait is not None and seconds >= wait

    def held(self) -> Held:
        """All that is held, as it is."""
        reader = self._lines.reader
        records, _ = sort_rows([reader.release() if isinstance(reader, Gathers) else ()])
        return records, self._take_times()

    def rest(self) -> Held:
        """What is held, and what a half line at the end completes: nobody writes any more."""
        last, _ = self._lines.rest()
        held, times = self.held()  # the times are those of all: the reader has made both
        return last + held, times

    def _is_settled(self, now: float) -> bool:
        wait = self.wait
        return wait is not None and now - self._came >= wait

    def _take_times(self) -> Sequence[float | None]:
        reader = self._lines.reader
        return reader.take_times() if isinstance(reader, Gathers) else ()
