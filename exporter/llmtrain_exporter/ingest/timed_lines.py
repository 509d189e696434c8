"""The records of lines, each with the time that its log states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from llmtrain_exporter.ingest.dialect import LogReader, ReadsBlocks
from llmtrain_exporter.ingest.framed import KnowsTime
from llmtrain_exporter.ingest.reading import sort_parts, sort_rows
from llmtrain_exporter.model import Record, Skip


def read_timed(
    reader: LogReader, lines: Iterable[bytes]
) -> tuple[list[Record], Counter[str], Sequence[float | None]]:
    """The records, how many lines were none, by reason, and the Unix time of each record.

    No times where the log states none.
    """
    if not hasattr(reader, "time"):  # `isinstance` takes as long with a protocol as ten rows
        return *sort_rows(map(reader.read, lines)), ()
    times: list[float | None] = []
    return *sort_rows(_timed(reader, cast("KnowsTime", reader), lines, times)), times


def read_many(
    reader: LogReader, lines: Sequence[bytes]
) -> tuple[Sequence[Record], Counter[str], Sequence[float | None]]:
    """The same, records in blocks where the reader knows how to."""
    if not hasattr(reader, "read_all"):
        return read_timed(reader, lines)
    return *sort_parts(cast("ReadsBlocks", reader).read_all(lines)), ()


def _timed(
    reader: LogReader, clock: KnowsTime, lines: Iterable[bytes], times: list[float | None]
) -> Iterator[Iterable[Record | Skip]]:
    """The rows of each line. `clock`: the same reader. `times`: takes the Unix time of each record."""
    for line in lines:
        rows = tuple(reader.read(line))
        times += [clock.time for row in rows if isinstance(row, Record)]
        yield rows
