"""How a setting is spelled where there are only texts: on the command line and in the environment."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from llmtrain_exporter.config import document


class As(Enum):
    """What the texts given for a setting make."""

    TEXT = "text"
    LIST = "list"
    PAIRS = "pairs"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag of a setting. `name`: where it is not the setting's own; `positional`: without a name."""

    metavar: str
    kind: As = As.TEXT
    name: str = ""
    positional: bool = False

    @property
    def repeated(self) -> bool:
        """Whether it may be given several times."""
        return self.kind in (As.LIST, As.PAIRS)


def read(kind: As, texts: Sequence[str]) -> object:
    """The value that texts mean, before it is checked; a ValueError says how to write it."""
    if kind is As.LIST:
        return list(texts)
    if kind is As.PAIRS:
        return dict(map(_pair, texts))
    return document.parse(texts[-1]).content if kind is As.YAML else texts[-1]


def from_environment(kind: As, text: str) -> object:
    """The value of an environment variable: lists and pairs are separated by commas."""
    listed = kind in (As.LIST, As.PAIRS)
    return read(kind, [part.strip() for part in text.split(",") if part.strip()] if listed else [text])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError("must be NAME=VALUE")
    return name.strip(), value


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """What somebody may have meant with an unknown word; else all that is allowed."""
    names = list(allowed)
    likely = difflib.get_close_matches(word.lower().replace("-", "_").replace(".", "_"), names, 1)
    return f"; did you mean {likely[0]}?" if likely else f"; allowed: {', '.join(names)}"
