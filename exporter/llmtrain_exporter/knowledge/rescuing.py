"""Numbers by which a training that was stopped is started again, and where they come from."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.producers import TRACKERS

RESCUES: Annotated[int, "starts", src.RUNS] = 2
"""How often a training is started again at most. The second time is further back and gentler."""

RATE: Annotated[float, "times", src.RUNS] = 0.1
"""Of the learning rate at each rescue. Half of it was too much in the one run in which both were tried:
GRPO on a small model whose rate was five to ten times too high (final accuracy 0.48, with a tenth 0.84)."""

GRACE_RECORDS: Annotated[int, "records", src.RUNS] = 20
"""Training records after a rescue in which nothing stops the training again: the analysis, which has read the
records up to the checkpoint once more, would tell of the same incident."""

LEARNING_RATE = "learning_rate"

GENTLER = (LEARNING_RATE, "max_grad_norm", "beta")
"""The settings that a rescue changes, what helps most first. Others, as the reward or the data, are for a
person to judge."""

RANKS_GONE_SECONDS: Annotated[float, "s", src.TRAINERS] = 120.0
"""Processes of the old training are waited for so long: torchrun gives its workers 30 s, then kills them."""

SERVICES = (*TRACKERS, "resource_tracker", "raylet", "gcs_server")
"""In names of programs that trainings start and leave behind, and that write no checkpoint."""

USUAL_SEED: Annotated[float, "seed", src.TRAINERS] = 42.0
"""Of Transformers' training arguments, and so of TRL, ms-swift and LLaMA-Factory, where none is given."""

WARNING_SECONDS: Annotated[float, "s", src.RUNS] = 900.0
"""After SIGUSR1 or SIGUSR2 in which nothing is started again: schedulers warn with them before the end."""
