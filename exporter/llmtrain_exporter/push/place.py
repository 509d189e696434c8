"""How far a server has taken in a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """The last record that a server has answered for.

    `record`: its number, 0 for none. `time_ms`: the Unix time with which it was sent. `read_to`: the last
    record up to which the log was read; what lies between says nothing. `digests`: of the log up to some of
    its records, by their number. `under_way`: the times of records that were being sent when this was noted,
    and of which nobody knows whether they have arrived. `too_old`: first and last of the records that
    were refused for their age, which may be taken once the server has other settings; 0 for none. `noted`:
    Unix time at which that was, 0 for never.
    """

    record: int = 0
    time_ms: int = 0
    read_to: int = 0
    digests: Mapping[int, int] = field(default_factory=dict)
    under_way: Mapping[int, int] = field(default_factory=dict)
    too_old: tuple[int, int] = (0, 0)
    noted: float = 0.0


NOWHERE = Place()
