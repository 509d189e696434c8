"""One table as Parquet: a row for each record, a column for each series of any of the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from llmtrain_exporter.push.formats.rows import RowSpool
from llmtrain_exporter.push.record_samples import RecordSamples

if TYPE_CHECKING:
    import pyarrow  # type: ignore[import-untyped,import-not-found,unused-ignore]

GROUP_ROWS = 1 << 14
"""Rows that are turned into columns at once."""


class ParquetWriter:
    """Writes the table when all of its columns are known. What a record does not have is null."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._spool = RowSpool()

    def write(self, samples: RecordSamples) -> None:
        """Take a record."""
        self._spool.add(samples)

    def finish(self) -> None:
        """Write the table."""
        from pyarrow.parquet import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
            ParquetWriter as ArrowWriter,
        )

        schema = _schema(self._spool.columns)
        rows = self._spool.rows()
        with ArrowWriter(self._out, schema) as table:
            while group := list(islice(rows, GROUP_ROWS)):
                table.write_table(_columns(group, schema))

    def close(self) -> None:
        """Forget what was kept meanwhile."""
        self._spool.close()


def _schema(columns: Mapping[str, None]) -> pyarrow.Schema:
    import pyarrow

    text, number, value = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    time = pyarrow.timestamp("ms", tz="UTC")
    place = [("run", text), ("record", number), ("time", time), ("time_source", text), ("step", number)]
    return pyarrow.schema([*place, *((name, value) for name in columns)])


def _columns(rows: Sequence[Mapping[str, Any]], schema: pyarrow.Schema) -> pyarrow.Table:
    import pyarrow

    arrays = [pyarrow.array([_cell(row, field) for row in rows], field.type) for field in schema]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def _cell(row: Mapping[str, Any], field: pyarrow.Field) -> Any:
    """A cell; NaN and infinities are kept as texts."""
    cell = row.get(field.name)
    return float(cell) if str(field.type) == "double" and isinstance(cell, str) else cell
