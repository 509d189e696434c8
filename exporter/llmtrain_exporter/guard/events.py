"""What the guard does, one event each, as it is written."""

from __future__ import annotations

from llmtrain_exporter.model.guarded import GuardEvent


def event_object(event: GuardEvent) -> dict[str, object]:
    """As an object for JSON."""
    return {
        "time": event.time,
        "step": event.step,
        "action": event.action,
        "because": event.because,
        "details": dict(event.details),
    }
