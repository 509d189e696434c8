"""What the guard tells of the runs that it protects."""

from __future__ import annotations

from llmtrain_exporter.knowledge.metric import PREFIX, Group, Metric, Type

_GUARD = f"{PREFIX}guard_"


def _gauge(name: str, text: str) -> Metric:
    return Metric(_GUARD + name, Group.INCIDENTS, text)


def _counter(name: str, text: str, label: str) -> Metric:
    return Metric(_GUARD + name, Group.INCIDENTS, text, type=Type.COUNTER, label=label)


KEPT = _gauge("kept_checkpoints", "Checkpoints that are kept from the trainer's rotation.")
KEPT_STEP = _gauge("kept_step", "Step of the newest checkpoint that is kept: the one to go back to.")
KEPT_BYTES = _gauge("kept_bytes", "Bytes of kept checkpoints that nothing else takes.")
ACTIONS = _counter("actions_total", "What was done about checkpoints, by action.", "action")
OBSTACLES = _counter(
    "obstacles_total", "How often something stood in the way of keeping a checkpoint, by reason.", "reason"
)

METRICS: tuple[Metric, ...] = (KEPT, KEPT_STEP, KEPT_BYTES, ACTIONS, OBSTACLES)
"""All of the above, in the order in which they are exposed."""
