"""Numbers as people write them: 16384, 0.00012, 1e-6, 2.3e9."""

from __future__ import annotations

import math
import re

DIGITS = 4
"""Significant digits of every number that is not whole."""

WHOLE = re.compile(r"-?\d{5,6}")
"""What is written without a fraction: here four digits would need a power of ten."""

_EXPONENT = re.compile(r"e\+?(-?)0*")


def number(value: float) -> str:
    """Four significant digits at the most, whole from 10,000 on; beyond a million with a power of ten.

    Rules of alerts and the pages write the same: `bundle/alerting/templates.py`, `static/numbers.js`.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Inf" if value > 0 else "-Inf")
    whole = f"{value:.0f}"
    return whole if WHOLE.fullmatch(whole) else typed(value, DIGITS)


def typed(value: float, digits: int = 10) -> str:
    """A number as one types it, with so many significant digits: 5e-6, 0.04, 256."""
    return _EXPONENT.sub(r"e\1", f"{value + 0.0:.{digits}g}")  # no -0
