"""One engine for all settings: a model says what there is, file, environment and flags say what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic

from llmtrain_exporter.config.catalogue import Setting, misspelt, settings_of
from llmtrain_exporter.config.fields import sections_in
from llmtrain_exporter.config.layers import Layers, Model


@dataclass(frozen=True)
class Schema(Generic[Model]):
    """What can be set.

    `prefix`: the beginning of its variables' names; `example`: a line that a file may hold; `sections`: those
    of the model whose settings have variables, too, with what these begin with after the prefix.
    """

    model: type[Model]
    prefix: str
    example: str
    sections: tuple[tuple[str, str], ...] = ()

    @property
    def config_variable(self) -> str:
        """The variable that names a file of settings."""
        return f"{self.prefix}CONFIG"

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """All settings that can be given as text, in the order in which they are documented."""
        found = list(settings_of(self.model, self.prefix))
        for key, word in self.sections:
            for section in sections_in(self.model.model_fields[key].annotation):
                found += settings_of(section, self.prefix + word, (key,))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Configured(Generic[Model]):
    """The settings in force and, by key, where each comes from."""

    settings: Model
    origins: Mapping[str, str]
    warnings: tuple[str, ...]


def configure(
    schema: Schema[Model], flags: Mapping[str, object], environ: Mapping[str, str], file: str | None
) -> Configured[Model]:
    """The settings in force: flags before environment before file. Raises ConfigError.

    `flags`: texts by key, None or empty where not given; `file`: goes before the one that a variable names.
    """
    layers = Layers()
    file = file or environ.get(schema.config_variable)
    if file:
        layers.add_file(file, schema.example)
    layers.add_environment(schema.settings, environ)
    layers.add_flags(schema.settings, flags)
    settings = layers.validated(schema.model)
    known = [schema.config_variable, *(setting.variable for setting in schema.settings)]
    return Configured(
        settings,
        {key: layers.origin(key) for key in schema.model.model_fields},
        tuple(misspelt(environ, known, schema.prefix)),
    )


def check_file(schema: Schema[Any], file: str) -> None:
    """Raises ConfigError if the file cannot be used."""
    configure(schema, {}, {}, file)


def show(configured: Configured[Any]) -> str:
    """The settings as a YAML file, each on one line with a comment that says where it comes from.

    Secrets are shown as stars.
    """
    model = configured.settings
    # What a rule leaves out is not shown; a setting that is given nowhere is, with its default.
    values = {**model.model_dump(mode="json"), **model.model_dump(mode="json", exclude_defaults=True)}
    lines = []
    for key, value in values.items():
        # JSON is YAML on one line; what is no plain text is escaped there, or it could end the line.
        shown = json.dumps(value, ensure_ascii=not json.dumps(value, ensure_ascii=False).isprintable())
        lines.append(f"{key}: {shown}  # {configured.origins[key]}\n")
    return "".join(lines)
