"""Which checkpoints are good, and which of them stay: pure, for whoever keeps, and whoever goes back."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from llmtrain_exporter.analyse.averages import mean, median
from llmtrain_exporter.analyse.baseline import STEP
from llmtrain_exporter.guard.keep.checkpoints import Checkpoint
from llmtrain_exporter.guard.keep.marks import HealthMarks
from llmtrain_exporter.knowledge.guarding import GOOD_ERRORS, NEWEST, STILL_GOOD
from llmtrain_exporter.knowledge.signals.reward import SLIDE_RECORDS
from llmtrain_exporter.model import Point


def ladder(steps: Collection[int], most: int) -> list[int]:
    """Which of these steps stay, no more than `most`, ascending: the newest, then one per doubling of age.

    The newest two stay whatever their age, which is in steps from the newest. Of each doubling the oldest
    stays, so that there is one to grow old in turn. Where all that is too much the oldest go first.
    """
    ordered = sorted(set(steps))
    stay = ordered
    if len(ordered) > NEWEST:
        interval = min(later - earlier for earlier, later in pairwise(ordered))
        oldest_of: dict[int, int] = {}  # by doubling
        for step in ordered[:-NEWEST]:
            oldest_of.setdefault(((ordered[-1] - step) // interval).bit_length(), step)
        stay = [*oldest_of.values(), *ordered[-NEWEST:]]
    return stay[max(len(stay) - most, 0) :]


def chosen(checkpoints: Collection[Checkpoint], marks: HealthMarks, most: int) -> list[Checkpoint]:
    """Those to keep, no more than `most`, by step: the last healthy one, and a ladder of those still good.

    A warning that lasts for most of a run leaves others good. Where none is good any more, the ladder is of
    those at which nothing critical was there.
    """
    by_step = {each.step: each for each in still_good(checkpoints, marks) or _calm(checkpoints, marks)}
    stay = ladder(by_step, most)
    last_healthy = [each.step for each in healthy(checkpoints, marks)[-1:]]
    if stay and not set(last_healthy) <= set(stay):
        stay = sorted([*last_healthy, *stay[max(len(stay) - most + 1, 0) :]])
    return [by_step[step] for step in stay]


def healthy(checkpoints: Collection[Checkpoint], marks: HealthMarks) -> list[Checkpoint]:
    """Those that are still good and at whose steps no warning either was there, by step."""
    good = still_good(checkpoints, marks)
    return [each for each in good if not any(trouble.covers(each.step) for trouble in marks.troubles)]


def still_good(checkpoints: Collection[Checkpoint], marks: HealthMarks) -> list[Checkpoint]:
    """Those that a training may go back to, by step; the last is the one to take.

    Nothing critical was there at their steps, and the smoothed reward was within a tenth of the best until
    then; where nothing is rewarded, the evaluation loss. Where a log has neither, that says nothing.
    """
    levels = _by_reward(marks) if marks.rewards else _by_loss(marks.losses)
    return [each for each in _calm(checkpoints, marks) if not _has_fallen(levels, each.step)]


def judged_until(marks: HealthMarks) -> float:
    """The step up to which no record that is yet to come changes what is said of rewards or losses."""
    if marks.rewards:
        half = _half_window(marks)
        return marks.rewards[-1 - half].step if len(marks.rewards) > half else 0
    return marks.losses[-1].step if marks.losses else math.inf


def _calm(checkpoints: Collection[Checkpoint], marks: HealthMarks) -> list[Checkpoint]:
    """Those at whose steps nothing critical was there, by step."""
    critical = [trouble for trouble in marks.troubles if trouble.critical]
    ordered = sorted(checkpoints, key=lambda checkpoint: checkpoint.step)
    return [each for each in ordered if not any(trouble.covers(each.step) for trouble in critical)]


Levels = Sequence[tuple[int, bool]]
"""By step: whether what tells how good a run is had fallen there."""


def _has_fallen(levels: Levels, step: int) -> bool:
    """What the nearest mark says; of two the later one, which the weights of that step have made."""
    at = bisect_left(levels, (step, False))
    near = levels[max(at - 1, 0) : at + 1]
    return bool(near) and min(near, key=lambda level: (abs(level[0] - step), -level[0]))[1]


def _by_reward(marks: HealthMarks) -> Levels:
    """Means of as many records as the analysis takes, half of them before and half after a step."""
    values = [point.value for point in marks.rewards]
    half = _half_window(marks)
    windows = [values[max(at - half, 0) : at + half] for at in range(1, len(values) + 1)]
    error = _noise(values) * math.sqrt(2 / (2 * half))
    falls = _falls([mean(window) for window in windows], GOOD_ERRORS * error, half)
    return [(point.step, fallen) for point, fallen in zip(marks.rewards, falls, strict=True)]


def _half_window(marks: HealthMarks) -> int:
    return max(SLIDE_RECORDS // marks.records // 2, 1)


def _noise(values: Sequence[float]) -> float:
    """Robust standard deviation of one value, whatever its trend."""
    steps = [abs(later - earlier) for earlier, later in pairwise(values)]
    return median(steps) / STEP if steps else 0.0


def _falls(levels: Sequence[float], least: float, first: int) -> Iterator[bool]:
    """Whether each is below the best until then by more than a tenth, and by more than `least`.

    Of rewards that punish it is a tenth of the range until that best. The first `first` are too few to be it.
    """
    best, lowest, scale = -math.inf, 0.0, 0.0
    for at, level in enumerate(levels, 1):
        lowest = min(lowest, level)
        if at >= first and level > best:
            best, scale = level, max(level - lowest, abs(level))
        yield best - level > max((1 - STILL_GOOD) * scale, least)


def _by_loss(losses: Sequence[Point]) -> Levels:
    best = math.inf
    levels = []
    for step, loss in losses:
        best = min(best, loss)
        levels.append((step, loss - best > (1 / STILL_GOOD - 1) * abs(best)))
    return levels
