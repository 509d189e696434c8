"""Whether, and when, a contestant shows what was written."""

from __future__ import annotations

import http.client
import json
import random
import time
from pathlib import Path

from isal import isal_zlib

from benchmarks import generate
from benchmarks.measure import HTTP_SECONDS, ContestantError, Server

PAUSE_SECONDS = (0.1, 0.4)  # before an append, at random: no contestant may fall in step with them
GIVE_UP_SECONDS = 60.0
POLL_SECONDS = 0.02  # between two scrapes: more would be a load, and no Prometheus does it
KEY = "kl"

_GZIP, _GZIP_BITS = b"\x1f\x8b", 31  # how a body begins, and what zlib calls the format


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
        return self._arrival(f" {value!r}\n".encode(), appended) - appended

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _arrival(self, text: bytes, since: float) -> float:
        """When the answer had come that shows it; what it takes to unpack that is not the contestant's."""
        while True:
            body, arrived = self._scrape(), time.perf_counter()
            if text in plain(body):
                return arrived
            if arrived - since > GIVE_UP_SECONDS:
                raise ContestantError(
                    f"{self._server.name}: not visible {GIVE_UP_SECONDS:g} s after it was written"
                )
            time.sleep(POLL_SECONDS)

    def _scrape(self) -> bytes:
        """Compressed where a contestant can, as every Prometheus asks for it."""
        self._connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        return self._connection.getresponse().read()


def plain(body: bytes) -> bytes:
    """The text of a scrape, compressed or not."""
    return isal_zlib.decompress(body, _GZIP_BITS) if body.startswith(_GZIP) else body


def _with(value: float, row: str) -> str:
    return json.dumps({**json.loads(row), KEY: value})
