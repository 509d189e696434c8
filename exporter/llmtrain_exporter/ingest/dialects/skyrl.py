"""What SkyRL prints: `Step 41:`, and behind it a dict over several lines, with texts of four decimals."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.marked_dicts import MarkedDicts
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.phases import apart
from llmtrain_exporter.ingest.prefixes import without_prefix_of
from llmtrain_exporter.knowledge.producer import ASSIGNED, Producer

_ALGORITHM, _OPTIMIZER = "trainer.algorithm", "trainer.policy.optimizer_config"
SKYRL = Producer(
    name="skyrl",
    style=ASSIGNED,
    flags={
        "learning_rate": f"{_OPTIMIZER}.lr",
        "weight_decay": f"{_OPTIMIZER}.weight_decay",
        "max_grad_norm": f"{_OPTIMIZER}.max_grad_norm",
        "warmup_steps": f"{_OPTIMIZER}.num_warmup_steps",
        "beta": f"{_ALGORITHM}.kl_loss_coef",
        "epsilon": f"{_ALGORITHM}.eps_clip_low",
        "epsilon_high": f"{_ALGORITHM}.eps_clip_high",
        "max_completion_length": "generator.sampling_params.max_generate_length",
        "temperature": "generator.sampling_params.temperature",
        "num_generations": "generator.n_samples_per_prompt",
        "num_train_epochs": "trainer.epochs",
        "save_steps": "trainer.ckpt_interval",
        "eval_steps": "trainer.eval_interval",
    },
)
_RATE, _ROUNDED = "policy/policy_lr", "0.0000"
_ROW = re.compile(rb"\bStep (\d{1,12}): +(?=\{)")
_OPENED = re.compile(rb"\bStep \d{1,12}: *\r?\Z")
MOST_BETWEEN = 64
"""Lines of bars and warnings between the step and its dict."""

_KNOWN_BY = re.compile(
    rb"(?m)\| (?:[^|\r\n]{1,200} - )?Step \d{1,12}: *(?:\r?$|\{ *['\"]"
    rb"(?:async|policy|critic|loss|reward|generate|timing|trainer|train|eval|environment)/)"
)


class SkyRlRows:
    """The grammar of one log. It holds the line that says the step until the dict begins."""

    def __init__(self) -> None:
        self._dicts = MarkedDicts(_ROW)
        self._step = b""
        self._left = 0  # lines in which its dict may begin

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The row of a step that ends with the line, and of the evaluation in it."""
        if _OPENED.search(line):
            self._step, self._left = line.rstrip() + b" ", MOST_BETWEEN
            return ()
        if self._step:
            begin = without_prefix_of(self._step, line).lstrip()
            line = self._step + begin if begin.startswith(b"{") else line
            self._left -= 1
            self._step = b"" if begin.startswith(b"{") or not self._left else self._step
        return [row for each in self._dicts.find(line) for row in _rows(each.cells, int(each.mark[1]))]


def _rows(cells: LogRow, step: int) -> Sequence[LogRow]:
    """With four decimals a small learning rate cannot be told from none."""
    told = {key: cell for key, cell in cells.items() if not (key == _RATE and cell == _ROUNDED)}
    return apart(told, {"step": step})


DIALECT = console_dialect("skyrl", SKYRL, lambda: SkyRlRows().rows, _KNOWN_BY)
