"""Writes the folder: nothing of somebody else's is overwritten, and nobody else reads a secret."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmtrain_exporter.output_file import replacing
from llmtrain_exporter.setup.folder import RUN, SECRETS

_PRIVATE, _PROGRAM, _USUAL = 0o600, 0o755, 0o644
_PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class Plan:
    """The paths below a folder that are to be written, not there yet or different, and what is to go."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unneeded: tuple[str, ...]

    @property
    def written(self) -> int:
        """How many files are written."""
        return len(self.new) + len(self.changed)


def planned(folder: Path, files: Mapping[str, str], others: Iterable[str]) -> Plan:
    """What it takes to bring the folder to these files. `others`: of other answers. Raises OSError."""
    found = {path: _held(folder / path) for path in files}
    return Plan(
        tuple(path for path, text in found.items() if text is None),
        tuple(path for path, text in found.items() if text is not None and text != files[path].encode()),
        tuple(path for path in others if path not in files and (folder / path).is_file()),
    )


def write(folder: Path, files: Mapping[str, str], plan: Plan) -> None:
    """Do what was planned, each file whole. Raises OSError."""
    for path in plan.unneeded:
        (folder / path).unlink()
    for path in (*plan.new, *plan.changed):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.startswith(f"{SECRETS}/"):
            target.parent.chmod(_PRIVATE_FOLDER)
        with replacing(target) as file:
            os.fchmod(file.fileno(), _mode(path))
            file.write(files[path].encode())


def secret(folder: Path, path: str) -> str | None:
    """What a secret of the folder holds, None where there is none that can be one. Raises OSError."""
    try:
        return (_held(folder / path) or b"").decode().strip() or None
    except UnicodeDecodeError:
        return None


def _held(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _mode(path: str) -> int:
    if path.startswith(f"{SECRETS}/"):
        return _PRIVATE
    return _PROGRAM if path == RUN else _USUAL
