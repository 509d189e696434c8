"""OpenMetrics with a time for each sample, as `promtool tsdb create-blocks-from openmetrics` reads it.

The format wants the samples of a series, and the series of a metric, one behind the other, and a log has them
record by record. So they are kept in a file of chunks, in which each series finds its own again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from llmtrain_exporter.knowledge.jobs import HISTORY_JOB
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import escaped, label_value, number_text
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.series_text import labels_text

CHUNK_BYTES = 1 << 14
"""Text of one series that is held in memory; a run has some hundred of them."""


class OpenMetricsWriter:
    """Writes the families in the order of the exposition. For one thread."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._chunks = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        self._places: dict[Metric, dict[bytes, list[tuple[int, int]]]] = {}  # by the text before a value
        self._held: dict[tuple[Metric, bytes], bytearray] = {}
        self._run = ""  # whose texts are known
        self._texts: dict[Series, bytes] = {}

    def write(self, samples: RecordSamples) -> None:
        """Take a record."""
        if samples.run != self._run:
            self._begin(samples.run)
        end = f" {seconds_text(samples.time_ms)}\n".encode()
        for series, value in samples.values.items():
            self._add(series, b"%s%s" % (number_text(value).encode(), end))

    def finish(self) -> None:
        """Write all of it."""
        self._flush()
        for metric in METRICS:
            found = self._places.get(metric)
            if found:
                self._out.write(_head(metric))
                for text in found:
                    self._out.writelines(self._lines(text, found[text]))
        self._out.write(b"# EOF\n")

    def close(self) -> None:
        """Forget what was kept meanwhile."""
        self._chunks.close()

    def _begin(self, run: str) -> None:
        """Another run: nothing more comes of the one before."""
        self._flush()
        self._texts.clear()
        self._run = run

    def _add(self, series: Series, rest: bytes) -> None:
        text = self._texts.get(series)
        if text is None:
            run = ("run", label_value(self._run))
            labels = labels_text((("job", HISTORY_JOB), run, *series.labels))
            text = self._texts[series] = f"{series.metric.sample_name}{{{labels}}} ".encode()
        held = self._held.setdefault((series.metric, text), bytearray())
        held += rest
        if len(held) >= CHUNK_BYTES:
            self._keep(series.metric, text, held)

    def _flush(self) -> None:
        for (metric, text), held in self._held.items():
            self._keep(metric, text, held)
        self._held.clear()

    def _keep(self, metric: Metric, text: bytes, held: bytearray) -> None:
        """Values and times alone: what stands before them is the same in each line."""
        if held:
            places = self._places.setdefault(metric, {}).setdefault(text, [])
            places.append((self._chunks.tell(), len(held)))
            self._chunks.write(held)
            held.clear()

    def _lines(self, text: bytes, places: list[tuple[int, int]]) -> Iterator[bytes]:
        for begin, length in places:
            self._chunks.seek(begin)
            yield b"".join(text + line for line in self._chunks.read(length).splitlines(keepends=True))


def seconds_text(time_ms: int) -> str:
    """Seconds of milliseconds. Prometheus cuts where it should round, which must not take one away."""
    text = f"{time_ms // 1000}.{time_ms % 1000:03d}"
    return text if int(float(text) * 1000) == time_ms else f"{text}1"


def _head(metric: Metric) -> bytes:
    name = metric.family_name
    return f"# HELP {name} {escaped(metric.help)}\n# TYPE {name} {metric.type.value}\n".encode()
