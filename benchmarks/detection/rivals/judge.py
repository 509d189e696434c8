"""Runs inside of the doctors' environment: each doctor's own command on histories, one JSON line each.

Input: `{"history": [...], "max_steps": 200, "ends": [40, 80]}`, `ends` being the rows after which to ask.
Output: by package and end `[critical, warnings]`, or the text of what went wrong. Nothing of ours is needed.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

COMMANDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "rldoctor": ("rl_doctor.cli", ("diagnose", "{}", "--format", "json")),
    "runmedic": ("runmedic.cli", ("diagnose", "{}", "--json")),
    "losslint": ("losslint.cli", ("check", "{}", "--format", "json")),
    "trainspotter": ("trainspotter.cli", ("analyze", "{}", "--output", "json")),
    "finetune-doctor": ("finetune_doctor.cli", ("diagnose", "{}", "--format", "json")),
}
"""By package: the module of its command, and the arguments for JSON."""

CRITICAL = ("critical", "error")
"""What each calls its worst severity."""


def main() -> None:
    """Judge each history of the standard input."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "trainer_state.json"
        for line in sys.stdin:
            print(json.dumps(_judged(json.loads(line), state)), flush=True)


def _judged(asked: Mapping[str, object], state: Path) -> dict[str, list[object]]:
    history, ends = _listed(asked["history"]), _listed(asked["ends"])
    found: dict[str, list[object]] = {package: [] for package in COMMANDS}
    for end in ends:
        rows = history[: int(str(end))]
        content = {"log_history": rows, "global_step": _last_step(rows), "max_steps": asked["max_steps"]}
        state.write_text(json.dumps(content), encoding="utf-8")
        for package in COMMANDS:
            found[package].append(_counts(package, state))
    return found


def _last_step(rows: Sequence[object]) -> object:
    last = rows[-1] if rows else None
    return last.get("step", 0) if isinstance(last, dict) else 0


def _counts(package: str, state: Path) -> object:
    module, arguments = COMMANDS[package]
    printed = io.StringIO()
    try:
        command = importlib.import_module(module).main
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            command([argument.format(state) for argument in arguments])
        severities = list(_severities(json.loads(printed.getvalue())))
    except (Exception, SystemExit) as error:  # whatever a stranger's program does wrong is its result
        return f"{type(error).__name__}: {error}"[:200]
    critical = sum(severity in CRITICAL for severity in severities)
    return [critical, severities.count("warning")]


def _severities(report: object) -> Iterator[str]:
    """Of all findings, wherever the report has its list of them."""
    for part in _listed(report) or [report]:
        if isinstance(part, dict):
            for finding in _listed(part.get("findings")):
                yield str(finding["severity"]).lower()  # type: ignore[index]


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


if __name__ == "__main__":
    main()
