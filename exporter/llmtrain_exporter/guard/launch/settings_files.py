"""The YAML or JSON file that a training's settings stand in: read, and written anew with other values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmtrain_exporter.ingest.settings_text import scalar

LARGEST_FILE = 4 << 20  # bytes
SUFFIXES = (".yaml", ".yml", ".json")

_PLAIN = re.compile(r"[\w./+-]+")
_WITH_POWER = re.compile(r"([-+]?\d+)(\.\d+)?e([-+]?)(\d+)", re.IGNORECASE)


class SettingsFileError(ValueError):
    """Why settings in a file cannot be changed, for people."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file of settings that a command names: its text, and what stands on its highest level."""

    path: Path
    text: str
    values: Mapping[str, object]

    @property
    def is_json(self) -> bool:
        """Whether it is JSON, which some write into a file of YAML, too."""
        try:
            return isinstance(json.loads(self.text), dict)
        except (ValueError, RecursionError):
            return False

    def setting(self, name: str) -> str | None:
        """The value of a setting as one types it; None where it is not there or has parts."""
        value = self.values.get(name)
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, (str, int, float)) else None

    def changed(self, changes: Mapping[str, str]) -> str:
        """Its text with other values, each on the highest level; all the rest stays as it is written.

        Raises SettingsFileError where the values would not be what is wanted, or anything else would change.
        """
        wanted = {name: scalar(value) for name, value in changes.items()}
        text = _in_json(self.text, wanted) if self.is_json else _in_yaml(self.text, changes)
        if not _is_as_wanted(_loaded(text, self.path), {**self.values, **wanted}, changes):
            raise SettingsFileError(f"{self.path}: {', '.join(changes)} cannot be changed line by line")
        return text


def read_settings_file(path: Path) -> SettingsFile | None:
    """The settings in a file; None where there are none that can be read."""
    try:
        with path.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        text = content.decode()
    except (OSError, ValueError):
        return None
    values = _loaded(text, path)
    usable = len(content) <= LARGEST_FILE and isinstance(values, dict)
    return SettingsFile(path, text, values) if usable and isinstance(values, dict) else None


def _loaded(text: str, path: Path) -> object:
    """What the text means; None where nobody can say."""
    import yaml

    try:
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError):
        return None


def _in_json(text: str, wanted: Mapping[str, object]) -> str:
    changed = json.dumps({**json.loads(text), **wanted}, ensure_ascii=False, indent=2) + "\n"
    for name, value in wanted.items():
        if isinstance(value, float):
            number = json.dumps(value)
            changed = changed.replace(f'"{name}": {number}', f'"{name}": {_yaml_value(number)}')
    return changed


def _in_yaml(text: str, changes: Mapping[str, str]) -> str:
    lines = text.splitlines()
    for name, value in changes.items():
        written = f"{name}: {_yaml_value(value)}"
        begin = re.compile(rf"(['\"]?){re.escape(name)}\1\s*:(\s|$)")
        at = next((at for at, line in enumerate(lines) if begin.match(line)), None)
        lines[len(lines) if at is None else at : len(lines) if at is None else at + 1] = [written]
    return "\n".join(lines) + "\n"


def _yaml_value(value: str) -> str:
    """So that every reader of YAML takes "3e-5" for a number: some want a point in it, and a sign."""
    powered = _WITH_POWER.fullmatch(value)
    if powered:
        whole, fraction, sign, power = powered.groups()
        return f"{whole}{fraction or '.0'}e{sign or '+'}{power}"
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _is_as_wanted(found: object, expected: Mapping[str, object], changes: Mapping[str, str]) -> bool:
    """Whether a file means what it should; numbers may be written in several ways."""
    if not isinstance(found, dict) or found.keys() != expected.keys():
        return False
    return all(
        scalar(str(found[name])) == scalar(changes[name])
        if name in changes and not isinstance(found[name], bool)
        else found[name] == value or (found[name] != found[name] and value != value)
        for name, value in expected.items()
    )
