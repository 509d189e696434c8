"""What a signal holds the values of a series against, as it is told."""

from __future__ import annotations

from typing import NamedTuple

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.signals.fit import OVERFIT
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.model import Episode, Snapshot


class Compared(NamedTuple):
    """A level and what it is; `name` None: the usual one of the run."""

    name: Text | None
    level: float | None


def compared_with(run: Snapshot, episode: Episode) -> Compared:
    """The level beside the values of an episode.

    An evaluation loss that rises, but is not above the training loss, is held against the lowest one.
    """
    split = dict(episode.metric.labels).get("split", "train")
    rises = episode.signal == OVERFIT.name and split == "eval" and episode.peak < (episode.baseline or 0.0)
    if rises and run.best is not None:
        return Compared(words.LOWEST, run.best[0])
    return Compared(SIGNALS[episode.signal].advice.baselines.get(split), episode.baseline)
