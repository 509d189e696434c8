"""The labelled logs: what a careful reader says of them beside what the analysis says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from llmtrain_exporter.knowledge.signal import Severity

Found = Mapping[str, object]
Checker = Callable[[Path], Found]
"""Makes of a log what `check --format json` says of a run."""


@dataclass(frozen=True, slots=True)
class Sum:
    """The labels kept and broken. `complaints`: one line for each that is broken."""

    musts: int
    verdicts: int
    quiet: int
    complaints: tuple[str, ...]
    healthy_records: int
    warnings: int
    incidents: int
    collapsed_runs: int
    leads: tuple[int, ...]  # steps from the first sign until the reader's last date for any `must`


def judge(folder: Path, check: Checker) -> Sum:
    """Hold what `check` says of each labelled log against its label."""
    files = sorted(folder.glob("labels*.yaml"))
    labels = [label for file in files for label in yaml.safe_load(file.read_text(encoding="utf-8"))]
    complaints: list[str] = []
    totals = dict.fromkeys(("musts", "verdicts", "quiet", "healthy", "warnings", "incidents", "collapsed"), 0)
    leads: list[int] = []
    for label in labels:
        for path in sorted(folder.glob(label["file"])):
            if label.get("train", 1) or label.get("eval"):
                found = check(path)
                complaints += [f"{label['file']}: {text}" for text in _complaints(label, found)]
                _count(totals, leads, label, found)
    return Sum(
        totals["musts"],
        totals["verdicts"],
        totals["quiet"],
        tuple(complaints),
        totals["healthy"],
        totals["warnings"],
        totals["incidents"],
        totals["collapsed"],
        tuple(leads),
    )


def _complaints(label: Mapping[str, object], found: Found) -> Iterator[str]:
    if "verdict" in label and found["health"] != label["verdict"]:
        yield f"is told to be {found['health']}, should be {label['verdict']}"
    signals = signals_of(found)
    for must in listed(label.get("must")):
        firsts = [int(str(s["first_step"])) for s in signals if s["signal"] == must["signal"]]
        first = min(firsts, default=None)
        if first is None:
            yield f"{must['signal']} is missing"
        elif not int(str(must.get("from", first))) <= first <= int(str(must.get("by", first))):
            window = f"{must.get('from', '')}..{must.get('by', '')}"
            yield f"{must['signal']} first at step {first}, should be {window}"
    if label.get("critical") == "none":
        for signal in signals:
            if signal["severity"] == Severity.CRITICAL.value:
                yield f"{signal['signal']} is critical at step {signal['first_step']}"


def _count(totals: dict[str, int], leads: list[int], label: Mapping[str, object], found: Found) -> None:
    musts, signals = listed(label.get("must")), signals_of(found)
    totals["musts"] += len(musts)
    totals["verdicts"] += "verdict" in label
    totals["quiet"] += label.get("critical") == "none"
    if label.get("verdict") == "healthy":
        records = found["records"]
        totals["healthy"] += int(str(records["train"])) if isinstance(records, Mapping) else 0
        totals["warnings"] += sum(signal["severity"] == Severity.WARNING.value for signal in signals)
    if any(must["signal"] == "collapse" for must in musts):
        totals["collapsed"] += 1
        totals["incidents"] += len(listed(found["incidents"]))
        last = max((int(str(must["by"])) for must in musts if "by" in must), default=None)
        if last is not None and signals:
            leads.append(last - min(int(str(signal["first_step"])) for signal in signals))


def signals_of(found: Found) -> list[Mapping[str, object]]:
    """The signals that speak against a run."""
    return [signal for signal in listed(found["signals"]) if signal["severity"] != Severity.INFO.value]


def listed(value: object) -> list[Mapping[str, object]]:
    """The mappings of a list that may not be there."""
    return list(value) if isinstance(value, (list, tuple)) else []
