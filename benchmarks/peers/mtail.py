"""Google's mtail with a program that picks 25 metrics of a row, each by its own regular expression."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmarks import generate

KEYS = (
    *(key for key in generate.MEASURED if not key.startswith("clip_ratio/")),
    "memory(GiB)",
    "train_speed(s/it)",
)
"""The 25 that are picked."""

LOGS = "*/*/logging.jsonl"
ONE_CORE = {"GOMAXPROCS": "1"}  # kinder to it than two: no processor time is lost on idle threads

INSTALL = "mtail is not installed (Debian: apt-get install mtail): its rows are missing."


def installed() -> bool:
    """Whether there is an mtail to compare with."""
    return shutil.which("mtail") is not None


def metric(key: str) -> str:
    """What the program calls the metric of a log key."""
    return "mtail_" + re.sub(r"\W", "_", key)


def program() -> str:
    """The mtail program."""
    gauges = [f"gauge {metric(key)} by run" for key in KEYS]
    return "\n".join([*gauges, *map(_rule, KEYS)]) + "\n"


def write_program(folder: Path) -> Path:
    """The folder with the program in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "grpo.mtail").write_text(program())
    return folder


def one_shot(root: Path, programs: Path) -> list[str]:
    """The command that reads the logs below `root` once to their end, and prints the metrics."""
    return [*_command(root, programs), "-one_shot", "-one_shot_format", "prometheus"]


def serve(root: Path, programs: Path, port: int) -> list[str]:
    """The command that follows the logs below `root` and serves the metrics, with mtail's own intervals."""
    return [*_command(root, programs), "-address", "127.0.0.1", "-port", str(port)]


def _command(root: Path, programs: Path) -> list[str]:
    logs = ["-logs", str(root / LOGS)]
    return ["mtail", "-progs", str(programs), *logs, "-logtostderr"]


def _rule(key: str) -> str:
    written = re.sub(r"\W", ".", key)
    return f'/"{written}": (?P<value>-?[0-9.e+-]+)/ {{\n  {metric(key)}[getfilename()] = float($value)\n}}'
