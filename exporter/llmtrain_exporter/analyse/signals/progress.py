"""Whether the run keeps its pace and its memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from statistics import median

from llmtrain_exporter.analyse.signals.rule import Context, Reading, Row, Rule
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import limits
from llmtrain_exporter.model import Record, series

BLOCKS_KEPT = 16
EVALUATIONS_KEPT = 8
FEWEST = 3
"""Blocks or evaluations that make a pace."""
MEMORY_STEP = 1.01
"""By how much the peak of memory rises at least when it rises."""
MEMORY_PATIENCE = 32
"""Blocks without a rise after which memory is no longer growing."""

SECONDS_PER_STEP = series(c.RECENT_SECONDS_PER_STEP)
EVAL_RUNTIME = series(c.EVAL_RUNTIME)
MEMORY = series(c.MEMORY)


class ThroughputDrop(Rule):
    """Half of the run's own speed or less, in training or in evaluation."""

    __slots__ = ("_evaluations", "_last", "_steps")

    name = "throughput_drop"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """The new process may run elsewhere."""
        self._steps = array("d")
        self._evaluations = array("d")
        self._last: tuple[int, float] | None = None

    def block(self, row: Row) -> Iterator[Reading | None]:
        """Seconds per step of the last block over the median of those before."""
        elapsed = row.record.get(c.ELAPSED)
        if elapsed is None:
            return
        before, self._last = self._last, (row.step, elapsed)
        if before is None or row.step <= before[0] or elapsed <= before[1]:
            return
        steps, seconds = row.step - before[0], elapsed - before[1]
        pace = seconds / steps
        if not 0 < pace < float("inf"):
            return
        if len(self._steps) >= FEWEST:
            usual = median(self._steps)
            slower = (pace - usual) * steps >= limits.SLOWER_SECONDS
            yield Reading(pace / usual if slower else 1.0, pace, SECONDS_PER_STEP, unit=usual, baseline=usual)
        _keep(self._steps, pace, BLOCKS_KEPT)

    def evaluate(self, record: Record, row: Row | None) -> Iterator[Reading | None]:  # noqa: ARG002
        """The evaluation's runtime over the median of those before; twice that is slow at once."""
        runtime = record.get(c.EVAL_RUNTIME)
        if runtime is None or not 0 < runtime < float("inf"):
            return
        if len(self._evaluations) >= FEWEST:
            usual = median(self._evaluations)
            slow = runtime >= self.first.limit * usual and runtime - usual >= limits.SLOWER_SECONDS / 6
            if slow:
                yield Reading(0.0, runtime, EVAL_RUNTIME, unit=usual, baseline=usual, force=self.least)
            elif self._last is None:
                yield None
        _keep(self._evaluations, runtime, EVALUATIONS_KEPT)


class MemoryGrowth(Rule):
    """The peak of device memory goes on rising when it should long be known."""

    __slots__ = ("_base", "_highest", "_quiet", "_rises")

    name = "memory_growth"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """A new process begins with little."""
        self._base = self._highest = 0.0
        self._rises = self._quiet = 0

    def block(self, row: Row) -> Iterator[Reading | None]:
        """The peak over what it was when a tenth of the run was done."""
        memory = row.record.get(c.MEMORY)
        judged = row.index >= limits.WINDOW and (row.progress is None or row.progress >= limits.MEMORY_JUDGED)
        if memory is None or not judged:
            return
        self._base = self._base or memory
        self._quiet += 1
        if memory > (self._highest or memory) * MEMORY_STEP:
            self._rises, self._quiet = self._rises + 1, 0
        self._highest = max(self._highest, memory)
        growing = self._rises >= limits.MEMORY_RISES and self._quiet < MEMORY_PATIENCE and self._base > 0
        score = self._highest / self._base if growing else 1.0
        yield Reading(score, memory, MEMORY, unit=self._base, baseline=self._base)


def _keep(values: array[float], value: float, count: int) -> None:
    values.append(value)
    if len(values) > count:
        del values[0]
