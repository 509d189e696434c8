"""A running site for tests: a fleet, its exposition and a real server on a free loopback port."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from llmtrain_exporter import config
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.knowledge.signals import LIMITS
from llmtrain_exporter.model import Health, HyperParameters, Resume, RowKind, Series, Snapshot, State
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.http import create_app
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.web.access import Access
from llmtrain_exporter.web.connections import Limits
from llmtrain_exporter.web.hosts import ANY_HOST, KnownHosts
from llmtrain_exporter.web.server import USUAL, Server
from llmtrain_exporter.web.users import Users

from tests.servers import HANGS_SECONDS

NOW = 1_700_000_000.0
LOSS = Series(c.LOSS, (("split", "train"),))

RUN = Snapshot(
    run="qwen/v1",
    file="/logs/qwen/v1/logging.jsonl",
    producer=SWIFT,
    profile="grpo",
    base="grpo",
    state=State.RUNNING,
    health=Health.HEALTHY,
    verdict=Health.HEALTHY,
    records={RowKind.TRAIN: 30, RowKind.EVAL: 2, RowKind.FINAL: 1},
    first_step=1,
    last_step=50,
    max_steps=200,
    resumes=(Resume(last=20, first=10),),
    skipped={"no_json": 3},
    last_record=NOW - 90,
    best=(0.25, 40),
    hyper_parameters=HyperParameters(),
    limits=LIMITS["grpo"],
    episodes=(),
    incidents=(),
    samples={LOSS: 0.5},
)


@dataclass
class Site:
    """A server with its fleet, and a client for it."""

    headers: dict[str, str] = field(default_factory=dict)
    users: Users | None = None
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    now: float = NOW
    hosts: KnownHosts = ANY_HOST
    limits: Limits = USUAL

    def __post_init__(self) -> None:
        self.exposition = Exposition()
        self.fleet = Fleet(self.exposition, ("/logs/<a>",))
        self.telemetry = Telemetry("1.2.3", self.fleet, self.exposition)
        app = create_app(
            self.fleet,
            self.exposition,
            self.telemetry,
            Access(self.users, self.headers, self.hosts),
            "1.2.3",
            lambda: self.now,
            config.Settings(),
            itertools.count().__next__,
        )
        self.server = Server(app, self.host, 0, self.tls, self.limits, self.telemetry.server.cut_off)

    def get(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        """The answer to one request."""
        with requests.Session() as session:
            session.trust_env = False
            session.headers.update({"Accept-Encoding": "identity", "Connection": "close"})
            return session.request(method, self.server.url + path, timeout=HANGS_SECONDS, **options)

    def connect(self, sent: bytes) -> socket.socket:
        """A connection on which so much was sent."""
        host, _, port = self.server.url.partition("//")[2].rpartition(":")
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=HANGS_SECONDS)
        connection.sendall(sent)
        return connection

    def ask(self, sent: bytes) -> bytes:
        """Whatever the server answers to these bytes until it closes the connection."""
        with self.connect(sent) as connection:
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def running(site: Site) -> Iterator[Site]:
    """The site while its server runs."""
    thread = threading.Thread(target=site.server.run)
    thread.start()
    try:
        yield site
    finally:
        site.server.stop()
        thread.join()


def fill(fleet: Fleet) -> None:
    """So many runs that a scrape does not fit into the buffers of a connection."""
    for number in range(20_000):
        fleet.publish(replace(RUN, run=f"{number:0100}", samples={LOSS: 1.0, Series(c.STEP): 2.0}))
