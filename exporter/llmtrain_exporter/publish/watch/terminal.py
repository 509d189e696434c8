"""The terminal that a watched run is drawn on."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.publish.watch.plain import waiting_text
from llmtrain_exporter.publish.watch.screen import picture
from llmtrain_exporter.publish.watch.status import FolderStatus
from llmtrain_exporter.story.several import counts_line
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

WIDEST = 200
"""Columns that are made use of."""


class Terminal:
    """Draws on the whole screen while it is entered, and leaves the verdict where the command was given."""

    def __init__(self, out: TextIO, style: Style, console: Console | None = None) -> None:
        """`style`: for the text at the end; the picture is as wide as the terminal is at the time."""
        from rich.console import Console

        self._out = out
        self._style = style
        self._console = console or Console(file=out, force_terminal=True, highlight=False, markup=False)
        self._live: Live | None = None
        self._last: FolderStatus | None = None

    def __enter__(self) -> Terminal:
        """Turn to a screen of its own, so that nothing that stands there is lost."""
        from rich.live import Live

        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Turn back, and leave the verdict there."""
        if self._live is not None:
            self._live.stop()
        if self._last is not None:
            self._out.writelines(_verdict(self._last, self._style))

    def show(self, status: FolderStatus) -> None:
        """Draw how things are."""
        from rich.text import Text

        width, height = self._console.size
        lines = picture(status, replace(self._style, width=min(width, WIDEST)), height)
        text = Text.from_ansi("\n".join(lines), no_wrap=True, overflow="crop")
        if self._live is not None:
            self._live.update(text, refresh=True)

    def end(self, status: FolderStatus) -> None:
        """Keep what is to be left on the terminal."""
        self._last = status


def _verdict(status: FolderStatus, style: Style) -> list[str]:
    """What `check` says of the run that was shown."""
    if status.no_run is not None:
        return [f"{waiting_text(status.path, status.no_run, style)}\n"]
    runs = [watched.run for watched in status.runs]
    counts = [f"{line_text(counts_line(runs, style.lang), style)}\n\n"] if len(runs) > 1 else []
    chosen = [status.chosen.run] if status.chosen else []
    courses = {run.run: status.courses for run in chosen}
    return [*counts, *as_text(chosen, [], style, verbose=True, courses=courses)]
