"""The settings of a run that may be shown or made use of, out of all that its trainer was given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.model import HyperParameters
from llmtrain_exporter.printable import printable

LONGEST_TEXT = 120  # characters of a label value

KEPT = 256
"""Settings that runs share."""

_ADDRESS = ("://", "@", "?")  # an address may carry a password or a token


def select(found: Mapping[str, object]) -> HyperParameters:
    """The white-listed part of a trainer's arguments."""
    texts = {label: _text(label, found) for label in arguments.TEXTS}
    numbers = {key: _number(_value(key, found)) for key in arguments.NUMBERS}
    numbers |= {key: _truth(_value(key, found)) for key in arguments.TRUTHS}
    unset = {key for key, number in numbers.items() if key.startswith("max_") and (number or 0.0) <= 0}
    if any(found.get(key) is True for key in arguments.WITHOUT_GPUS):
        unset.add(arguments.GPUS)
    return _shared(
        tuple((label, text) for label, text in texts.items() if text),
        tuple((key, number) for key, number in numbers.items() if number is not None and key not in unset),
        tuple(_unshown(found).items()),
    )


@lru_cache(maxsize=KEPT)
def _shared(
    info: tuple[tuple[str, str], ...],
    numbers: tuple[tuple[str, float], ...],
    unshown: tuple[tuple[str, float | str], ...],
) -> HyperParameters:
    """One for all runs that were started alike."""
    return HyperParameters(dict(info), dict(numbers), dict(unshown))


def _unshown(found: Mapping[str, object]) -> Mapping[str, float | str]:
    known: dict[str, float | str | None] = {
        **{key: _word(_value(key, found)) for key in arguments.UNSHOWN_TEXTS},
        **{key: _number(_value(key, found)) for key in arguments.UNSHOWN_NUMBERS},
        **{key: _truth(_value(key, found)) for key in arguments.UNSHOWN_TRUTHS},
    }
    return {key: value for key, value in known.items() if value is not None}


def _value(setting: str, found: Mapping[str, object]) -> object:
    """Of a setting, by whichever of its names stands there."""
    names = (setting, *arguments.ALIASES.get(setting, ()))
    return next((found[name] for name in names if name in found), None)


def _word(value: object) -> str | None:
    return printable(value)[:LONGEST_TEXT] if isinstance(value, str) and value.isidentifier() else None


def _text(label: str, found: Mapping[str, object]) -> str:
    value = next((found[key] for key in arguments.TEXTS[label] if found.get(key)), "")
    if not isinstance(value, str) or any(mark in value for mark in _ADDRESS):
        return ""
    if label in arguments.PATHS:
        value = "/".join(value.replace("\\", "/").rstrip("/").split("/")[-2:])
    return printable(value)[:LONGEST_TEXT]


def _truth(value: object) -> float | None:
    """1 for what is switched on, 0 for what is off."""
    return float(value) if type(value) is bool else None


def _number(value: object) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # an int or a float, as type() says
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
