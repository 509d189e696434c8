"""Whether, and when, a contestant shows what was written."""

from __future__ import annotations

import http.client
import json
import random
import time
from pathlib import Path

from benchmarks import generate
from benchmarks.measure import HTTP_SECONDS, ContestantError, Server

PAUSE_SECONDS = (0.1, 0.4)  # before an append, at random: no contestant may fall in step with them
GIVE_UP_SECONDS = 60.0
POLL_SECONDS = 0.02  # between two scrapes: more would be a load, and no Prometheus does it
KEY = "kl"


class Probe:
    """Appends to a contestant's logs, and looks at its metrics over one connection until they show it."""

    def __init__(self, server: Server, root: Path, runs: int, rows: int) -> None:
        self._server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HTTP_SECONDS)
        self._root = root
        self._runs = runs
        self._rows = rows  # in each log so far
        self._source = random.Random(runs)
        self._appended = 0

    def __call__(self) -> float:
        """Seconds from an append to a random log until a scrape has shown it."""
        time.sleep(self._source.uniform(*PAUSE_SECONDS))
        self._appended += 1
        # Nine decimals and an odd last one: no generated row has this value.
        value = round(0.02 + (2 * self._appended + 1) / 1e9, 9)
        row = _with(value, next(generate.rows(1, first=self._rows + self._appended)))
        log = generate.log_path(self._root, self._source.randrange(self._runs))
        appended = time.perf_counter()
        generate.append(log, row)
        self._wait(f" {value!r}\n".encode(), appended)
        return time.perf_counter() - appended

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _wait(self, text: bytes, since: float) -> None:
        while text not in self._scrape():
            if time.perf_counter() - since > GIVE_UP_SECONDS:
                raise ContestantError(
                    f"{self._server.name}: not visible {GIVE_UP_SECONDS:g} s after it was written"
                )
            time.sleep(POLL_SECONDS)

    def _scrape(self) -> bytes:
        self._connection.request("GET", "/metrics")
        return self._connection.getresponse().read()


def _with(value: float, row: str) -> str:
    return json.dumps({**json.loads(row), KEY: value})
