"""The tables of notebooks as text, pasted or saved: Unsloth's and those of Transformers."""

from __future__ import annotations

import re

from llmtrain_exporter.ingest.console_dialect import console_dialect
from llmtrain_exporter.ingest.tables import TableRows
from llmtrain_exporter.knowledge.producers import TRANSFORMERS

_HEADER = re.compile(
    rb"(?m)^[ \t|]{0,4}(?:Step|Epoch) *[|\t][^\r\n]{0,400}?"
    rb"(?:Training|Validation) Loss *(?:[|\t]|\r?$)"
)


DIALECT = console_dialect("notebook_table", TRANSFORMERS, lambda: TableRows().rows, _HEADER, live=False)
