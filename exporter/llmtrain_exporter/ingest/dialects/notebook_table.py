"""The tables of notebooks as text, pasted or saved: Unsloth's and those of Transformers."""

from __future__ import annotations

import re

from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.tables import TableRows
from llmtrain_exporter.knowledge.producers import TRANSFORMERS

_HEADER = re.compile(
    rb"(?m)^[ \t|]{0,4}(?:Step|Epoch) *[|\t][^\r\n]{0,400}?"
    rb"(?:Training|Validation) Loss *(?:[|\t]|\r?$)"
)


def sniff(head: Head) -> Confidence:
    """A table has its names in the first line of it."""
    return Confidence.SURE if _HEADER.search(head.text) else Confidence.NO


DIALECT = Dialect(
    name="notebook_table",
    producer=TRANSFORMERS,
    reader=lambda normaliser, schedule: ConsoleReader(normaliser, TableRows().rows, schedule),
    sniff=sniff,
    role=Role.CONSOLE,
)
