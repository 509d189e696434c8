"""What a run's own argument file says of it, through a white list."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.white_list import select
from llmtrain_exporter.model import HyperParameters

LARGEST_FILE = 4 << 20  # bytes
FIRST_BYTES = 256 << 10  # of a file whose begin matters


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
