"""One JSON object for each record, with the values that it has.

JSON has no word for NaN and infinities: they are null, and `non_finite` says which of them it was.
"""

from __future__ import annotations

from math import isfinite
from typing import BinaryIO

import orjson

from llmtrain_exporter.printable import number_text
from llmtrain_exporter.push.formats.rows import moment, place_of, values_of
from llmtrain_exporter.push.record_samples import RecordSamples


class JsonLinesWriter:
    """Writes each record as it comes."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, samples: RecordSamples) -> None:
        """Take a record."""
        values = dict(values_of(samples))
        row = {**place_of(samples), "time": moment(samples.time_ms), **values}
        odd = {name: number_text(value) for name, value in values.items() if not isfinite(value)}
        if odd:
            row["non_finite"] = odd
        self._out.write(orjson.dumps(row) + b"\n")

    def finish(self) -> None:
        """All is written."""

    def close(self) -> None:
        """Nothing is kept."""
