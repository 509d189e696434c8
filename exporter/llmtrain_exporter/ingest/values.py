"""How producers write a quantity, read into base units."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache

from llmtrain_exporter.knowledge.metric import Unit

CellReader = Callable[[object], float | None]
"""Reads a cell of a row; None: it is not what its key promises."""

GIBIBYTE = float(1 << 30)
GIGABYTE = 1e9
MILLI = 1e-3
BILLION = 1e9
TERA = 1e12

LONGEST = 40  # characters; the longest way to print a float takes 24

DIGITS = 16  # fewer always make an integer that a float can hold
TOO_MANY = 1 << 53  # steps

_WORDS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_USUAL = 400  # of each unit, at the most
_USUAL_WORDS = {f"{amount}{unit}": amount * seconds for unit, seconds in _WORDS for amount in range(_USUAL)}
_UNITS = "dhms"
_TIMES_KEPT = 16
_CLOCK = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)


def number(value: object) -> float | None:
    """A number that a log means, None where it means none. An integer too large for a float is infinite."""
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if type(value) is str and len(value) <= LONGEST:
        try:
            return None if "_" in value else float(value)
        except ValueError:
            return None
    return None


def duration(value: object) -> float | None:
    """Seconds of "5s", "1m 8s", "18h 37m 22s", "12d 22h 12m 9s", "0:00:26", "3 days, 17:51:32" or 12.5."""
    if type(value) is not str or not 0 < len(value) <= LONGEST:
        return number(value)
    if value[-1] not in _UNITS:
        return _clock(value)
    before, _, last = value.rpartition(" ")
    try:  # the common case, quick: minutes stay from row to row
        return _usual_words(before) + _USUAL_WORDS[last]
    except KeyError:
        return _words(value)


@lru_cache(_TIMES_KEPT)
def _usual_words(text: str) -> float:
    """Seconds of "18h 37m"; 0 of nothing. A KeyError where it is written in another way."""
    if not text:
        return 0.0
    before, gap, last = text.rpartition(" ")
    if gap and not before:
        raise KeyError(text)
    return _usual_words(before) + _USUAL_WORDS[last]


def _words(text: str) -> float | None:
    """Seconds of other amounts. Whether it can read them hangs on no digit: columns go by their shapes."""
    if "-" in text:
        return None
    total = 0
    try:
        for unit, seconds in _WORDS:
            if unit in text:
                amount, _, text = text.partition(unit)
                total += int(amount) * seconds
    except ValueError:
        return None
    return None if text else float(total)


def _clock(text: str) -> float | None:
    parts = _CLOCK.fullmatch(text)
    if parts is None:
        return number(text)
    days, hours, minutes, seconds = parts.groups()
    return int(days or 0) * 86400.0 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def percent(value: object) -> float | None:
    """The ratio of "1.67%" or 1.67."""
    read = number(value.removesuffix("%") if type(value) is str else value)
    return None if read is None else read / 100


def gibibytes(value: object) -> float | None:
    """Bytes of a number of GiB."""
    return _times(value, GIBIBYTE)


def gigabytes(value: object) -> float | None:
    """Bytes of a number of GB, a billion bytes each: whole ones, which a product of floats may miss."""
    read = _times(value, GIGABYTE)
    return read if read is None or not math.isfinite(read) else float(round(read))


def milli(value: object) -> float | None:
    """The number that is written in thousandths."""
    return _times(value, MILLI)


def billions(value: object) -> float | None:
    """The number that is written in thousands of millions."""
    return _times(value, BILLION)


def tera(value: object) -> float | None:
    """The number that is written in millions of millions."""
    return _times(value, TERA)


def _times(value: object, size: float) -> float | None:
    read = number(value)
    return None if read is None else read * size


def per_second(value: object) -> float | None:
    """Seconds of one, from how many come in a second; 0 a second takes forever."""
    read = number(value)
    if read is None:
        return None
    return 1 / read if read else math.inf


def count(value: object) -> int | None:
    """A whole number that a row states as its step."""
    read = number(value)
    return int(read) if read is not None and 0 <= read < TOO_MANY else None


def fraction(value: object) -> tuple[int | None, int | None]:
    """The step and the number of steps of "45/150"."""
    if type(value) is not str or len(value) > LONGEST:
        return count(value), None
    done, _, planned = value.partition("/")
    if len(value) < DIGITS and done.isdecimal() and planned.isdecimal():  # the common case, quick
        return int(done), int(planned)
    return count(done), count(planned)


READERS: dict[Unit, CellReader] = {
    Unit.PLAIN: number,
    Unit.PERCENT: percent,
    Unit.GIBIBYTES: gibibytes,
    Unit.GIGABYTES: gigabytes,
    Unit.MILLI: milli,
    Unit.BILLIONS: billions,
    Unit.TERA: tera,
    Unit.DURATION: duration,
    Unit.PER_SECOND: per_second,
}
