"""The HTTP side as its clients meet it: a real server on a real socket."""

from __future__ import annotations

import base64
import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
import requests
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series
from llmtrain_exporter.serve.http import OPENMETRICS, TEXT
from llmtrain_exporter.serve.pages import frame
from llmtrain_exporter.serve.scrapers import TIMEOUT_HEADER
from llmtrain_exporter.web import asgi
from llmtrain_exporter.web import server as web_server
from llmtrain_exporter.web.negotiate import accepts_gzip, credentials, wants_openmetrics
from llmtrain_exporter.web.server import Server
from llmtrain_exporter.web.users import Users
from starlette.types import Message

from tests.servers import HANGS_SECONDS, KILLED_SECONDS, Prometheus, eventually
from tests.serving import RUN, Site, fill, running


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    """A server that nobody has to log in to."""
    with running(Site()) as site:
        yield site


@pytest.fixture
def site(server: Site) -> Iterator[Site]:
    """That server, not ready, with one run."""
    server.fleet.ready = False
    server.fleet.publish(RUN)
    yield server
    for snapshot in server.fleet.snapshots():
        server.fleet.remove(snapshot.run)


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        ("application/openmetrics-text", True),
        ('Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8', True),
        ("text/plain, application/openmetrics-text", True),
        ("text/plain;q=0.8, application/openmetrics-text;q=0.7", False),
        ("text/plain;version=1.0.0;q=0.9, application/openmetrics-text;q=0.7", True),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text;q=", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;q=0.6", False),
        ("*/*", False),
        ("", False),
        (";;;,=,;q=", False),
    ],
)
def test_the_format_that_a_client_gets(accept: str, openmetrics: bool) -> None:
    """OpenMetrics for whoever asks for it and does not prefer the text format; text for everybody else."""
    assert wants_openmetrics(accept) is openmetrics


@pytest.mark.parametrize(
    ("accept_encoding", "compressed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("zstd;q=1, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("", False),
    ],
)
def test_who_gets_a_compressed_answer(accept_encoding: str, compressed: bool) -> None:
    """gzip for whoever accepts it."""
    assert accepts_gzip(accept_encoding) is compressed


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (b"ann:secret", ("ann", "secret")),
        ("Zoë:a:b".encode(), ("Zoë", "a:b")),
        (b":", ("", "")),
        (b"ann", None),
        (b"\xff:\xff", None),
    ],
)
def test_credentials_are_read(authorization: bytes, expected: tuple[str, str] | None) -> None:
    """Name and password as the standard encodes them; whatever else stands there is no login."""
    assert credentials(f"bAsic {base64.b64encode(authorization).decode()}") == expected


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic ???", "Bearer YTpi", "Basic ÿ"])
def test_what_is_no_basic_authentication_is_no_login(authorization: str) -> None:
    """Other schemes and broken headers are read as no login at all."""
    assert credentials(authorization) is None


@pytest.mark.parametrize(
    ("accept", "content_type"), [(PROMETHEUS_2, OPENMETRICS), (PROMETHEUS_3, OPENMETRICS), ("*/*", TEXT)]
)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_scrape(site: Site, accept: str, content_type: str, encoding: str) -> None:
    """The runs, then the exporter itself, in the format and the compression that was asked for."""
    answer = site.get("/metrics", headers={"Accept": accept, "Accept-Encoding": encoding}, stream=True)
    raw = answer.raw.read(decode_content=False)
    body = gzip.decompress(raw) if encoding == "gzip" else raw
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert body.startswith(site.exposition.render(content_type == OPENMETRICS))
    assert b"\nllmtrain_exporter_runs 1.0\n" in body
    assert body.endswith(b"\n# EOF\n") is (content_type == OPENMETRICS)


def test_a_real_prometheus_is_content(site: Site, real_tool: Callable[[str], Path], tmp_path: Path) -> None:
    """Prometheus scrapes the exporter without a complaint and stores what was published."""
    address = site.server.url.removeprefix("http://")
    with Prometheus(tmp_path, address, binary=real_tool("prometheus")) as prometheus:
        found = eventually(lambda: prometheus.query('llmtrain_loss{run="qwen/v1"}'))
        assert [sample["value"][1] for sample in found] == ["0.5"]
        (target,) = prometheus.targets()
    assert (target["health"], target["lastError"]) == ("up", "")


