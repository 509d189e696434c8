"""Parsing, normalising and exposing alone: `python -m benchmarks.ingest LOG` prints a log's last values."""

from __future__ import annotations

import sys

from llmtrain_exporter.ingest.dialects.swift import Swift
from llmtrain_exporter.ingest.follow import Follower
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.timed_lines import read_many
from llmtrain_exporter.model import Layout, Record, Series
from llmtrain_exporter.model.blocks import RecordBlock, parts_of
from llmtrain_exporter.serve.exposition import Exposition


def last_values(path: str) -> dict[Series, float]:
    """The last value of each series of an ms-swift log."""
    follower, reader = Follower(path), Swift(Normaliser())
    last: dict[Layout, Record] = {}
    while batch := follower.poll(0.0):
        for records in parts_of(read_many(reader, batch.lines)[0]):
            for record in records[-1:] if isinstance(records, RecordBlock) else records:
                last.pop(record.layout, None)  # so that the latest comes last
                last[record.layout] = record
    follower.close()
    return {
        series: value
        for one in last.values()
        for series, value in zip(one.layout.series, one.values, strict=True)
    }


def main(path: str) -> None:
    """Prints them as a scrape would show them."""
    exposition = Exposition()
    exposition.publish("run", last_values(path))
    sys.stdout.buffer.write(exposition.render(openmetrics=False))


if __name__ == "__main__":
    main(sys.argv[1])
