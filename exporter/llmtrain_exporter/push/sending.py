"""Getting one batch taken by a server, request after request, and dropping no more of it than it refuses."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmtrain_exporter.push.answers import IN_FUTURE, TOO_OLD, Outcome, Verdict
from llmtrain_exporter.push.record_samples import RecordSamples

Records = Sequence[RecordSamples]

ORDER_MATTERS_MS = 3 * 3600_000
"""A server without a window for what is out of order takes nothing that is older; one with a window minds no
order. Source: Prometheus refuses what is older than half of a block (of 2 h) before the newest sample."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one request has brought: how many records were taken, and which were dropped, and why."""

    taken: Records = ()
    dropped: Records = ()
    reason: str = ""


class Sending:
    """A batch that is being sent. Belongs to one thread.

    Prometheus refuses a request as a whole for one sample that it does not take: then it is cut, until what
    is refused stands alone.
    """

    def __init__(self, records: Records, floor: Floor) -> None:
        """`records`: in the order of their times. `floor`: what the server is known to find too old."""
        self._parts = deque([records])
        self._floor = floor

    @property
    def is_over(self) -> bool:
        """Whether each record was taken or dropped."""
        return not self._parts

    def drop_known(self) -> Progress:
        """Drop what needs not be sent to be refused; what is left is `part`."""
        below: list[RecordSamples] = []
        while self._parts and not self._floor.is_above(self._parts[0][-1]):
            below += self._parts.popleft()
        if self._parts:
            part = self._parts[0]
            above = [each for each in part if self._floor.is_above(each)]
            if len(above) < len(part):
                below += part[: len(part) - len(above)]
                self._parts[0] = above
        return Progress(dropped=below, reason=TOO_OLD)

    @property
    def part(self) -> Records:
        """What is to be sent next."""
        return self._parts[0]

    def answered(self, verdict: Verdict, now_ms: float) -> Progress:
        """What the answer to `part` has brought. `now_ms`: Unix time."""
        if verdict.outcome is Outcome.TAKEN:
            return Progress(taken=self._parts.popleft())
        if verdict.outcome is not Outcome.REFUSED:
            return Progress()
        part = self._parts.popleft()
        if len(part) == 1:
            return Progress(dropped=part, reason=self._learn(verdict.reason, part[0].time_ms, now_ms))
        self._parts.extendleft(reversed(_cut(part, verdict.reason, now_ms)))
        return Progress()

    def _learn(self, reason: str, time_ms: int, now_ms: float) -> str:
        """Why a record is not taken; a server calls what lies in the future out of bounds too."""
        if reason != TOO_OLD:
            return reason
        if time_ms > now_ms:
            return IN_FUTURE
        self._floor.rise(time_ms)
        return TOO_OLD


class Floor:
    """The time up to which a server has found records too old. Belongs to one thread."""

    LASTS_SECONDS = 600.0  # it may get other settings

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` never goes back."""
        self._clock = clock
        self._time_ms: float = float("-inf")
        self._ends_at = float("-inf")

    def rise(self, time_ms: int) -> None:
        """A record of that time was too old: so are those before it."""
        known = self._time_ms if self._clock() < self._ends_at else float("-inf")
        self._time_ms = max(known, time_ms)
        self._ends_at = self._clock() + self.LASTS_SECONDS

    def forget(self) -> None:
        """The server was away: it may have come back with other settings."""
        self._ends_at = float("-inf")

    def is_above(self, record: RecordSamples) -> bool:
        """Whether a record may be taken."""
        return record.time_ms > self._time_ms or self._clock() >= self._ends_at


def _cut(part: Records, reason: str, now_ms: float) -> tuple[Records, Records]:
    """Two parts of one, that to be sent first before the other.

    What is too old stands at the beginning. Where the order matters the first that may be taken must be found
    from there; elsewhere halving is quicker, with the newer half first: if that is refused, so is the other.
    """
    middle, newest = len(part) // 2, part[-1].time_ms
    if reason != TOO_OLD or newest > now_ms:
        return part[:middle], part[middle:]
    if now_ms - newest < ORDER_MATTERS_MS:
        return part[:1], part[1:]
    return part[middle:], part[:middle]