def test_a_head_request_has_the_headers_alone(site: Site) -> None:
    """HEAD answers as GET does, without the body."""
    answer = site.get("/metrics", "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


def test_probes(site: Site) -> None:
    """The process is healthy as soon as it answers, and ready once the first replay is over."""
    assert site.get("/-/healthy").status_code == 200
    waiting = site.get("/-/ready")
    assert (waiting.status_code, waiting.text[:13]) == (503, "Still reading")
    site.fleet.ready = True
    assert site.get("/-/ready").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/-/ready/../../etc/passwd", 404),
        ("GET", "/static/x/../../http.py", 404),
        ("GET", "/static/x/%2e%2e/%2e%2e/http.py", 404),
        ("GET", "/static/x//etc/passwd", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/api/v1/runs", 405),
        ("POST", "/-/healthy", 405),
    ],
)
def test_whatever_is_not_there(site: Site, method: str, path: str, status: int) -> None:
    """Unknown paths and methods get a plain sentence, with the same headers as everything else."""
    answer = site.get(path, method)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in answer.headers
    assert "Server" not in answer.headers


def test_configured_headers_are_stronger() -> None:
    """A header from the configuration replaces the one that is there anyway."""
    policy = {"Content-Security-Policy": "default-src 'self'", "X-Frame-Options": "deny"}
    with running(Site(headers=policy)) as site:
        answer = site.get("/")
    assert {name: answer.headers[name] for name in policy} == policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_any_host_header_will_do(site: Site) -> None:
    """The exporter answers under whatever name it is reached."""
    assert site.get("/metrics", headers={"Host": "elsewhere.example:1"}).status_code == 200


@pytest.mark.parametrize(
    "request_text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /metrics\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000,
    ],
)
def test_what_is_no_http_is_refused(site: Site, request_text: bytes) -> None:
    """Garbage and endless headers are answered with 400, and the server goes on."""
    assert site.ask(request_text).startswith(b"HTTP/1.1 400 ")
    assert site.get("/-/healthy").status_code == 200


def test_a_websocket_is_not_spoken(site: Site) -> None:
    """An upgrade is ignored: the client gets the plain answer."""
    upgrade = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: YQ==\r\n"
    answer = site.ask(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n" + upgrade + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_request_with_a_body_is_answered_without_reading_it(site: Site) -> None:
    """Whoever sends a body gets the answer at once, not after all of it."""
    head = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"
    with site.connect(head + b"x" * 100_000) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_hundred_scrapes_at_once(site: Site) -> None:
    """Many scrapers get the same, complete answer each."""
    for number in range(300):
        site.fleet.publish(replace(RUN, run=str(number)))
    body = site.exposition.render(openmetrics=False)

    def scrape(number: int) -> bytes:
        encoding = ("identity", "gzip")[number % 2]
        return site.get("/metrics", headers={"Accept-Encoding": encoding}).content

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(scrape, range(100)))
    assert all(answer.startswith(body) for answer in answers)


