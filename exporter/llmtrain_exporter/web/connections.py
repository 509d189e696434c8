"""Connections within limits: how many there are, how long a request takes to arrive, how long one may idle.

uvicorn's own limit on keep-alive ends with the first byte that comes, and its limit on concurrency counts
requests that have arrived: half a request would hold its connection for ever.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import h11
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Phase(Enum):
    """What a connection waits for."""

    HEADERS = "headers"  # of a request, behind the handshake of TLS where there is one
    BODY = "body"  # of a request
    ANSWER = "answer"  # of the application, or for the client to read it
    IDLE = "idle"  # a next request
    LEAVING = "leaving"  # the client, to read the rest


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may take. Times in seconds, each for the whole of a phase, however bytes drip in."""

    connections: int = 512
    headers: float = 10.0
    body: float = 30.0
    idle: float = 5.0
    leaving: float = 120.0
    requests: int = 1000  # on one connection
    header_bytes: int = 16 * 1024  # with the request line

    def seconds(self, phase: Phase) -> float | None:
        """How long a phase may last; None: the application sees to that."""
        return None if phase is Phase.ANSWER else float(getattr(self, phase.value))


def fair_share(most: int, open_files: int, part: int) -> int:
    """So many connections, or that part of the files that a process may have open, where it is less."""
    return max(1, min(most, open_files // part)) if open_files > 0 else most


class ConnectionTable:
    """All connections in the order in which they came into their phases. Owned by the event loop's thread."""

    def __init__(self, most: int, note: Callable[[str], object]) -> None:
        """`note` gets, in a word, why a connection was cut off."""
        self.note = note
        self._most = most
        self._waiting: dict[Connection, None] = {}
        self._answered: dict[Connection, None] = {}  # requests that are being answered

    def __len__(self) -> int:
        return len(self._waiting) + len(self._answered)

    def put(self, connection: Connection) -> None:
        """Take in a connection, or know it in its new phase; where there are too many the oldest has to go.

        Whoever has not finished a request goes first, so that a flood of halves keeps no whole one out.
        """
        self.remove(connection)
        chosen = self._answered if connection.phase is Phase.ANSWER else self._waiting
        if len(self) >= self._most:
            oldest = next(iter(self._waiting or self._answered))
            self.remove(oldest)
            self.note("crowd")
            oldest.cut_off()
        chosen[connection] = None

    def remove(self, connection: Connection) -> None:
        """Forget one that is gone; one that is not known is no error."""
        self._waiting.pop(connection, None)
        self._answered.pop(connection, None)


@dataclass(slots=True)
class Served:
    """What all connections of a server share. `app` and `tls` may be exchanged, for who comes after that."""

    app: ASGIApp
    tls: ssl.SSLContext | None
    limits: Limits
    table: ConnectionTable


class Connection(H11Protocol):
    """One connection. Owned by the event loop's thread."""

    def __init__(self, *, served: Served, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.app = self._answer
        self.phase = Phase.HEADERS
        self._served = served
        self._requests = 0
        self._early = b""  # came with the end of TLS' handshake
        self._socket: asyncio.Transport | None = None  # below TLS, None when it is lost
        self._deadline: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None  # held: the loop does not

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        self._socket = transport
        self._enter(Phase.HEADERS)
        if self._served.tls is None:
            super().connection_made(transport)
        else:
            self._handshake = self.loop.create_task(self._secure(transport, self._served.tls))

    async def _secure(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        secured: asyncio.Transport | None = None
        with suppress(OSError):  # no TLS, not the right certificate, or gone
            secured = await self.loop.start_tls(transport, self, tls, server_side=True)
        if secured is None or self._socket is None:
            self.cut_off()
            return
        super().connection_made(secured)
        early, self._early = self._early, b""
        if early:
            self.data_received(early)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, whoever ended it."""
        self._leave()
        self._socket = None
        if self.transport is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self.transport is None:
            self._early += data
            return
        if self.phase is Phase.IDLE and self.conn.their_state is h11.IDLE:
            self._enter(Phase.HEADERS)
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """The application has said all."""
        super().on_response_complete()
        self._follow()

    def cut_off(self) -> None:
        """End it at once."""
        self._leave()
        transport, self._socket = self._socket, None
        if transport is not None:
            transport.abort()

    def _follow(self) -> None:
        phase = self._found_phase()
        if phase is not self.phase and self._socket is not None and self.phase is not Phase.LEAVING:
            self._enter(phase)

    def _found_phase(self) -> Phase:
        if self.conn.their_state is h11.SEND_BODY:
            return Phase.BODY
        if self.cycle is not None and not self.cycle.response_complete:
            return Phase.ANSWER
        awaited = self.phase is Phase.HEADERS and self.conn.their_state is h11.IDLE
        return Phase.HEADERS if awaited else Phase.IDLE

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._served.table.put(self)
        if self._deadline is not None:
            self._deadline.cancel()
        seconds = self._served.limits.seconds(phase)
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        """The time of its phase is over."""
        if self.phase is Phase.IDLE:
            self._close()
            return
        self._served.table.note(self.phase.value)
        if self.phase is Phase.HEADERS and self.transport is not None and self.conn.trailing_data[0]:
            self.transport.write(TOO_LATE)
            self._close()
        else:
            self.cut_off()

    def _close(self) -> None:
        """End it when the client has read what was sent, or has had the time for it."""
        self._enter(Phase.LEAVING)
        self.transport.close()

    def _leave(self) -> None:
        self._served.table.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._requests += 1
        last = self._requests >= self._served.limits.requests
        try:
            await self._served.app(scope, receive, _closing(send) if last else send)
        finally:
            if self.phase is Phase.ANSWER and self._socket is not None:  # given up half way: uvicorn closes
                self._enter(Phase.LEAVING)


def _closing(send: Send) -> Send:
    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["connection"] = "close"
        await send(message)

    return send_and_close
