"""`llmtrain-guard.json` in the output folder: what became of a guarded training, and what to do next.

The callback writes it while the training runs, the launcher between two starts; `ingest.guard_file` reads it.
"""

from __future__ import annotations

import json
from pathlib import Path

from llmtrain_exporter.guard.events import event_object
from llmtrain_exporter.knowledge.guarding import GUARD_FILE
from llmtrain_exporter.model.guarded import Attempt, GuardFile
from llmtrain_exporter.output_file import write_anew

VERSION = 1


def guard_path(output_dir: str | Path) -> Path:
    """Where the file of a training lies."""
    return Path(output_dir) / GUARD_FILE


def write_guard_file(path: Path, content: GuardFile) -> None:
    """Write the file whole: a reader sees the one before or this one. Raises OSError."""
    write_anew(path, json.dumps(_object(content), ensure_ascii=False, indent=1))


def _object(content: GuardFile) -> dict[str, object]:
    reason = content.reason
    return {
        "version": VERSION,
        "state": content.state,
        "reason": None
        if reason is None
        else {
            "signal": reason.signal,
            "severity": reason.severity,
            "step": reason.step,
            "metric": reason.metric,
            "value": reason.value,
        },
        "next": content.next,
        "began": None if content.began is None else {"time": content.began.time, "step": content.began.step},
        "attempts": [_attempt_object(attempt) for attempt in content.attempts],
        "counts": dict(content.counts),
        "events": [event_object(event) for event in content.events],
    }


def _attempt_object(attempt: Attempt) -> dict[str, object]:
    return {
        "attempt": attempt.attempt,
        "from_step": attempt.from_step,
        "checkpoint": attempt.checkpoint,
        "changes": {name: {"from": each.before, "to": each.after} for name, each in attempt.changes.items()},
        "wasted_steps": attempt.wasted_steps,
    }
