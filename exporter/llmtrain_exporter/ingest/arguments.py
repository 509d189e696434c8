"""What a run's own argument file says of it, through a white list."""

from __future__ import annotations

import glob
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.model import HyperParameters
from llmtrain_exporter.printable import printable

LARGEST_FILE = 4 << 20  # bytes
FIRST_BYTES = 256 << 10  # of a file whose begin matters
LONGEST_TEXT = 120  # characters of a label value

_ADDRESS = ("://", "@", "?")  # an address may carry a password or a token


class ArgumentFile(NamedTuple):
    """A file beside a log that says what its run was started with."""

    name: str  # a path relative to the log's folder, or a pattern of such: then the first file counts
    parse: Callable[[bytes], object]  # settings by their names in `knowledge.arguments`; else nothing of use
    begin: bool = False  # only the begin of the file matters, however large it is
    alone: bool = False  # of a pattern: says nothing where several files fit, which are of several runs


def read_hyper_parameters(
    folder: str,
    files: Iterable[ArgumentFile],
    stated: Mapping[str, object] = MappingProxyType({}),
) -> HyperParameters:
    """The settings of the run whose log lies in `folder`: each from the first of `files` that names it.

    `stated`: what the log itself states goes before. A file that is missing, unreadable, too large or
    malformed says nothing.
    """
    found = dict(stated)
    for file in files:
        for key, value in _read(folder, file).items():
            found.setdefault(key, value)
    return select(found)


def argument_paths(folder: str, files: Iterable[ArgumentFile]) -> Iterator[str]:
    """Where the settings of the run may stand whose log lies in `folder`."""
    paths = (_path(folder, file) for file in files)
    return (path for path in paths if path != folder)


def select(found: Mapping[str, object]) -> HyperParameters:
    """The white-listed part of a trainer's arguments."""
    texts = {label: _text(label, found) for label in arguments.TEXTS}
    numbers = {key: _number(_value(key, found)) for key in arguments.NUMBERS}
    numbers |= {key: _truth(_value(key, found)) for key in arguments.TRUTHS}
    unset = {key for key, number in numbers.items() if key.startswith("max_") and (number or 0.0) <= 0}
    if any(found.get(key) is True for key in arguments.WITHOUT_GPUS):
        unset.add(arguments.GPUS)
    return HyperParameters(
        {label: text for label, text in texts.items() if text},
        {key: number for key, number in numbers.items() if number is not None and key not in unset},
        _unshown(found),
    )


def _unshown(found: Mapping[str, object]) -> Mapping[str, float | str]:
    known: dict[str, float | str | None] = {
        **{key: _word(_value(key, found)) for key in arguments.UNSHOWN_TEXTS},
        **{key: _number(_value(key, found)) for key in arguments.UNSHOWN_NUMBERS},
        **{key: _truth(_value(key, found)) for key in arguments.UNSHOWN_TRUTHS},
    }
    return {key: value for key, value in known.items() if value is not None}


def _value(setting: str, found: Mapping[str, object]) -> object:
    """Of a setting, by whichever of its names stands there."""
    names = (setting, *arguments.ALIASES.get(setting, ()))
    return next((found[name] for name in names if name in found), None)


def _word(value: object) -> str | None:
    return printable(value)[:LONGEST_TEXT] if isinstance(value, str) and value.isidentifier() else None


def _path(folder: str, file: ArgumentFile) -> str:
    """Where a file lies; of a pattern the first that fits, or the folder, which nobody reads."""
    if not glob.has_magic(file.name):
        return os.path.join(folder, file.name)
    fitting = sorted(glob.iglob(os.path.join(glob.escape(folder), file.name)))
    return fitting[0] if fitting and not (file.alone and len(fitting) > 1) else folder


def _read(folder: str, file: ArgumentFile) -> dict[str, object]:
    try:
        descriptor, state = open_regular(_path(folder, file))
        with open(descriptor, "rb") as opened:
            whole = state.st_size < LARGEST_FILE
            content = opened.read(FIRST_BYTES if file.begin else LARGEST_FILE) if whole or file.begin else b""
    except OSError:
        return {}
    parsed = file.parse(content)
    return (
        {key: value for key, value in parsed.items() if value is not None} if isinstance(parsed, dict) else {}
    )


def _text(label: str, found: Mapping[str, object]) -> str:
    value = next((found[key] for key in arguments.TEXTS[label] if found.get(key)), "")
    if not isinstance(value, str) or any(mark in value for mark in _ADDRESS):
        return ""
    if label in arguments.PATHS:
        value = "/".join(value.replace("\\", "/").rstrip("/").split("/")[-2:])
    return printable(value)[:LONGEST_TEXT]


def _truth(value: object) -> float | None:
    """1 for what is switched on, 0 for what is off."""
    return float(value) if type(value) is bool else None


def _number(value: object) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # an int or a float, as type() says
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
