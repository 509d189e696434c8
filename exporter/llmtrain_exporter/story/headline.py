"""What a run's story leads with: the worst that lasts, why it is so, what to do first.

Lists go by it, in the exporter and in Grafana, which is told by a series whose labels are the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.state import STALLED
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge.pace import HEADLINE_SECONDS
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Health, Series, Snapshot, State, series
from llmtrain_exporter.story.diagnosis import against

Headline = tuple[str, Severity]
"""A signal, and the worst that it is now."""


def worst_lasting(run: Snapshot) -> Headline | None:
    """The worst signal that lasts, as `against` orders them; None where none speaks against the run."""
    lasting = [episode for episode in run.episodes if episode.active]
    found = against(replace(run, episodes=tuple(lasting))) if lasting else []
    if found:
        severities = (episode.severity for episode in lasting if episode.signal == found[0])
        return found[0], max(severities, key=lambda severity: severity.rank)
    if run.state is not State.STALLED:  # which no record can show
        return None
    return STALLED, Severity.CRITICAL if run.health is Health.BROKEN else Severity.WARNING


def headline_samples(run: Snapshot) -> Mapping[Series, float]:
    """The headline as a sample; none where there is no headline. Needs the run's samples and courses."""
    found = worst_lasting(run)
    return {} if found is None else {_told(run, found): 1.0}


def _told(run: Snapshot, found: Headline) -> Series:
    """Names of what the story says first; one of which nothing is known is no label."""
    signal, severity = found
    diagnosis = diagnose(run)
    causes = [("cause", cause.cause) for cause in diagnosis.causes[:1]]
    remedies = [("remedy", remedy.remedy) for remedy in diagnosis.remedies[:1]]
    return series(m.HEADLINE, ("signal", signal), ("severity", severity.value), *causes, *remedies)


class _Kept(NamedTuple):
    """A headline, and of what it was made."""

    signs: int  # a hash of what it goes by: a run may have hundreds of episodes
    last_record: float
    samples: Mapping[Series, float]


class Headlines:
    """The headlines of runs. Another thread may ask for each run, but no two for the same.

    A diagnosis takes as long as ten records: it is made anew when signals come or go, when time changes
    what the run is doing, and else as often as somebody can see it.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def samples(self, run: Snapshot) -> Mapping[Series, float]:
        """See `headline_samples`; not older than `HEADLINE_SECONDS` by the run's own records."""
        found = worst_lasting(run)
        if found is None:
            self.forget(run.run)
            return {}
        kept, last = self._kept.get(run.run), run.last_record or 0.0
        episodes = tuple((each.signal, each.severity, each.active) for each in run.episodes)
        signs = hash((found, run.state, run.cut_off, episodes))
        if kept is None or kept.signs != signs or _is_old(kept, last):
            kept = self._kept[run.run] = _Kept(signs, last, {_told(run, found): 1.0})
        return kept.samples

    def forget(self, run: str) -> None:
        """A run that is gone. One that is not known is no error."""
        self._kept.pop(run, None)


def _is_old(kept: _Kept, last: float) -> bool:
    """A record that goes back in time begins a new log."""
    return not 0 <= last - kept.last_record < HEADLINE_SECONDS
