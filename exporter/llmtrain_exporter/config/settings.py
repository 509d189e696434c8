"""Every setting, once: its name, default, constraint and description. All else follows from here."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from llmtrain_exporter.config.document import Place
from llmtrain_exporter.config.profiles import ProfileRule, no_truth_value, resolve
from llmtrain_exporter.config.texts import As, Flag
from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.knowledge.signals import BUILT_IN

Level = Literal["debug", "info", "warning", "error"]

RUN_INFO_LABELS = ("run", "dialect", "profile", *arguments.TEXTS, *arguments.NUMBERS)
"""Label names that the exporter itself gives to a run."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+", re.ASCII)
_PART = re.compile(r"([\d.]+)(ms|[smhdw])", re.ASCII)
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]/]*):(\d{1,5})", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def seconds(value: object) -> float:
    """Seconds of "200ms", "5s", "1h30m", "7d", or of a plain number; a ValueError says how to write one."""
    text = str(value)
    number = math.nan
    if type(value) in (int, float) or _NUMBER.fullmatch(text):
        number = float(text)
    elif _DURATION.fullmatch(text):
        number = sum(float(amount) * UNITS[unit] for amount, unit in _PART.findall(text))
    if math.isfinite(number) and number >= 0:
        return number
    raise ValueError('must be a duration such as "200ms", "5s", "12h" or "7d"')


def duration(value: float | None) -> str:
    """The shortest way to write so many seconds: 604800 is "7d", None is "never"."""
    if value is None:
        return "never"
    unit = next((unit for unit in ("d", "h", "m", "s") if value % UNITS[unit] == 0), "ms")
    return f"{value / UNITS[unit]:.15g}{unit}"


def _age(value: object) -> float | None:
    if value in ("never", None):
        return None
    try:
        return seconds(value) or None
    except ValueError as error:
        raise ValueError(f'{error}, or "never"') from None


def address(listen: str) -> tuple[str, int]:
    """Host and port of HOST:PORT; an IPv6 address stands in brackets, an empty host means all interfaces."""
    parts = _ADDRESS.fullmatch(listen)
    if parts is None or int(parts[2]) > 65535:
        raise ValueError('must be HOST:PORT such as "127.0.0.1:9848" or "[::]:9848"')
    return parts[1].strip("[]"), int(parts[2])


def _listen(value: str) -> str:
    address(value)
    return value


def _label_name(name: str) -> str:
    if not _LABEL.fullmatch(name) or name.startswith("__"):
        raise ValueError("must be a label name: letters, digits and _, no digit first and no __ in front")
    if name in RUN_INFO_LABELS:
        raise ValueError("is a label that every run has already; choose another name")
    return name


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _pattern(regex: str) -> str:
    try:
        re.compile(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"must be a regular expression ({error})") from None
    return regex


Count = Annotated[int, no_truth_value("a whole number"), Field(ge=0)]
OneOrMore = Annotated[int, no_truth_value("a whole number"), Field(ge=1)]
Seconds = Annotated[float, BeforeValidator(seconds), PlainSerializer(duration)]
Age = Annotated[float | None, BeforeValidator(_age), PlainSerializer(duration)]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)]
ProfileName = Annotated[str, Field(min_length=1)]
Labels = Mapping[Annotated[str, AfterValidator(_label_name)], str]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the rules say of one run. `profile` None: it is found from the log."""

    name: str
    profile: str | None
    labels: Mapping[str, str]


def unique_name(name: str, run: str, taken: Container[str]) -> str:
    """A name of its own for `run`, where a renaming rule gave the same to two runs."""
    while name in taken:
        name += f" ({run})"
    return name


class RunRule(BaseModel):
    """What to call the runs that a pattern picks, and how to read them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str | None = Field(default=None, description="Glob on the run's name; * also matches /.")
    regex: Annotated[str, AfterValidator(_pattern)] | None = Field(
        default=None, description="Regular expression on the whole name of the run, instead of match."
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        description=r"New name of the run; with regex, \1 or \g<name> stand for its groups.",
    )
    profile: str | None = Field(
        default=None, description="Kind of training, where the log does not tell, or a profile of your own."
    )
    labels: Labels = Field(default={}, description="Labels for the run's run_info.")

    @model_validator(mode="after")
    def _complete(self) -> RunRule:
        if (self.match is None) == (self.regex is None):
            raise ValueError("must have one of match and regex")
        if not (self.name or self.profile or self.labels):
            raise ValueError("must say something of the runs it picks: name, profile or labels")
        if self.name and self.regex is not None:
            _check_template(self.regex, self.name)
        return self

    def rename(self, run: str) -> str | None:
        """The run's name under this rule, its own if the rule has none; None if the rule does not pick it."""
        if self.match is not None:
            return (self.name or run) if fnmatch.fnmatchcase(run, self.match) else None
        found = re.fullmatch(self.regex or "", run)
        if found is None:
            return None
        return (found.expand(self.name) if self.name else "") or run


