"""All settings of a model that can be given as text: their flags, variables, defaults and descriptions."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from llmtrain_exporter.config.fields import sections_in
from llmtrain_exporter.config.flag_values import FromText
from llmtrain_exporter.config.yaml_document import Place

_ALIKE = 0.8  # from 0 to 1, as difflib counts


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as people meet it."""

    place: Place  # in a file
    flag: str  # "--listen"; of a positional one its metavar; "" where it has none
    variable: str  # in the environment
    text: FromText
    default: str
    description: str

    @property
    def key(self) -> str:
        """Its name in a program."""
        return "_".join(map(str, self.place))


def settings_of(model: type[BaseModel], prefix: str, place: Place = ()) -> tuple[Setting, ...]:
    """The settings of a section that stands at `place`, in the order in which they are documented.

    Sections in it are left out, unless they can be given as text.
    """
    defaults = model.model_construct().model_dump(mode="json")
    return tuple(
        Setting(
            (*place, info.alias or key),
            _flag(key, text),
            prefix + key.upper(),
            text,
            _shown(defaults.get(key)),
            info.description or "",
        )
        for key, info, text in _given_as_text(model)
    )


def misspelt(environ: Iterable[str], known: Iterable[str], prefix: str) -> Iterator[str]:
    """Variables that are likely misspelt. Others are left alone: Kubernetes makes some with such a prefix."""
    names = [name.removeprefix(prefix) for name in known]
    for variable in sorted(environ):
        name = variable.removeprefix(prefix)
        if name not in (variable, *names):
            for likely in difflib.get_close_matches(name, names, 1, _ALIKE):
                yield f"environment {variable} is no setting; did you mean {prefix}{likely}?"


def _given_as_text(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo, FromText]]:
    for key, info in model.model_fields.items():
        declared = next((mark for mark in info.metadata if isinstance(mark, FromText)), None)
        if declared or not any(sections_in(info.annotation)):
            yield key, info, declared or FromText()


def _flag(key: str, text: FromText) -> str:
    if text.positional or not (text.metavar or text.is_truth):
        return text.metavar
    return f"--{text.flag or key.replace('_', '-')}"


def _shown(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default) if default else ""
