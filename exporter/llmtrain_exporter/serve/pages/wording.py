"""What the pages say in one language, and how they write lengths of time and counts."""

from __future__ import annotations

import math
from collections.abc import Mapping

from llmtrain_exporter.knowledge import page_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.numbers import duration


class Wording:
    """The words in one language, as templates say them: `say("range", first=1, last=9)`. Plain text."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang
        self._texts = page_words.page_texts(lang)

    def __call__(self, name: str, /, **values: object) -> str:
        """A text with its placeholders filled. Raises KeyError."""
        text = self._texts[name]
        return text.format(**values) if values else text

    def get(self, name: str, default: str) -> str:
        """A text that may not be there."""
        return self._texts.get(name, default)

    def age(self, seconds: float) -> str:
        """A length of time in its largest unit that fits: "12 s", "3 min", "5 h", "2 d"."""
        return duration(math.floor(max(seconds, 0.0)), self.lang, units=1)

    def ago(self, seconds: float) -> str:
        """How long ago something was."""
        return words.AGO.of(self.lang).format(time=self.age(seconds))


def label_texts(labels: Mapping[str, str]) -> list[str]:
    """Labels of a run as people write them: "team=vision"."""
    return [f"{name}={printable(value)}" for name, value in labels.items()]


def count(number_of: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number_of:,}"
