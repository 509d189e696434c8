"""Whether the model learns the task or its samples: overfit, accuracy."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.analyse.baseline import UNLIMITED
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.signals.rule import (
    EVAL_ACCURACY,
    EVAL_LOSS,
    LOSS,
    TOKEN_ACCURACY,
    Context,
    Interval,
    Readings,
    RecordView,
    Renewal,
    Rule,
    SignalReading,
    down_to,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import LOSS_FALLEN
from llmtrain_exporter.knowledge.profile import DPO
from llmtrain_exporter.knowledge.signals.fit import (
    ACCURACY_DROP,
    ACCURACY_GAP,
    EVALUATED_BESIDE,
    EVALUATION_AT_BEST,
    EVALUATION_FALLS,
    EVALUATIONS,
    MEMORISED_EPOCHS,
    MEMORISED_LOSS,
    MEMORISED_RECORDS,
    OVERFIT,
    OVERFIT_RISE,
)
from llmtrain_exporter.model import Series


class Overfit(Rule):
    """Evaluation says another thing than training; or nobody evaluates, and texts are read too often."""

    __slots__ = ("_bests", "_early", "_evaluated")

    signal = OVERFIT
    compared = (LOSS,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been evaluated yet."""
        self._evaluated: Lately[tuple[float, float]] = Lately(EVALUATIONS)  # evaluation, training loss
        self._bests: Lately[float] = Lately(EVALUATIONS + 1)  # lowest up to each evaluation
        self._early: float | None = None

    def evaluate(self, view: RecordView) -> Readings:
        """The evaluation loss over the training loss, and whether the one rises while the other falls.

        However far it is above: while it falls itself, the run is no worse than worth a look.
        """
        loss, recent = view.record.get(c.LOSS), view.recent(LOSS, EVALUATED_BESIDE)
        if loss is None or not recent or not 0 < loss < UNLIMITED:
            return
        train = median(recent)
        self._evaluated.note((loss, train))
        force = self.least if self._parting() else None
        score = loss / train if train > 0 else 0.0
        reading = SignalReading(score, loss, EVAL_LOSS, loss - train, train, baseline=train, force=force)
        yield self._weigh(reading, self._falls(loss))

    def _weigh(self, reading: SignalReading, falls: bool) -> SignalReading | None:
        return reading._replace(score=0.0, force=self.least) if falls and self.meets(reading) else reading

    def look_back(self, view: RecordView) -> Readings:
        """Many epochs, and hardly anything of the first loss left."""
        epoch, recent = view.record.get(c.EPOCH), view.recent(LOSS, MEMORISED_RECORDS)
        if self._evaluated or not recent:
            return
        loss = median(recent)
        if self._early is None:
            self._early = max(recent)
        if (epoch or 0.0) >= MEMORISED_EPOCHS and loss <= MEMORISED_LOSS * self._early:
            force = self.least
            yield SignalReading(0.0, recent[-1], LOSS, unit=self._early, baseline=self._early, force=force)

    def _falls(self, loss: float) -> bool:
        self._bests.note(min(loss, *self._bests) if self._bests else loss)
        best = self._bests[-1]
        return best <= EVALUATION_FALLS * self._bests[0] and loss <= EVALUATION_AT_BEST * best

    def _parting(self) -> bool:
        if len(self._evaluated) < EVALUATIONS:
            return False
        (first, train_first), (second, _), (third, train_third) = self._evaluated
        rising = first < second < third and third >= OVERFIT_RISE * first
        return rising and train_third <= LOSS_FALLEN * train_first


class PairsOverfit(Overfit):
    """The same of pairs, whose training loss is soon near 0: not while the evaluation loss may fall."""

    __slots__ = ()

    profiles = (DPO,)

    def _weigh(self, reading: SignalReading, falls: bool) -> SignalReading | None:
        return None if falls or len(self._bests) < EVALUATIONS else reading


class AccuracyDrop(Rule):
    """Token accuracy below its own best, or evaluation's falling behind."""

    __slots__ = ("_best", "_gaps")

    signal = ACCURACY_DROP
    watched = compared = (TOKEN_ACCURACY,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been reached yet."""
        self._best = 0.0
        self._gaps: Lately[float] = Lately(EVALUATIONS)

    def follow(self, renewal: Renewal) -> None:
        """Keep the best median."""
        self._best = max(self._best, renewal.level.median)

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything above the limit below the best median."""
        return {TOKEN_ACCURACY: down_to(self._best - self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """How far below."""
        accuracy = view.values.get(TOKEN_ACCURACY)
        if accuracy is None:
            return None
        best = self._best
        return SignalReading(best - accuracy, accuracy, TOKEN_ACCURACY, unit=-1.0, offset=best, baseline=best)

    def evaluate(self, view: RecordView) -> Readings:
        """Whether training's lead over evaluation grows from one evaluation to the next."""
        accuracy = view.record.get(c.TOKEN_ACCURACY)
        recent = view.recent(TOKEN_ACCURACY, EVALUATED_BESIDE)
        if accuracy is None or not recent:
            return
        self._gaps.note(median(recent) - accuracy)
        gaps = list(self._gaps)
        if len(gaps) == EVALUATIONS and gaps == sorted(gaps) and gaps[-1] >= ACCURACY_GAP > gaps[0]:
            yield SignalReading(0.0, accuracy, EVAL_ACCURACY, baseline=median(recent), force=self.least)


RULES = (Overfit, PairsOverfit, AccuracyDrop)
