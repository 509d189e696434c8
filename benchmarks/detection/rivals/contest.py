"""Runs with the truth about them, and what each doctor and our analysis make of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Health, Snapshot

from benchmarks.detection.generator import Case
from benchmarks.detection.rivals import judge
from benchmarks.detection.rivals.adapters import History, history
from benchmarks.detection.score import analyse


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a detector says of a run, at its end and, of `first_critical`, while it grows.

    `first_critical`: the training record, from 1, at which it first said so; None if never.
    """

    warnings: int
    critical: bool
    first_critical: int | None
    refused: str = ""  # why it could not read the log


@dataclass(frozen=True, slots=True)
class Contested:
    """A run that is broken or healthy, and what we say of it."""

    broken: bool
    history: History
    ours: Opinion


def labelled(folder: Path) -> Iterator[Contested]:
    """The labelled logs that a careful reader calls broken or healthy; those to watch are left out."""
    for file in sorted(folder.glob("labels*.yaml")):
        for label in yaml.safe_load(file.read_text(encoding="utf-8")):
            for path in sorted(folder.glob(label["file"])) if _decided(label) else ():
                yield _of_file(path, label["verdict"] == "broken")


def _decided(label: Mapping[str, object]) -> bool:
    return label.get("verdict") in (Health.BROKEN.name.lower(), Health.HEALTHY.name.lower())


def _of_file(path: Path, broken: bool) -> Contested:
    [found] = discover([str(path)], SearchOptions(ignore_older=None), 0.0).found
    log, settings = path.read_bytes(), path.parent / "args.json"
    arguments = settings.read_bytes() if settings.is_file() else None
    return Contested(broken, history(log, found.dialect), _ours(*analyse(log, found.dialect, arguments)))


def generated(cases: Iterable[Case]) -> Iterator[Contested]:
    """Random runs; broken is what collapses, even where it recovers."""
    for case in cases:
        ours = _ours(*analyse(case.log, case.dialect, case.arguments))
        yield Contested(bool(case.truth.events), history(case.log, case.dialect), ours)


def _ours(snapshot: Snapshot, steps: Sequence[int]) -> Opinion:
    episodes = snapshot.episodes
    critical = [e.critical_step for e in episodes if e.critical_step is not None]
    order = list(dict.fromkeys(steps))
    first = order.index(min(critical)) + 1 if critical else None
    return Opinion(sum(e.severity is Severity.WARNING for e in episodes), bool(critical), first)


def ask(python: Path, runs: Sequence[Contested], often: int) -> Mapping[str, list[Opinion]]:
    """By package: its opinion of each run. It looks so `often` while the run grows, evenly spread."""
    looks = [_looks(run, often) for run in runs]
    questions = [_question(run, look) for run, look in zip(runs, looks, strict=True)]
    answered = subprocess.run(
        [str(python), judge.__file__], input="".join(questions), capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    return {
        package: [_opinion(answer[package], look) for answer, look in zip(answers, looks, strict=True)]
        for package in judge.COMMANDS
    }


def _looks(run: Contested, often: int) -> list[tuple[int, int]]:
    """Training records, and rows of the history up to each."""
    records = len(run.history.train)
    at = sorted({round(records * look / often) for look in range(1, often)} - {0, records})
    return [
        *((record, run.history.train[record - 1]) for record in at),
        (records, len(run.history.rows)),
    ]


def _question(run: Contested, looks: Sequence[tuple[int, int]]) -> str:
    asked = {
        "history": run.history.rows,
        "max_steps": run.history.max_steps,
        "ends": [end for _, end in looks],
    }
    return json.dumps(asked) + "\n"


def _opinion(answers: Sequence[object], looks: Sequence[tuple[int, int]]) -> Opinion:
    """Of its answers at each look: `[critical, warnings]`, or the text of a refusal."""
    last = answers[-1]
    if not isinstance(last, list):
        return Opinion(0, critical=False, first_critical=None, refused=str(last))
    critical = [isinstance(answer, list) and answer[0] > 0 for answer in answers]
    first = looks[critical.index(True)][0] if any(critical) else None
    return Opinion(last[1], critical[-1], first)
