"""Numbers, times and names of series as people read them."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from llmtrain_exporter.analyse.series_name import series_name as series_name
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import meaning
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.meaning import Healthy, Worry
from llmtrain_exporter.knowledge.metric import PREFIX, Metric
from llmtrain_exporter.knowledge.numerals import DIGITS as DIGITS
from llmtrain_exporter.knowledge.numerals import number as number
from llmtrain_exporter.knowledge.signal import Limits
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series

DASH = "–"  # noqa: RUF001  # stands where there is nothing to say

_BYTES = (("GiB", 1 << 30), ("MiB", 1 << 20))
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_MINUTE = 59.5  # from here on seconds are rounded to a minute


def value_text(value: float, metric: Metric, lang: Lang) -> str:
    """A value of a metric with its unit: seconds and bytes in what fits their size."""
    if metric.name.endswith("_bytes"):
        return _bytes(value)
    if metric.name.endswith("_seconds") and "timestamp" not in metric.name:
        return duration(value, lang, digits=DIGITS)
    return number(value)


def duration(seconds: float, lang: Lang, digits: int = 0, units: int = 2) -> str:
    """A length of time in at most so many units, each a whole number: "45 s", "3 min 20 s", "1 d 4 h".

    `digits`: significant ones of what is shorter than a minute ("0.47 s"); 0: whole seconds.
    """
    if not math.isfinite(seconds) or (digits and abs(seconds) < _MINUTE):
        return f"{number(float(f'{seconds:.{digits or DIGITS}g}'))} {words.UNITS['s'].of(lang)}"
    left = max(round(seconds), 0)
    parts: list[tuple[int, str]] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append((count, unit))
        elif parts:
            break
    return _spoken(parts[:units] or [(0, "s")], lang)


def _spoken(parts: list[tuple[int, str]], lang: Lang) -> str:
    """Chinese has a shorter word for minutes with seconds behind them."""
    before_seconds = [unit for _, unit in parts] == ["min", "s"]
    minutes = words.MINUTES_AND if before_seconds else words.UNITS["min"]
    known = {**words.UNITS, "min": minutes}
    return " ".join(f"{count} {known[unit].of(lang)}" for count, unit in parts)


def moment_text(at: float) -> str:
    """A Unix time as people on any continent read it."""
    return f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def percent(share: float | None) -> str:
    """A share of the run."""
    return DASH if share is None else f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def short_name(series: Series) -> str:
    """The same, shorter for reward functions, whose own names are long: "reward Format"."""
    return series_name(series).replace(f"{c.REWARD_FUNCTION_MEAN.name.removeprefix(PREFIX)} ", "reward ")


def range_text(healthy: Healthy, metric: Metric, limits: Limits, lang: Lang) -> str:
    """A healthy range: "0.1 - 10", "<= 0.1", ">= 0.7"; only the sides that are worth a look."""
    low = None if healthy.worry is Worry.ABOVE else meaning.number(healthy.low, limits)
    high = None if healthy.worry is Worry.BELOW else meaning.number(healthy.high, limits)
    if low is not None and high is not None:
        return f"{value_text(low, metric, lang)} - {value_text(high, metric, lang)}"
    if high is not None:
        return f"<= {value_text(high, metric, lang)}"
    return "" if low is None else f">= {value_text(low, metric, lang)}"


def _bytes(value: float) -> str:
    for unit, size in _BYTES:
        if abs(value) >= size:
            return f"{number(value / size)} {unit}"
    return f"{number(value)} B"
