"""The last records of a run, kept to be drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import ClassVar

from llmtrain_exporter.analyse import derived
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.model import HyperParameters, Record, RowKind, Series, series

RECORDS_KEPT = 32
"""Records of each kind whose values are kept to be drawn."""

DRAWN = (RowKind.TRAIN, RowKind.EVAL)


class RecentRecords:
    """The observer that keeps the last records of a run."""

    reads_state: ClassVar[bool] = False

    def __init__(self, _: Run) -> None:
        self._records: Mapping[RowKind, deque[Record]] = {kind: deque(maxlen=RECORDS_KEPT) for kind in DRAWN}

    def note(self, record: Record, _: Analysis | None, /) -> None:
        """See a record that was folded; the same step once more is a second writer's."""
        records = self._records.get(record.kind)
        if records is not None and not (
            records and record.step is not None and record.step == records[-1].step
        ):
            records.append(record)

    def courses(self, settings: HyperParameters) -> Mapping[Series, Sequence[float]]:
        """The last values of each series, the newest last. `settings`: those of the run."""
        found: dict[Series, list[float]] = {}
        for records in self._records.values():
            for record in records:
                for key, value in _values(record, settings).items():
                    found.setdefault(key, []).append(value)
        return found


def _values(record: Record, settings: HyperParameters) -> dict[Series, float]:
    """What a record says, and what follows from it alone."""
    values = dict(zip(record.layout.series, record.values, strict=True))
    if record.kind is RowKind.TRAIN:
        ratios = [
            *derived.against_hyper_parameters(values, settings.numbers),
            *derived.within_record(values, 0.0),
        ]
        values |= {series(metric): value for metric, value in ratios}
    return values
