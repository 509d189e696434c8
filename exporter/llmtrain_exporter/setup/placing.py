"""Writes the folder: nothing that others wrote or changed is overwritten, and nobody else reads a secret."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from llmtrain_exporter.output_file import replacing
from llmtrain_exporter.setup.folder import RUN, SECRETS

_PRIVATE, _PROGRAM, _USUAL = 0o600, 0o755, 0o644
_PRIVATE_FOLDER = 0o700


RECORD = ".written.json"
"""Digests of what was written, by path: what is another one now was changed by hand."""

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes, as paths below a folder.

    `new` are not there yet; `changed` and `unneeded` are as they were written last, and are replaced or go;
    `kept` differ, and somebody else has written them, or changed them since.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unneeded: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def written(self) -> int:
        """How many files are written."""
        return len(self.new) + len(self.changed)


def planned(folder: Path, files: Mapping[str, str], others: Iterable[str], force: bool = False) -> Plan:
    """What it takes to bring the folder to these files. Raises OSError.

    `others`: paths that other answers have files at; `force`: nothing is kept.
    """
    gone = (path for path in others if path not in files and (folder / path).is_file())
    found = {path: _held(folder / path) for path in (*files, *gone)}
    wanted = {path: text.encode() for path, text in files.items()}
    known = _record(folder)
    differ = {path: text for path, text in found.items() if text is not None and text != wanted.get(path)}
    kept = [path for path, text in differ.items() if not force and _digest(text) != known.get(path)]
    replaced = [path for path in differ if path not in kept]
    return Plan(
        tuple(path for path, text in found.items() if text is None),
        tuple(path for path in replaced if path in files),
        tuple(path for path in replaced if path not in files),
        tuple(kept),
    )


def write(folder: Path, files: Mapping[str, str], plan: Plan) -> None:
    """Do what was planned, each file whole. Raises OSError."""
    known = _record(folder)
    for path in plan.unneeded:
        (folder / path).unlink()
    for path in (*plan.new, *plan.changed):
        _put(folder, path, files[path].encode(), _mode(path))
    own = {path: _digest(text.encode()) for path, text in files.items() if path not in plan.kept}
    record = {path: digest for path, digest in (known | own).items() if path not in plan.unneeded}
    if record != known:
        _put(folder, RECORD, f"{json.dumps(record, indent=1, sort_keys=True)}\n".encode(), _PRIVATE)


def _put(folder: Path, path: str, content: bytes, mode: int) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.startswith(f"{SECRETS}/"):
        target.parent.chmod(_PRIVATE_FOLDER)
    with replacing(target) as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)


def _record(folder: Path) -> dict[str, str]:
    """What was written last; nothing where there is no record, or none that can be read. Raises OSError."""
    try:
        record = json.loads(_held(folder / RECORD) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


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
