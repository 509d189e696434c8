"""What the guard tells of the runs that it protects."""

from __future__ import annotations

from llmtrain_exporter.knowledge.metric import PREFIX, Group, Metric, Type

_GUARD = f"{PREFIX}guard_"


def _gauge(name: str, text: str, label: str = "") -> Metric:
    return Metric(_GUARD + name, Group.INCIDENTS, text, label=label)


def _counter(name: str, text: str, label: str = "") -> Metric:
    return Metric(_GUARD + name, Group.INCIDENTS, text, type=Type.COUNTER, label=label)


KEPT = _gauge("kept_checkpoints", "Checkpoints that are kept from the trainer's rotation.")
KEPT_STEP = _gauge("kept_step", "Step of the newest checkpoint that is kept: the one to go back to.")
KEPT_BYTES = _gauge("kept_bytes", "Bytes of kept checkpoints that nothing else takes.")
ACTIONS = _counter("actions_total", "What was done about checkpoints, by action.", "action")
OBSTACLES = _counter(
    "obstacles_total", "How often something stood in the way of keeping a checkpoint, by reason.", "reason"
)

STATE = _gauge(
    "state",
    "1 for what the guard's file says of a training: watching, stopped, rescued, gave_up, ended, or unknown "
    "where it cannot be read.",
    "state",
)
STOPS = _counter("stops_total", "Times that the guard stopped the training.")
STOP_STEP = _gauge("stop_step", "Step at which the guard stopped the training last.")
STOP_TIME = _gauge("stop_timestamp_seconds", "When the guard stopped the training last.")
RESCUES = _counter("rescues_total", "Times that the guard started the training again from a good checkpoint.")
RESCUE_STEP = _gauge("rescue_step", "Step from which the last rescue went on.")
RESCUE_TIME = _gauge("rescue_timestamp_seconds", "When the last rescue went on.")
SKIPPED_UPDATES = _counter("skipped_updates_total", "Updates that the guard did not let happen.")
CHANGES = _counter("changes_total", "Settings that the guard changed while the training ran.")
WASTED_STEPS = _counter("wasted_steps_total", "Steps that were trained and then given up by a rescue.")

METRICS: tuple[Metric, ...] = (
    *(KEPT, KEPT_STEP, KEPT_BYTES, ACTIONS, OBSTACLES),
    *(STATE, STOPS, STOP_STEP, STOP_TIME, RESCUES, RESCUE_STEP, RESCUE_TIME),
    *(SKIPPED_UPDATES, CHANGES, WASTED_STEPS),
)
"""All of the above, in the order in which they are exposed."""
