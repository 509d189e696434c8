"""Ratios of logged values that need no baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from llmtrain_exporter.analyse.at_rest import BareRows, LastRecord
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Record, Series, series

TRAIN = ("split", "train")
MEAN_LENGTH = series(c.COMPLETION_LENGTH, ("stat", "mean"), TRAIN)
REWARD = series(c.REWARD, TRAIN)
REWARD_STD = series(c.REWARD_STD, TRAIN)
GRAD_NORM = series(c.GRAD_NORM)
LEARNING_RATE = series(c.LEARNING_RATE)


def ratio(over: float | None, under: float | None) -> float | None:
    """over / under; None where either is absent or the divisor is 0."""
    return None if over is None or not under else over / under


def gpu_seconds(steps: int, seconds_per_step: float | None, gpus: float | None) -> float | None:
    """Time that so many steps take, over all GPUs; None where pace or GPUs are not known."""
    if seconds_per_step is None or gpus is None or gpus < 1:
        return None
    seconds = steps * seconds_per_step * gpus
    return seconds if math.isfinite(seconds) else None


def against_hyper_parameters(
    latest: Mapping[Series, float], numbers: Mapping[str, float]
) -> Iterator[tuple[Metric, float]]:
    """Ratios to the limits that the run's own settings name."""
    length = ratio(latest.get(MEAN_LENGTH), numbers.get("max_completion_length"))
    if length is not None:
        yield c.COMPLETION_LENGTH_LIMIT, length
    clipped = ratio(latest.get(GRAD_NORM), numbers.get("max_grad_norm"))
    if clipped is not None:
        yield c.GRAD_NORM_CLIP, clipped


def within_record(
    latest: Mapping[Series, float], peak_learning_rate: float
) -> Iterator[tuple[Metric, float]]:
    """Ratios among the last values themselves."""
    reward = latest.get(REWARD)
    variation = ratio(latest.get(REWARD_STD), None if reward is None else abs(reward))
    if variation is not None:
        yield c.REWARD_VARIATION, variation
    peak = ratio(latest.get(LEARNING_RATE), peak_learning_rate)
    if peak is not None:
        yield c.LEARNING_RATE_PEAK, peak


class Evaluations:
    """What the evaluations of a run say against its training, and which was the best."""

    __slots__ = ("_best", "_values", "beside", "best_loss", "best_step")

    def __init__(self) -> None:
        self.beside: LastRecord | None = None  # the training record that the next evaluation is held against
        self._values: dict[Metric, float] = {}
        self._best = (math.inf, 0.0)  # loss, and accuracy below 0
        self.best_loss: float | None = None
        self.best_step: int | None = None

    def evaluate(self, record: Record, step: int | None) -> None:
        """Hold an evaluation against the last training record."""
        loss = record.get(c.LOSS)
        if loss is not None and self._is_better(loss, record.get(c.TOKEN_ACCURACY)):
            self.best_loss, self.best_step = loss, step
        if self.beside is None:
            return
        self._note(c.EVAL_TRAIN_LOSS, ratio(loss, self.beside.get(c.LOSS)))
        self._note(c.EVAL_TRAIN_ENTROPY, ratio(_entropy(record), _entropy(self.beside)))
        accuracy, trained = record.get(c.TOKEN_ACCURACY), self.beside.get(c.TOKEN_ACCURACY)
        self._note(c.EVAL_TRAIN_ACCURACY, None if accuracy is None or trained is None else accuracy - trained)

    def rest(self, rows: BareRows) -> None:
        """Hold that record in fewer bytes."""
        self.beside = None if self.beside is None else rows.record(self.beside)

    def _is_better(self, loss: float, accuracy: float | None) -> bool:
        """The lowest evaluation loss is the best; between equals the highest accuracy."""
        rank = loss, -(accuracy or 0.0)
        if math.isnan(loss) or rank >= self._best:
            return False
        self._best = rank
        return True

    def values(self) -> Iterator[tuple[Metric, float]]:
        """The last value of each comparison, and the best evaluation."""
        yield from self._values.items()
        if self.best_loss is not None:
            yield c.BEST_EVAL_LOSS, self.best_loss
        if self.best_step is not None:
            yield c.BEST_EVAL_STEP, float(self.best_step)

    def _note(self, metric: Metric, value: float | None) -> None:
        if value is not None:
            self._values[metric] = value


def _entropy(record: LastRecord) -> float | None:
    for column, value in zip(record.layout.series, record.values, strict=True):
        if column.metric is c.ENTROPY and ("stat", "mean") in column.labels:
            return value
    return None
