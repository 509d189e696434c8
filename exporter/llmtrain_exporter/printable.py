"""Texts of strangers, made safe to show."""

from __future__ import annotations

import re

# Control, format and separator characters of all of Unicode: they end a line, steer a terminal, turn the
# direction of what follows, or have no width at all, so that two names look alike.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def printable(text: str) -> str:
    """`text` with undecodable bytes, and characters that steer or do not show, replaced by U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)
