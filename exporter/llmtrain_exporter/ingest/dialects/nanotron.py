"""What nanotron prints: `iteration: 41 / 500 | consumed_tokens: 10.7M | lm_loss: 2.11`, with three digits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import fields, human_number, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.producer import DOTTED_YAML_KEY, Producer

_SCHEDULER = "optimizer.learning_rate_scheduler"
NANOTRON = Producer(
    name="nanotron",
    style=DOTTED_YAML_KEY,
    flags={
        "learning_rate": f"{_SCHEDULER}.learning_rate",
        "warmup_steps": f"{_SCHEDULER}.lr_warmup_steps",
        "lr_scheduler_type": f"{_SCHEDULER}.lr_decay_style",
        "weight_decay": "optimizer.weight_decay",
        "max_grad_norm": "optimizer.clip_grad",
        "per_device_train_batch_size": "tokens.micro_batch_size",
        "gradient_accumulation_steps": "tokens.batch_accumulation_per_replica",
        "logging_steps": "logging.iteration_step_info_interval",
        "save_steps": "checkpoints.checkpoint_interval",
        "eval_steps": "tokens.val_check_interval",
        "max_length": "tokens.sequence_length",
    },
)
_ROW = re.compile(rb"\biteration: {1,20}(\d{1,12}) / (\d{1,12}) \| ")


def rows(line: bytes) -> Sequence[LogRow]:
    """The row of an iteration; several where lines were glued."""
    return [
        {**fields(text, b"|", b":", human_number), "step": int(begin[1]), "max_steps": int(begin[2])}
        for begin, text in rows_in(line, _ROW, b"iteration: ")
    ]


DIALECT = console_dialect("nanotron", NANOTRON, lambda: rows, _ROW)
