"""What it costs to send the history of runs to a real Prometheus, beside promtool on the same samples.

    python -m benchmarks.sending --records 100000 --series 40 --plain PYTHON

Prints records and samples for each second of one core, bytes on the way and memory; and what
`promtool tsdb create-blocks-from openmetrics` takes for a tenth of it. Making the records is taken off.
With PYTHON, which has the packages prometheus-client and prometheus-remote-writer, a plain sender
(`peers/plain_sender.py`) sends a tenth of it, too.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from llmtrain_exporter.config.remote_write import RemoteWriteRule
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.push.formats.open_metrics import OpenMetricsWriter
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.remote_write import RemoteWriter
from llmtrain_exporter.push.senders import writer_for

from benchmarks.measure import cpu_of, run
from benchmarks.peers import plain_sender
from tests.conftest import find_tool
from tests.sent_records import UNMARKED
from tests.servers import ReceivingPrometheus


def made(records: int, layout: Sequence[Series], began_ms: int) -> Iterator[RecordSamples]:
    """Records a second apart, each number another one."""
    for record in range(1, records + 1):
        values = {key: record * 0.1 + at for at, key in enumerate(layout)}
        yield RecordSamples("a/v1", record, began_ms + record * 1000, values, UNMARKED)


def send(writer: RemoteWriter) -> None:
    """Step by step, until nothing is left."""
    writer.queue.read_up_to("a/v1", float("inf"))
    while not (writer.is_idle and writer.queue.is_empty):
        time.sleep(writer.step(at_once=True))


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What it costs to send history.")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--plain", metavar="PYTHON")
    asked = parser.parse_args()
    others = [series(c.OTHER, ("key", f"k{at}"), ("split", "train")) for at in range(asked.series - 1)]
    layout = [series(c.STEP), *others]
    began = int(time.time() * 1000) - asked.records * 1000
    records = partial(made, asked.records, layout, began)
    with tempfile.TemporaryDirectory() as folder:
        _print_sending(Path(folder), records)
        _print_promtool(Path(folder), made(asked.records // 10, layout, began), asked.series)
        if asked.plain:
            _print_plain(Path(folder), asked.plain, asked.records // 10, asked.series)
    return 0


def _print_sending(folder: Path, records: Callable[[], Iterator[RecordSamples]]) -> None:
    making = cpu_of(lambda: all(records()))
    with ReceivingPrometheus(folder / "prometheus", find_tool("prometheus")) as prometheus:
        rule = RemoteWriteRule(url=prometheus.write_url)
        writer = writer_for(rule, folder, {}, lambda _: records(), "0")
        seconds = cpu_of(partial(send, writer)) - making
        writer.close()
    sent, peak = writer.statistics, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"sent: {sent.records} records, {sent.samples} samples, {sent.dropped} dropped")
    print(f"  {sent.records / seconds:.0f} records/s and {sent.samples / seconds:.0f} samples/s of one core")
    print(f"  {sent.bytes / sent.samples:.1f} bytes each, {peak:.0f} MB of memory at most")


def _print_promtool(folder: Path, records: Iterator[RecordSamples], width: int) -> None:
    file = folder / "history.om"
    with file.open("wb") as out:
        writer = OpenMetricsWriter(out)
        count = 0
        for record in records:
            writer.write(record)
            count += width
        writer.finish()
    blocks = folder / "blocks"
    blocks.mkdir()
    promtool = str(find_tool("promtool"))
    seconds = run([promtool, "tsdb", "create-blocks-from", "openmetrics", str(file), str(blocks)]).cpu
    print(f"promtool: {count / seconds:.0f} samples/s of one core, the file's writing not counted")


def _print_plain(folder: Path, python: str, records: int, width: int) -> None:
    with ReceivingPrometheus(folder / "plain", find_tool("prometheus")) as prometheus:
        command = [python, str(plain_sender.HERE), prometheus.write_url, str(records), str(width)]
        seconds = float(run(command).output)
    samples = records * width
    print(f"plain: {records / seconds:.0f} records/s and {samples / seconds:.0f} samples/s of one core")


if __name__ == "__main__":
    sys.exit(main())
