"""What xtuner prints: by MMEngine's logger `Epoch(train) [1][230/735]  lr: ...`, and by its own of 1.0."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import matching, number_or_text, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.producer import PYTHON_KEYWORD, Producer
from llmtrain_exporter.knowledge.row import EVAL_PREFIX

XTUNER = Producer(
    name="xtuner",
    style=PYTHON_KEYWORD,
    flags={
        "learning_rate": "lr",
        "weight_decay": "weight_decay",
        "warmup_ratio": "warmup_ratio",
        "max_grad_norm": "max_norm",
        "num_train_epochs": "max_epochs",
        "per_device_train_batch_size": "batch_size",
        "gradient_accumulation_steps": "accumulative_counts",
        "save_steps": "save_steps",
        "save_total_limit": "save_total_limit",
        "max_length": "max_length",
    },
)
ALIASES = {
    "total_loss": "loss",
    "eta": "remaining_time",
    "time": "step_time",
    "memory": "memory(GiB)",
    "tgs": "tokens_per_second_per_gpu",
}
_CLOCKS = frozenset((*ALIASES, "data_time"))  # stand in validations too, and say nothing of them
_MEBIBYTES = "memory"  # in GiB once it is read
_ROW = re.compile(
    rb"\b(?P<kind>Epoch|Iter)\((?P<phase>train|val|test)\) {1,8}(?:\[ {0,8}(?P<epoch>\d{1,9})\])?"
    rb"\[ {0,12}(?P<iter>\d{1,12})/ {0,12}(?P<length>\d{1,12})\] {1,8}"
)
_OWN_ROW = re.compile(rb"\bEpoch \d{1,9} Step (?P<step>\d{1,12})/(?P<planned>\d{1,12}) (?=\w{1,40}: )")
_ANY_ROW = re.compile(_ROW.pattern + rb"|" + _OWN_ROW.pattern)
_KNOWN_BY = re.compile(rb"\b(?:Epoch|Iter)\(train\) {1,8}\[|" + _OWN_ROW.pattern)
_FIELD = re.compile(rb"([\w./-]{1,100}): {1,8}(\d{1,6} days?, [\d:]{1,12}|[^\s,]{1,40})(?: GB)?")


class XtunerRows:
    """The grammar of one log. A validation counts its own batches, and stands where the training is."""

    def __init__(self) -> None:
        self._last = 0
        self._planned: int | None = None

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The rows of iterations, and of validations that have numbers."""
        found = rows_in(line, _ANY_ROW, b" ") if b": " in line else ()
        return [row for begin, text in found for row in self._rows(begin, _cells(text))]

    def _rows(self, begin: re.Match[bytes], cells: LogRow) -> Sequence[LogRow]:
        if begin["phase"]:
            return [self._trained(begin, cells)] if begin["phase"] == b"train" else self._validated(cells)
        self._last, self._planned = int(begin["step"]), int(begin["planned"])
        return [self._placed(cells)]

    def _trained(self, found: re.Match[bytes], cells: LogRow) -> LogRow:
        done, length, epoch = int(found["iter"]), int(found["length"]), int(found["epoch"] or 0)
        by_epochs = found["kind"] == b"Epoch"
        self._last = max(epoch - 1, 0) * length + done if by_epochs else done
        self._planned = None if by_epochs else length  # how many epochs are planned no row says
        return self._placed(cells)

    def _validated(self, cells: LogRow) -> Sequence[LogRow]:
        scores = {EVAL_PREFIX + key: cell for key, cell in cells.items() if key not in _CLOCKS}
        return [self._placed(scores)] if scores else ()

    def _placed(self, cells: LogRow) -> LogRow:
        return {**cells, "step": self._last, "max_steps": self._planned}


def _cells(text: bytes) -> LogRow:
    cells = matching(text, _FIELD, number_or_text)
    memory = cells.get(_MEBIBYTES)
    return {**cells, _MEBIBYTES: memory / 1024} if isinstance(memory, float) else cells


DIALECT = console_dialect("xtuner", XTUNER, lambda: XtunerRows().rows, _KNOWN_BY, ALIASES)
