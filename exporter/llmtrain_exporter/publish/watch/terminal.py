"""The terminal that a watched run is drawn on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TextIO

from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.publish.watch.plain import waiting_lines
from llmtrain_exporter.publish.watch.screen import picture
from llmtrain_exporter.publish.watch.status import FolderStatus
from llmtrain_exporter.story.several import counts_line
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style

WIDEST = 200
"""Columns that are made use of."""

# What terminals obey, as ECMA-48 and xterm name it.
OTHER_SCREEN, USUAL_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
CUT_LINES, WRAP_LINES = "\x1b[?7l", "\x1b[?7h"
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


class Terminal:
    """Draws on the whole screen while it is entered, and leaves the verdict where the command was given."""

    def __init__(
        self, out: TextIO, style: Style, size: Callable[[], tuple[int, int]] = shutil.get_terminal_size
    ) -> None:
        """`style`: for the text at the end. `size`: columns and lines now; the picture is as wide as that."""
        self._out = out
        self._style = style
        self._size = size
        self._last: FolderStatus | None = None

    def __enter__(self) -> Terminal:
        """Turn to a screen of its own, so that nothing that stands there is lost."""
        self._write(OTHER_SCREEN + HIDE_CURSOR + CUT_LINES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Turn back, and leave the verdict there."""
        self._write(WRAP_LINES + SHOW_CURSOR + USUAL_SCREEN)
        if self._last is not None:
            self._out.writelines(_verdict(self._last, self._style))

    def show(self, status: FolderStatus) -> None:
        """Draw how things are, over what stood there, in one piece so that nothing flickers."""
        width, height = self._size()
        *lines, last = picture(status, replace(self._style, width=min(width, WIDEST)), height)
        # Cleared before it is written: behind a line that fills its row, its last character would go too.
        self._write(HOME + "".join(f"{CLEAR_LINE}{line}\n" for line in lines) + CLEAR_BELOW + last)

    def end(self, status: FolderStatus) -> None:
        """Keep what is to be left on the terminal."""
        self._last = status

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _verdict(status: FolderStatus, style: Style) -> list[str]:
    """What `check` says of the run that was shown."""
    if status.no_run is not None:
        return [f"{line}\n" for line in waiting_lines(status.path, status.no_run, style, True)]
    runs = [watched.run for watched in status.runs]
    counts = [f"{line_text(counts_line(runs, style.lang), style)}\n\n"] if len(runs) > 1 else []
    chosen = [status.chosen.run] if status.chosen else []
    courses = {run.run: status.courses for run in chosen}
    return [*counts, *as_text(chosen, [], style, verbose=True, courses=courses)]
