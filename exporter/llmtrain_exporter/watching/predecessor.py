"""What is kept of a run whose log was let go, or whose place another log took."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import NamedTuple

from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.analyse.shared import shared
from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.model import RowKind, Series

RERUN_RECORDS = 5
"""Training records that a run which begins anew may have when it is met, and that are news all the same."""


class Predecessor(NamedTuple):
    """What was counted of a log, and what it takes to know the log again."""

    counters: Mapping[Series, float]  # those above 0
    carried: Mapping[Series, float]  # of them what did not come from this log
    records: int  # of all kinds
    training: int  # those that train
    first_step: int | None
    last_step: int | None
    fingerprint: Fingerprint | None  # of what was read; None where the log is no file of lines


class PutAside(NamedTuple):
    """The same in a third of the memory: of thousands of runs that are over it is kept and not looked at."""

    series: tuple[tuple[Series, ...], tuple[Series, ...]]  # counted and carried: many runs have the same
    counts: bytes  # of both, float64
    counted: tuple[int, int, int | None, int | None]  # as the fields are in a predecessor
    fingerprint: Fingerprint | None


def put_aside(before: Predecessor) -> PutAside:
    """It, packed."""
    return PutAside(
        shared((tuple(before.counters), tuple(before.carried))),
        array("d", (*before.counters.values(), *before.carried.values())).tobytes(),
        shared((before.records, before.training, before.first_step, before.last_step)),
        before.fingerprint,
    )


def taken_up(aside: PutAside) -> Predecessor:
    """It, as it was."""
    (counted, carried), numbers = aside.series, array("d", aside.counts)
    middle = len(counted)
    return Predecessor(
        dict(zip(counted, numbers[:middle], strict=True)),
        dict(zip(carried, numbers[middle:], strict=True)),
        *aside.counted,
        aside.fingerprint,
    )


def predecessor_of(run: Run, fingerprint: Fingerprint | None) -> Predecessor:
    """Of a run as it stands."""
    return Predecessor(
        {series: count for series, count in run.counters().items() if count},
        {series: count for series, count in run.carried.items() if count},
        sum(run.records.values()),
        run.records[RowKind.TRAIN],
        run.position.first_step,
        run.position.last_step,
        fingerprint,
    )


def counted_on(read: Predecessor, before: Predecessor) -> Predecessor | None:
    """A log that was read as if it were new, with the counters that it has for who knows what was counted.

    None where that was of another text: then reading it again shows what is news. Whatever is counted
    otherwise now, by a newer program perhaps, no counter falls.
    """
    text, known = read.fingerprint, before.fingerprint
    if text is None or known is None or (text.length, text.crc) != (known.length, known.crc):
        return None
    names = dict.fromkeys((*read.counters, *before.counters, *before.carried))
    sums = {key: read.counters.get(key, 0.0) + before.carried.get(key, 0.0) for key in names}
    counters = {key: max(count, before.counters.get(key, 0.0)) for key, count in sums.items()}
    counted = {key: count for key, count in counters.items() if count}
    return read._replace(counters=counted, carried=before.carried)


def begins_anew(run: Run, before: Predecessor) -> bool:
    """Whether another log that was just met is a run which has just begun: then what it has is news.

    A few records, whose steps begin anew or follow on the last one; not as many as there were from the same
    step on, which would be an edited copy.
    """
    training, first = run.records[RowKind.TRAIN], run.position.first_step
    if training > RERUN_RECORDS:
        return False
    if first is None or before.first_step is None or before.last_step is None:
        return True
    return first > before.last_step or (first <= before.first_step and training < before.training)


def says_the_same(run: Run, before: Predecessor) -> bool:
    """Whether a log without a fingerprint has the records that were read of it, as far as steps tell."""
    return run.position.first_step == before.first_step and sum(run.records.values()) >= before.records
