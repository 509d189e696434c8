"""Rows in JSON as trainers write it: strict where it is, NaN and Infinity where it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

import orjson

from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.model import Record, Skip

NOT_JSON = Skip("not_json")
NOT_AN_OBJECT = Skip("not_an_object")
TOO_LONG = Skip("too_long")

MOST_GLUED = 1024
"""Objects in one line that are read."""

MOST_TORN = 32
"""Torn objects in one line before its rest is given up: each costs a look at what follows."""

_SEPARATORS = re.compile(r"[ \t\r,]*")
_BEGIN, _GLUE = '{"', '}{"'
_DECODER = json.JSONDecoder(parse_int=float)  # Python refuses ints of thousands of digits; a float is inf

LONGEST_ROW = 4 << 20
"""Bytes; parsed, hostile JSON takes thirty times as much, and no trainer writes a row as long."""


class ReadsRows(Protocol):
    """Makes records of parsed rows: a `Normaliser`, or a dialect whose rows have another shape."""

    def rows(self, row: LogRow, /) -> Sequence[Record | Skip]:
        """The records of a row, or why it has none."""


class JsonRows:
    """Reads a log of one JSON object a line."""

    __slots__ = ("_reads",)

    def __init__(self, reads: ReadsRows) -> None:
        self._reads = reads

    def read(self, line: bytes) -> Sequence[Record | Skip]:
        """The record of a line, or why it has none; several where writers' lines were glued."""
        if len(line) > LONGEST_ROW:
            return (TOO_LONG,)
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            return self._odd(line)
        return self._reads.rows(row) if type(row) is dict else (NOT_AN_OBJECT,)

    def _odd(self, line: bytes) -> Sequence[Record | Skip]:
        """Of a line that is not strict JSON: it is blank, or lenient, or has several rows."""
        if not line or line.isspace():
            return ()
        row = lenient_json(line)
        if row is not NOT_JSON or b"{" not in line:
            return self._rows(row)
        return [read for each in islice(glued_rows(line), MOST_GLUED) for read in self._rows(each)]

    def _rows(self, row: object) -> Sequence[Record | Skip]:
        return self._reads.rows(row) if isinstance(row, dict) else (row_error(row),)


def lenient_json(line: bytes) -> object:
    """What strict JSON refuses and Python's trainers write: NaN, Infinity, integers of any size.

    `NOT_JSON` where it is no JSON either.
    """
    try:
        return json.loads(line, parse_int=float)
    except (ValueError, RecursionError):
        return NOT_JSON


def glued_rows(line: bytes) -> Iterator[object]:
    """The objects of a line that several writers shared, one behind the other; `NOT_JSON` for each torn one.

    A torn row ends where the next begins, which is where JSON breaks, or behind a colon. What stands in the
    list of a torn row is its own: the history in a summary is no news.
    """
    text, at, torn = line.decode("utf-8-sig", errors="replace").strip(), 0, 0
    while at < len(text) and torn < MOST_TORN:
        row, at = _row_at(text, at)
        yield row
        torn += row is NOT_JSON
        at = _SEPARATORS.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too


def _row_at(text: str, begin: int) -> tuple[object, int]:
    """The object that stands there, `NOT_JSON` where it is torn, and where the next may begin."""
    if text[begin] != "{":  # the end of a row, or no JSON at all
        return NOT_JSON, text.find(_GLUE, begin) + 1 or len(text)
    try:
        return _DECODER.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        return NOT_JSON, _next_row(text, begin, error.pos)
    except (ValueError, RecursionError):
        return NOT_JSON, len(text)


def _next_row(text: str, begin: int, broken: int) -> int:
    """Where the row begins that follows a torn one; the end of the text where none does."""
    at = text.rfind(_BEGIN, begin + 1, broken + len(_BEGIN))
    if at < 0:
        at = text.find(_BEGIN, broken)
    nested = broken >= len(text) and text[:at].rstrip()[-1:] != ":"
    return len(text) if at < 0 or nested else at


def row_error(row: object) -> Skip:
    """Why parsed JSON that is no object is no record."""
    return row if isinstance(row, Skip) else NOT_AN_OBJECT
