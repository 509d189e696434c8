"""How a broken run was told: when it became critical, what had spoken by then, how early."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmtrain_exporter.knowledge.calibrating import LATER, NEAR
from llmtrain_exporter.model import Episode
from llmtrain_exporter.publish.calibrate.judging import Hearing
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog


@dataclass(frozen=True, slots=True)
class BrokenRun:
    """What must not be lost of a broken run: how it was told with the limits so far."""

    told: Hearing
    moments: tuple[tuple[int, frozenset[str]], ...]  # when it became critical, and the signals there by then
    near: int  # steps that NEAR records take
    later: int  # steps that LATER records take

    @property
    def fatal(self) -> int | None:
        """The step at which the run became critical first."""
        return min((step for step, _ in self.moments), default=None)

    def lost(self, hearing: Hearing) -> str | None:
        """A signal that is not told any more as it was, or None: nothing is lost."""
        for step, signals in self.moments:
            if not any(_is_critical_at(episode, step, self.later) for episode in hearing.episodes):
                return min(signals)
            for signal in sorted(signals - _there_at(hearing.episodes, step, self.later)):
                return signal
        if hearing.verdict.value < self.told.verdict.value:
            return min((episode.signal for episode in self.told.episodes), default="")
        spoken = {episode.signal for episode in hearing.episodes}
        before = () if self.moments else (episode.signal for episode in self.told.episodes)
        return next((signal for signal in before if signal not in spoken), None)

    def first_sign(self, hearing: Hearing, signal: str | None = None) -> int | None:
        """The step of the first sign of what broke the run, maybe that of one signal; None: there is none."""
        steps = [
            self._begun(episode)
            for episode in hearing.episodes
            if signal in (None, episode.signal) and self._belongs(episode)
        ]
        return min(steps, default=None)

    def is_unwarned(self, hearing: Hearing) -> bool:
        """Whether nothing was said before it became critical, or nothing at all."""
        sign = self.first_sign(hearing)
        return sign is None or sign == self.fatal

    def lead(self, hearing: Hearing, signal: str | None = None) -> int | None:
        """Steps from its first sign until it became critical with the limits so far."""
        sign = self.first_sign(hearing, signal)
        return None if sign is None or self.fatal is None else self.fatal - sign

    def _belongs(self, episode: Episode) -> bool:
        if self.fatal is None:
            return True
        return self.fatal - self.near <= episode.last_step and episode.first_step <= self.fatal + self.later

    def _begun(self, episode: Episode) -> int:
        earliest = episode.first_step if self.fatal is None else self.fatal - self.near
        return max(episode.first_step, earliest)


def broken_run(log: KeptLog, hearing: Hearing) -> BrokenRun:
    """How a broken run is told."""
    run = log.run
    steps = (run.last_step or 0) - (run.first_step or 0)
    each = steps / max(log.trained - 1, 1)
    return BrokenRun(hearing, tuple(_moments(hearing.episodes)), round(NEAR * each), round(LATER * each))


def _moments(episodes: Sequence[Episode]) -> Iterator[tuple[int, frozenset[str]]]:
    for step in sorted({episode.critical_step for episode in episodes if episode.critical_step is not None}):
        yield step, _there_at(episodes, step)


def _there_at(episodes: Sequence[Episode], step: int, later: int = 0) -> frozenset[str]:
    """The signals that are there at a step, or come up so many steps later at the most."""
    return frozenset(
        episode.signal for episode in episodes if episode.first_step - later <= step <= episode.last_step
    )


def _is_critical_at(episode: Episode, step: int, later: int) -> bool:
    critical = episode.critical_step
    return critical is not None and critical - later <= step <= episode.last_step
