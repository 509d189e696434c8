"""The metrics that the list of runs can show: their last values are kept of every run."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series

_TRAIN, _EVAL, _MEAN = ("split", "train"), ("split", "eval"), ("stat", "mean")

LISTED: Mapping[str, Series] = {
    "loss": series(c.LOSS, _TRAIN),
    "eval_loss": series(c.LOSS, _EVAL),
    "reward": series(c.REWARD, _TRAIN),
    "kl": series(c.KL, _TRAIN),
    "grad_norm": series(c.GRAD_NORM),
    "entropy": series(c.ENTROPY, _MEAN, _TRAIN),
    "length": series(c.COMPLETION_LENGTH, _MEAN, _TRAIN),
}
"""By the names that addresses and JSON know. Few: a list of 10,000 runs holds them all."""


def listed_metrics(samples: Mapping[Series, float]) -> dict[str, float]:
    """The last values of those that a run has."""
    return {name: samples[one] for name, one in LISTED.items() if one in samples}
