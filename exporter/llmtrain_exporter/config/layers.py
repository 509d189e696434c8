"""Values from file, environment and flags, one layer above the other, and where each comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from llmtrain_exporter.config import flag_values, yaml_document
from llmtrain_exporter.config.catalogue import Setting
from llmtrain_exporter.config.flag_values import Form
from llmtrain_exporter.config.messages import ConfigError, Problem, dotted, explained
from llmtrain_exporter.config.yaml_document import Place

DEFAULT = "default"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class SettingSource:
    """Where a value comes from: a file, with the line of each place in it, a variable, or a flag."""

    kind: str  # "file", "environment" or "flag"
    name: str
    lines: Mapping[Place, int] | None = None

    @property
    def origin(self) -> str:
        """The source in `config --show`."""
        return f"{self.kind} {self.name}"

    def line(self, place: Place) -> int:
        """The line on which a place, or the innermost that is written there, stands in a file; else 0."""
        lines = self.lines or {}
        return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 0)

    def where(self, place: Place, base: Place) -> str:
        """The source and the place in it. `base`: the place of all that a variable or flag holds."""
        if self.lines is None:
            inner = dotted(place[len(base) :])
            return f"{self.name}: {inner}" if inner else self.name
        return f"{self.name}: line {self.line(place) or 1}: {dotted(place)}" if place else self.name


class Layers:
    """Values not yet checked: what is added later goes before what was there."""

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._sources: dict[Place, SettingSource] = {}
        self._order: list[SettingSource] = []
        self._unread: list[str] = []

    def add_file(self, path: str, example: str, relative_to_file: bool = False) -> None:
        """Add a YAML file, below all other layers. Raises ConfigError.

        `example`: a line as it could be; `relative_to_file`: paths under *_file keys start at its folder.
        """
        try:
            read = yaml_document.read(path)
            if not isinstance(read.content, dict):
                raise ValueError(f"must be a mapping of settings, such as {example}")
        except (OSError, ValueError) as error:
            reason = error.strerror or error if isinstance(error, OSError) else error
            raise ConfigError([f"{path}: {reason}"]) from None
        self._values = _based(read.content, Path(path).parent) if relative_to_file else read.content
        source = SettingSource("file", path, read.lines)
        self.credit((), source)
        for key in self._values:
            self.credit((key,), source)

    def add_environment(self, settings: Iterable[Setting], environ: Mapping[str, str]) -> None:
        """What variables say; an empty one says nothing."""
        for setting in settings:
            text, source = environ.get(setting.variable), SettingSource("environment", setting.variable)
            if text:
                self._add_text(setting, source, flag_values.from_variable, text)

    def add_flags(self, settings: Iterable[Setting], flags: Mapping[str, object]) -> None:
        """What flags say: by key the text or texts, None or none where it was not given."""
        for setting in settings:
            given = flags.get(setting.key)
            if given not in (None, ()):
                texts = given if isinstance(given, tuple) else (str(given),)
                source = SettingSource("flag", setting.flag)
                self._add_text(setting, source, flag_values.from_flags, texts)

    def put(self, place: Place, value: object, source: SettingSource) -> None:
        """Set the value at a place. Where what is around it is no mapping, validation will say so."""
        section: Any = self._values
        for key in place[:-1]:
            section = section.setdefault(key, {}) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section[place[-1]] = value
            self.credit(place, source)

    def append(
        self,
        key: str,
        item: Mapping[str, object],
        source: SettingSource,
        sources: Mapping[str, SettingSource],
    ) -> None:
        """One more item of a list of sections. `source`: of the whole; `sources`: of each of its keys."""
        items = self._values.setdefault(key, [])
        if isinstance(items, list):
            place: Place = (key, len(items))
            items.append(dict(item))
            self.credit(place, source)
            for name, own in sources.items():
                self.credit((*place, name), own)

    def credit(self, place: Place, source: SettingSource) -> None:
        """From now on what stands at and below that place comes from that source."""
        self._sources = {at: known for at, known in self._sources.items() if at[: len(place)] != place}
        self._sources[place] = source
        if source not in self._order:
            self._order.append(source)

    def where(self, place: Place) -> str:
        """Where a value comes from, for a problem: "llmtrain.yml: line 3: runs[0].profile"."""
        base = self._base(place)
        return dotted(place) if base is None else self._sources[base].where(place, base)

    def origin(self, key: str) -> str:
        """Where a setting, or parts of it, come from."""
        origins = [source.origin for place, source in self._sources.items() if place[:1] == (key,)]
        return ", ".join(dict.fromkeys(origins)) or DEFAULT

    def validated(self, model: type[Model]) -> Model:
        """The settings. Raises ConfigError with all that is wrong, by source and line."""
        try:
            settings = model.model_validate(self._values)
        except ValidationError as error:
            problems = _all_problems(error, self._values, model)
            lines = map(self._in_words, sorted(problems, key=self._rank))
            raise ConfigError([*lines, *self._unread]) from None
        if self._unread:
            raise ConfigError(self._unread)
        return settings

    def _in_words(self, problem: Problem) -> str:
        """A problem with its place, and with the source of what makes it one where that is another source."""
        text = ": ".join(filter(None, (self.where(problem.place), problem.text)))
        cause = self.origin(problem.rests_on)
        if cause not in (DEFAULT, *map(self.origin, map(str, problem.place[:1]))):
            text += f"; {problem.rests_on} are those of {cause}"
        return text

    def _rank(self, problem: Problem) -> tuple[int, int]:
        """Where a problem belongs among others."""
        base = self._base(problem.place)
        if base is None:
            return (0, 0)
        source = self._sources[base]
        return self._order.index(source), source.line(problem.place)

    def _base(self, place: Place) -> Place | None:
        """The innermost place around another of which the source is known."""
        parts = range(len(place), -1, -1)
        return next((place[:n] for n in parts if place[:n] in self._sources), None)

    def _add_text(
        self, setting: Setting, source: SettingSource, read: Callable[[Form, Any], object], text: object
    ) -> None:
        try:
            self.put(setting.place, read(setting.text.form, text), source)
        except ValueError as error:
            self._unread.append(f"{source.name}: {error}")


def _all_problems(error: ValidationError, values: Mapping[Any, Any], model: type[BaseModel]) -> list[Problem]:
    """What is wrong with single settings, and between the others.

    Pydantic looks at the whole of a model only when each part of it is right by itself.
    """
    problems = _problems(error, model)
    wrong = {problem.place[0] for problem in problems if problem.place}
    try:
        model.model_validate({key: value for key, value in values.items() if key not in wrong})
    except ValidationError as further:
        more = _problems(further, model)
        problems += [p for p in more if not wrong.intersection((*p.place[:1], p.rests_on))]
    return problems


def _problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    return [explained(problem, model) for problem in error.errors(include_url=False)]


def _based(content: Any, folder: Path) -> Any:
    """The same, with the paths under *_file keys below that folder."""
    if isinstance(content, list):
        return [_based(item, folder) for item in content]
    if not isinstance(content, dict):
        return content
    return {
        key: str(folder / value)
        if str(key).endswith("_file") and isinstance(value, str) and value
        else _based(value, folder)
        for key, value in content.items()
    }
