"""What MiniMind's scripts print: `Epoch:[1/1](20/4292), loss: 0.6605, learning_rate: 0.00000004, ...`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import matching, number_or_text, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.producer import Producer

MINIMIND = Producer(
    name="minimind",
    flags={
        "learning_rate": "learning_rate",
        "max_grad_norm": "grad_clip",
        "num_train_epochs": "epochs",
        "per_device_train_batch_size": "batch_size",
        "gradient_accumulation_steps": "accumulation_steps",
        "logging_steps": "log_interval",
        "save_steps": "save_interval",
        "max_length": "max_seq_len",
        "num_generations": "num_generations",
        "beta": "beta",
    },
)
ALIASES = {
    "Reward": "reward",
    "KL": "kl",
    "KL_ref": "kl",
    "Loss": "loss",
    "Actor Loss": "policy_loss",
    "Critic Loss": "value_loss",
    "Avg Response Len": "completions/mean_length",
    "Learning Rate": "learning_rate",
    "Actor LR": "learning_rate",
    "Adv Mean": "advantage",
    "epoch_time": "remaining_time",  # what is left of the epoch, which it reckons anew at each row
    "epoch_Time": "remaining_time",
}
_ROW = re.compile(
    rb"\bEpoch: ?\[(\d{1,6})/(\d{1,6})\] ?\((\d{1,12})/(\d{1,12})\),?[ \t](?=[A-Za-z_ ]{1,60}:)"
)
_FIELD = re.compile(rb"([A-Za-z][\w ]{0,60}?): ?([^\s,]{1,40})")
_MINUTES = re.compile(rb"([\d.]{1,20})min:?")


def rows(line: bytes) -> Sequence[LogRow]:
    """The row of an iteration; several where lines were glued."""
    return [_row(begin, text) for begin, text in rows_in(line, _ROW, b"Epoch:")]


def _row(begin: re.Match[bytes], text: bytes) -> LogRow:
    epoch, epochs, done, length = map(int, begin.groups())
    cells = matching(text, _FIELD, _value)
    return {**cells, "step": max(epoch - 1, 0) * length + done, "max_steps": epochs * length}


def _value(text: bytes) -> object:
    minutes = _MINUTES.fullmatch(text)
    read = number_or_text(minutes[1]) if minutes else number_or_text(text)
    return read * 60 if minutes and isinstance(read, float) else read


DIALECT = console_dialect("minimind", MINIMIND, lambda: rows, _ROW, ALIASES)
