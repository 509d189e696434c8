"""What torchtitan prints: `step: 41  loss:  5.1234  memory: 61.20GiB(77.40%)  tps: 7,123`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import (
    LONGEST_ROW,
    LOST_ROW,
    grouped_number,
    name,
    number_or_text,
    rows_in,
)
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.row import EVAL_PREFIX

TORCHTITAN = Producer(
    name="torchtitan",
    flags={
        "learning_rate": "optimizer.lr",
        "weight_decay": "optimizer.weight_decay",
        "warmup_steps": "lr_scheduler.warmup_steps",
        "max_grad_norm": "training.max_norm",
        "per_device_train_batch_size": "training.local_batch_size",
        "logging_steps": "metrics.log_freq",
        "eval_steps": "validation.freq",
        "save_steps": "checkpoint.interval",
        "max_length": "training.seq_len",
    },
)
_SPEED = "throughput(tps)"  # stands in each row, behind the numbers that matter
_TRACKED = {"tps": _SPEED, "mfu": "mfu(%)"}
_VALIDATED = {_SPEED: f"validation_metrics/{_SPEED}"}
"""Names in the row to those under which it keeps the same in TensorBoard."""

_ROW = re.compile(rb"\b(?P<validates>validate )?step: {1,20}(?P<step>\d{1,12}) {1,20}(?=loss: )")
_FIELD = re.compile(rb"([\w/.-]{1,80}): {1,20}(\S{1,40})")
_MEMORY = re.compile(rb"([\d.]{1,20}|nan)GiB\(([\d.]{1,20}|nan)%\)")
_PLANNED = re.compile(rb"\btotal steps (\d{1,12})\b")


class TorchtitanRows:
    """The grammar of one log. It remembers how many steps are planned, which no row says."""

    def __init__(self) -> None:
        self._planned: int | None = None

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The row of a step, or of a validation; several where lines were glued."""
        rows = [self._row(begin, text) for begin, text in rows_in(line, _ROW, b"step: ")]
        if not rows and b"total steps" in line:
            planned = _PLANNED.search(line, 0, LONGEST_ROW)
            self._planned = int(planned[1]) if planned else self._planned
        return rows

    def _row(self, begin: re.Match[bytes], text: bytes) -> LogRow:
        cells = _cells(text)
        if _SPEED not in cells:
            return LOST_ROW
        if begin["validates"]:
            cells = {_VALIDATED.get(key, EVAL_PREFIX + key): cell for key, cell in cells.items()}
        return {**cells, "step": int(begin["step"]), "max_steps": self._planned}


def _cells(text: bytes) -> LogRow:
    cells: dict[str, object] = {}
    for key, value in _FIELD.findall(text):
        memory = _MEMORY.fullmatch(value)
        if memory:
            cells |= {f"{name(key)}/max_reserved(GiB)": number_or_text(memory[1])}
            cells |= {f"{name(key)}/max_reserved(%)": number_or_text(memory[2])}
        else:
            cells[_TRACKED.get(name(key), name(key))] = grouped_number(value.removesuffix(b"%"))
    return cells


DIALECT = console_dialect("torchtitan", TORCHTITAN, lambda: TorchtitanRows().rows, _ROW)
