"""Judges each row while it is logged, as a look at the log from outside would."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from llmtrain_exporter.analyse.incidents import PARTS
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.analyse.series_name import series_name
from llmtrain_exporter.analyse.signals.tracker import Tracker
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.signals.collapse import COLLAPSE
from llmtrain_exporter.model import HyperParameters, Record, RowKind
from llmtrain_exporter.model.guarded import StopReason


def _unseen(_: Record, __: int) -> None:
    """Nobody looks."""


class Judge:
    """Folds a training's rows. For one thread."""

    def __init__(
        self,
        options: GuardOptions,
        settings: HyperParameters,
        producer: Producer,
        observe: Callable[[Record, int], object] = _unseen,
    ) -> None:
        """`observe`: sees each record and its step, after it is folded."""
        self._observe = observe
        self._least = Severity(options.severity).rank
        self._signals = frozenset(options.signals)
        self._for = max(options.for_records, 1)
        self._held = 0  # training records in a row at which it held
        self._normaliser = Normaliser()
        self.run = Run(RunOptions(), settings)
        self.run.producer = producer

    def warm(self, rows: Iterable[Mapping[str, object]], now: float) -> None:
        """Take in what was logged before this process began. `now`: Unix time."""
        records = [record for row in rows for record in self._records(row)]
        for record in self.run.fold_all(records, now):
            self._observe(record, record.step or 0)

    def take(self, row: Mapping[str, object], now: float) -> StopReason | None:
        """Take in a row, logged now; why the training should end, if it should."""
        reasons = [self.see(record, now) for record in self._records(row)]
        return next(filter(None, reversed(reasons)), None)

    def see(self, record: Record, now: float) -> StopReason | None:
        """Take in a record of a row; why the training should end, if that shows it."""
        self.run.fold(record, now)
        self._observe(record, self.run.position.last_step or 0)
        if record.kind is not RowKind.TRAIN:
            return None
        reason = self.reason
        self._held = self._held + 1 if reason else 0
        return reason if self._held >= self._for else None

    @property
    def reason(self) -> StopReason | None:
        """The worst signal that counts at the last record, of equals the first; None: none does."""
        analysis = self.run.analysis
        if analysis is None:
            return None
        met = [(name, tracker) for name, tracker in analysis.trackers.items() if self._counts(name, tracker)]
        if not any(_is_seen(*each) for each in analysis.trackers.items()):
            met = [each for each in met if each[0] != COLLAPSE.name]
        if not met:
            return None
        name, worst = max(met, key=lambda each: each[1].severity.rank if each[1].severity else 0)
        return self._told(name, worst)

    def _records(self, row: Mapping[str, object]) -> Sequence[Record]:
        return [read for read in self._normaliser.rows(row) if isinstance(read, Record)]

    def _counts(self, name: str, tracker: Tracker) -> bool:
        if not tracker.met or tracker.severity is None or tracker.severity.rank < self._least:
            return False
        return name in self._signals if self._signals else SIGNALS[name].family in PARTS

    def _told(self, name: str, tracker: Tracker) -> StopReason | None:
        episode, analysis = tracker.episode, self.run.analysis
        if episode is None or analysis is None or tracker.severity is None:
            return None
        found = analysis.value_of(episode.metric)
        value = episode.peak if found is None else found
        return StopReason(
            signal=name,
            severity=tracker.severity.value,
            step=self.run.position.last_step or 0,
            metric=series_name(episode.metric),
            value=value if math.isfinite(value) else None,
        )


def _is_seen(name: str, tracker: Tracker) -> bool:
    """Whether a part of an incident shows at this very record.

    The signal that stands for all of it lasts until some records are well: when a time of grace is over, an
    incident may be all but over.
    """
    return tracker.met and name != COLLAPSE.name and SIGNALS[name].family in PARTS
