"""What the places in a run count: its steps, or its records where the log tells no steps."""

from __future__ import annotations

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot

STEP, RECORD = "step", "record"
"""Keys of `words.COUNTED_IN`."""


def unit_of(run: Snapshot) -> str:
    """A key of `words.COUNTED_IN`."""
    return RECORD if run.step_is_record else STEP


def unit_words(unit: str, lang: Lang) -> dict[str, str]:
    """The placeholders of a text that tells a place: "step" and "steps", or "record" and "records"."""
    one, many = words.COUNTED_IN[unit]
    return {"unit": one.of(lang), "units": many.of(lang)}


def counted_in(run: Snapshot, lang: Lang) -> dict[str, str]:
    """The same for a run."""
    return unit_words(unit_of(run), lang)
