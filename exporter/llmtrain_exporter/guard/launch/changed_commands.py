"""The command of a training with other settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_exporter.guard.launch.command_lines import CONFIG, Flag, Program, TrainingCommand
from llmtrain_exporter.guard.launch.settings_files import SettingsFileError

_TAKES_FLAGS = frozenset((Program.SWIFT, Program.TRL))
"""Programs in which a flag goes before what stands in their file."""

_TAKES_KEYS = frozenset((Program.LLAMAFACTORY, Program.AXOLOTL))
"""Programs whose file may have any of their settings."""


@dataclass(frozen=True, slots=True)
class ChangedCommand:
    """A command with other settings. `copy`: a file that has to be written before it is started.

    `refused`: settings that could not be changed, each with the reason.
    """

    words: tuple[str, ...]
    copy: tuple[Path, str] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)


def changed(command: TrainingCommand, wanted: Mapping[str, str], copy: Path) -> ChangedCommand:
    """The command with these settings, by the names that they have there; nothing else is different.

    A flag that is there gets the new value, another one is added where the program is known to take it. What
    stands in a file of settings is changed in `copy`, which the command names instead.
    """
    given = {flag.name for flag in command.flags}
    in_words = {name: value for name, value in wanted.items() if name in given or _takes(command, name)}
    in_file = {
        name: value for name, value in wanted.items() if name not in in_words and _keeps(command, name)
    }
    rest = [name for name in wanted if name not in in_words and name not in in_file]
    refused = {name: _reason(command) for name in rest}
    written, refused_there = _copied(command, in_file, copy)
    words = _with_flags(command, in_words)
    if written is not None and command.file_at is not None:
        prefix = CONFIG if words[command.file_at].startswith(CONFIG) else ""
        words[command.file_at] = f"{prefix}{copy}"
    return ChangedCommand(tuple(words), written, {**refused, **refused_there})


def _takes(command: TrainingCommand, name: str) -> bool:
    """Whether the command has a flag for the setting, or one can be added to it."""
    if any(flag.name == name for flag in command.flags):
        return True
    if command.program in _TAKES_FLAGS:
        return "." not in name
    return command.program is Program.LLAMAFACTORY and command.file is None and not command.unreadable


def _keeps(command: TrainingCommand, name: str) -> bool:
    """Whether the setting can stand in the command's file."""
    if command.file is None or "." in name:
        return False
    return command.program in _TAKES_KEYS or name in command.file.values


def _reason(command: TrainingCommand) -> str:
    if command.unreadable:
        return f"{command.unreadable} cannot be read"
    if command.program is Program.OTHER:
        return f"nobody knows which settings {command.words[0]} takes"
    return "the command has no flag for it"


def _copied(
    command: TrainingCommand, changes: Mapping[str, str], copy: Path
) -> tuple[tuple[Path, str] | None, Mapping[str, str]]:
    """The changed copy of the file of settings, if one is needed; and what cannot be changed in it."""
    if command.file is None or not changes:
        return None, {}
    try:
        return (copy, command.file.changed(changes)), {}
    except SettingsFileError as error:
        return None, dict.fromkeys(changes, str(error))


def _with_flags(command: TrainingCommand, changes: Mapping[str, str]) -> list[str]:
    words: list[str] = list(command.words)
    for flag in sorted(command.flags, key=lambda flag: -flag.at):
        if flag.name in changes:
            _replace(words, flag, changes[flag.name])
    given = {flag.name for flag in command.flags}
    return [*words, *_added({name: text for name, text in changes.items() if name not in given})]


def _replace(words: list[str], flag: Flag, value: str) -> None:
    if flag.inline:
        words[flag.at] = f"{words[flag.at].partition('=')[0]}={value}"
    else:
        words[flag.at + 1 : flag.at + 1 + (flag.value is not None)] = [value]


def _added(changes: Mapping[str, str]) -> Sequence[str]:
    return [word for name, value in changes.items() for word in (f"--{name}", value)]
