"""The metrics that the list of runs can show: their last values are kept of every run."""

from __future__ import annotations

from array import array
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
"""By the names that addresses and JSON know. Few, at most eight: a list of 10,000 runs holds them all."""


def kept_values(samples: Mapping[Series, float]) -> bytes:
    """The last values of those that a run has: a bit for each that is there, and then the numbers."""
    held = [one in samples for one in LISTED.values()]
    numbers = array("d", [samples[one] for one in LISTED.values() if one in samples])
    return bytes((sum(1 << at for at, there in enumerate(held) if there),)) + numbers.tobytes()


def listed_metrics(kept: bytes) -> dict[str, float]:
    """The same by their names."""
    names = [name for at, name in enumerate(LISTED) if kept[0] >> at & 1]
    return dict(zip(names, array("d", kept[1:]), strict=True))
