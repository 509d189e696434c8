"""What each trainer outside of the Transformers family calls the metrics of the catalogue, a module for each.

The keys that trainers of that family share stand with their metrics in the catalogue. Sources of the keys:
the trainers' own code and documentation, version by version.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue
from llmtrain_exporter.knowledge.log_keys import (
    areal,
    nemo_rl,
    openrlhf,
    own_loops,
    pretraining,
    prime_rl,
    roll,
    skyrl,
    slime,
    torchtune,
    verl,
)
from llmtrain_exporter.knowledge.log_keys.log_key import LogKey
from llmtrain_exporter.knowledge.metric import Key, Metric

LOG_KEYS: tuple[LogKey, ...] = tuple(
    dict.fromkeys(
        (
            *(LogKey(metric, key) for metric in catalogue.METRICS for key in metric.keys),
            *(*verl.KEYS, *openrlhf.KEYS, *slime.KEYS, *roll.KEYS, *prime_rl.KEYS, *nemo_rl.KEYS),
            *(*areal.KEYS, *skyrl.KEYS, *torchtune.KEYS, *pretraining.KEYS, *own_loops.KEYS),
        )
    )
)
"""Every key that is known, and what it feeds. What stands in front is tried first."""


def keys_of(metric: Metric) -> tuple[Key, ...]:
    """All keys that feed a metric, those of the catalogue in front."""
    return tuple(key for fed, key in LOG_KEYS if fed is metric)
