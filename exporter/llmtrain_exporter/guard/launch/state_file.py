"""The guard's file of one training, as the launcher reads and extends it between two starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from llmtrain_exporter.guard.advice import in_words
from llmtrain_exporter.guard.guard_file import guard_path, write_guard_file
from llmtrain_exporter.guard.launch.rescue import SEED, SKIPPING, RescuePlan
from llmtrain_exporter.guard.launch.restart import Start
from llmtrain_exporter.guard.recording import RowRecorder
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge.guard_story_words import SAID_BY_GUARD
from llmtrain_exporter.knowledge.rescuing import GENTLER
from llmtrain_exporter.knowledge.said_again import said_again
from llmtrain_exporter.knowledge.text import Lang, fill
from llmtrain_exporter.model.guarded import Action, Attempt, Began, GuardEvent, GuardFile, SettingChange

_COMMAND, _KIND, _GRACE, _UNTIL = "command", "profile", "grace_until_step", "until_started_again"


class StateFile:
    """`llmtrain-guard.json` and the log beside it. `clock`: Unix time. What is written raises OSError."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self.folder = folder
        self.path = guard_path(folder)
        self._clock = clock
        self._content = read_guard_file(self.path) or GuardFile()

    @property
    def was_stopped(self) -> bool:
        """Whether the guard inside has ended the training, and nothing was done about it since."""
        return self._content.state == "stopped"

    @property
    def was_ended_for_good(self) -> bool:
        """Whether nothing was to be started after it had been stopped."""
        return self.was_stopped or (self._content.state == "gave_up" and not self._waits_for_start)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The rescues that there were, with what a rescue can change: others may have written there."""
        return tuple(map(_trusted, self._content.attempts))

    @property
    def is_watching(self) -> bool:
        """Whether the training is not known to have ended."""
        return self._content.state == "watching"

    @property
    def began(self) -> Began | None:
        """When the training was first started."""
        return self._content.began

    @property
    def kind(self) -> str:
        """Of what kind the training is, as was found at the last rescue; empty where there was none."""
        return str(self._last_details.get(_KIND, ""))

    @property
    def grace_until_step(self) -> int:
        """Of the last rescue; 0 where there was none."""
        found = self._last_details.get(_GRACE, 0)
        return int(found) if isinstance(found, (int, float)) else 0

    def is_interrupted(self, command: str) -> bool:
        """Whether a rescue of the command, by its identity, was begun, and is neither over nor given up."""
        if not any(event.details.get(_COMMAND) == command for event in self._content.events):
            return False
        goes_on = self._content.state == "watching" or self._waits_for_start
        return self.was_stopped or (goes_on and bool(self.attempts))

    def in_words(self, lang: Lang) -> str:
        """Why the training was stopped, and what to do next."""
        reason = self._content.reason
        told = "" if reason is None else in_words(reason, lang)
        then = said_again(self._content.next, SAID_BY_GUARD, lang)
        return fill(words.STOPPED, lang, {"reason": told, "next": then}).strip()

    def begins_rescue(self, command: str) -> None:
        """Note that the command, by its identity, is to be started again, before anything is done for it."""
        with suppress(OSError):  # a folder that cannot be written to is found out later, and told
            self._write(
                self._event("rescue", "the training was stopped for an incident", {_COMMAND: command})
            )

    def rescues(self, plan: RescuePlan, start: Start, kind: str) -> None:
        """Note what is started now."""
        details: dict[str, float | str] = {
            "checkpoint": str(plan.checkpoint.path),
            "from_step": plan.checkpoint.step,
            "wasted_steps": plan.wasted_steps,
            _KIND: kind,
            _GRACE: plan.grace_until_step,
        }
        applied = {name: change for name, change in plan.changes.items() if name not in start.unchanged}
        attempt = replace(plan.as_attempt(), changes=applied)
        event = self._event("go_on", f"rescue {plan.attempt}", details, plan.checkpoint.step)
        content = replace(event, state="watching", next="", attempts=(*self.attempts, attempt))
        self._write(content)

    def gives_up(self, because: str, advice: str, until_started: bool = False) -> None:
        """Note that the training is not started again; where that cannot be written it is only said.

        `until_started`: but by somebody who starts the same command.
        """
        details: dict[str, float | str] = {_UNTIL: "true"} if until_started else {}
        with suppress(OSError):
            self._write(replace(self._event("give_up", because, details), state="gave_up", next=advice))

    def went_on_in(self, state: StateFile, where: str) -> None:
        """Note that the training has gone on in another folder, as it ended there. `where`: in words."""
        with suppress(OSError):
            write_guard_file(self.path, replace(state._content, next=where))

    @property
    def _waits_for_start(self) -> bool:
        """Whether it was given up until the same command is started."""
        last = self._content.events[-1] if self._content.events else None
        return self._content.state == "gave_up" and last is not None and _UNTIL in last.details

    @property
    def _last_details(self) -> Mapping[str, float | str]:
        found = (event.details for event in reversed(self._content.events) if event.action == "go_on")
        return next(found, {})

    def _event(
        self, action: Action, because: str, details: Mapping[str, float | str], step: int | None = None
    ) -> GuardFile:
        reason = self._content.reason
        at = step if step is not None else reason.step if reason is not None else 0
        return self._content.with_event(GuardEvent(self._clock(), at, action, because, details))

    def _write(self, content: GuardFile) -> None:
        write_guard_file(self.path, content)
        RowRecorder(self.folder).event(content.events[-1])
        self._content = content


def _trusted(attempt: Attempt) -> Attempt:
    changes = {name: each for name, each in attempt.changes.items() if _can(name, each)}
    return replace(attempt, changes=changes)


def _can(name: str, change: SettingChange) -> bool:
    """Whether a rescue changes that to such a value."""
    if name == SKIPPING:
        return change.after == "true"
    is_number = change.after is None or isinstance(change.after, (int, float))
    return name in (*GENTLER, SEED) and is_number
