"""How a setting is spelled where there are only texts: on the command line and in the environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from llmtrain_exporter.config import yaml_document


class Form(Enum):
    """What the texts given for a setting make."""

    TEXT = "text"
    LIST = "list"
    PAIRS = "pairs"
    YAML = "yaml"
    TRUTH = "truth"  # the flag alone says yes


@dataclass(frozen=True, slots=True)
class FromText:
    """How a setting is given as text, for the annotation of a model's field.

    `metavar`: of its flag, "" where it has a variable alone; `flag`: the flag's name where it is not the
    setting's own; `positional`: the flag has no name.
    """

    metavar: str = ""
    form: Form = Form.TEXT
    flag: str = ""
    positional: bool = False

    @property
    def repeated(self) -> bool:
        """Whether it may be given several times."""
        return self.form in (Form.LIST, Form.PAIRS)

    @property
    def is_truth(self) -> bool:
        """Whether its flag takes no value."""
        return self.form is Form.TRUTH


def from_flags(form: Form, texts: Sequence[str]) -> object:
    """The value that the texts of a flag mean, before it is checked; a ValueError says how to write it."""
    if form is Form.LIST:
        return list(texts)
    if form is Form.PAIRS:
        return dict(map(_pair, texts))
    return yaml_document.parse(texts[-1]).content if form is Form.YAML else texts[-1]


def from_variable(form: Form, text: str) -> object:
    """The value of an environment variable: lists and pairs are separated by commas."""
    listed = form in (Form.LIST, Form.PAIRS)
    return from_flags(form, [part.strip() for part in text.split(",") if part.strip()] if listed else [text])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError("must be NAME=VALUE")
    return name.strip(), value
