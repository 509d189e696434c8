"""The records of TensorBoard's event files: the numbers and texts of a step.

Source: event.proto, summary.proto, tensor.proto and types.proto of TensorBoard.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llmtrain_exporter.ingest.protobuf import MalformedError, double, fields, signed, submessages, text
from llmtrain_exporter.ingest.tensors import scalar, single

_WALL_TIME, _STEP, _SUMMARY = 1, 2, 5  # of an Event
_VALUE = 1  # of its Summary
_TAG, _SIMPLE_VALUE, _TENSOR, _METADATA = 1, 2, 8, 9  # of a Summary.Value
_PLUGIN, _PLUGIN_NAME, _PLUGIN_CONTENT = 1, 1, 2  # of its SummaryMetadata
_TEXTS = 8  # of a TensorProto

NUMBERS_PLUGINS = ("", "scalars")
SINGLE_BYTES = 4
LONGEST_TAG = 1000  # bytes
MOST_STEPS = 1 << 53

_PLAIN = re.compile(
    rb"\x09(?P<time>.{8})(?:\x10(?P<step>[\x80-\xff]{0,7}[\x00-\x7f]))?"
    rb"\x2a(?P<summary>[\x80-\xff]?[\x00-\x7f])\x0a(?P<value>[\x80-\xff]?[\x00-\x7f])"
    rb"\x0a(?P<length>[\x01-\x7f])(?P<tag>.{1,127})\x15(?P<number>.{4})",
    re.DOTALL,
)
"""Nearly every record: one number under a tag. Read so, it takes a third of the time."""

_DOUBLE = struct.Struct("<d")


@dataclass(frozen=True, slots=True)
class Event:
    """What a record says. `numbers`: by their tags, in their order."""

    time: float  # Unix time at which it was logged
    step: int | None  # None: one that no training takes
    numbers: tuple[tuple[str, float], ...] = ()
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # by tag
    kept: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))  # by plugins, by tag


@dataclass(slots=True)
class _Value:
    """A value of a summary, as far as it was read."""

    tag: str = ""
    plugin: str = ""
    kept: bytes = b""
    simple: float | None = None
    tensor: bytes | None = None

    @property
    def number(self) -> float | None:
        """The number that it is, None where it is something else."""
        if not self.tag or self.tensor is None or self.plugin not in NUMBERS_PLUGINS:
            return self.simple if self.tag else None
        return scalar(self.tensor)

    @property
    def text(self) -> str | None:
        """The text that it is, None where it is something else."""
        texts = list(submessages(self.tensor, _TEXTS)) if self.tensor else []
        return text(b"\n".join(texts)) if texts else None


def read_event(record: bytes) -> Event:
    """The event that a record is. Raises MalformedError."""
    plain = _PLAIN.fullmatch(record)
    event = _plain_event(plain) if plain else None
    return event or _event(record)


def _plain_event(plain: re.Match[bytes]) -> Event | None:
    """The same for one number under a tag; None where the lengths say otherwise."""
    tag = plain["tag"]
    value = len(tag) + 7
    summary = value + 1 + len(plain["value"])
    said = plain["length"][0], _length(plain["value"]), _length(plain["summary"])
    if said != (len(tag), value, summary):
        return None
    number, (time,) = single(plain["number"]), _DOUBLE.unpack(plain["time"])
    return Event(time, _length(plain["step"] or b"\0"), ((tag.decode("utf-8", "replace"), number),))


def _length(varint: bytes) -> int:
    return sum((byte & 0x7F) << 7 * index for index, byte in enumerate(varint))


def _event(record: bytes) -> Event:
    time, step = math.nan, 0
    values: list[_Value] = []
    for key, value in fields(record):
        if key == _WALL_TIME:
            time = double(value) or 0.0
        elif key == _STEP and type(value) is int:
            step = signed(value)
        elif key == _SUMMARY and type(value) is bytes:
            values += [_value(each) for each in submessages(value, _VALUE)]
    return Event(
        time,
        step if 0 <= step < MOST_STEPS else None,
        tuple((value.tag, number) for value in values if (number := value.number) is not None),
        {value.tag: found for value in values if (found := value.text) is not None},
        {value.tag: value.kept for value in values if value.kept},
    )


def _value(message: bytes) -> _Value:
    found = _Value()
    for number, value in fields(message):
        if type(value) is not bytes:
            continue
        if number == _TAG:
            found.tag = text(value[:LONGEST_TAG])
        elif number == _SIMPLE_VALUE:
            if len(value) != SINGLE_BYTES:
                raise MalformedError
            found.simple = single(value)
        elif number == _TENSOR:
            found.tensor = value
        elif number == _METADATA:
            _read_metadata(value, found)
    return found


def _read_metadata(message: bytes, found: _Value) -> None:
    for plugin in submessages(message, _PLUGIN):
        for number, value in fields(plugin):
            if number == _PLUGIN_NAME:
                found.plugin = text(value)
            elif number == _PLUGIN_CONTENT and type(value) is bytes:
                found.kept = value
