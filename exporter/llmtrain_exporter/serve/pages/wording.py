"""What the pages say in one language, and how they write lengths of time and counts."""

from __future__ import annotations

from llmtrain_exporter.knowledge import page_words
from llmtrain_exporter.knowledge.text import Lang

_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


class Wording:
    """The words in one language, as templates say them: `say("range", first=1, last=9)`. Plain text."""

    def __init__(self, lang: Lang) -> None:
        self._texts = page_words.all_words(lang)

    def __call__(self, name: str, /, **values: object) -> str:
        """A text with its placeholders filled. Raises KeyError."""
        text = self._texts[name]
        return text.format(**values) if values else text

    def get(self, name: str, default: str) -> str:
        """A text that may not be there."""
        return self._texts.get(name, default)

    def age(self, seconds: float) -> str:
        """A length of time in its largest unit that fits: "12 s", "3 min", "5 h", "2 d"."""
        size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
        return self(unit, n=f"{max(0.0, seconds) // size:.0f}")

    def ago(self, seconds: float) -> str:
        """How long ago something was."""
        return self("ago", age=self.age(seconds))


def count(number_of: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number_of:,}"
