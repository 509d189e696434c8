"""Transformers' `trainer_state.json`: one document, written whole again at each checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import orjson

from llmtrain_exporter.ingest.argument_files import HUGGING_FACE_FILES
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Shape, Stages
from llmtrain_exporter.ingest.json_rows import NOT_AN_OBJECT, NOT_JSON, lenient_json
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.settings_text import parse_json
from llmtrain_exporter.knowledge.producers import TRANSFORMERS
from llmtrain_exporter.model import Record, Skip

_STATED = ("logging_steps", "eval_steps", "save_steps")
"""Settings that the state itself names, beside what it is about."""


class TrainerState:
    """Reads the records of a whole `trainer_state.json`."""

    __slots__ = ("_normaliser",)

    def __init__(self, normaliser: Normaliser) -> None:
        self._normaliser = normaliser

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
        return [read for row in history for read in self._rows(row, planned)]

    def _rows(self, row: object, planned: object) -> Iterable[Record | Skip]:
        if not isinstance(row, dict):
            return (NOT_AN_OBJECT,)
        return self._normaliser.rows({**row, "max_steps": planned})


def sniff(head: Head) -> Confidence:
    """The summary of an ms-swift log has a history too, and says what the model is."""
    if head.first is None:
        known = head.text.startswith(b"{") and b'"log_history"' in head.text
    else:
        known = "log_history" in head.first and "model_parameter_info" not in head.first
    return Confidence.SURE if known else Confidence.NO


def stated_settings(content: bytes) -> Mapping[str, object]:
    """How often the run logs, evaluates and saves, as its state says."""
    state = parse_json(content)
    return {key: state[key] for key in _STATED if key in state} if isinstance(state, dict) else {}


def stages(document: bytes) -> Stages:
    """The state after each entry of its history, at last as it is. Raises ValueError where it is none."""
    try:
        state = json.loads(document)
        history = state["log_history"]
        count = len(history)
    except (ValueError, RecursionError, TypeError, KeyError):
        raise ValueError("not a trainer state with a log_history") from None
    return Stages(count, lambda rows: document if rows == count else _so_far(state, history[:rows]))


def _so_far(state: Mapping[str, object], history: Sequence[object]) -> bytes:
    """The state with less of its history; what it says of the best checkpoint was not known by then."""
    last = history[-1] if isinstance(history[-1], dict) else {}
    known = {"global_step": last.get("step"), "epoch": last.get("epoch")}
    unknown = dict.fromkeys(("best_metric", "best_model_checkpoint", "best_global_step"))
    changed = {key: value for key, value in {**known, **unknown}.items() if key in state}
    return json.dumps({**state, **changed, "log_history": history}, indent=2, sort_keys=True).encode() + b"\n"


DIALECT = Dialect(
    name="trainer_state",
    producer=TRANSFORMERS,
    reader=lambda normaliser, _: TrainerState(normaliser),
    sniff=sniff,
    files=("trainer_state.json",),
    shape=Shape.DOCUMENT,
    live=False,
    argument_files=(*HUGGING_FACE_FILES, ArgumentFile("trainer_state.json", stated_settings)),
    in_checkpoints=True,
    stages=stages,
)
