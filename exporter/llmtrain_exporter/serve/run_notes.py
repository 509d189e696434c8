"""What operators note about runs, in a file that they write and that is read again when it changes."""

from __future__ import annotations

import errno
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from llmtrain_exporter.config.yaml_document import LARGEST_BYTES, YamlDocumentError, decoded
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.readable import explain
from llmtrain_exporter.knowledge import notes_words as words
from llmtrain_exporter.printable import printable

FILE = "notes.yml"
"""Its name in the state folder. A mapping from names of runs, or globs, to texts."""

LOOK_SECONDS = 2.0

LONGEST = 1000
"""Characters of what is noted about a run; it stands in each line of a list."""

_GLOB = frozenset("*?[")

log = logging.getLogger(__name__)


class NotesError(ValueError):
    """What is wrong with a file of notes, for people."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Texts by the names of runs, and by globs in the order of the file."""

    named: Mapping[str, str]
    patterns: Mapping[str, str]

    def of(self, run: str) -> str:
        """What is noted about a run, a line for each text; empty: nothing."""
        if not self.named and not self.patterns:
            return ""
        own = [self.named[run]] if run in self.named else []
        shared = (text for pattern, text in self.patterns.items() if fnmatchcase(run, pattern))
        whole = "\n".join(dict.fromkeys((*own, *shared)))
        return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"


NONE = Notes({}, {})

_ODD_NAME = re.compile(rb"^[*\[]", re.MULTILINE)  # which YAML takes for something else


def parsed(content: bytes) -> Notes:
    """The notes in a file. Raises NotesError; the file is anybody's."""
    try:
        document = decoded(content, as_text=True)
    except YamlDocumentError as error:
        hinted = words.QUOTES.en if _ODD_NAME.search(content) else "{problem}"
        raise NotesError(hinted.format(problem=error)) from None
    if not isinstance(document.content, dict):
        raise NotesError(words.NOT_A_MAPPING.en)
    texts: dict[str, str] = {}
    for name, text in document.content.items():
        if not isinstance(text, str):
            line = document.lines.get((name,), 1)
            raise NotesError(words.NOT_A_TEXT.en.format(line=line, name=printable(name[:LONGEST])))
        texts[name] = "\n".join(map(printable, text.strip().splitlines()))
    patterns = {name: text for name, text in texts.items() if not _GLOB.isdisjoint(name)}
    if len(patterns) > words.MOST_PATTERNS:
        raise NotesError(words.TOO_MANY.en)
    return Notes(texts, patterns)


class NotesFile:
    """A file of notes, looked at now and then by one thread."""

    def __init__(
        self, path: Path | None, take: Callable[[Notes], object], tell: Callable[[Mapping[str, str]], object]
    ) -> None:
        """`path` None: there is none. `take` gets what is noted, `tell` by path why it cannot be read."""
        self._path = path
        self._take = take
        self._tell = tell
        self._seen: object = errno.ENOENT
        self._problem = ""

    def keep_looking(self, stop: threading.Event) -> None:
        """Look until `stop` is set."""
        while self._path is not None:
            self.look(self._path)
            if stop.wait(LOOK_SECONDS):
                return

    def look(self, path: Path) -> None:
        """Read it if it is another one. One that cannot be used changes nothing, and is told once."""
        seen = _signature(path)
        if seen == self._seen:
            return
        self._seen, problem = seen, ""
        try:
            self._take(_notes(path))
        except OSError as error:
            problem = explain(error)
        except NotesError as error:
            problem = str(error)
        self._note(path, problem)

    def _note(self, path: Path, problem: str) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            log.warning("%s: %s; the notes stay as they were", path, problem)
        self._tell({str(path): problem} if problem else {})


def _signature(path: Path) -> object:
    """Another one whenever the file is; why it cannot be looked at, where it cannot."""
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _notes(path: Path) -> Notes:
    """What stands there; nothing where there is no file. Raises OSError and NotesError."""
    try:
        descriptor, _ = open_regular(str(path))
    except FileNotFoundError:
        return NONE
    with open(descriptor, "rb") as file:
        return parsed(file.read(LARGEST_BYTES))
