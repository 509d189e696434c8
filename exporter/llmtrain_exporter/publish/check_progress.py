"""How far a check is, on one line of a terminal that is written over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TextIO

from llmtrain_exporter.knowledge import check_progress_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun, Snapshot
from llmtrain_exporter.progress_line import EVERY_SECONDS, ProgressLine
from llmtrain_exporter.write.columns import columns


class CheckProgress:
    """What is searched, then what is read; written to a terminal alone, and cleared in the end."""

    def __init__(self, err: TextIO, clock: Callable[[], float], lang: Lang) -> None:
        """`clock`: monotonic seconds."""
        self._line = ProgressLine(err, clock, EVERY_SECONDS, columns)
        self._lang = lang
        self._visited = self._logs = self._runs = 0

    def visit(self, _: str) -> None:
        """Count a folder, or a file, that a search looks at."""
        self._visited += 1
        self._line.say(lambda: words.LOOKED_AT.of(self._lang).format(count=self._visited))

    def follow(self, checked: Iterator[Snapshot | NoRun]) -> Iterator[Snapshot | NoRun]:
        """Say how many logs are done."""
        try:
            for outcome in checked:
                self._logs += 1
                self._runs += isinstance(outcome, Snapshot)
                self._line.say(self._done)
                yield outcome
        finally:
            self._line.clear()

    def _done(self) -> str:
        return words.READ.of(self._lang).format(logs=self._logs, runs=self._runs)
