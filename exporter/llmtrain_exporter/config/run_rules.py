"""What the operator says of runs by their names: other names, profiles, labels."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.linear_regex import compiled
from llmtrain_exporter.config.values import Name
from llmtrain_exporter.knowledge import arguments

RUN_INFO_LABELS = ("run", "dialect", "profile", *arguments.TEXTS, *arguments.NUMBERS)
"""Label names that the exporter itself gives to a run."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def _label_name(name: str) -> str:
    if not _LABEL.fullmatch(name) or name.startswith("__"):
        raise ValueError("must be a label name: letters, digits and _, no digit first and no __ in front")
    if name in RUN_INFO_LABELS:
        raise ValueError("is a label that every run has already; choose another name")
    return name


def _pattern(regex: str) -> str:
    compiled(regex)
    return regex


Labels = Mapping[Annotated[str, AfterValidator(_label_name)], str]


class RunRule(SettingsSection):
    """What to call the runs that a pattern picks, and how to read them."""

    typical_keys: ClassVar[tuple[str, ...]] = ("match", "profile")

    match: str | None = Field(default=None, description="Glob on the run's name; * also matches /.")
    regex: Annotated[str, AfterValidator(_pattern)] | None = Field(
        default=None,
        description="Regular expression on the whole name of the run, instead of match: Python's, without "
        "backreferences and lookaround.",
    )
    name: Name | None = Field(
        default=None,
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
            compiled(self.regex).check(self.name)
        return self

    def rename(self, run: str) -> str | None:
        """The run's name under this rule, its own if the rule has none; None if the rule does not pick it."""
        if self.match is not None:
            return (self.name or run) if fnmatch.fnmatchcase(run, self.match) else None
        renamed = compiled(self.regex or "").rewrite(run, self.name or "")
        return None if renamed is None else renamed or run
