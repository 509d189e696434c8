"""What becomes of kept logs with other limits; each is folded no more often than it has to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.model import Episode, Health
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog
from llmtrain_exporter.publish.calibrate.moves import JUDGING, Moves, with_moves
from llmtrain_exporter.watching.rules import EPISODES_READ

CALIBRATED = "calibrated"
"""What a profile is called while it is learned."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the analysis said of a run. `spoke`: the signals that any record met, if only for a moment."""

    verdict: Health
    episodes: tuple[Episode, ...]  # that speak against it
    spoke: frozenset[str]

    @property
    def alarms(self) -> int:
        """How often something spoke against it."""
        return sum(episode.times for episode in self.episodes)


_NOTHING = Hearing(Health.UNKNOWN, (), frozenset())


class Court:
    """Hears logs of one profile with any limits, and remembers each hearing."""

    def __init__(
        self, logs: Sequence[KeptLog], profile: Profile, heard: Callable[[], object] = lambda: None
    ) -> None:
        """`heard`: called after each fold."""
        self.logs = logs
        self.profile = profile
        self._heard = heard
        self._known: dict[tuple[int, Moves], Hearing] = {}

    def hear(self, at: int, moves: Moves) -> Hearing:
        """What is said of a log with these limits.

        A looser limit of a signal that no record has met changes nothing: for such a move nothing is folded.
        """
        known = self._known.get((at, moves))
        if known is not None:
            return known
        kept = frozenset(move for move in moves if move.is_tighter_than(self.profile.limits))
        while (hearing := self._folded(at, kept)) and (
            more := kept | {move for move in moves if move.signal in hearing.spoke}
        ) != kept:
            kept = more
        self._known[at, moves] = hearing
        return hearing

    def hear_all(self, at: int, moves: Moves) -> Hearing:
        """The same by a fold with all of them, whether they matter or not."""
        return self._fold(at, moves)

    def _folded(self, at: int, moves: Moves) -> Hearing:
        known = self._known.get((at, moves))
        if known is None:
            known = self._known[at, moves] = self._fold(at, moves)
        return known

    def _fold(self, at: int, moves: Moves) -> Hearing:
        profile = with_moves(self.profile, moves, CALIBRATED)
        options = RunOptions(
            profile=profile.name, profiles={profile.name: profile}, episodes_kept=EPISODES_READ
        )
        analysis = self.logs[at].folded(options)
        self._heard()
        if analysis is None:
            return _NOTHING
        episodes = tuple(episode for episode in analysis.episodes if episode.severity in JUDGING)
        return Hearing(analysis.verdict, episodes, frozenset(analysis.trackers))
