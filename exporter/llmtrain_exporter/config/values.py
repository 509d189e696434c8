"""Kinds of values that several settings have: durations, addresses, counts, lists."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

NEVER = "never"

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

SIZES = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}

_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+", re.ASCII)
_PART = re.compile(r"([\d.]+)(ms|[smhdw])", re.ASCII)
_SIZE = re.compile(rf"(\d{{1,15}}(?:\.\d{{1,9}})?)({'|'.join(SIZES)})", re.ASCII)
_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\*", re.ASCII)
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]/]*):(\d{1,5})", re.ASCII)


def seconds(value: object) -> float:
    """Seconds of "200ms", "5s", "1h30m", "7d", or of a plain number; a ValueError says how to write one."""
    text = str(value)
    number = math.nan
    if type(value) in (int, float) or _NUMBER.fullmatch(text):
        number = float(text)
    elif _DURATION.fullmatch(text):
        number = sum(float(amount) * UNITS[unit] for amount, unit in _PART.findall(text))
    if math.isfinite(number) and number >= 0:
        return number
    raise ValueError('must be a duration such as "200ms", "5s", "12h" or "7d"')


def duration(value: float | None) -> str:
    """The shortest way to write so many seconds: 604800 is "7d", None is "never"."""
    if value is None:
        return NEVER
    unit = next((unit for unit in ("d", "h", "m", "s") if value % UNITS[unit] == 0), "ms")
    return f"{value / UNITS[unit]:.15g}{unit}"


def size(value: object) -> int:
    """Bytes of "500MB", "5GiB", or of a plain number; a ValueError says how to write one."""
    parts = _SIZE.fullmatch(str(value))
    if parts is None or isinstance(value, bool):
        raise ValueError('must be a size such as "500MB", "5GiB", or a number of bytes')
    return int(float(parts[1]) * SIZES[parts[2]])


def in_units(value: int) -> str:
    """The shortest way to write so many bytes: 5368709120 is "5GiB"."""
    written = (f"{value // unit}{name}" for name, unit in SIZES.items() if value % unit == 0)
    return min(written, key=len)


def is_web_address(value: str) -> bool:
    """Whether it is an http or https address with a host, without blanks."""
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return fine and value.isprintable() and " " not in value


def _age(value: object) -> float | None:
    if value in (NEVER, None):
        return None
    try:
        return seconds(value) or None
    except ValueError as error:
        raise ValueError(f'{error}, or "{NEVER}"') from None


def address(listen: str) -> tuple[str, int]:
    """Host and port of HOST:PORT; an IPv6 address stands in brackets, an empty host means all interfaces."""
    parts = _ADDRESS.fullmatch(listen)
    if parts is None or int(parts[2]) > 65535:
        raise ValueError('must be HOST:PORT such as "127.0.0.1:9848" or "[::]:9848"')
    return parts[1].strip("[]"), int(parts[2])


def _listen(value: str) -> str:
    address(value)
    return value


def _host_name(value: str) -> str:
    name = value.lower().strip("[]").removesuffix(".")
    try:
        return str(ip_address(name))
    except ValueError:
        if _HOST_NAME.fullmatch(name):
            return name
    raise ValueError('must be a name or an address without port, such as "llm.example.org", "*.example.org"')


def _never_alone(names: tuple[str, ...]) -> tuple[str, ...]:
    if NEVER in names and len(names) > 1:
        raise ValueError(f'"{NEVER}" must stand alone')
    return names


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def no_truth_value(wanted: str) -> BeforeValidator:
    """For a field that must be `wanted`: pydantic takes true for 1."""

    def check(value: object) -> object:
        if isinstance(value, bool):
            raise ValueError(f"must be {wanted}")  # what pydantic catches
        return value

    return BeforeValidator(check)


def choice(names: Iterable[str]) -> BeforeValidator:
    """For a field that must be one of these texts."""
    *others, last = names
    expected = f"{', '.join(others)} or {last}" if others else last

    def check(value: object) -> object:
        if value not in (*others, last):
            raise PydanticCustomError("literal_error", "not {expected}", {"expected": expected})
        return value

    return BeforeValidator(check)


Count = Annotated[int, no_truth_value("a whole number"), Field(ge=0)]
OneOrMore = Annotated[int, no_truth_value("a whole number"), Field(ge=1)]
Number = Annotated[float, no_truth_value("a number"), Field(allow_inf_nan=False, gt=0)]
Seconds = Annotated[float, BeforeValidator(seconds), PlainSerializer(duration)]
Size = Annotated[int, BeforeValidator(size), PlainSerializer(in_units)]
Age = Annotated[float | None, BeforeValidator(_age), PlainSerializer(duration)]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_listed)]
PrintedLogs = Annotated[Names, AfterValidator(_never_alone)]
HostNames = Annotated[tuple[Annotated[str, AfterValidator(_host_name)], ...], BeforeValidator(_listed)]
ListenAddress = Annotated[str, AfterValidator(_listen)]
