"""What a server's answer to a request means for the records in it.

Sources: the specification of remote write 1.0; storage/remote/write_handler.go of Prometheus; what Prometheus
2.42 and 3.5, VictoriaMetrics and Mimir answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

MOST_RETRY_AFTER = 600.0
"""Seconds; a server that wants to be left alone for longer is asked sooner."""


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """An answer as it came, or none. `body`: its beginning. `trouble`: why there was none."""

    status: int = 0
    body: str = ""
    retry_after: str = ""
    trouble: str = ""


class Outcome(Enum):
    """What to do now."""

    TAKEN = "taken"
    LATER = "later"  # send the same again
    DENIED = "denied"  # the same, but it takes somebody who changes a setting
    REFUSED = "refused"  # something in it is not taken, whenever it is sent


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means. `reason`: in a word. `wait`: the seconds that the server asks for."""

    outcome: Outcome
    reason: str = ""
    wait: float | None = None


TOO_OLD, OUT_OF_ORDER, DUPLICATE = "out_of_bounds", "out_of_order", "duplicate"
TOO_LARGE, OTHER, IN_FUTURE = "too_large", "rejected", "in_the_future"
LOG_GONE = "log_gone"
"""Why records were dropped; the last: their log does not have them any more."""

_REFUSALS = (
    (TOO_OLD, re.compile(r"out of bounds|too[ -]old", re.IGNORECASE)),
    (OUT_OF_ORDER, re.compile(r"out[ -]of[ -]order", re.IGNORECASE)),
    (DUPLICATE, re.compile(r"duplicate sample|new-value-for-timestamp", re.IGNORECASE)),
)

_DENIED = {301, 302, 303, 307, 308, 401, 403, 404, 405, 407, 410, 415}
_LATER = {408, 425, 429}


def judge(answer: RemoteAnswer, now: float) -> Verdict:
    """What an answer means. `now`: Unix time."""
    status = answer.status
    if not status:
        return Verdict(Outcome.LATER, answer.trouble)
    if 200 <= status < 300:
        return Verdict(Outcome.TAKEN)
    if status in _DENIED:
        return Verdict(Outcome.DENIED, f"status_{status}")
    named = _refusal(answer.body)
    # Prometheus 2.42 answers 500 to what lies before its window.
    if named == TOO_OLD and status >= 500:
        return Verdict(Outcome.REFUSED, named)
    if status in _LATER or not 400 <= status < 500:
        return Verdict(Outcome.LATER, f"status_{status}", _seconds(answer.retry_after, now))
    return Verdict(Outcome.REFUSED, TOO_LARGE if status == 413 else named or OTHER)


def _refusal(body: str) -> str:
    return next((reason for reason, words in _REFUSALS if words.search(body)), "")


def _seconds(retry_after: str, now: float) -> float | None:
    """Of the header: seconds, or a date. None where it says nothing that can be understood."""
    text = retry_after.strip()
    if not text:
        return None
    try:
        wait = float(text) if text.isdecimal() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), MOST_RETRY_AFTER)
