"""Records from the whole of a run, kept to be drawn: a bounded number, however long it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from llmtrain_exporter.analyse import derived
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.model import HyperParameters, Record, RowKind, Series, series

MOST_KEPT = 128
"""Records of each kind: more than a line has characters for, also when each second one has been dropped."""

DRAWN = (RowKind.TRAIN, RowKind.EVAL)


class RecordsOfKind:
    """Records of a kind from the first to the last. At first each; then each second, each fourth, ..."""

    def __init__(self) -> None:
        self._kept: list[Record] = []
        self._newest: Record | None = None  # which is drawn, whether or not it is kept
        self._skipped, self._next = 0, 0  # records between two that are kept, and until the next one

    def note(self, record: Record) -> None:
        """See a record; the same step once more is a second writer's."""
        if self._newest is not None and record.step is not None and record.step == self._newest.step:
            return
        self._newest = record
        if self._next:
            self._next -= 1
            return
        self._kept.append(record)
        if len(self._kept) == MOST_KEPT:
            del self._kept[1::2]
            self._skipped = 2 * self._skipped + 1
        self._next = self._skipped

    def __iter__(self) -> Iterator[Record]:
        yield from self._kept
        if self._newest is not None and self._newest is not self._kept[-1]:
            yield self._newest


class WholeRun:
    """The observer that keeps records of a run for its courses."""

    reads_state: ClassVar[bool] = False

    def __init__(self, _: Run) -> None:
        self._records: Mapping[RowKind, RecordsOfKind] = {kind: RecordsOfKind() for kind in DRAWN}

    def note(self, record: Record, _: Analysis | None, /) -> None:
        """See a record that was folded."""
        records = self._records.get(record.kind)
        if records is not None:
            records.note(record)

    def courses(self, settings: HyperParameters) -> Mapping[Series, Sequence[float]]:
        """Values of each series, the newest last. `settings`: those of the run."""
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
