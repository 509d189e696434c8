"""Two processes that write the same log say each record twice."""

from __future__ import annotations

import math
from collections.abc import Iterable

from llmtrain_exporter.analyse.at_rest import LastRecord
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.pace import TWIN_SECONDS, TWIN_SHARE
from llmtrain_exporter.model import Record

RECENT = 4
"""Records within which the same record again is a second writer's."""


def is_twin(record: Record, recent: Iterable[LastRecord], last_step: int | None) -> bool:
    """Whether a second writer says what was read before; a step that is further on was not.

    `recent`: the records before it. `last_step`: at which the run stands.
    """
    placement, step = record.placement, record.step
    if placement is not None:
        return placement.again
    if step is not None and last_step is not None and step > last_step:
        return False
    return any(is_same_record(record, other) for other in recent)


def is_same_record(record: Record, other: LastRecord) -> bool:
    """Whether two writers can have said the same: their lines differ in clocks and speeds alone."""
    if record.step is None and record.get(c.EPOCH) != other.get(c.EPOCH):
        return False
    if record.step != other.step or record.layout is not other.layout or not record.layout.identity:
        return False
    return _near(record.get(c.ELAPSED), other.get(c.ELAPSED)) and all(
        record.values[at] == other.values[at]
        or (math.isnan(record.values[at]) and math.isnan(other.values[at]))
        for at in record.layout.identity
    )


def _near(elapsed: float | None, other: float | None) -> bool:
    return elapsed is None or other is None or abs(elapsed - other) <= max(TWIN_SECONDS, TWIN_SHARE * other)
