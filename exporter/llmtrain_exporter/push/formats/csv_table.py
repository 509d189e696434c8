"""One table as CSV: a row for each record, a column for each series of any of the runs."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from llmtrain_exporter.push.formats.rows import PLACE, RowSpool, moment
from llmtrain_exporter.push.record_samples import RecordSamples


class CsvWriter:
    """Writes the table when all of its columns are known. What a record does not have stays empty."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._spool = RowSpool()

    def write(self, samples: RecordSamples) -> None:
        """Take a record."""
        self._spool.add(samples)

    def finish(self) -> None:
        """Write the table."""
        text = io.TextIOWrapper(self._out, encoding="utf-8", newline="", write_through=True)
        table = csv.DictWriter(text, [*PLACE, *self._spool.columns], restval="", lineterminator="\n")
        table.writeheader()
        for row in self._spool.rows():
            table.writerow({**row, "time": moment(int(str(row["time"])))})
        text.detach()

    def close(self) -> None:
        """Forget what was kept meanwhile."""
        self._spool.close()
