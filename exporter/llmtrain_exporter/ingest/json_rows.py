"""Rows in JSON as trainers write it: strict where it is, NaN and Infinity where it is not."""

from __future__ import annotations

import json
from collections.abc import Iterable

import orjson

from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.model import Record, Skip

NOT_JSON = Skip("not_json")
NOT_AN_OBJECT = Skip("not_an_object")
TOO_LONG = Skip("too_long")

LONGEST_ROW = 4 << 20
"""Bytes; parsed, hostile JSON takes thirty times as much, and no trainer writes a row as long."""


class JsonRows:
    """Reads a log of one JSON object a line."""

    __slots__ = ("_normaliser",)

    def __init__(self, normaliser: Normaliser) -> None:
        self._normaliser = normaliser

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """At most one record, or why the line is none."""
        if len(line) > LONGEST_ROW:
            return (TOO_LONG,)
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not line or line.isspace():
                return ()
            row = lenient_json(line)
        return (self._normaliser.record(row) if type(row) is dict else row_error(row),)


def lenient_json(line: bytes) -> object:
    """What strict JSON refuses and Python's trainers write: NaN, Infinity, integers of any size.

    `NOT_JSON` where it is no JSON either.
    """
    try:
        return json.loads(line, parse_int=float)  # Python refuses ints of thousands of digits; a float is inf
    except (ValueError, RecursionError):
        return NOT_JSON


def row_error(row: object) -> Skip:
    """Why parsed JSON that is no object is no record."""
    return row if isinstance(row, Skip) else NOT_AN_OBJECT
