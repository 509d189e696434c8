"""Texts for people: the languages, and the placeholders that a text may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.knowledge.numerals import typed


class Lang(str, Enum):
    """The languages that every text is written in."""

    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in every language, a field for each; `{placeholder}`s stand for numbers kept elsewhere."""

    en: str
    zh: str

    def of(self, lang: Lang) -> str:
        """The text as written, placeholders included; in English where nobody wrote it in that language."""
        written: str = getattr(self, lang.value, "")
        return written or self.en


class Counted(NamedTuple):
    """A number of things: `one` for 1, else `many`, in which {n} is the number."""

    one: Text
    many: Text

    def of(self, n: int, lang: Lang) -> str:
        """So many, in words."""
        return (self.one if n == 1 else self.many).of(lang).format(n=n)


MOMENT = {
    "metric": "log name of the metric that the signal watches",
    "function": "name of the reward function",
    "step": "step at which the signal came up",
    "unit": "what the run is counted in: steps, or records where its log tells no steps",
    "value": "the metric's value then, with its unit",
    "share": "the same in percent, where the metric is a share",
    "baseline": "what the value is held against: the run's own level before, or training beside evaluation",
    "baseline_name": "what that is, where it is not the usual level",
    "limit": "the limit that was broken, in the metric's own unit",
    "stages": "the parts of the run that had broken by then, in their order",
}
"""Known only at the record where a signal comes up; they stand in `Advice.finding` alone."""

RUN_LIMITS = {"kl_limit": ("kl_high", "critical"), "clipped_limit": ("clipped_high", "critical")}
"""Limits of other signals that a text names: signal and severity; their value is the profile's."""

SETTINGS = frozenset((*arguments.NUMBERS, "lr_scheduler_type", "save_total_limit"))
"""The run's own hyper-parameters; filled by `named`, so "beta = 0.04" where known and "beta" where not."""

PLACEHOLDERS = frozenset(MOMENT) | frozenset(RUN_LIMITS) | SETTINGS
"""All that a text of a signal, a cause or a remedy may hold; another one would be shown as its own name."""

PATTERN = re.compile(r"\{(\w+)\}")


def fill(text: Text, lang: Lang, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled. One without a value stands as its own name."""
    return PATTERN.sub(lambda match: values.get(match[1], match[1]), text.of(lang))


def named(settings: Mapping[str, float | str]) -> dict[str, str]:
    """Values for the placeholders of settings: {"beta": 0.04} becomes {"beta": "beta = 0.04"}."""
    return {name: f"{name} = {written(value)}" for name, value in settings.items() if name in SETTINGS}


def switched(value: float) -> str:
    """A setting that is on or off, as one types it."""
    return "true" if value else "false"


def written(value: float | str) -> str:
    """A setting as one types it on a command line: 5e-6, 256, cosine."""
    return value if isinstance(value, str) else typed(value)
