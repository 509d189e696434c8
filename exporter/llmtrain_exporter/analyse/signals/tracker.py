"""A signal's life in a run: when it begins, how bad it gets, when it is over."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.analyse.signals.rule import EVAL, SignalReading, reaches
from llmtrain_exporter.knowledge.own_level import EASED_AFTER
from llmtrain_exporter.knowledge.signal import Bound, Severity, Signal
from llmtrain_exporter.model import Episode, Series


class Tracker:
    """Follows one signal. `severity` is what it has at the moment, None while it is not there."""

    __slots__ = (
        "_bounds",
        "_eased",
        "_masks",
        "_quiet",
        "_signal",
        "began",
        "counts",
        "episode",
        "last",
        "met",
        "severity",
        "where",
    )

    def __init__(self, signal: Signal, bounds: Mapping[Severity, Bound]) -> None:
        self._signal = signal
        self._bounds = bounds
        self._masks = [0] * len(bounds)
        self._quiet = self._eased = 0
        self.severity: Severity | None = None
        self.episode: Episode | None = None
        self.last: Episode | None = None  # the one before
        self.began = 0  # index of the record at which the episode began
        self.met = False  # at the last record, whether or not for long enough
        self.where: Series | None = None  # in which series
        self.counts = [0] * len(Severity)  # records by severity

    @property
    def open(self) -> bool:
        """Whether an ordinary record would change anything."""
        return self.severity is not None or any(self._masks)

    def note(self, reading: SignalReading | None, step: int, index: int) -> Episode | None:
        """Take in what the rule read at a record. Returns the episode that is over with it."""
        self.met = False
        reached: Severity | None = None
        for at, (severity, bound) in enumerate(self._bounds.items()):
            if self._is_met(reading, severity, bound, at):
                reached = severity
        self.where = reading.where if reading is not None and self.met else None
        if reached is not None and reading is not None:
            self._go_on(reached, reading, step, index)
        elif self.severity is not None:
            return self._pause()
        return None

    def close(self) -> Episode | None:
        """End the episode, whatever comes."""
        self._masks = [0] * len(self._bounds)
        self.met, self.where, self.severity = False, None, None
        if self.episode is None:
            return None
        self.last, self.episode = self.episode._replace(active=False), None
        return self.last

    def _is_met(self, reading: SignalReading | None, severity: Severity, bound: Bound, at: int) -> bool:
        """Whether a bound is met for long enough."""
        forced = reading is not None and reading.force is not None and reading.force.rank >= severity.rank
        met = forced or (reading is not None and reaches(reading, bound, self._signal.below))
        self.met = self.met or met
        within = bound.within or bound.records
        self._masks[at] = (self._masks[at] << 1 | met) & ((1 << within) - 1)
        return forced or self._masks[at].bit_count() >= bound.records

    def _go_on(self, reached: Severity, reading: SignalReading, step: int, index: int) -> None:
        self._quiet = 0
        worse = self.severity is None or reached.rank >= self.severity.rank
        self._eased = 0 if worse else self._eased + 1
        if self.severity is None or worse or self._eased >= EASED_AFTER:
            self.severity = reached
        self.counts[self.severity.rank] += 1
        if self.episode is None:
            self.began = index
            self.episode = self._opened(reading, step)
        self.episode = self._continued(self.episode, reading, step)

    def _opened(self, reading: SignalReading, step: int) -> Episode:
        severity = self.severity or Severity.INFO
        limit = self._limit(reading, severity)
        name, value, where = self._signal.name, reading.value, reading.where
        return Episode(name, severity, step, step, 0, value, step, limit, where, reading.baseline, None, True)

    def _continued(self, episode: Episode, reading: SignalReading, step: int) -> Episode:
        severity = self.severity or episode.severity
        if severity.rank > episode.severity.rank:
            limit = self._limit(reading, severity)
            episode = episode._replace(severity=severity, limit=limit)
        if severity is Severity.CRITICAL and episode.critical_step is None:
            episode = episode._replace(critical_step=step)
        lower = self._signal.below or reading.unit < 0
        if reading.limit is not None:
            lower = reading.value < reading.limit
        if (reading.value < episode.peak) if lower else (reading.value > episode.peak):
            episode = episode._replace(peak=reading.value, peak_step=step)
            if reading.limit is not None:
                episode = episode._replace(limit=reading.limit)
            if EVAL in reading.where.labels:  # held against training beside it, not against its own level
                episode = episode._replace(baseline=reading.baseline)
        return episode._replace(last_step=step, records=episode.records + 1)

    def _limit(self, reading: SignalReading, severity: Severity) -> float:
        """The limit that was crossed, in the metric's own unit; the baseline where another one was forced."""
        bound = self._bounds[severity]
        if reading.limit is not None:
            return reading.limit
        forced = reading.force is not None and not reaches(reading, bound, self._signal.below)
        if forced and reading.baseline is not None:
            return reading.baseline
        return reading.offset + reading.unit * bound.limit

    def _pause(self) -> Episode | None:
        self._quiet += 1
        return self.close() if self._quiet >= self._signal.clear_after else None
