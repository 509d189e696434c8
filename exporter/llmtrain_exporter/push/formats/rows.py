"""A record as a row of a table, for everything that reads tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from math import isfinite

import orjson

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.printable import label_value, number_text
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.series_text import series_text

PLACE = ("run", "record", "time", "time_source", "step")
"""The first columns of each table: which record it is, when it was written, how that is known, its step."""

_STEP = series(c.STEP)
_FACTS = (c.RUN, c.HISTORY_TIME_SOURCE)  # of the run, and of the time: no values


def place_of(samples: RecordSamples) -> dict[str, object]:
    """What stands in the first columns; the time as milliseconds of Unix time."""
    step = samples.values.get(_STEP)
    return {
        "run": label_value(samples.run),
        "record": samples.record,
        "time": samples.time_ms,
        "time_source": _time_source(samples),
        "step": None if step is None else int(step),
    }


def values_of(samples: RecordSamples) -> Iterator[tuple[str, float]]:
    """Its values by the text of their series, without those that the first columns tell."""
    for key, value in samples.values.items():
        if key is not _STEP and key.metric not in _FACTS:
            yield series_text(key), value


def _time_source(samples: RecordSamples) -> str:
    found: Iterator[Series] = (key for key in samples.values if key.metric is c.HISTORY_TIME_SOURCE)
    return next((dict(key.labels)["source"] for key in found), "")


def moment(time_ms: int) -> str:
    """Milliseconds of Unix time as ISO 8601, UTC."""
    whole = datetime.fromtimestamp(time_ms // 1000, timezone.utc)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


class RowSpool:
    """Rows on disk until all columns are known, which a log shows one by one. For one thread."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        self.columns: dict[str, None] = {}  # the names of the values, in the order in which they came

    def add(self, samples: RecordSamples) -> None:
        """Keep the row of a record. Values that are not finite are kept as their names."""
        row = place_of(samples)
        for name, value in values_of(samples):
            self.columns[name] = None
            row[name] = value if isfinite(value) else number_text(value)
        self._file.write(orjson.dumps(row) + b"\n")

    def rows(self) -> Iterator[dict[str, object]]:
        """All of them, as they were added."""
        self._file.seek(0)
        return map(orjson.loads, self._file)

    def close(self) -> None:
        """Forget them."""
        self._file.close()
