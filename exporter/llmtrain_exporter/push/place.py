"""How far a server has taken in a log, and how the log is known again."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import series
from llmtrain_exporter.push.record_samples import RecordSamples

_NAN = float("nan")
_IDENTITY = struct.Struct("<q4d")


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


# What the trainer wrote, and nothing that is concluded of it: that may change with the next version.
_SAID = (
    series(c.STEP),
    series(c.LOSS, ("split", "train")),
    series(c.LOSS, ("split", "eval")),
    series(c.GRAD_NORM),
)


def digest(samples: RecordSamples, before: int) -> int:
    """The digest of a log up to this record. `before`: that up to the record before it, 0 for the first."""
    get = samples.values.get
    return zlib.crc32(_IDENTITY.pack(samples.record, *(get(each, _NAN) for each in _SAID)), before)


def is_kept(record: int) -> bool:
    """Whether the digest up to that record is kept: of few, and the closer the earlier in the log."""
    return record & (record - 1) == 0
