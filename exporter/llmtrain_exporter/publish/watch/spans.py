"""Spans of time as people say them."""

from __future__ import annotations

from llmtrain_exporter.knowledge import watch_words
from llmtrain_exporter.knowledge.text import Lang

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def time_text(seconds: float, lang: Lang) -> str:
    """At most two units, and no fractions: "45 s", "3 min 20 s", "2 h", "1 d 4 h"."""
    left = max(round(seconds), 0)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {watch_words.UNITS[unit].of(lang)}")
        elif parts:
            break
    return " ".join(parts[:2]) or f"0 {watch_words.UNITS['s'].of(lang)}"


def short_text(seconds: float, lang: Lang) -> str:
    """The same for what may well be less than a second: "0.47 s", "9.5 s", "45 s"."""
    if seconds >= 10:
        return time_text(seconds, lang)
    return f"{seconds:.2g} {watch_words.UNITS['s'].of(lang)}"
