"""How long a scrape takes while an exporter sends history to a real Prometheus, and while it sends nothing.

    python -m benchmarks.sending_scrapes LOGS --seconds 10

LOGS are to be so long that sending them takes all of that time. Where another program keeps the machine busy,
the figures are that program's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import requests

from benchmarks.latency import quantile
from tests.conftest import find_tool
from tests.servers import ExporterProcess, ReceivingPrometheus

PAUSE_SECONDS = 0.05


def main() -> int:
    """Measure in turns, and print."""
    parser = argparse.ArgumentParser(description="Scrapes beside sending.")
    parser.add_argument("logs", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    for _ in range(asked.rounds):
        _print("sends nothing", _scrapes([asked.logs], asked.seconds))
        with tempfile.TemporaryDirectory() as folder:
            _print("sends", _while_sending(asked.logs, Path(folder), asked.seconds))
    return 0


def _while_sending(logs: Path, folder: Path, seconds: float) -> list[float]:
    with ReceivingPrometheus(folder / "prometheus", find_tool("prometheus")) as prometheus:
        args: list[str | Path] = [logs, "--remote-write", prometheus.write_url, "--state-dir", folder]
        return _scrapes(args, seconds)


def _scrapes(args: list[str | Path], seconds: float) -> list[float]:
    """Seconds that each scrape took."""
    found: list[float] = []
    with ExporterProcess([*args, "--ignore-older", "0"]) as exporter, requests.Session() as session:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            began = time.monotonic()
            session.get(f"{exporter.url}/metrics").raise_for_status()
            found.append(time.monotonic() - began)
            time.sleep(PAUSE_SECONDS)
    return found


def _print(what: str, seconds: list[float]) -> None:
    times = (f"p{share * 100:.0f} {quantile(seconds, share) * 1e3:.1f} ms" for share in (0.5, 0.9, 0.99))
    print(f"{what}: {', '.join(times)}, {len(seconds)} scrapes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
