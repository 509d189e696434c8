"""What the guard says in the terminal of a training, a line for each thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from llmtrain_exporter.guard.keep.checkpoints import Checkpoint
from llmtrain_exporter.guard.launch.aside import MovedAside
from llmtrain_exporter.guard.launch.command_lines import TrainingCommand
from llmtrain_exporter.guard.launch.rescue import RescuePlan
from llmtrain_exporter.guard.launch.restart import Start, data_order, settings_in_words
from llmtrain_exporter.guard.launch.shown_command import shown_command
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge.text import Lang, Text, fill
from llmtrain_exporter.printable import printable


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says things on a stream, which may be closed, in one language."""

    out: TextIO
    lang: Lang
    begin: str = "llmtrain-exporter guard: "

    def say(self, text: Text, **values: str) -> None:
        """One thing, on one line."""
        self.line(fill(text, self.lang, values))

    def line(self, line: str) -> None:
        """A line that is ready."""
        with suppress(OSError, ValueError):
            self.out.write(f"{self.begin}{printable(line)}\n")
            self.out.flush()

    def rescue(self, plan: RescuePlan, start: Start, moved: MovedAside | None, about: AboutRescue) -> None:
        """What a rescue does."""
        for text, values in _rescue(plan, start, about, self.lang):
            self.say(text, **values)
        if moved is not None and moved.steps:
            steps = ", ".join(map(str, moved.steps))
            self.say(words.MOVED, steps=steps, folder=str(moved.folder))

    def command(self, text: Text, start: Start) -> None:
        """What is started, or would be, so that it can be typed."""
        self.say(text, command=shown_command(start.words))

    def goes_on(self, attempt: int, checkpoint: Checkpoint, file: Path) -> None:
        """A rescue that was interrupted is taken up again."""
        told = {"attempt": str(attempt), "from_step": str(checkpoint.step), "file": str(file)}
        self.say(words.GOES_ON, **told, checkpoint=str(checkpoint.path))


@dataclass(frozen=True, slots=True)
class AboutRescue:
    """What belongs to a rescue besides its plan: the original command, and how often there may be one."""

    command: TrainingCommand
    most: int


def _rescue(
    plan: RescuePlan, start: Start, about: AboutRescue, lang: Lang
) -> Iterator[tuple[Text, dict[str, str]]]:
    yield (
        words.GOES_BACK,
        {
            "attempt": str(plan.attempt),
            "most": str(about.most),
            "from_step": str(plan.checkpoint.step),
            "checkpoint": str(plan.checkpoint.path),
            "wasted": str(plan.wasted_steps),
        },
    )
    changes = {name: change for name, change in plan.changes.items() if name not in start.unchanged}
    order = data_order(about.command, plan.changes).of(lang)
    yield words.CHANGES, {"changes": "; ".join((*settings_in_words(changes), order))}
    if start.unchanged:
        told = "; ".join(f"{name} ({why})" for name, why in start.unchanged.items())
        yield words.UNCHANGED, {"settings": told}
    if start.inside:
        yield words.INSIDE, {"settings": ", ".join(start.inside)}
