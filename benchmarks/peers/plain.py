"""The exporter that a team writes in an hour: glob, `json.loads`, a Gauge with a label for each number.

python -m benchmarks.peers.plain ROOT --port PORT    reads again and again, and serves
python -m benchmarks.peers.plain ROOT                reads once to the end, and prints
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import re
import sys
import time
from typing import TextIO

from prometheus_client import Gauge, generate_latest, start_http_server

INTERVAL_SECONDS = 1.0


class Plain:
    """The gauges by log key, and the open logs by path."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.gauges: dict[str, Gauge] = {}
        self.logs: dict[str, TextIO] = {}

    def read(self) -> None:
        """Takes in what was written since the last call."""
        for path in glob.glob(f"{self.root}/*/*/logging.jsonl"):
            if path not in self.logs:
                self.logs[path] = open(path)  # noqa: SIM115  # stays open, as it does in every such exporter
        for path, log in self.logs.items():
            run = os.path.relpath(os.path.dirname(path), self.root)
            for line in log:
                self.take(run, line)

    def take(self, run: str, line: str) -> None:
        """Sets the gauges of a run from a row."""
        try:
            row = json.loads(line)
        except ValueError:
            return
        for key, value in row.items():
            if isinstance(value, int | float):
                if key not in self.gauges:
                    self.gauges[key] = Gauge("plain_" + re.sub(r"\W", "_", key), key, ["run"])
                self.gauges[key].labels(run=run).set(value)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    exporter = Plain(arguments.root)
    if arguments.port is None:
        exporter.read()
        sys.stdout.buffer.write(generate_latest())
        return
    start_http_server(arguments.port, addr="127.0.0.1")
    while True:
        exporter.read()
        time.sleep(INTERVAL_SECONDS)


if __name__ == "__main__":
    main()
