"""What Megatron-LM and Megatron-Bridge print: `iteration n/ m | name: value | ...`, and validations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.fields import fields, rows_in
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge.producers import MEGATRON
from llmtrain_exporter.knowledge.row import EVAL_PREFIX

_ROW = re.compile(rb"\biteration {1,20}(?P<iteration>\d{1,12})/ {0,20}(?P<planned>\d{1,12}) \|")
_VALIDATION = re.compile(
    rb"\bvalidation loss at (?:iteration (?P<step>\d{1,12})|the end of training)(?P<data>[^|]{0,80})\|"
)
_ANY_ROW = re.compile(_ROW.pattern + rb"|" + _VALIDATION.pattern)
_VALUE, _PERPLEXITY = re.compile(r"(?:lm )?loss value"), re.compile(r"(?:lm )?loss PPL")


class MegatronRows:
    """The grammar of one log. The validation at the end of a training does not say at which step that is."""

    def __init__(self) -> None:
        self._last = 0

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The row of an iteration, or of a validation; several where lines were glued."""
        return [self._row(begin, text) for begin, text in rows_in(line, _ANY_ROW, b" |")]

    def _row(self, begin: re.Match[bytes], text: bytes) -> LogRow:
        if not begin["iteration"]:
            return self._validation(begin, text)
        self._last = int(begin["iteration"])
        return {**fields(text, b"|", b":"), "step": self._last, "max_steps": int(begin["planned"])}

    def _validation(self, found: re.Match[bytes], text: bytes) -> LogRow:
        data = "test_" if b"test" in found["data"] else ""
        cells = {_evaluated(key, data): cell for key, cell in fields(text, b"|", b":").items()}
        return {**cells, "step": int(found["step"]) if found["step"] else self._last}


def _evaluated(key: str, data: str) -> str:
    key = _PERPLEXITY.sub("perplexity", _VALUE.sub("loss", key))
    return EVAL_PREFIX + data + key


DIALECT = console_dialect("megatron", MEGATRON, lambda: MegatronRows().rows, _ANY_ROW)
