"""Transformers' `trainer_state.json`: one document, written whole again at each checkpoint."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from llmtrain_exporter.ingest.dialects.base import NOT_AN_OBJECT, NOT_JSON, lenient_json
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.model import Record, Skip


class TrainerState:
    """Reads the records of a whole `trainer_state.json`."""

    def __init__(self) -> None:
        self._normaliser = Normaliser()

    def read(self, document: bytes) -> Iterable[Record | Skip]:
        """The records of `log_history`, each with the planned number of steps; or why there is none."""
        try:
            state = orjson.loads(document)
        except orjson.JSONDecodeError:
            state = lenient_json(document)
        if state is NOT_JSON:
            return (NOT_JSON,)
        history = state.get("log_history") if isinstance(state, dict) else None
        if not isinstance(history, list):
            return (NOT_AN_OBJECT,)
        planned = state.get("max_steps")
        return [self._row(row, planned) for row in history]

    def _row(self, row: object, planned: object) -> Record | Skip:
        return (
            self._normaliser.record({**row, "max_steps": planned}) if isinstance(row, dict) else NOT_AN_OBJECT
        )
