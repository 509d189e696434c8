"""`llmtrain.jsonl` in the output folder: each row that a trainer logs, at its true step and time.

A row is written at once and whole. A start of the training begins with a row about it, whose `llmtrain` is
the version of the format; what the guard did stands in rows with a `guard`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from llmtrain_exporter.guard.events import event_object
from llmtrain_exporter.guard.no_links import unfollowed
from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.knowledge.producers import RECORDED_LOG
from llmtrain_exporter.model import HyperParameters
from llmtrain_exporter.model.guarded import GuardEvent

VERSION = 1
BEGIN_KEY, EVENT_KEY = "llmtrain", "guard"


class RowRecorder:
    """Appends to the log of one training. Raises OSError; the next row begins on a line of its own."""

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / RECORDED_LOG

    @property
    def is_new(self) -> bool:
        """Whether nothing was recorded here yet."""
        return not self.path.exists()

    def begin(self, time: float, settings: HyperParameters, producer: str) -> None:
        """A training begins, at a Unix time, with these settings."""
        told = {name: _switch(name, value) for name, value in settings.settings.items()}
        self._append([{BEGIN_KEY: VERSION, "time": time, "producer": producer, "settings": told}])

    def remember(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Rows of the past that nobody recorded; when they were logged is not known."""
        self._append(map(plain, rows))

    def row(self, row: Mapping[str, object]) -> None:
        """A logged row."""
        self._append([plain(row)])

    def event(self, event: GuardEvent) -> None:
        """Something that the guard did."""
        self._append([{"step": event.step, "time": event.time, EVENT_KEY: event_object(event)}])

    def _append(self, rows: Iterable[Mapping[str, object]]) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab+", buffering=0, opener=unfollowed) as file:
            if _ends_in_half_a_line(file.fileno()):  # of a process that was killed, or a full disk
                lines = b"\n" + lines
            written = file.write(lines)
        if written != len(lines):
            raise OSError(f"{self.path}: the disk took {written} of {len(lines)} bytes")


def _switch(name: str, value: float | str) -> float | str:
    """Settings that are on or off as such, as trainers write them."""
    return bool(value) if name in (*arguments.TRUTHS, *arguments.UNSHOWN_TRUTHS) else value


def _ends_in_half_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def plain(row: Mapping[str, object]) -> dict[str, object]:
    """A row as JSON can hold it: numbers, NaN and Infinity too, and what is one; texts. No other objects."""
    found = {str(key): _plain(value) for key, value in row.items()}
    return {key: value for key, value in found.items() if value is not None}


def _plain(value: object) -> float | str | None:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value if type(value) in (bool, int, float, str, type(None)) else _number(value)
    return _number(value) if hasattr(value, "item") else None


def _number(value: object) -> float | None:
    """Of a number of another library, as those of NumPy; tensors of several are none."""
    try:
        return float(value)  # type: ignore[arg-type]  # whatever it is: it says whether it is a number
    except (TypeError, ValueError, RuntimeError):
        return None
