"""A sentence that a program wrote down in one language, in another: numbers and names stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from llmtrain_exporter.knowledge.text import PATTERN, Lang, Text, fill

LONGEST, FEW = 300, 2
"""Characters of a sentence with more than so many placeholders: a longer one has too many ways."""


def said_again(sentence: str, texts: Iterable[Text], lang: Lang, within: Sequence[Text] = ()) -> str:
    """The sentence in that language, if it is one of these texts; else as it is.

    `within`: those that may stand at its placeholders, and at theirs.
    """
    for text in texts:
        values = values_in(sentence, text)
        if values is not None:
            inner = {name: said_again(value, within, lang, within) for name, value in values.items()}
            return fill(text, lang, inner)
    return sentence


def values_in(sentence: str, text: Text) -> Mapping[str, str] | None:
    """What stands at the placeholders of a text that the sentence is, in any language; None: it is none."""
    for written in (text.of(lang) for lang in Lang):
        pattern = _pattern(written)
        short = len(sentence) <= LONGEST or pattern.groups <= FEW
        found = pattern.fullmatch(sentence) if short else None
        if found is not None:
            return found.groupdict()
    return None


@lru_cache(maxsize=256)
def _pattern(written: str) -> re.Pattern[str]:
    parts = PATTERN.split(written)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL
    )
