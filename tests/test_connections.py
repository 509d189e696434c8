"""Clients that take their time, or come in crowds: nobody else has to wait for them."""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from llmtrain_exporter.web import asgi
from llmtrain_exporter.web.connections import Limits, fair_share

from tests.certificates import certify
from tests.relaying import RelayProcess, alert, group
from tests.servers import HANGS_SECONDS, ExporterProcess, Server, eventually
from tests.serving import Site, fill, running

SOON = 0.2  # seconds
HALF = b"GET /metrics HTTP/1.1\r\nHost: a\r\n"
WHOLE = HALF + b"\r\n"
BODY = b"POST /alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{"
FLOOD = 1000
DESCRIPTORS = 1024


def until_closed(connection: socket.socket, drip: bytes = b"") -> bytes:
    """What a client is sent until the server ends the connection, while it sends `drip` again and again."""
    received = bytearray()
    with connection, contextlib.suppress(ConnectionError):
        while True:
            readable, _, _ = select.select([connection], [], [], 0.01 if drip else HANGS_SECONDS)
            assert readable or drip, "the connection stays"
            if readable:
                if not (piece := connection.recv(65536)):
                    break
                received += piece
            else:
                connection.sendall(drip)
    return bytes(received)


def cut(site: Site, reason: str) -> float | None:
    """How many connections were cut off for that."""
    return site.telemetry._own.registry.get_sample_value(
        "llmtrain_exporter_cut_connections_total", {"reason": reason}
    )


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_half_a_request_is_given_up(drip: bytes) -> None:
    """Also when its headers come byte by byte: the time is for all of them."""
    site = Site(limits=Limits(headers=SOON))
    half = site.connect(HALF + b"X: ")  # it is there before the time begins, however busy this machine is
    with running(site):
        answer = until_closed(half, drip)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert cut(site, "headers") == 1


def test_who_says_nothing_is_let_go() -> None:
    """Without an answer, since nothing was asked."""
    with running(Site(limits=Limits(headers=SOON))) as site:
        assert until_closed(site.connect(b"")) == b""


def answers(site: Site, certificate: str) -> bool:
    """Whether it answers; on a busy machine it may let us go, too."""
    with contextlib.suppress(requests.ConnectionError):
        return site.get("/-/healthy", verify=certificate).status_code == 200
    return False


