"""A server that takes remote write, for tests: it reads bodies by itself, and fails as it is told to."""

from __future__ import annotations

import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TypeVar

R = TypeVar("R", bound="Receiver")

Point = tuple[str, int]
"""A series as text, and a Unix time in ms."""


@dataclass
class Failure:
    """How to answer once, with the status, the headers and the body, or else.

    `hang`: not before the test ends; `cut`: close the connection instead; `drip`: one header after the other
    until the test ends, so that bytes come all the time and never an answer.
    """

    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False
    drip: bool = False


@dataclass
class Received:
    """One request."""

    client: tuple[str, int]
    headers: Mapping[str, str]
    path: str
    size: int
    samples: list[tuple[str, int, float]]


class Receiver:
    """Keeps what it takes, by series and time. `failures` are used up first, one for each request."""

    def __init__(self) -> None:
        self.taken: dict[Point, float] = {}
        self.requests: list[Received] = []
        self.failures: list[Failure] = []
        self.conflicts: list[Point] = []
        self._lock = threading.Lock()
        self.ended = threading.Event()

    def __enter__(self: R) -> R:
        self.server = self.made(_Server(self))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def made(self, server: _Server) -> _Server:
        """The server before it begins, to be changed."""
        return server

    @property
    def url(self) -> str:
        """Where it takes remote write."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/api/v1/write"

    def take(
        self, client: tuple[str, int], path: str, headers: Mapping[str, str], body: bytes
    ) -> Failure | None:
        """How a request fails, None where all of it is taken."""
        with self._lock:
            samples = list(read(unpacked(body)))
            self.requests.append(Received(client, headers, path, len(body), samples))
            if self.failures:
                return self.failures.pop(0)
            self._keep(samples)
            return None

    def _keep(self, samples: list[tuple[str, int, float]]) -> None:
        for series, time, value in samples:
            known = self.taken.setdefault((series, time), value)
            if struct.pack("<d", known) != struct.pack("<d", value):
                self.conflicts.append((series, time))


class SecureReceiver(Receiver):
    """The same behind TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._context = context

    def made(self, server: _Server) -> _Server:
        """With TLS on each connection."""
        server.socket = self._context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        return server

    @property
    def url(self) -> str:
        """Where it takes remote write."""
        return super().url.replace("http:", "https:")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver

    def handle_error(self, *_: object) -> None:
        """A client that has left is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        failure = self.server.receiver.take(self.client_address, self.path, dict(self.headers), body)
        if failure is None:
            self.send_response(204)
            self.end_headers()
        elif failure.hang or failure.cut:
            self._leave(failure)
        elif failure.drip:
            self._drip()
        else:
            self._refuse(failure)

    def _leave(self, failure: Failure) -> None:
        if failure.hang:
            self.server.receiver.ended.wait()
        self.close_connection = True
        self.connection.close()

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.receiver.ended.wait(0.05):
            self.wfile.write(b"A: b\r\n")

    def _refuse(self, failure: Failure) -> None:
        self.send_response(failure.status)
        for name, value in failure.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(failure.body.encode())))
        self.end_headers()
        self.wfile.write(failure.body.encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def unpacked(body: bytes) -> bytes:
    """Snappy's block format, read as its description says."""
    size, at = _varint(body, 0)
    out = bytearray()
    while at < len(body):
        tag, at = body[at], at + 1
        if tag & 3 == 0:
            length = (tag >> 2) + 1
            if length > 60:
                extra = length - 60
                length, at = int.from_bytes(body[at : at + extra], "little") + 1, at + extra
            out += body[at : at + length]
            at += length
            continue
        if tag & 3 == 1:
            length, offset, at = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | body[at], at + 1
        else:
            wide = 2 if tag & 3 == 2 else 4
            length, offset, at = (tag >> 2) + 1, int.from_bytes(body[at : at + wide], "little"), at + wide
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def read(message: bytes) -> Iterator[tuple[str, int, float]]:
    """The samples of a `WriteRequest`: series as text, time in ms, value."""
    for number, series in _fields(message):
        assert number == 1
        assert isinstance(series, bytes)
        labels: list[tuple[str, str]] = []
        samples: list[tuple[int, float]] = []
        for field_number, content in _fields(series):
            assert isinstance(content, bytes)
            parts = dict(_fields(content))
            if field_number == 1:
                labels.append((_text(parts[1]), _text(parts[2])))
            else:
                samples.append((_signed(parts[2]), parts[1]))  # type: ignore[arg-type]
        assert labels == sorted(labels)
        assert len(dict(labels)) == len(labels)
        known = dict(labels)
        name = known.pop("__name__")
        text = name + "{" + ",".join(f'{label}="{value}"' for label, value in known.items()) + "}"
        for time, value in samples:
            yield text, time, value


def _text(content: bytes | int | float) -> str:
    assert isinstance(content, bytes)
    return content.decode()


def _signed(number: bytes | int | float) -> int:
    assert isinstance(number, int)
    return number - (1 << 64) if number >> 63 else number


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int | float]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 2:
            length, at = _varint(message, at)
            yield tag >> 3, message[at : at + length]
            at += length
        elif tag & 7 == 1:
            yield tag >> 3, struct.unpack_from("<d", message, at)[0]
            at += 8
        else:
            assert tag & 7 == 0
            value, at = _varint(message, at)
            yield tag >> 3, value


def _varint(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte, at = content[at], at + 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
