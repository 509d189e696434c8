"""What the exporter tells of a run, as far as a card needs it: its answer to /api/v1/run.

Whatever is missing there, or is not what it should be, is only missing on the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from llmtrain_exporter.printable import printable

MOST = 50
"""Items of a list that are looked at; a card has room for fewer."""

_T = TypeVar("_T", bound=BaseModel)


def _text(value: object) -> str:
    return printable(value)[:2000] if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


Words = Annotated[str, BeforeValidator(_text)]
Step = Annotated[int | None, BeforeValidator(_number)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _listed(kind: type[_T]) -> BeforeValidator:
    """Of a list the items that are of this kind; of anything else nothing."""

    def read(value: object) -> tuple[_T, ...]:
        found = []
        for item in value[:MOST] if isinstance(value, list) else ():
            try:
                found.append(kind.model_validate(item))
            except ValidationError:  # noqa: PERF203  # one bad item costs itself
                continue
        return tuple(found)

    return BeforeValidator(read)


class Proposal(_Part):
    """A setting to change: "--beta 0.1" where now it is 0.04."""

    setting: Words = ""
    now: float | str | None = None
    value: float | str | None = None
    change: Words = ""
    flag: Words = ""


class Action(_Part):
    """One thing to do, and the settings that it changes."""

    title: Words = ""
    how: Words = ""
    proposals: Annotated[tuple[Proposal, ...], _listed(Proposal)] = ()


class Finding(_Part):
    """A signal of the run in words; `last_step` None: it lasts."""

    first_step: int
    last_step: Step = None
    severity: Words = ""
    title: Words = ""
    text: Words = ""


class Stage(_Part):
    """A family of signals that broke, and at which step."""

    stage: Words
    step: Step = None


class Incident(_Part):
    """What happened, in steps; `recovery_step` None: it lasts."""

    onset_step: int
    peak_step: Step = None
    recovery_step: Step = None
    stages: Annotated[tuple[Stage, ...], _listed(Stage)] = ()
    checkpoint: Step = None


def _told(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in value[:MOST]) if isinstance(value, list) else ()


class Story(_Part):
    """A run, its incidents and what to do about them, in one language."""

    title: Words = ""
    profile: Words = ""
    state: Words = ""
    state_text: Words = ""
    last_step: Step = None
    max_steps: Step = None
    last_record_timestamp: float | None = None
    findings: Annotated[tuple[Finding, ...], _listed(Finding)] = ()
    incidents: Annotated[tuple[Incident, ...], _listed(Incident)] = ()
    causes: Annotated[tuple[str, ...], BeforeValidator(_told)] = ()
    actions: Annotated[tuple[Action, ...], _listed(Action)] = ()

    @property
    def incident(self) -> Incident | None:
        """The latest."""
        return self.incidents[-1] if self.incidents else None


def read(said: Mapping[str, Any]) -> Story | None:
    """The story in an answer, None if there is none in it."""
    try:
        return Story.model_validate(said)
    except ValidationError:
        return None
