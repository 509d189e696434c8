"""What mlx-lm prints: `Iter 25: Train loss 1.593, Learning Rate 7.000e-05, ...`, and lines of validations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest import values
from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import LONGEST_ROW, name, number_or_text, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.python_dict import UNREADABLE
from llmtrain_exporter.knowledge.producer import Producer

MLX_LM = Producer(
    name="mlx-lm",
    flags={
        "learning_rate": "learning-rate",
        "per_device_train_batch_size": "batch-size",
        "gradient_accumulation_steps": "grad-accumulation-steps",
        "logging_steps": "steps-per-report",
        "eval_steps": "steps-per-eval",
        "save_steps": "save-every",
        "max_length": "max-seq-length",
        "resume_from_checkpoint": "resume-adapter-file",
    },
)
ALIASES = {
    "Train loss": "loss",
    "Val loss": "eval_loss",
    "Val took": "eval_runtime",
    "Test loss": "eval_test_loss",
    "Test ppl": "eval_test_perplexity",
    "Learning Rate": "learning_rate",
    "Tokens/sec": "train_tokens_per_second",
    "Trained Tokens": "num_tokens",
    "Peak mem": "peak_memory_gb",
}
_RATE, _TIME = "It/sec", "step_time"  # iterations a second of the interval
_ROW = re.compile(rb"(?:\b|(?<=GB)|(?<=\ds))Iter (\d{1,12}): (?=(?:Train|Val) loss )")
_TEST = re.compile(rb"(?=\bTest loss \S{1,40}, Test ppl )")
_FIELD = re.compile(rb"([A-Za-z][A-Za-z/ ]{0,40}?) ([-+]?[\d.][\d.e+-]{0,30}|nan|[-+]?inf)(?: GB|s)?")
_PLANNED = re.compile(rb"\bStarting training\.{3},? iters: (\d{1,12})")


class MlxLmRows:
    """The grammar of one log. It remembers how many iterations are planned, and how many were made."""

    def __init__(self) -> None:
        self._planned: int | None = None
        self._last = 0

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The row of an iteration, or of a validation; several where lines were glued."""
        rows = [self._row(int(begin[1]), text) for begin, text in rows_in(line, _ROW, b"Iter ")]
        if rows or len(line) > LONGEST_ROW:
            return rows
        test = _TEST.search(line)
        if test:
            return [self._row(self._last, line[test.end() :])]
        planned = _PLANNED.search(line)
        self._planned = int(planned[1]) if planned else self._planned
        return ()

    def _row(self, step: int, text: bytes) -> LogRow:
        self._last = step
        return {**_cells(text), "step": step, "max_steps": self._planned}


def _cells(text: bytes) -> LogRow:
    cells: dict[str, object] = {}
    for part in text.strip().removesuffix(b".").split(b", "):
        field = _FIELD.fullmatch(part)
        cells[name(field[1] if field else part)] = number_or_text(field[2]) if field else UNREADABLE
    rate = cells.pop(_RATE, None)
    return cells if rate is None else {**cells, _TIME: values.per_second(rate)}


DIALECT = console_dialect("mlx_lm", MLX_LM, lambda: MlxLmRows().rows, _ROW, ALIASES)
