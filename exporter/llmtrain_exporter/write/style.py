"""How a terminal is written to: language, width, colours."""

from __future__ import annotations

from dataclasses import dataclass

import click

from llmtrain_exporter.knowledge.text import Lang

COLOURS = {
    **dict.fromkeys(("healthy", "fine"), "green"),
    **dict.fromkeys(("watch", "warning", "look"), "yellow"),
    **dict.fromkeys(("broken", "critical"), "red"),
    "info": "cyan",
}
"""By health, severity, and what is thought of a value."""


@dataclass(frozen=True, slots=True)
class Style:
    """How it is written. `width`: columns. `now`: Unix time where what is written is looked at live."""

    lang: Lang
    width: int
    coloured: bool = False
    now: float | None = None

    def paint(self, text: str, kind: str) -> str:
        """The text in the colour of a kind of `COLOURS`."""
        colour = COLOURS.get(kind)
        return click.style(text, fg=colour) if self.coloured and colour and text else text

    def dim(self, text: str) -> str:
        """The text as something beside the point."""
        return click.style(text, dim=True) if self.coloured and text else text

    def bold(self, text: str) -> str:
        """The text as what all that follows is about."""
        return click.style(text, bold=True) if self.coloured and text else text
