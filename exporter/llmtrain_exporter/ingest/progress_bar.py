"""The training's progress bar: which of several it is, how far it stands, where rows were printed."""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from llmtrain_exporter.model import Resume

_BAR = re.compile(rb"\s*(?:Train: *)?\d{1,3}%\|[^|]*\| (\d{1,12})/(\d{1,12}) \[(00:00<\?)?")
_ELAPSED = re.compile(rb"\[(?:(\d{1,6}):)?(\d\d):(\d\d)<")  # as tqdm writes it
_END = b"]"
_WIDEST = 512  # bytes of a bar that are kept
_CLEARED = 20  # a bar is cleared by as many blanks as it is wide
_APART = 2  # steps that the bars of two nodes may be apart
_HELD = 1024  # rows; a buffer of 8 KiB holds fewer


class BarStep(NamedTuple):
    """Where the bar stood when a row was printed. It is drawn ten times a second, and after each row."""

    step: int
    exact: bool = False  # drawn after the row; else the row can be a little further on
    cleared: bool = False  # for the row: it will be drawn again
    seconds: float | None = None  # for how long its process had trained, as it showed


class ProgressBar:
    """Follows the training's bar: of those without a name the one at which rows are printed.

    Before the first row that is the longest, or the next after one that is full. Trainers clear the bar,
    print the row and draw the bar again; where rows are held in a buffer, the clearing and the drawing are
    seen long before the row, in the same order.
    """

    def __init__(self) -> None:
        self.planned: int | None = None
        self.step: int | None = None  # None: no bar was drawn in this process
        self.restarted: Resume | None = None  # another process began at an earlier step; for its first row
        self.corrected: int | None = (
            None  # where it was drawn after the last row, which was not known in time
        )
        self.has_news = False  # one of both
        self._length = b""  # `planned` as the bar has it, while nothing but that bar is drawn
        self._furthest = 0  # that a process came to which printed rows
        self._printed_at: deque[int] = deque(maxlen=2)  # the steps of the last rows
        self._other: BarStep | None = None  # a bar of another length that was drawn last
        self._other_planned = 0
        self._other_drawn = False  # and not cleared since
        self._held: deque[BarStep] = deque(maxlen=_HELD)  # of rows that are still in a buffer
        self._buffered: bool | None = None  # rows come later than they are printed; None: not known yet
        self._cleared = False  # for a row
        self._answered = False  # which has come
        self._corrects = False  # and which trains
        self._moved = False  # since the last row
        self._drawn = b""  # the training's bar, as it was drawn last

    def see(self, segment: bytes) -> bool:
        """Take in what stands between two line breaks or carriage returns; whether that is all there is."""
        bar = _BAR.match(segment)
        if bar:
            step = int(bar[1])
            if bar[2] != self._length or self._cleared or self.restarted or step < (self.step or 0):
                self._draw(segment, step, int(bar[2]), bar[3] is not None)
            else:
                self.step, self._moved, self._drawn = step, True, segment[:_WIDEST]
            return segment[-1:] == _END or segment.rstrip()[-1:] == _END
        if len(segment) <= _CLEARED or not segment.isspace():
            return False
        self._cleared = not self._other_drawn  # that of an evaluation is cleared first
        self._other_drawn = False
        return True

    def peek(self) -> int | None:
        """The step of the bar at which the row that comes now was printed; None where it tells nothing."""
        if self._held:
            return self._held[0].step
        return self.step if self._is_at_row else None

    @property
    def _is_at_row(self) -> bool:
        """Whether the bar as it is drawn was there when the row that comes now was printed."""
        return (self._cleared and not self._answered) or (self._moved and not self._buffered)

    def take(self, trains: bool) -> BarStep | None:
        """Where the bar stood for the row that comes now; None where it tells nothing of this row."""
        if self._buffered is False and self._cleared:
            self._held.clear()  # what was printed meanwhile were no rows
        if self._held:
            self._buffered = True
            return self._held.popleft()
        if trains and not self._buffered and self._other and self._other.step < self._other_planned:
            self._turn_to(self._other.step, self._other_planned)
        if self.step is None or not self._is_at_row:
            return None
        if self._cleared and self._buffered is None:
            self._buffered = False
        self._answered, self._corrects, self._moved = self._cleared, trains, False
        return BarStep(self.step, cleared=self._cleared, seconds=_seconds(self._drawn))

    def repeat(self, step: int) -> None:
        """The row of `step` was printed by another rank as well."""
        if self._held and self._held[0].step == step:
            self._held.popleft()
        if self._cleared and not self._answered:
            self._answered, self._corrects = True, False

    def settle(self, step: int) -> None:
        """A training row stands at `step`: the bar that told it is the training's."""
        self._printed_at.append(step)

    def end(self) -> None:
        """A process has ended, or another begins: whose bar comes next is open."""
        self._forget()
        self.planned = self.step = self._other = None
        self._drawn = b""

    def _forget(self) -> None:
        if self._printed_at:
            self._furthest = max(self.step or 0, self._printed_at[-1])
        self._length = b""
        self._printed_at.clear()
        self._held.clear()
        self._buffered = None
        self._cleared = self._answered = self._moved = self._other_drawn = False

    def _draw(self, segment: bytes, step: int, planned: int, fresh: bool) -> None:
        if planned != self.planned:
            if not self._is_trainings(planned):
                self._other, self._other_planned, self._other_drawn = BarStep(step), planned, True
                self._length = b""
                return
            self._turn_to(step, planned)
        elif self._went_back(step, fresh):
            self._turn_to(step, planned)
        self._drawn = segment[:_WIDEST]
        self._redraw(step)

    def _is_trainings(self, planned: int) -> bool:
        """Whether a bar of another length can be that of the training."""
        longer = self.planned is None or planned > self.planned or self.step == self.planned
        return longer and not self._printed_at and not self._held

    def _went_back(self, step: int, fresh: bool) -> bool:
        """Whether another process has drawn the bar: it begins anew, or is behind the row before the last."""
        if self.step is None or step >= self.step:
            return False
        behind = len(self._printed_at) > 1 and step < self._printed_at[0]
        return behind or fresh

    def _turn_to(self, step: int, planned: int) -> None:
        """From now on this is the bar."""
        self._forget()
        last = self.restarted.last if self.restarted is not None else self._furthest
        if step < last:
            self.restarted, self.has_news = Resume(last, step), True
        self.planned, self.step, self._other, self._furthest = planned, step, None, 0
        self._moved = True

    def _redraw(self, step: int) -> None:
        if self._cleared and not self._answered:
            self._held.append(BarStep(step, exact=True, seconds=_seconds(self._drawn)))
        elif self._cleared and self._corrects:
            self.corrected, self.has_news = step, True
        if self.restarted is not None and not self.restarted.first and step:
            self.restarted = Resume(self.restarted.last, step - 1)  # a bar begins at 0, then jumps
        self._cleared = self._answered = self._other_drawn = False
        self._other, self._moved = None, True
        if not (self.step and self.step - _APART <= step < self.step):
            self.step = step
        self._length = b"%d" % self.planned if self.planned else b""


def _seconds(bar: bytes) -> float | None:
    """For how long its process had trained when the bar was drawn; None where it does not show that."""
    shown = _ELAPSED.search(bar)
    if shown is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in shown.groups())
    return 3600.0 * hours + 60.0 * minutes + seconds
