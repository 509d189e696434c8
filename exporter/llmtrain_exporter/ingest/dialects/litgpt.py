"""What litgpt prints of micro-batches: `Epoch 1 | iter 40 step 10 | loss train: 1.212, val: n/a | ...`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import number_or_text
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.producer import Producer

LITGPT = Producer(
    name="litgpt",
    flags={
        "learning_rate": "optimizer.init_args.lr",
        "weight_decay": "optimizer.init_args.weight_decay",
        "warmup_steps": "train.lr_warmup_steps",
        "max_grad_norm": "train.max_norm",
        "num_train_epochs": "train.epochs",
        "per_device_train_batch_size": "train.micro_batch_size",
        "logging_steps": "train.log_interval",
        "save_steps": "train.save_interval",
        "eval_steps": "eval.interval",
        "max_length": "train.max_seq_length",
        "lora_rank": "lora_r",
        "lora_alpha": "lora_alpha",
        "lora_dropout": "lora_dropout",
    },
)
_NUMBER = rb"([-+.\w]{1,40})"
_ROW = re.compile(
    rb"\bEpoch \d{1,9} \| iter \d{1,12} step (?P<step>\d{1,12}) \| loss train: (?P<loss>[-+.\w]{1,40})"
    rb", val: (?P<val>n/a|[-+.\w]{1,40}) \| iter time: (?P<time>[-+.\w]{1,40}) ms(?P<updates> \(step\))?"
)
_VALIDATION = re.compile(rb"\biter \d{1,12}: val loss " + _NUMBER + rb", val time: " + _NUMBER + rb" ms")
_CLOSING = re.compile(rb"\bFinal evaluation \| val loss: " + _NUMBER + rb" \| val ppl: " + _NUMBER)


class LitGptRows:
    """The grammar of one log.

    Each micro-batch has a row, one of which for each step counts: that of the update where it is printed. The
    last validation is repeated in all rows that follow.
    """

    def __init__(self) -> None:
        self._last = 0
        self._validated = b""  # as the rows repeat it

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The row of an update, with the validation that it is the first to tell; or of a validation."""
        if b"iter" not in line and b"val" not in line:
            return ()
        found = _ROW.search(line)
        if found:
            return self._update(found)
        validation = _VALIDATION.search(line)
        if validation:
            self._validated = b"%.3f" % _float(validation[1])
            return [self._evaluation(validation[1], eval_runtime=_float(validation[2]) / 1000)]
        closing = _CLOSING.search(line)
        return [self._evaluation(closing[1], eval_ppl=number_or_text(closing[2]))] if closing else ()

    def _update(self, found: re.Match[bytes]) -> Sequence[LogRow]:
        step = int(found["step"])
        if not found["updates"] and step == self._last:
            return ()
        self._last = step
        trained = {
            "loss": number_or_text(found["loss"]),
            "iter_time": _float(found["time"]) / 1000,
            "step": step,
        }
        if found["val"] in (b"n/a", self._validated):
            return [trained]
        self._validated = found["val"]
        return [trained, self._evaluation(found["val"])]

    def _evaluation(self, loss: bytes, **cells: object) -> LogRow:
        return {"eval_loss": number_or_text(loss), **cells, "step": self._last}


def _float(text: bytes) -> float:
    read = number_or_text(text)
    return read if isinstance(read, float) else float("nan")


DIALECT = console_dialect("litgpt", LITGPT, lambda: LitGptRows().rows, _ROW)
