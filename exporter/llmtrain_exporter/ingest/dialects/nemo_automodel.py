"""What NeMo Automodel prints: `step 8 | epoch 0 | loss 0.7839 | ... | tps 31346.32(3918.29/gpu)`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import name, number_or_text, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.python_dict import UNREADABLE
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.row import EVAL_PREFIX

NEMO_AUTOMODEL = Producer(
    name="nemo-automodel",
    flags={
        "learning_rate": "optimizer.lr",
        "weight_decay": "optimizer.weight_decay",
        "max_grad_norm": "clip_grad_norm.max_norm",
        "num_train_epochs": "step_scheduler.num_epochs",
        "per_device_train_batch_size": "step_scheduler.local_batch_size",
        "save_steps": "step_scheduler.ckpt_every_steps",
        "eval_steps": "step_scheduler.val_every_steps",
    },
)
ALIASES = {"mem": "memory(GiB)", "tps": "train_tokens_per_second", "tps/gpu": "tokens_per_second_per_gpu"}
_ROW = re.compile(
    rb"(?P<validates>\[val\][^|\r\n]{0,80}?(?:\| )?)?"
    rb"\bstep (?P<step>\d{1,12}) \| epoch (?P<epoch>\d{1,9}) \| (?=loss )"
)
_FIELD = re.compile(rb"([\w./-]{1,80}) ([-+.\w]{1,40})(?: GiB|\(([\d.]{1,20})/gpu\))?")


def rows(line: bytes) -> Sequence[LogRow]:
    """The row of a step, or of a validation; several where lines were glued."""
    return [_row(begin, text) for begin, text in rows_in(line, _ROW, b"step ")]


def _row(begin: re.Match[bytes], text: bytes) -> LogRow:
    cells = _cells(text)
    if begin["validates"]:
        cells = {EVAL_PREFIX + key: cell for key, cell in cells.items()}
    return {**cells, "epoch": float(begin["epoch"]), "step": int(begin["step"])}


def _cells(text: bytes) -> LogRow:
    cells: dict[str, object] = {}
    for part in text.strip().split(b" | "):
        field = _FIELD.fullmatch(part)
        if field is None:
            cells[name(part.partition(b" ")[0])] = UNREADABLE
            continue
        cells[name(field[1])] = number_or_text(field[2])
        if field[3]:
            cells[name(field[1]) + "/gpu"] = number_or_text(field[3])
    return cells


DIALECT = console_dialect("nemo_automodel", NEMO_AUTOMODEL, lambda: rows, _ROW, ALIASES)
