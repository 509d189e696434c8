"""Two ways to what `check --format json` says of a log: the analysis itself, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.model import RowKind, Snapshot

from benchmarks.detection.score import analyse


def in_process(path: Path) -> Mapping[str, object]:
    """By the analysis, in this process."""
    found = discover([str(path)], SearchOptions(ignore_older=None), 0.0).found
    if not found:
        return said(None)
    settings = path.parent / "args.json"
    arguments = settings.read_bytes() if settings.is_file() else None
    return said(analyse(path.read_bytes(), found[0].dialect, arguments)[0])


def by_command(path: Path) -> Mapping[str, object]:
    """By `check`, as somebody at a terminal gets it."""
    command = [sys.executable, "-m", "llmtrain_exporter", "check", "--format", "json", str(path)]
    answer = subprocess.run(command, capture_output=True, check=False)
    runs = json.loads(answer.stdout)["runs"]
    return runs[0] if runs else said(None)


def said(snapshot: Snapshot | None) -> Mapping[str, object]:
    """The part of `check --format json` that is scored; of no run at all, that it is healthy."""
    if snapshot is None:
        return {"health": "healthy", "records": {"train": 0}, "signals": [], "incidents": []}
    return {
        "health": snapshot.verdict.name.lower(),
        "records": {"train": snapshot.records.get(RowKind.TRAIN, 0)},
        "signals": [
            {"signal": e.signal, "severity": e.severity.value, "first_step": e.first_step}
            for e in snapshot.episodes
        ],
        "incidents": [
            {"onset_step": i.onset_step, "recovery_step": i.recovery_step, "stages": i.stages}
            for i in snapshot.incidents
        ],
    }