def test_slow_clients_do_not_stop_others(site: Site) -> None:
    """Half a request, or an answer that nobody reads, costs the others nothing."""
    fill(site.fleet)
    half = [site.connect(b"GET /metrics HT") for _ in range(50)]
    deaf = [site.connect(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(50)]
    assert site.get("/-/healthy").status_code == 200
    assert site.get("/metrics").content.startswith(site.exposition.render(openmetrics=False))
    for connection in (*half, *deaf):
        connection.close()


def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is not taken in time is left, so that nobody can pile up bodies in memory."""
    monkeypatch.setattr(asgi, "SEND_SECONDS", 0.0)
    sent = list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await anyio.sleep_forever()

    async def receive() -> Message:
        raise AssertionError("the request's body was asked for")

    anyio.run(
        asgi.Pieces([b"a" * asgi.SENT_AT_ONCE] * 2, {}, 2 * asgi.SENT_AT_ONCE),
        {"type": "http", "method": "GET"},
        receive,
        send,
    )
    assert [message.get("more_body") for message in sent] == [None, True]


def test_a_failing_answer_is_counted_and_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of our own is answered with 500, logged once, counted, and the server goes on."""

    def broken(*_: object) -> str:
        raise RuntimeError("no page today")

    with monkeypatch.context() as patch:
        patch.setattr(frame, "kept_language", broken)
        answer = site.get("/")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
    assert [record.getMessage() for record in caplog.records] == ["/ could not be answered"]
    assert 'llmtrain_exporter_errors_total{kind="http"} 1.0' in site.get("/metrics").text


def test_logging_in() -> None:
    """With users, nothing is shown without name and password; bcrypt is asked once for a right one."""
    users = Users({"ann": "$2b$04$.OBnyyDTidXMhRjvQeIRVuQlGQM.rolfQ50hvlGhoyYrkFenMwtnS"})
    with running(Site(users=users)) as site:
        for path in (
            "/",
            "/run",
            "/static/x/style.css",
            "/metrics",
            "/api/v1/runs",
            "/-/healthy",
            "/-/ready",
            "/nothing",
        ):
            refused = site.get(path)
            assert (refused.status_code, refused.text) == (401, "Unauthorized\n")
            assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")
            assert refused.headers["X-Content-Type-Options"] == "nosniff"
        for user, password in (("ann", "wrong"), ("bob", "secret"), ("", ""), ("ann", "")):
            assert site.get("/metrics", auth=(user, password)).status_code == 401
        assert not users.remembers("ann", "secret")
        assert site.get("/metrics", auth=("ann", "secret")).status_code == 200
        assert users.remembers("ann", "secret")
        assert site.get("/metrics", auth=("ann", "secret")).status_code == 200
        assert site.get("/metrics", auth=("ann", "wrong")).status_code == 401


def test_ipv6() -> None:
    """An IPv6 address is served and told in brackets."""
    try:
        site = Site(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with running(site):
        assert site.server.url.startswith("http://[::1]:")
        assert site.get("/-/healthy").status_code == 200


@pytest.mark.parametrize("host", ["", "::"])
def test_all_interfaces_of_both_kinds(host: str) -> None:
    """Without a host, or with IPv6's wildcard, IPv4 clients are served too."""
    with running(Site(host=host)) as site:
        port = site.server.url.rpartition(":")[2]
        assert requests.get(f"http://127.0.0.1:{port}/-/healthy", timeout=HANGS_SECONDS).status_code == 200


def test_an_address_that_cannot_be_had() -> None:
    """A taken port, a foreign address and an unknown host are told in one line that names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"^cannot listen on 127.0.0.1:{port}: another program listens"):
            Server(_no_app, "127.0.0.1", port)
    with pytest.raises(OSError, match=r"^cannot listen on 192\.0\.2\.1:0: this machine does not have"):
        Server(_no_app, "192.0.2.1", 0)
    with pytest.raises(OSError, match=r"^cannot listen on no\.such\.host\.invalid:9848: "):
        Server(_no_app, "no.such.host.invalid", 9848)


async def _no_app(*_: object) -> None:
    """An application that is never asked."""


PROGRAM = """
import logging, sys, time
from llmtrain_exporter.web import server
from tests.serving import Site, fill
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
server.TICK_SECONDS = 3600.0  # it is woken, and asks for nothing
site = Site()
fill(site.fleet)
site.server.run()
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_and_quietly(number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end the server soon whatever its clients do, without a traceback."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout
        url = process.stdout.readline().removeprefix("Listening on ").strip()
        port = int(url.rpartition(":")[2])
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        clients[0].sendall(b"GET /metrics HT")
        clients[1].sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")  # and never reads
        clients[2].sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        assert clients[1].recv(1) + clients[2].recv(1) == b"HH"
        process.send_signal(number)
        assert process.wait(KILLED_SECONDS) == 0
        assert process.stdout.read() == "ended\n"
    for client in clients:
        client.close()


def test_it_is_woken_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever thread says so; it does not ask again and again."""
    monkeypatch.setattr(web_server, "TICK_SECONDS", 3600.0)
    site = Site()
    thread = threading.Thread(target=site.server.run, daemon=True)
    thread.start()
    assert site.get("/-/healthy").headers["Date"]
    site.server.stop()
    thread.join(KILLED_SECONDS)
    assert not thread.is_alive()


def test_whoever_looks_takes_no_zero_away(site: Site) -> None:
    """curl and HEAD leave a new run at 0 for those who scrape; each of these sees that, then the growth."""
    resumes = Series(c.RESUMES)
    first, second = ({"User-Agent": name, TIMEOUT_HEADER: "10"} for name in ("first", "second"))

    def count(headers: Mapping[str, str]) -> str:
        lines = site.get("/metrics", headers=dict(headers)).text.splitlines()
        (line,) = [line for line in lines if line.startswith('llmtrain_resumes_total{run="new"}')]
        return line.rpartition(" ")[2]

    site.exposition.publish("new", {resumes: 1.0}, newborn=True)
    site.get("/metrics", method="HEAD")
    assert [count(headers) for headers in ({}, {}, first, {}, second, first)] == ["0"] * 6
    for _ in range(60):  # a second each
        count(first)
    assert [count(headers) for headers in (second, first, {})] == ["1"] * 3
