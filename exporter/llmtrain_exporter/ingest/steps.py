"""At which step a row was printed that does not say so: by the bar, the epoch and the logging interval."""

from __future__ import annotations

import math
import re

from llmtrain_exporter.ingest.epochs import EpochScale
from llmtrain_exporter.ingest.progress_bar import BarStep, ProgressBar
from llmtrain_exporter.ingest.repeats import RepeatedRows
from llmtrain_exporter.ingest.rhythm import Rhythm
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Placement, Record, Resume, RowKind, StepSource

_SHOWN, _ESTIMATED, _COUNTED = StepSource.SHOWN, StepSource.ESTIMATED, StepSource.COUNTED
_AGAIN = Placement(_SHOWN, again=True)
_PLACED = {source: Placement(source) for source in StepSource}
_MOST = 1 << 53
_FIRST_SHARE = 0.7  # of an interval, at least, between a row at step 1 and the next
_BANNER = re.compile(
    rb"\*{3,} *(?P<begins>Running training)|Total (?:optimization )?steps = (?P<planned>\d[\d,]{0,15})"
    rb"|Continuing training from global step (?P<begun>\d{1,12})"
)


class StepFinder:
    """Finds the steps of the rows of one printed log.

    What the bar shows counts for more than what can be reckoned. Without a bar a row is one interval behind
    the one before it, and the epoch tells when a process goes on from an earlier step. Where nothing tells
    how far rows are apart, they are counted.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.bar = ProgressBar()  # is to see every segment of the log
        self._rhythm = Rhythm(schedule)
        self._rows = RepeatedRows()
        self._epochs = EpochScale()
        self._planned: int | None = None  # as the trainer's banner says
        self._last = 0  # step of the last training row of this process; before it, where that began
        self._epoch = -math.inf  # of that row
        self._lagged = False  # the bar may not have been drawn as far as that row stood
        self._told = False  # a bar has told steps
        self._continued = 0  # from which step the process goes on that begins, as the banner says
        self._left = 0  # step of the last training row of the process before
        self._began = False  # a process began anew, and has printed no training row yet
        self._ended = False  # a process said so, and no training row has come since
        self._resumed: Resume | None = None  # what the bar shows of that

    def read_banner(self, segment: bytes) -> None:
        """Take in what a trainer prints before it begins, from a segment without rows."""
        if b"tep" not in segment and b"***" not in segment:
            return
        for found in _BANNER.finditer(segment):
            if found["planned"]:
                self._planned = int(found["planned"].replace(b",", b"")) or None
            elif found["begun"]:
                self._last = self._continued = int(found["begun"])
            else:
                self.bar.end()
                self._continued = 0
                self._begin(0)

    def end(self) -> None:
        """A process has ended: the log shows a traceback, or the closing row."""
        self.bar.end()
        self._rows.end()
        self._ended = True

    def place(self, record: Record) -> Record:
        """The record with its step, and how that is known. One that states its step stays as it is."""
        if record.step is not None:
            self._last = record.step
            return record
        if record.kind is RowKind.FINAL:
            return self._closing(record)
        if self.bar.has_news:
            self._catch_up()
        key = self._rows.key(record)
        if key in self._rows.known and self._rows.is_repeat(key, self.bar.step is not None, self.bar.peek()):
            known = self._rows.known[key]
            self.bar.repeat(known)
            return _placed(record, known, self._max_steps(_AGAIN.source), _AGAIN)
        placed = self._train(record) if record.kind is RowKind.TRAIN else self._evaluate(record)
        self._rows.note(key, placed.step or 0)
        return placed

    def _begin(self, step: int) -> None:
        """Another process goes on from `step`."""
        self._rows.clear()
        if not self._began:
            self._left = self._last
        self._last, self._epoch, self._began = max(step, self._continued), -math.inf, True

    def _closing(self, record: Record) -> Record:
        """The trainer's closing row, which is printed while the bar stands at the last step."""
        step, planned = self.bar.step, self.bar.planned
        self.end()
        if step is None:
            return record
        return _placed(record, step, planned, _PLACED[_SHOWN])

    def _catch_up(self) -> None:
        """Take in what the bar has shown since the last row."""
        bar = self.bar
        if bar.restarted is not None:
            self._begin(bar.restarted.first)
            self._resumed, bar.restarted, bar.corrected = bar.restarted, None, None
        if bar.corrected is not None:
            self._correct(bar.corrected)
        bar.corrected, bar.has_news = None, False

    def _correct(self, step: int) -> None:
        """The bar was drawn at `step` after the last row: that one's, or already the next."""
        self._rhythm.learn(step, self.bar.planned)
        if step == self._last:
            return
        self._rows.correct(step)
        interval = self._rhythm.interval(self.bar.planned) or 1
        if self._lagged or (interval > 1 and step % interval == 0):
            self._last = step

    def _evaluate(self, record: Record) -> Record:
        shown = self.bar.take(trains=False)
        step, source = (shown.step, _SHOWN) if shown else (self._last, self._reckoned(self._interval()))
        return _placed(record, step, self._max_steps(source), _timed(_PLACED[source], shown))

    def _train(self, record: Record) -> Record:
        epoch = record.get(c.EPOCH)
        if epoch is not None and not math.isfinite(epoch):
            epoch = None
        shown = self.bar.take(trains=True) if self.bar.planned else None
        if shown:
            if self.bar.has_news:  # the bar of another process can have been taken for an evaluation's
                self._catch_up()
            step, source = self._shown(shown, epoch)
            self.bar.settle(shown.step)
        else:
            step, source = self._reckon(epoch)
        placement = self._first_placement(step, source) if self._is_first else _PLACED[source]
        self._note(step, epoch)
        return _placed(record, step, self._max_steps(source), _timed(placement, shown))

    def _note(self, step: int, epoch: float | None) -> None:
        self._last = step
        if epoch is not None:
            self._epochs.note(step, epoch)
            self._epoch = epoch

    @property
    def _is_first(self) -> bool:
        """Whether a process began, or ended, before this training row."""
        return self._began or self._ended or self._continued > 0

    def _first_placement(self, step: int, source: StepSource) -> Placement:
        self._ended, self._continued = False, 0
        if not self._began:
            return _PLACED[source]
        resumed, self._began, self._resumed = self._resumed, False, None
        jumps = resumed is not None and not resumed.first and step > self._left  # and was not drawn there yet
        if resumed is None or jumps or resumed.first >= resumed.last:
            resumed = Resume(self._left, step) if step <= self._left else None
        return _PLACED[source] if resumed is None else Placement(source, resumed=resumed)

    def _shown(self, shown: BarStep, epoch: float | None) -> tuple[int, StepSource]:
        """By the bar; where it may not be drawn yet as far as the row stands, the row is in its rhythm."""
        if shown.exact:
            self._rhythm.learn(shown.step, self.bar.planned, certain=True)
            step = shown.step
        else:
            step = self._in_rhythm(shown)
            if not shown.step and self._began and epoch is not None:
                step = max(step, self._on_grid(self._epochs.first_step(epoch), self._interval() or 1))
            step = min(step, self.bar.planned or step)
        self._lagged, self._told = step != shown.step, True
        return step, _ESTIMATED if self._lagged else _SHOWN

    def _in_rhythm(self, shown: BarStep) -> int:
        interval = self._rhythm.interval(self.bar.planned) or 1
        if shown.step == 1 and not self._last:
            return 1  # trainers can print the first step, too
        step = max(-(-shown.step // interval) * interval, self._last)
        return step + interval if not step or (shown.cleared and step == self._last) else step

    def _reckon(self, epoch: float | None) -> tuple[int, StepSource]:
        """By the row before."""
        end = self._known_end()
        interval = self._rhythm.interval(end)
        ordinary = epoch is None or (epoch > self._epoch and not self._began and self._last != interval)
        step = self._next(interval) if ordinary or epoch is None else self._by_epoch(epoch, interval)
        return min(step, end or step), self._reckoned(interval)

    def _by_epoch(self, epoch: float, interval: int | None) -> int:
        """Where the epoch can speak against the row's being one interval behind the one before it."""
        if self._goes_back(epoch, interval or 1):
            self.bar.end()
            self._begin(0)
        step = self._last if interval and self._stays(epoch, interval) else self._next(interval)
        if self._began:
            step = max(step, self._on_grid(self._epochs.first_step(epoch), interval or 1))
        return step

    def _next(self, interval: int | None) -> int:
        if interval:
            return (self._last // interval + 1) * interval
        most = self._last + 1 if self.bar.step is None else self.bar.step
        return max(self._last, min(self._last + 1, most))

    def _goes_back(self, epoch: float, interval: int) -> bool:
        """Whether an epoch tells that another process has printed the row, from an earlier step on."""
        again = self._ended and epoch == self._epoch and self._is_clear(epoch, interval)
        return again or epoch < self._epoch

    def _stays(self, epoch: float, interval: int) -> bool:
        """Whether an epoch tells that a row is of the same step as the one before it was taken to be.

        Another rank has other values, a step was taken again, or the first row had been that of step 1.
        """
        if epoch == self._epoch:
            return self._is_clear(epoch, interval)
        first = self._last == interval > 4 and self._epoch > 0.0
        return first and epoch > _FIRST_SHARE * interval * self._epoch

    def _is_clear(self, epoch: float, interval: int) -> bool:
        """Whether no two rows can be printed with this epoch."""
        return self._epochs.last_step(epoch) - self._epochs.first_step(epoch) < interval

    @staticmethod
    def _on_grid(step: float, interval: int) -> int:
        """The first step that is not before this one and at which a row can be printed."""
        if not step < _MOST:  # what no log means, NaN included
            return interval
        return max(math.ceil(step / interval - 0.25), 1) * interval

    def _interval(self) -> int | None:
        return self._rhythm.interval(self._known_end())

    def _known_end(self) -> int | None:
        return self.bar.planned or self._planned or self._schedule.max_steps

    def _reckoned(self, interval: int | None) -> StepSource:
        return _ESTIMATED if interval or self._told else _COUNTED

    def _max_steps(self, source: StepSource) -> int | None:
        return None if source is _COUNTED else self._known_end()


def _placed(record: Record, step: int, planned: int | None, placement: Placement) -> Record:
    """The record at this step; not by `_replace`, which takes five times as long."""
    return Record._make((record.kind, step, planned, record.layout, record.values, placement))


def _timed(placement: Placement, shown: BarStep | None) -> Placement:
    """The same with what the bar showed of the time."""
    if shown is None or shown.seconds is None:
        return placement
    return Placement(placement.source, placement.again, placement.resumed, shown.seconds)
