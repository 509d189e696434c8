"""One request to a server and its answer: a connection that stays, bounded in time, without redirects."""

from __future__ import annotations

import base64
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from llmtrain_exporter.config.remote_write import ClientTls, RemoteWriteRule
from llmtrain_exporter.config.secrets import secret_of
from llmtrain_exporter.push.answers import RemoteAnswer

CONNECT_SECONDS = 10.0

MOST_ANSWER = 2048
"""Bytes of an answer that are read; a longer one costs the connection."""

SETTINGS, TLS, TIMEOUT, CONNECTION = "settings", "tls", "timeout", "connection"
"""Why there is no answer."""


class Transport:
    """Posts bodies to one server. Belongs to one thread.

    Secrets and certificates are read when they are needed, so that new ones need no new start.
    """

    def __init__(self, rule: RemoteWriteRule, environ: Mapping[str, str], version: str) -> None:
        parts = urlsplit(rule.url)
        self._rule = rule
        self._environ = environ
        self._version = version
        self._path = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
        self._connection: http.client.HTTPConnection | None = None

    def post(self, body: bytes) -> RemoteAnswer:
        """The answer to a packed body; what went wrong is one too, and says no secret."""
        used = self._connection is not None
        try:
            return self._ask(body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if used and isinstance(error, ConnectionError):  # it was closed while it was not in use
                return self.post(body)
            return _none(error)
        except ValueError as error:
            return RemoteAnswer(trouble=SETTINGS, body=str(error))

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, body: bytes) -> RemoteAnswer:
        headers = self._headers()
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        assert isinstance(connection.sock, _BoundedSocket)
        connection.sock.begin(self._rule.remote_timeout)
        connection.request("POST", self._path, body, headers)
        answer = connection.getresponse()
        text = answer.read(MOST_ANSWER).decode("utf-8", "replace")
        if answer.will_close or not answer.isclosed():
            self.close()
        return RemoteAnswer(answer.status, text, answer.headers.get("Retry-After", ""))

    def _connect(self) -> http.client.HTTPConnection:
        """Raises OSError, and ValueError for settings that cannot be used."""
        parts, tls = urlsplit(self._rule.url), self._rule.tls_config
        host, https = parts.hostname or "", parts.scheme == "https"
        context = _context(tls) if https else None
        seconds = min(CONNECT_SECONDS, self._rule.remote_timeout)
        sock = socket.create_connection((host, parts.port or (443 if https else 80)), seconds)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname=tls.server_name or host)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(parts.netloc)
        connection.sock = _BoundedSocket(sock)
        return connection

    def _headers(self) -> dict[str, str]:
        """Raises ValueError where a secret is not there."""
        rule = self._rule
        headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
            "User-Agent": f"llmtrain-exporter/{self._version}",
        }
        for name, value in rule.headers.items():
            headers[name] = _needed(secret_of(value, "value", self._environ))
        allowed = self._authorization()
        if allowed:
            headers["Authorization"] = allowed
        return headers

    def _authorization(self) -> str:
        rule, environ = self._rule, self._environ
        if rule.basic_auth is not None:
            password = secret_of(rule.basic_auth, "password", environ)
            pair = f"{rule.basic_auth.username}:{password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        if rule.authorization is not None:
            credentials = secret_of(rule.authorization, "credentials", environ)
            return _needed(f"{rule.authorization.type} {credentials}")
        token = secret_of(rule, "bearer_token", environ)
        return "" if token is None else _needed(f"Bearer {token}")


class _BoundedSocket:
    """A socket on which a request and its answer take so long at most, however slowly an answer drips."""

    def __init__(self, sock: socket.socket) -> None:
        self.raw = sock
        self._ends_at = 0.0  # monotonic time

    def begin(self, seconds: float) -> None:
        """A request begins."""
        self._ends_at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises TimeoutError where none are."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def sendall(self, content: bytes) -> None:
        """Send all of it."""
        self.raw.settimeout(self.left())
        self.raw.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002  # its name there
        """What the answer is read from."""
        return io.BufferedReader(_BoundedReader(self))

    def close(self) -> None:
        """Close it."""
        self.raw.close()


class _BoundedReader(io.RawIOBase):
    def __init__(self, sock: _BoundedSocket) -> None:
        super().__init__()
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.raw.settimeout(self._sock.left())
        return self._sock.raw.recv_into(buffer)


def _needed(value: str | None) -> str:
    """What may stand in a header. Raises ValueError, which never quotes it."""
    if value is None or not value.isascii() or not value.isprintable():
        raise ValueError("a header or token must be plain characters on one line")
    return value


def _context(tls: ClientTls) -> ssl.SSLContext:
    """Raises ValueError where a file of the settings cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(filter(None, (tls.ca_file, tls.cert_file, tls.key_file)))
        raise ValueError(f"tls_config: {files}: {error.strerror or error}") from None
    if tls.insecure_skip_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _none(error: Exception) -> RemoteAnswer:
    if isinstance(error, ssl.SSLError):
        trouble = TLS
    else:
        trouble = TIMEOUT if isinstance(error, TimeoutError) else CONNECTION
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return RemoteAnswer(trouble=trouble, body=text)
