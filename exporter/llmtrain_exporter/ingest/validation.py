"""Rows in which a training step and a validation stand together, told apart."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.row import EVAL_PREFIX


def apart(cells: LogRow, validation: tuple[str, ...], place: LogRow) -> Sequence[LogRow]:
    """A row of the training and one of the validation, each with its `place`; only those that have cells.

    `validation`: how the keys of a validation begin.
    """
    evaluated = {EVAL_PREFIX + key: cell for key, cell in cells.items() if key.startswith(validation)}
    trained = {key: cell for key, cell in cells.items() if EVAL_PREFIX + key not in evaluated}
    return [{**found, **place} for found in (trained, evaluated) if found]
