"""Saved notebooks: the tables and the printed rows in the outputs of their cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

import orjson

from llmtrain_exporter.ingest.console import TEXT, ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role, Shape, Stages
from llmtrain_exporter.ingest.json_rows import NOT_AN_OBJECT, NOT_JSON, lenient_json
from llmtrain_exporter.ingest.normalise import LogRow, Normaliser
from llmtrain_exporter.ingest.own_rows import OwnRows
from llmtrain_exporter.ingest.printed_rows import PrintedRows
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.ingest.tables import TableRows
from llmtrain_exporter.knowledge.producers import TRANSFORMERS
from llmtrain_exporter.model import Record, Skip

_BEGIN = re.compile(rb'\{\s{0,99}"(?:cells|metadata|nbformat)"\s{0,9}:')
_CELL = b'"cell_type"'
_TRAINS = re.compile(rb"<th>(?:Training|Validation) Loss</th>|\{'(?:eval_)?loss': ")
_CELL_END = re.compile(r"</t[hd]> ?(?=<t[hd])")
_LINE_END = re.compile(r"</?(?:tr|br|p|div|table|thead|tbody)\b[^<>]{0,1000}>")
_TAG = re.compile(r"<[^<>]{0,1000}>")


class Notebook:
    """Reads the records of a whole notebook."""

    __slots__ = ("_normaliser", "_schedule")

    def __init__(self, normaliser: Normaliser, schedule: Schedule) -> None:
        self._normaliser = normaliser
        self._schedule = schedule

    def read(self, document: bytes) -> Iterable[Record | Skip]:
        """The records of what its cells put out, in the order of the cells."""
        try:
            notebook = orjson.loads(document)
        except orjson.JSONDecodeError:
            notebook = lenient_json(document)
        cells = notebook.get("cells") if isinstance(notebook, dict) else None
        if not isinstance(cells, list):
            return (NOT_JSON if notebook is NOT_JSON else NOT_AN_OBJECT,)
        reader = ConsoleReader(self._normaliser, _Grammar().rows, self._schedule)
        lines = (line for text in _outputs(cells) for line in text.encode(errors="replace").split(b"\n"))
        return [read for line in lines for read in reader.read(line) if read != TEXT]


class _Grammar:
    """Of one notebook: rows of tables, and rows that are printed."""

    def __init__(self) -> None:
        self._tables, self._dicts = TableRows(), OwnRows(PrintedRows().rows)

    def rows(self, line: bytes) -> Sequence[LogRow]:
        return self._tables.rows(line) or self._dicts.rows(line)


def _outputs(cells: Iterable[object]) -> Iterator[str]:
    """The texts of all outputs; a table is there as HTML, and is told twice where it is as text as well."""
    for cell in cells:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                data = output.get("data")
                shown = data if isinstance(data, dict) else {}
                page = _joined(shown.get("text/html"))
                yield _as_text(page) if page else _joined(shown.get("text/plain") or output.get("text"))
                yield _joined(output.get("traceback"))


def _joined(text: object) -> str:
    """A text, which may be stored as a list of its lines."""
    if isinstance(text, list):
        return "".join(each for each in text if isinstance(each, str))
    return text if isinstance(text, str) else ""


def _as_text(page: str) -> str:
    """The rows of tables a line each, with pipes between their cells."""
    from html import unescape  # knows two thousand names; most logs are no notebook

    flat = " ".join(page.split())
    lines = _LINE_END.split(_CELL_END.sub(" | ", flat))
    return "\n".join(unescape(_TAG.sub("", line)).strip() for line in lines)


def sniff(head: Head) -> Confidence:
    """JSON with cells; surely one of a training where a row of that is to be seen."""
    if not (_BEGIN.match(head.text) and _CELL in head.text):
        return Confidence.NO
    return Confidence.SURE if _TRAINS.search(head.text) else Confidence.FALLBACK


def stages(document: bytes) -> Stages:
    """The notebook after each of its cells. Raises ValueError where it is none."""
    try:
        notebook = json.loads(document)
        cells = list(notebook["cells"])
    except (ValueError, RecursionError, TypeError, KeyError):
        raise ValueError("not a notebook with cells") from None
    return Stages(len(cells), lambda rows: json.dumps({**notebook, "cells": cells[:rows]}).encode())


DIALECT = Dialect(
    name="notebook",
    producer=TRANSFORMERS,
    reader=Notebook,
    sniff=sniff,
    files=("*.ipynb",),
    shape=Shape.DOCUMENT,
    role=Role.CONSOLE,
    live=False,
    stages=stages,
)
