"""What OpenRLHF prints of training policies: dicts behind `Global step N:`, and evaluations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest import values
from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.marked_dicts import MarkedDict, MarkedDicts
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.producers import OPENRLHF

_ROW = re.compile(
    rb"\bGlobal step (?P<step>\d{1,12}): (?=\{)"
    rb"|\bEvaluation completed in (?P<took>[\d:]{1,20}), global_step (?P<evaluated>\d{1,12}), "
    rb"eval_metrics: (?=\{)"
)


class OpenRlhfRows:
    """The grammar of one log."""

    def __init__(self) -> None:
        self._dicts = MarkedDicts(_ROW)

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The row of a training step or of an evaluation, with the step that stands before it."""
        return [_placed(found) for found in self._dicts.find(line)]


def _placed(found: MarkedDict) -> LogRow:
    if found.mark["step"]:
        return {**found.cells, "step": int(found.mark["step"])}
    took = values.duration(found.mark["took"].decode())
    return {**found.cells, "eval_runtime": took, "step": int(found.mark["evaluated"])}


DIALECT = console_dialect("openrlhf", OPENRLHF, lambda: OpenRlhfRows().rows, _ROW)
