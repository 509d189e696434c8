"""How a question of the checklists is answered, and what an answer can rest on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Answer(str, Enum):
    """An answer to a question that is asked so that yes means: all is well."""

    YES = "yes"
    NOT_ALWAYS = "not_always"  # what speaks against it came and went
    NO = "no"
    NOT_KNOWN = "not_known"


class Ground(str, Enum):
    """What an answer rests on."""

    SIGNALS = "signals"  # those that were there, or are
    QUIET = "quiet"  # none of them was there
    VERDICT = "verdict"  # on the run as a whole
    STALLED = "stalled"  # no record comes any more
    TOO_FEW = "too_few"  # training records, or evaluations
    RISEN = "risen"  # the loss is above what it was at first
    NOT_LOGGED = "not_logged"
    WEIGHTS_LOST = "weights_lost"  # they are NaN, and values say nothing of the training any more
    ENDED = "ended"
    NO_LIMITS = "no_limits"  # the profile lacks signals that would speak against it


VALUES: Mapping[Answer, float] = {
    Answer.YES: 1.0,
    Answer.NOT_ALWAYS: 0.5,
    Answer.NO: 0.0,
    Answer.NOT_KNOWN: -1.0,
}
"""How answers are exposed. What is not known has a value too: a gap could be an exporter that is gone."""
