"""How a verdict is written: language, width, colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

from llmtrain_exporter.knowledge.text import Lang, Text

COLOURS = {
    **dict.fromkeys(("healthy", "fine"), "green"),
    **dict.fromkeys(("watch", "warning", "look"), "yellow"),
    **dict.fromkeys(("broken", "critical"), "red"),
    "info": "cyan",
}
"""By health, severity, and what is thought of a value."""


@dataclass(frozen=True, slots=True)
class Style:
    """How it is written: language, columns of the terminal, colours or none."""

    lang: Lang
    width: int
    coloured: bool = False

    def say(self, said: Text, **values: object) -> str:
        """A text with its placeholders filled."""
        return said.of(self.lang).format(**values)

    def mark(self, table: Mapping[str, Text], key: str) -> str:
        """A verdict word."""
        word, colour = table[key].of(self.lang), COLOURS.get(key)
        return click.style(word, fg=colour) if self.coloured and colour else word
