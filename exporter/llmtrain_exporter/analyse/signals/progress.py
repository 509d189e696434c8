"""Whether the run keeps its pace and its memory."""

from __future__ import annotations

from array import array

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.analyse.signals.rule import Context, Readings, RecordView, Rule, SignalReading
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import WINDOW
from llmtrain_exporter.knowledge.signals.progress import (
    MEMORY_GROWTH,
    MEMORY_JUDGED,
    MEMORY_PATIENCE,
    MEMORY_RISES,
    MEMORY_STEP,
    PACE_BLOCKS,
    PACE_EVALUATIONS,
    PACE_FEWEST,
    SLOWER_EVALUATION,
    SLOWER_SECONDS,
    THROUGHPUT_DROP,
)
from llmtrain_exporter.model import series

SECONDS_PER_STEP = series(c.RECENT_SECONDS_PER_STEP)
EVAL_RUNTIME = series(c.EVAL_RUNTIME)
MEMORY = series(c.MEMORY)


class ThroughputDrop(Rule):
    """Half of the run's own speed or less, in training or in evaluation."""

    __slots__ = ("_evaluations", "_last", "_steps")

    signal = THROUGHPUT_DROP

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """The new process may run elsewhere."""
        self._steps = array("d")
        self._evaluations = array("d")
        self._last: tuple[int, float] | None = None

    def look_back(self, view: RecordView) -> Readings:
        """Seconds per step of the last block over the median of those before."""
        elapsed = view.record.get(c.ELAPSED)
        if elapsed is None:
            return
        before, self._last = self._last, (view.step, elapsed)
        if before is None or view.step <= before[0] or elapsed <= before[1]:
            return
        steps, seconds = view.step - before[0], elapsed - before[1]
        pace = seconds / steps
        if not 0 < pace < float("inf"):
            return
        if len(self._steps) >= PACE_FEWEST:
            usual = median(self._steps)
            slower = (pace - usual) * steps >= SLOWER_SECONDS
            yield SignalReading(
                pace / usual if slower else 1.0, pace, SECONDS_PER_STEP, unit=usual, baseline=usual
            )
        _keep(self._steps, pace, PACE_BLOCKS)

    def evaluate(self, view: RecordView) -> Readings:
        """The evaluation's runtime over the median of those before; twice that is slow at once."""
        runtime = view.record.get(c.EVAL_RUNTIME)
        if runtime is None or not 0 < runtime < float("inf"):
            return
        if len(self._evaluations) >= PACE_FEWEST:
            usual = median(self._evaluations)
            slow = runtime >= self.first.limit * usual and runtime - usual >= SLOWER_EVALUATION
            if slow:
                yield SignalReading(0.0, runtime, EVAL_RUNTIME, unit=usual, baseline=usual, force=self.least)
            elif self._last is None:
                yield None
        _keep(self._evaluations, runtime, PACE_EVALUATIONS)


class MemoryGrowth(Rule):
    """The peak of device memory goes on rising when it should long be known."""

    __slots__ = ("_base", "_highest", "_quiet", "_rises")

    signal = MEMORY_GROWTH

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """A new process begins with little."""
        self._base = self._highest = 0.0
        self._rises = self._quiet = 0

    def look_back(self, view: RecordView) -> Readings:
        """The peak over what it was when a tenth of the run was done."""
        memory = view.record.get(c.MEMORY)
        judged = view.index >= WINDOW and (view.progress is None or view.progress >= MEMORY_JUDGED)
        if memory is None or not judged:
            return
        self._base = self._base or memory
        self._quiet += 1
        if memory > (self._highest or memory) * MEMORY_STEP:
            self._rises, self._quiet = self._rises + 1, 0
        self._highest = max(self._highest, memory)
        growing = self._rises >= MEMORY_RISES and self._quiet < MEMORY_PATIENCE and self._base > 0
        score = self._highest / self._base if growing else 1.0
        yield SignalReading(score, memory, MEMORY, unit=self._base, baseline=self._base)


RULES = (ThroughputDrop, MemoryGrowth)


def _keep(values: array[float], value: float, count: int) -> None:
    values.append(value)
    if len(values) > count:
        del values[0]
