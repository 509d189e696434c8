"""The log of a training together with those that hold its evaluations, in the order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from heapq import merge
from itertools import zip_longest
from math import inf

from llmtrain_exporter.ingest.reading import AroundSource, Held, Reading, Source, soonest
from llmtrain_exporter.model import Record, RowKind

Timed = tuple[float, Record]


class EvaluatedSource(AroundSource):
    """A log, and the records of evaluations that lie elsewhere. Those come and go as the training runs."""

    def __init__(
        self, log: Source, places: Callable[[], Sequence[str]], opened: Callable[[str], Source]
    ) -> None:
        """`places`: the logs with evaluations by now; raises OSError. `opened`: makes the source of one."""
        super().__init__(log)
        self._places, self._opened = places, opened
        self._evaluations: dict[str, Source] = {}  # by path
        self._ahead: list[Timed] = []  # evaluations, of which the log was not yet read as far
        self._list()

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, for people."""
        errors = (source.error for source in (self._inner, *self._evaluations.values()))
        return next(filter(None, errors), None)

    @property
    def place(self) -> tuple[int, int] | None:
        """That of the log, while it is the only one."""
        return None if self._evaluations else super().place

    def grown(self) -> bool:
        """Whether a look may bring something."""
        return self._inner.grown() or any(source.grown() for source in self._evaluations.values())

    def check(self, now: float) -> None:
        """Look for more evaluations, and whether the paths still name the same files."""
        self._list()
        self._inner.check(now)
        for source in self._evaluations.values():
            source.check(now)

    def park(self) -> None:
        """Give back what is held open."""
        for source in (self._inner, *self._evaluations.values()):
            source.park()

    def close(self) -> None:
        """Give back everything."""
        for source in (self._inner, *self._evaluations.values()):
            source.close()

    @property
    def wait(self) -> float | None:
        """That of the log or of the evaluation whose row is whole first."""
        return soonest((self._inner, *self._evaluations.values()))

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""
        for source in (self._inner, *self._evaluations.values()):
            source.note_silence(seconds)

    def rest(self) -> Held:
        """What is held of all."""
        held = [each for source in self._evaluations.values() for each in _evaluations(*source.rest())]
        ahead, self._ahead = self._ahead, []
        return _untied([*_timed(*self._inner.rest()), *ahead, *held])

    def poll(self, now: float) -> Reading | None:
        """The next records, those of evaluations among them as they were logged."""
        reading = self._inner.poll(now)
        if reading is not None and reading.restarted:
            self._begin_anew()
        if not self._evaluations:
            return reading
        until = _last_time(reading) if reading is not None and reading.more else inf
        found = [each for source in self._evaluations.values() for each in self._fetch(source, until, now)]
        ready = sorted((each for each in self._ahead if each[0] <= until), key=_time)
        self._ahead = [each for each in self._ahead if each[0] > until]
        if reading is None:
            reading = replace(found[-1], records=[], times=()) if found else None
        return None if reading is None else _joined(reading, ready, found)

    def _fetch(self, source: Source, until: float, now: float) -> list[Reading]:
        """Read evaluations up to that Unix time."""
        found: list[Reading] = []
        while (reading := source.poll(now)) is not None:
            found.append(reading)
            self._ahead += _evaluations(reading.records, reading.times)
            if not reading.more or _last_time(reading) > until:
                break
        return found

    def _begin_anew(self) -> None:
        for source in self._evaluations.values():
            source.close()
        self._evaluations.clear()
        self._ahead.clear()
        self._list()

    def _list(self) -> None:
        with suppress(OSError):
            places = self._places()
            for path in self._evaluations.keys() - set(places):
                self._evaluations.pop(path).close()
            for path in places:
                if path not in self._evaluations:
                    self._evaluations[path] = self._opened(path)


def _joined(reading: Reading, ready: Sequence[Timed], found: Sequence[Reading]) -> Reading:
    records, times = reading.records, reading.times
    if ready:
        records, times = _untied(list(merge(_timed(records, times), ready, key=_time)))
    skipped = sum((Counter(each.skipped) for each in found), Counter(reading.skipped))
    return replace(
        reading,
        records=records,
        times=times,
        skipped=skipped,
        size=reading.size + sum(each.size for each in found),
    )


def _timed(records: Sequence[Record], times: Sequence[float | None]) -> list[Timed]:
    """The records with their times, none of them before that of the record before it."""
    found: list[Timed] = []
    last = -inf
    for record, time in zip_longest(records, times):
        last = max(last, time if time is not None else last)
        found.append((last, record))
    return found


def _evaluations(records: Sequence[Record], times: Sequence[float | None]) -> list[Timed]:
    return [each for each in _timed(records, times) if each[1].kind is RowKind.EVAL]


def _untied(rows: Sequence[Timed]) -> Held:
    """The records, and their times as far as these are known."""
    return [record for _, record in rows], [time if time > -inf else None for time, _ in rows]


def _last_time(reading: Reading) -> float:
    """Unix time of the last record; before any where there is none."""
    return max((time for time in reading.times if time is not None), default=-inf)


def _time(each: Timed) -> float:
    return each[0]
