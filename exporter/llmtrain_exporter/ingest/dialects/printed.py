"""What Transformers, TRL and all that is built on them print: Python dicts between bars and other text."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence

import orjson

from llmtrain_exporter.ingest.console import LONGEST_LINE, ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Role
from llmtrain_exporter.knowledge.producers import TRANSFORMERS

_DICT = re.compile(rb"\{['\"][^{}]*\}")
_BARE = re.compile(r"(?<=: )-?(?:nan|inf)\b")


def rows(line: bytes) -> Sequence[Mapping[str, object]]:
    """The flat dicts in a line, wherever they stand in it."""
    texts = _DICT.findall(line)
    return [row for text in texts if (row := parse_dict(text))] if texts else ()


def parse_dict(text: bytes) -> dict[str, object]:
    """A flat dict as Python prints it, numbers printed as strings included; empty where the text is none."""
    if len(text) > LONGEST_LINE:
        return {}
    try:
        row = orjson.loads(text.replace(b"'", b'"'))
    except orjson.JSONDecodeError:
        row = _literal(text.decode(errors="replace"))
    return row if type(row) is dict and all(type(key) is str for key in row) else {}


def _literal(text: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of text that is no Python, which nobody wants to hear
            return ast.literal_eval(_BARE.sub(lambda bare: repr(bare[0]), text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


DIALECT = Dialect(
    name="printed",
    producer=TRANSFORMERS,
    reader=lambda normaliser, schedule: ConsoleReader(normaliser, rows, schedule),
    sniff=lambda _: Confidence.FALLBACK,
    role=Role.CONSOLE,
    stepless=True,
)
