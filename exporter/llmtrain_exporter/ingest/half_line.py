"""The line at the end of a log that no line's end follows: a program can be about to write the rest of it."""

from __future__ import annotations

import re

_CLOSED_END = re.compile(rb"(?:[\s)\]}|%'\"]|\x1b\[[\d;]{0,20}m)\Z")
"""Behind a blank, a bracket, a bar or a colour nothing can be added to a value, nor behind a per cent."""

_LAST_WORD = re.compile(rb"\S+\Z")
MOST_CUT = 1 << 10
"""Bytes of a last word that are cut off; no number is as long."""


def whole_part(line: bytes) -> bytes:
    """What is whole of such a line: 8.5 can be the begin of 8.5e-06, of 8.55, of 8.5GiB."""
    if not line or _CLOSED_END.search(line, max(len(line) - MOST_CUT, 0)):
        return line
    last = _LAST_WORD.search(line, max(len(line) - MOST_CUT, 0))
    return line if last is None else line[: last.start()]
