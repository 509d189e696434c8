"""Texts of strangers, made safe to show, and texts and numbers as an exposition has them."""

from __future__ import annotations

import re

# Control, format and separator characters of all of Unicode: they end a line, steer a terminal, turn the
# direction of what follows, or have no width at all, so that two names look alike.
# Those that are none at all (U+FFFE, U+FFFF) no YAML may hold.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)

_NO_DIGITS = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}

LONGEST = 200
"""Characters of a label value at most."""


def printable(text: str) -> str:
    """`text` with undecodable bytes, and characters that steer or do not show, replaced by U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return UNPRINTABLE.sub("\ufffd", text)


def escaped(text: str) -> str:
    """A text as it stands between quotes in an exposition."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def number_text(value: float) -> str:
    """A value as it stands there: NaN, +Inf, -Inf or the shortest digits that read back the same."""
    text = repr(float(value))
    return _NO_DIGITS.get(text, text)


def label_value(value: str) -> str:
    """The value as it is exposed, not yet escaped: printable (Prometheus' lexer ends at a NUL) and not long.

    A value that had to be changed ends in a digest of the original, so that different values stay different.
    """
    clean = printable(value)
    if clean == value and len(value) <= LONGEST:
        return value
    from hashlib import blake2b  # loads OpenSSL; hardly any value needs it

    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{clean[: LONGEST - 9]}~{digest}"
