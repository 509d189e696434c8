"""Writes a finished log once more, as slowly as a trainer would: for demos, and to see what would be alerted.

A log of lines grows line by line; a document is written whole again for each of its rows.
"""

from __future__ import annotations

import json
import math
import os
import random
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from llmtrain_exporter.config import seconds
from llmtrain_exporter.ingest.arguments import read_hyper_parameters
from llmtrain_exporter.ingest.dialect import Dialect, Stages
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.recognise import dialect_of

ARGUMENTS = "args.json"
LONGEST_LINE = 64 << 20  # bytes; a longer one is written in parts
LARGEST_PIECE = 200  # bytes of a torn line

_SPEEDS = 'must be lines per second, or "max"'


class ReplayError(ValueError):
    """What was asked for cannot be done, and why."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to write. `existing`: what to do with a file that is there already, "" to refuse it."""

    limit: int | None = None  # lines
    existing: str = ""  # "append", "replace" or ""
    arguments: bool = True  # write an args.json too
    keep_open: bool = False  # the trainers open, append and close for each line
    torn: random.Random | None = None  # sizes of the pieces, where lines are to be written in pieces


def interval(speed: str, every: str | None = None) -> float:
    """Seconds from line to line: of a duration, or of lines per second where "max" is without a wait.

    Raises ReplayError.
    """
    try:
        if every:
            return seconds(every)
        lines = math.inf if speed == "max" else float(speed)
    except ValueError as error:
        raise ReplayError(f"--interval: {error}" if every else f"--speed: {_SPEEDS}") from None
    if not lines > 0:
        raise ReplayError(f"--speed: {_SPEEDS}")
    return 1 / lines


class Pace:
    """Waits so that the n-th line is written n intervals after the start, however long the writing takes."""

    def __init__(
        self,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def wait(self, share: float = 1.0) -> None:
        """Wait for a share of the interval."""
        self._due += self._interval * share
        early = self._due - self._clock()
        if early > 0:
            self._sleep(early)


def replay(source: Path, folder: Path, manner: Manner, pace: Pace) -> Iterator[int]:
    """Write `source` into `folder` under its own name; yields the bytes of the source used up with each line.

    Raises ReplayError where it refuses, before anything is written, and OSError.
    """
    target = folder / source.name
    dialect = _dialect(source)
    _refuse(source, target, manner.existing, dialect.stages is not None)
    folder.mkdir(parents=True, exist_ok=True)
    if manner.arguments:
        _write_arguments(source.parent, folder, dialect, replace=manner.existing == "replace")
    steps = (
        _lines(source, target, manner, pace)
        if dialect.stages is None
        else _documents(source, dialect.stages, target, manner, pace)
    )
    return islice(steps, manner.limit)


def _dialect(source: Path) -> Dialect:
    if not stat.S_ISREG(source.stat().st_mode):
        raise ReplayError(f"{source}: not a file; give the log itself")
    dialect = dialect_of(str(source), tuple(registered().values()))
    if dialect.store is not None:
        raise ReplayError(f"{source}: is a store of a tracker, which writes it in its own way; give a log")
    return dialect


def _refuse(source: Path, target: Path, existing: str, document: bool) -> None:
    if document and existing == "append":
        raise ReplayError(f"{source}: is one document, to which nothing can be appended; give --force")
    if not target.exists():
        return
    if target.samefile(source):
        raise ReplayError(f"{target}: would be written onto itself; give another folder")
    if not existing:
        raise ReplayError(f"{target}: exists already; give another folder, or --append or --force")


def _write_arguments(origin: Path, folder: Path, dialect: Dialect, replace: bool) -> None:
    """What the exporter reads of a run's arguments and no more: the whole file can hold tokens."""
    source, target = origin / ARGUMENTS, folder / ARGUMENTS
    known = read_hyper_parameters(str(origin), dialect.argument_files)
    arguments = {**known.info, **known.numbers}
    if arguments and not (target.exists() and (not replace or (source.exists() and target.samefile(source)))):
        target.write_text(json.dumps(arguments, indent=2) + "\n", encoding="utf-8")


def _lines(source: Path, target: Path, manner: Manner, pace: Pace) -> Iterator[int]:
    with ExitStack() as files, _naming(target):
        log = files.enter_context(source.open("rb"))
        if manner.existing == "replace":
            target.write_bytes(b"")
        opened = files.enter_context(target.open("ab")) if manner.keep_open else None
        for line in iter(lambda: log.readline(LONGEST_LINE), b""):
            if opened:
                _write(opened, line, manner.torn, pace)
            else:
                with target.open("ab") as output:
                    _write(output, line, manner.torn, pace)
            yield len(line)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of a write tell no path by themselves."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _write(output: BinaryIO, line: bytes, torn: random.Random | None, pace: Pace) -> None:
    """Write and wait; a torn line waits a little after each piece."""
    for piece in _pieces(line, torn) if torn else [line]:
        output.write(piece)
        output.flush()
        pace.wait(len(piece) / len(line))


def _pieces(line: bytes, sizes: random.Random) -> Iterator[bytes]:
    while line:
        size = sizes.randint(1, LARGEST_PIECE)
        yield line[:size]
        line = line[size:]


def _documents(
    source: Path, take: Callable[[bytes], Stages], target: Path, manner: Manner, pace: Pace
) -> Iterator[int]:
    """The document as it stood after each of its rows; the last time as the source has it."""
    whole = source.read_bytes()
    try:
        stages = take(whole)
    except ValueError as error:
        raise ReplayError(f"{source}: {error}") from None
    for row in range(1, stages.rows + 1):
        text = stages.after(row)
        if manner.torn:
            with _naming(target), target.open("wb") as output:
                _write(output, text, manner.torn, pace)
        else:
            _swap(target, text)
            pace.wait()
        yield len(whole) * row // stages.rows - len(whole) * (row - 1) // stages.rows


def _swap(target: Path, text: bytes) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(text)
        os.replace(part, target)
    except OSError as error:
        error.filename = str(target)  # and not the part, which nobody asked for
        raise
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
