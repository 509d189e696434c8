"""History as a team sends it in an hour: gauges of prometheus_client, sent by a package after each record.

python benchmarks/peers/plain_sender.py URL RECORDS SERIES    prints the processor seconds that sending took
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__)
RECORDS_AT_ONCE = 100


def main(url: str, records: int, width: int) -> None:
    """Sends that many records a second apart, each number another one."""
    from prometheus_client import CollectorRegistry, Gauge
    from prometheus_remote_writer import RemoteWriter

    registry = CollectorRegistry()
    gauge = Gauge("llmtrain_other", "A log key.", ["run", "key", "split"], registry=registry)
    began_ms = int(time.time() * 1000) - records * 1000
    began = time.process_time()
    waiting: dict[tuple[tuple[str, str], ...], Any] = {}
    with RemoteWriter(url) as writer:
        for record in range(1, records + 1):
            for at in range(width):
                gauge.labels(run="a/v1", key=f"k{at}", split="train").set(record * 0.1 + at)
            for labels, value in collected(registry):
                item = waiting.setdefault(labels, {"metric": dict(labels), "values": [], "timestamps": []})
                item["values"].append(value)
                item["timestamps"].append(began_ms + record * 1000)
            if record % RECORDS_AT_ONCE == 0 or record == records:
                writer.send(list(waiting.values()))
                waiting.clear()
    print(time.process_time() - began)


def collected(registry: Any) -> Iterator[tuple[tuple[tuple[str, str], ...], float]]:
    """Labels, with the name among them, and value of each sample."""
    for family in registry.collect():
        for sample in family.samples:
            yield (("__name__", sample.name), *sample.labels.items()), sample.value


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
