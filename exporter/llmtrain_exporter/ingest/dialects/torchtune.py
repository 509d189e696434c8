"""What torchtune's loggers to disk and to the console write: `Step 41 | loss:0.8123 lr:2e-05`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import fields, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.several_files import Part, SeveralFiles
from llmtrain_exporter.knowledge.producer import ASSIGNED, Producer

TORCHTUNE = Producer(
    name="torchtune",
    style=ASSIGNED,
    flags={
        "learning_rate": "optimizer.lr",
        "weight_decay": "optimizer.weight_decay",
        "warmup_steps": "lr_scheduler.num_warmup_steps",
        "max_grad_norm": "clip_grad_norm",
        "num_train_epochs": "epochs",
        "per_device_train_batch_size": "batch_size",
        "gradient_accumulation_steps": "gradient_accumulation_steps",
        "logging_steps": "log_every_n_steps",
        "lora_rank": "model.lora_rank",
        "lora_alpha": "model.lora_alpha",
        "lora_dropout": "model.lora_dropout",
        "beta": "loss.beta",
        "max_length": "tokenizer.max_seq_len",
    },
)
_OWN_FILE = re.compile(r"log_1\d{9}\.txt")
_ROW = re.compile(rb"\bStep (\d{1,12}) \| (?=[\w./-]{1,200}:\S)")


def rows(line: bytes) -> Sequence[LogRow]:
    """The row of a step; several where lines were glued."""
    found = rows_in(line, _ROW, b"Step ")
    return [{**fields(text, b" ", b":"), "step": int(begin[1])} for begin, text in found]


def _part(path: str) -> Part | None:
    """Each process that trains into a folder begins another file there."""
    folder, name = os.path.split(path)
    return Part(folder, name) if _OWN_FILE.fullmatch(name) else None


DIALECT = console_dialect(
    "torchtune",
    TORCHTUNE,
    lambda: rows,
    _ROW,
    files=("log_1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9].txt",),  # by the time of its start
    several=SeveralFiles(_part, by_steps=True),
)