def test_a_handshake_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """The time for the headers is for TLS, too."""
    certify(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with running(Site(tls=tls, limits=Limits(connections=10))) as site, contextlib.ExitStack() as open_ones:
        silent = [open_ones.enter_context(site.connect(b"")) for _ in range(30)]
        assert site.get("/-/healthy", verify=str(tmp_path / "server.crt")).status_code == 200
        assert until_closed(silent[0]) == b""
    site = Site(tls=tls, limits=Limits(headers=SOON))
    unspoken, begun = site.connect(b""), site.connect(b"\x16\x03\x01\x02\x00")
    with running(site):
        assert until_closed(unspoken) == b""
        assert until_closed(begun) == b""
        assert eventually(lambda: answers(site, str(tmp_path / "server.crt")))


def test_a_body_that_drips_is_given_up() -> None:
    """Nobody reads it, and nobody waits for its end."""
    with running(Site(limits=Limits(body=SOON))) as site:
        head = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"
        assert until_closed(site.connect(head), b"x").startswith(b"HTTP/1.1 200 ")
        assert cut(site, "body") == 1


def test_an_idle_connection_is_closed() -> None:
    """After its last answer, and half a next request has the time of a first one."""
    site = Site(limits=Limits(headers=SOON, idle=SOON))
    whole, more = site.connect(WHOLE), site.connect(WHOLE + HALF)
    with running(site):
        assert until_closed(whole).startswith(b"HTTP/1.1 200 ")
        assert until_closed(more).startswith(b"HTTP/1.1 200 ")
        assert cut(site, "body") == cut(site, "crowd") == 0


def test_a_connection_serves_so_many_requests() -> None:
    """The last answer says that there are no more."""
    with running(Site(limits=Limits(requests=3))) as site:
        answers = until_closed(site.connect(b"GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n" * 5))
        assert answers.count(b"HTTP/1.1 503 ") == 3
        assert answers.count(b"connection: close\r\n") == 1


def test_an_answer_that_nobody_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of it is not held for ever."""
    monkeypatch.setattr(asgi, "SEND_SECONDS", SOON)
    with running(Site(limits=Limits(leaving=SOON))) as site:
        fill(site.fleet)
        with site.connect(WHOLE):
            assert eventually(lambda: cut(site, "leaving"))


def test_a_crowd_of_halves_keeps_nobody_out() -> None:
    """The oldest of those who have not finished goes first; a whole request is answered."""
    with running(Site(limits=Limits(connections=10))) as site, contextlib.ExitStack() as open_ones:
        halves = [open_ones.enter_context(site.connect(HALF)) for _ in range(30)]
        assert site.get("/metrics").status_code == 200
        assert until_closed(halves[0]) == b""
        assert cut(site, "crowd") == 21
        halves[-1].sendall(b"\r\n")
        assert halves[-1].recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_crowd_that_does_not_read_keeps_nobody_out() -> None:
    """Where all have asked and none takes its answer, the one that is being answered for longest goes."""
    with running(Site(limits=Limits(connections=10))) as site, contextlib.ExitStack() as open_ones:
        fill(site.fleet)
        for _ in range(30):
            deaf = open_ones.enter_context(site.connect(WHOLE))
            assert deaf.recv(1) == b"H"
        assert site.get("/-/healthy").status_code == 200
        assert cut(site, "crowd") == 21


def test_how_many_connections_there_may_be() -> None:
    """A share of what may be open, and no more than is of use."""
    assert fair_share(512, 1024, 8) == 128
    assert fair_share(512, 1_048_576, 8) == 512
    assert fair_share(512, resource.RLIM_INFINITY, 8) == 512
    assert fair_share(512, 4, 8) == 1


@contextlib.contextmanager
def flooding(server: Server, sent: bytes) -> Iterator[list[socket.socket]]:
    """A thousand connections of this process on which so much was sent, and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * FLOOD + 100), hard))
    host, port = server.address.split(":")
    with contextlib.ExitStack() as open_ones:
        halves = []
        for _ in range(FLOOD):
            half = socket.create_connection((host, int(port)), timeout=HANGS_SECONDS)
            halves.append(open_ones.enter_context(half))
            with contextlib.suppress(ConnectionError):
                half.sendall(sent)
        yield halves
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def with_few_descriptors(server: Server) -> None:
    """Let it have no more than most systems allow."""
    server.command[:0] = ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh"]


@pytest.mark.parametrize("sent", [b"GET /metrics HT", HALF, BODY])
def test_a_flood_leaves_the_exporter_at_work(sent: bytes, tmp_path: Path) -> None:
    """A scrape is answered meanwhile, and a run that begins is found."""
    exporter = ExporterProcess([tmp_path, "--scan-interval", "0.2s"])
    with_few_descriptors(exporter)
    with exporter, flooding(exporter, sent):
        assert exporter.get("/metrics").status_code == 200
        (tmp_path / "logging.jsonl").write_text('{"loss": 1.0, "global_step/max_steps": "1/9"}\n')
        exporter.search_again()
        exporter.read_again()
        series = exporter.metrics()
        assert any(name.startswith("llmtrain_loss{") for name in series)
        assert series['llmtrain_exporter_cut_connections_total{reason="crowd"}'] > FLOOD / 2
        assert series["process_open_fds"] < DESCRIPTORS / 2
        assert series['llmtrain_exporter_errors_total{kind="scan"}'] == 0


def test_a_flood_leaves_the_relay_at_work() -> None:
    """A webhook is taken, and a scrape answered."""
    relay = RelayProcess()
    with_few_descriptors(relay)
    with relay, flooding(relay, BODY):
        assert relay.post(group(alert())).status_code == 200
        assert relay.metrics()['llmtrain_relay_cut_connections_total{reason="crowd"}'] > 0
        assert requests.get(f"{relay.url}/-/healthy", timeout=HANGS_SECONDS).status_code == 200
