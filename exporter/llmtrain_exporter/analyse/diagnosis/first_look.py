"""What to do where a run shows no cause: what the signal that leads says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.patterns import well_again
from llmtrain_exporter.analyse.diagnosis.prescribing import prescription
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import Remedy
from llmtrain_exporter.knowledge.signal import FoundBy
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import Episode, Prescription

RESUME = "resume_from_checkpoint"
"""Not a setting of training: what goes back to a checkpoint tunes nothing."""


def leading_signal(case: Case) -> str:
    """The worst signal of the trouble, of those alike the first; empty where nothing speaks against the run.

    What other signals make up, as a collapse, leads only where nothing else does.
    """
    found = case.troubling or case.serious
    return min(found, key=_place).signal if found else ""


def _place(episode: Episode) -> tuple[bool, int, int]:
    composed = SIGNALS[episode.signal].found_by is FoundBy.INCIDENT
    return composed, -episode.severity.rank, episode.first_step


def looking(case: Case, signal: str) -> Iterator[Prescription]:
    """The signal's remedies that fit the run and tune nothing; none where it is well again.

    Without a proved cause a setting may as well make it worse.
    """
    if not signal or well_again(case) is not None:
        return
    for name in SIGNALS[signal].advice.remedies:
        found = prescription(name, (), case) if _tunes_nothing(REMEDIES[name]) else None
        if found is not None:
            yield found


def _tunes_nothing(remedy: Remedy) -> bool:
    return all(change.setting == RESUME for change in remedy.changes)
