"""Whether the model learns, and learns what it should: rebounds, plateaus, overfit, accuracy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from statistics import fmean, median

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.gradient import EVAL_LOSS
from llmtrain_exporter.analyse.signals.rule import (
    BLOCK,
    LOSS,
    TOKEN_ACCURACY,
    UNLIMITED,
    Context,
    Interval,
    Reading,
    Row,
    Rule,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import limits
from llmtrain_exporter.model import Record, Series, series

SMOOTHED_STEPS = 50
"""Steps over which a loss is smoothed; the FAQ's example logs a mean of 100."""
SMOOTHED_RECORDS = 10
RELAXED = 1.01
"""By how much the lowest smoothed loss is forgotten at each record: a lasting change is followed."""
PLATEAU_EPOCHS = 4
EVAL_LOSSES = 3
EVAL_ACCURACY = series(c.TOKEN_ACCURACY, ("split", "eval"))


class LossUnstable(Rule):
    """The smoothed loss bounces back from where it has been."""

    __slots__ = ("_last_step", "_lowest", "_records")

    name = "loss_unstable"
    watched = (LOSS,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been reached yet."""
        self._lowest = 0.0
        self._records = SMOOTHED_RECORDS
        self._last_step: int | None = None

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """A mean cannot bounce back as long as no record does."""
        return -UNLIMITED, self._bounce() if self._lowest else UNLIMITED

    def block(self, row: Row) -> Iterator[Reading | None]:
        """Follow the lowest smoothed loss downwards."""
        steps = 0 if self._last_step is None else row.step - self._last_step
        self._last_step = row.step
        if steps > 0:
            self._records = max(1, min(SMOOTHED_RECORDS, round(SMOOTHED_STEPS * BLOCK / steps)))
        recent = row.recent(LOSS, BLOCK)
        if len(recent) == BLOCK:
            groups = [recent[at : at + self._records] for at in range(0, BLOCK, self._records)]
            means = [fmean(group) for group in groups if len(group) == self._records]
            self._lowest = min(means + [self._lowest * RELAXED**BLOCK] * bool(self._lowest))
        yield from ()

    def read(self, row: Row) -> Reading | None:
        """How many times the lowest smoothed loss the smoothed loss is."""
        loss = row.values.get(LOSS)
        if loss is None or self._lowest <= 0:
            return None
        recent = [*row.recent(LOSS, self._records - 1), loss] if self._records > 1 else [loss]
        smoothed = fmean(recent)
        return Reading(
            smoothed / self._lowest, loss, LOSS, smoothed - self._lowest, self._lowest, baseline=self._lowest
        )

    def _bounce(self) -> float:
        return max(self.first.limit * self._lowest, self._lowest + self.first.floor)


class LossPlateau(Rule):
    """The loss hardly falls over epochs, and is not low."""

    __slots__ = ("_epoch", "_losses")

    name = "loss_plateau"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """No epoch is over yet."""
        self._losses: deque[float] = deque(maxlen=PLATEAU_EPOCHS + 1)
        self._epoch = 0

    def block(self, row: Row) -> Iterator[Reading | None]:
        """The loss at the end of an epoch over that of four epochs before."""
        epoch, level = row.record.get(c.EPOCH), row.levels.get(LOSS)
        if epoch is None or level is None or not 1 <= epoch < UNLIMITED or int(epoch) <= self._epoch:
            return
        self._epoch = int(epoch)
        self._losses.append(level.median)
        if len(self._losses) > PLATEAU_EPOCHS and self._losses[0] > 0:
            before = self._losses[0]
            yield Reading(level.median / before, level.median, LOSS, level.median, before, baseline=before)


class Overfit(Rule):
    """Evaluation says another thing than training; or nobody evaluates, and texts are read too often."""

    __slots__ = ("_early", "_evaluated")

    name = "overfit"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been evaluated yet."""
        self._evaluated: deque[tuple[float, float]] = deque(maxlen=EVAL_LOSSES)  # evaluation, training loss
        self._early: float | None = None

    def evaluate(self, record: Record, row: Row | None) -> Iterator[Reading | None]:
        """The evaluation loss over the training loss, and whether the one rises while the other falls."""
        loss = record.get(c.LOSS)
        recent = [] if row is None else row.recent(LOSS, 5)
        if loss is None or not recent or not 0 < loss < UNLIMITED:
            return
        train = median(recent)
        self._evaluated.append((loss, train))
        force = self.least if self._parting() else None
        score = loss / train if train > 0 else 0.0
        yield Reading(score, loss, EVAL_LOSS, loss - train, train, baseline=train, force=force)

    def block(self, row: Row) -> Iterator[Reading | None]:
        """Many epochs, and hardly anything of the first loss left."""
        epoch, recent = row.record.get(c.EPOCH), row.recent(LOSS, 10)
        if self._evaluated or not recent:
            return
        loss = median(recent)
        if self._early is None:
            self._early = max(recent)
        if (epoch or 0.0) >= limits.MEMORISED_EPOCHS and loss <= limits.MEMORISED_LOSS * self._early:
            force = self.least
            yield Reading(0.0, loss, LOSS, unit=self._early, baseline=self._early, force=force)

    def _parting(self) -> bool:
        if len(self._evaluated) < EVAL_LOSSES:
            return False
        (first, train_first), (second, _), (third, train_third) = self._evaluated
        rising = first < second < third and third >= limits.OVERFIT_RISE * first
        return rising and train_third <= limits.OVERFIT_FALL * train_first


class AccuracyDrop(Rule):
    """Token accuracy below its own best, or evaluation's falling behind."""

    __slots__ = ("_best", "_gaps")

    name = "accuracy_drop"
    watched = (TOKEN_ACCURACY,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been reached yet."""
        self._best = 0.0
        self._gaps: deque[float] = deque(maxlen=EVAL_LOSSES)

    def follow(self, one: Series, level: Level, index: int) -> None:  # noqa: ARG002
        """Keep the best median."""
        self._best = max(self._best, level.median)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Anything above the limit below the best median."""
        return self._best - self.first.limit, UNLIMITED

    def read(self, row: Row) -> Reading | None:
        """How far below."""
        accuracy = row.values.get(TOKEN_ACCURACY)
        if accuracy is None:
            return None
        best = self._best
        return Reading(best - accuracy, accuracy, TOKEN_ACCURACY, unit=-1.0, offset=best, baseline=best)

    def evaluate(self, record: Record, row: Row | None) -> Iterator[Reading | None]:
        """Whether training's lead over evaluation grows from one evaluation to the next."""
        accuracy = record.get(c.TOKEN_ACCURACY)
        recent = [] if row is None else row.recent(TOKEN_ACCURACY, 5)
        if accuracy is None or not recent:
            return
        self._gaps.append(median(recent) - accuracy)
        gaps = list(self._gaps)
        if len(gaps) == EVAL_LOSSES and gaps == sorted(gaps) and gaps[-1] >= limits.ACCURACY_GAP > gaps[0]:
            yield Reading(0.0, accuracy, EVAL_ACCURACY, baseline=median(recent), force=self.least)
