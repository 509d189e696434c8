"""How far a report is, on one line of a terminal that is written over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.progress_line import EVERY_SECONDS, ProgressLine
from llmtrain_exporter.write.columns import columns, shortened_name

BAR, NAME = 30, 40
"""Columns."""


class ReportProgress:
    """Written to a terminal alone, and cleared in the end."""

    def __init__(self, err: TextIO, clock: Callable[[], float], lang: Lang) -> None:
        """`clock`: monotonic seconds."""
        self._line = ProgressLine(err, clock, EVERY_SECONDS, columns)
        self._lang = lang
        self.clear = self._line.clear

    def reading(self, found: Found) -> Callable[[int], None]:
        """To be told how many more bytes of a log were read."""
        text = r.READING.of(self._lang).format(name=printable(found.run))
        return self._counting(text, found.size)

    def drawing(self, name: str, pictures: int) -> Callable[[], None]:
        """To be told that one more picture is drawn."""
        count = self._counting(r.DRAWING.of(self._lang).format(name=printable(name)), pictures)
        return lambda: count(1)

    def _counting(self, text: str, whole: int) -> Callable[[int], None]:
        done = 0

        def more(count: int) -> None:
            nonlocal done
            done += count
            self._line.say(lambda: _bar(text, min(done / max(whole, 1), 1.0)))

        return more


def _bar(text: str, share: float) -> str:
    filled = round(share * BAR)
    return f"[{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%} {shortened_name(text, NAME)}"