def _check_template(regex: str, name: str) -> None:
    try:
        re.sub(regex, name, "")
    except (re.error, IndexError) as error:
        raise ValueError(f"must name groups of its regex in name ({error})") from None


def _detail(place: Place, value: object, what: str) -> InitErrorDetails:
    error = PydanticCustomError("value_error", "{error}", {"error": what})
    return InitErrorDetails(type=error, loc=place, input=value)


class Settings(BaseModel):
    """What the exporter can be told, by file, environment (LLMTRAIN_*) and flags."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: Annotated[Texts, Flag("PATH", As.LIST, positional=True)] = Field(
        default=(), description="Folders and files to watch."
    )
    listen: Annotated[str, AfterValidator(_listen), Flag("HOST:PORT")] = Field(
        default="127.0.0.1:9848", description="Address to serve /metrics and the pages on."
    )
    web_config_file: Annotated[str | None, Flag("FILE", name="web.config.file")] = Field(
        default=None, description="TLS and passwords, in the format of the Prometheus exporter toolkit."
    )
    stdout_log: Annotated[Texts, Flag("GLOB", As.LIST)] = Field(
        default=(), description='File names of printed logs (a trainer\'s standard output), such as "*.log".'
    )
    max_depth: Annotated[Count, Flag("N")] = Field(
        default=8, description="How many folders deep to look for logs below each path."
    )
    ignore_older: Annotated[Age, Flag("DURATION")] = Field(
        default=7 * UNITS["d"],
        description='Leave out runs that are silent for so long; "0" or "never": no limit.',
    )
    scan_interval: Annotated[Seconds, Field(ge=0.1), Flag("DURATION")] = Field(
        default=9.0, description="Time between two looks for new runs."
    )
    poll_interval: Annotated[Seconds, Field(ge=0.01), Flag("DURATION")] = Field(
        default=0.1, description="Time between two looks for new lines."
    )
    logging_steps: Annotated[OneOrMore | None, Flag("N")] = Field(
        default=None, description="Steps from one record to the next in printed logs that do not say so."
    )
    labels: Annotated[Labels, Flag("NAME=VALUE", As.PAIRS, name="label")] = Field(
        default={}, description="Labels for the run_info of every run."
    )
    profiles: Annotated[Mapping[ProfileName, ProfileRule], Flag("YAML", As.YAML)] = Field(
        default={},
        description="Profiles of your own by name, as YAML: each inherits from grpo, sft, dpo, reward_model, "
        "generic or another own one, and has limits by signal and severity: a number, a mapping with limit, "
        "records, within and floor, or off. runs assigns them.",
    )
    runs: Annotated[tuple[RunRule, ...], Flag("YAML", As.YAML)] = Field(
        default=(),
        description="Rules for runs by name, as YAML: each has match (a glob) or regex, and name, profile or "
        "labels. All that match apply; what a later one says wins.",
    )
    max_other_keys: Annotated[Count, Flag("N")] = Field(
        default=100, description="Log keys of a run without a metric of their own that are exposed at most."
    )
    max_reward_functions: Annotated[Count, Flag("N")] = Field(
        default=100, description="Reward functions of a run that are exposed at most."
    )
    max_runs: Annotated[OneOrMore, Flag("N")] = Field(
        default=20000, description="Runs that are watched at most."
    )
    log_format: Annotated[Literal["text", "json"], Flag("text|json")] = Field(
        default="text", description="How the exporter writes its own log, on standard error."
    )
    log_level: Annotated[Level, Flag("debug|info|warning|error")] = Field(
        default="warning", description="The least severe messages of that log."
    )

    @model_validator(mode="after")
    def _profiles_known(self) -> Settings:
        _, problems = resolve(self.profiles)
        names = list(dict.fromkeys((*BUILT_IN, *self.profiles)))
        problems += [
            (("runs", at, "profile"), rule.profile, f"must be one of {', '.join(names)}")
            for at, rule in enumerate(self.runs)
            if rule.profile is not None and rule.profile not in names
        ]
        if problems:
            raise ValidationError.from_exception_data("Settings", [_detail(*each) for each in problems])
        return self

    @property
    def known_profiles(self) -> Mapping[str, Profile]:
        """All profiles by name, the built-in ones too."""
        return resolve(self.profiles)[0]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        return address(self.listen)

    def assign(self, run: str) -> Assignment:
        """What the rules say of a run that its folder names `run`. Two runs may get the same new name."""
        name, profile, labels = run, None, dict(self.labels)
        for rule in self.runs:
            renamed = rule.rename(run)
            if renamed is not None:
                name = renamed if rule.name else name
                profile = rule.profile or profile
                labels.update(rule.labels)
        return Assignment(name, profile, labels)
