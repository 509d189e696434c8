"""Event files of TensorBoard by hand, byte by byte; real ones are tensorboardX's own."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

NAME = "events.out.tfevents.1700000000.host.7.0"
BEGAN = 1_700_000_000.0  # Unix time
VERSION = b"brain.Event:2"


@cache
def _bits() -> tuple[int, ...]:
    """CRC-32C of each byte, bit by bit."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


def checksum(data: bytes) -> bytes:
    """The masked CRC-32C of some bytes, written independently of the package."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _bits()[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15) + (crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF)


def frame(data: bytes) -> bytes:
    """A record of TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def varint(number: int) -> bytes:
    """A number as protocol buffers write it."""
    number &= (1 << 64) - 1
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes((*parts, number))


def sized(number: int, data: bytes) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(step: int, values: bytes = b"", time: float = BEGAN) -> bytes:
    """An event with the values of its summary."""
    at = b"\x10" + varint(step) if step else b""
    return b"\x09" + struct.pack("<d", time) + at + (sized(5, values) if values else b"")


def value(tag: str, number: float) -> bytes:
    """A value of a summary: a number under a tag."""
    return sized(1, sized(1, tag.encode()) + b"\x15" + struct.pack("<f", number))


def scalar(step: int, tag: str, number: float, time: float = BEGAN) -> bytes:
    """A record with one number."""
    return frame(event(step, value(tag, number), time))


def header(time: float = BEGAN) -> bytes:
    """The first record of each file."""
    return frame(b"\x09" + struct.pack("<d", time) + sized(3, VERSION))


def row(step: int, cells: Mapping[str, float], time: float | None = None) -> bytes:
    """The records of a step, a number each."""
    at = BEGAN + 10 * step if time is None else time
    return b"".join(scalar(step, tag, number, at) for tag, number in cells.items())


def trained(step: int) -> dict[str, float]:
    """What Transformers logs at a step; its loss tells the step."""
    return {
        "train/loss": 1 / step,
        "train/grad_norm": step / 8,
        "train/learning_rate": 1e-5,
        "train/epoch": step / 100,
    }


def log(steps: Iterable[int]) -> bytes:
    """A whole file of such rows."""
    return header() + b"".join(row(step, trained(step)) for step in steps)


def writer(folder: Path, **options: Any) -> Any:
    """tensorboardX's own writer."""
    return import_module("tensorboardX").SummaryWriter(str(folder), **options)
