"""What ROLL prints: a step's metrics as JSON, with the step by its tracker, else before it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from llmtrain_exporter.ingest.console import LONGEST_LINE
from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import LOST_ROW
from llmtrain_exporter.ingest.json_rows import lenient_json
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.phases import apart
from llmtrain_exporter.knowledge.producers import ROLL

_TRACKED = re.compile(rb"\bmetrics_tag: (?=\{)")
_FINISHED = re.compile(rb"\bpipeline step (\d{1,12}) finished")
_KNOWN_BY = re.compile(_TRACKED.pattern + rb"|\bpipeline step \d{1,12} (?:start|finished)")
_METRICS = re.compile(rb"""(?<!\S)(?=\{"[\w@.-]{1,80}/[^"\\]{1,200}": )""")


class RollRows:
    """The grammar of one log. Where the tracker prints, what stands without a step is the same again."""

    def __init__(self) -> None:
        self._untracked: LogRow | None = None  # the metrics of a step that is not told yet
        self._tracks = False

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The rows of a step: of its training, and of a validation in it."""
        if b"{" not in line:
            finished = _FINISHED.search(line)
            return () if finished is None else self._finish(int(finished[1]))
        tracked = _TRACKED.search(line)
        if tracked:
            self._tracks, self._untracked = True, None
            return _tracked_rows(line[tracked.end() :])
        metrics = None if self._tracks else _METRICS.search(line)
        if metrics:
            read = _json(line[metrics.end() :])
            self._untracked = read if isinstance(read, dict) else LOST_ROW
        return ()

    def _finish(self, step: int) -> Sequence[LogRow]:
        metrics, self._untracked = self._untracked, None
        return () if metrics is None else _rows(metrics, step)


def _tracked_rows(text: bytes) -> Sequence[LogRow]:
    read = _json(text)
    metrics, step = (read.get("metrics"), read.get("step")) if isinstance(read, dict) else (None, None)
    return _rows(metrics, step) if isinstance(metrics, dict) else [LOST_ROW]


def _rows(metrics: LogRow, step: object) -> Sequence[LogRow]:
    """Behind an @ stands by what the numbers of several workers were made one."""
    return apart({key.partition("@")[0]: cell for key, cell in metrics.items()}, {"step": step})


def _json(text: bytes) -> object:
    if len(text) > LONGEST_LINE:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return lenient_json(text)


DIALECT = console_dialect("roll", ROLL, lambda: RollRows().rows, _KNOWN_BY)
