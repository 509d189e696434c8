"""Texts of strangers, made safe to show."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` with undecodable bytes, control and direction characters replaced by U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text)
