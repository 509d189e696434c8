"""Between the application and its clients: who is let in, what every answer says, how it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from anyio import CapacityLimiter, move_on_after, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmtrain_exporter.web.negotiate import credentials
from llmtrain_exporter.web.users import Users

SENT_AT_ONCE = 1 << 18  # bytes
SEND_SECONDS = 120.0
"""A client that has not read its answer by then is given up: it holds the texts of its scrape in memory."""


class Piece(Protocol):
    """A part of a body: bytes, or what is made bytes when it is sent. `len`: how many these are."""

    def __len__(self) -> int: ...

    def __bytes__(self) -> bytes: ...


class Pieces(Response):
    """A body in pieces that belong one after another, sent no faster than the client reads."""

    def __init__(self, pieces: Sequence[bytes | Piece], headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "content-length": str(sum(map(len, pieces)))})
        self._pieces = pieces

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it. Raises nothing when the client leaves."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        with move_on_after(SEND_SECONDS):
            await send(start)
            if scope["method"] != "HEAD":
                for part in _joined(self._pieces):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _joined(pieces: Sequence[bytes | Piece]) -> Iterator[bytes]:
    """The pieces, small ones together, since each message to the server has its price."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(bytes(piece))
        size += len(piece)
        if size >= SENT_AT_ONCE:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


class FixedHeaders:
    """Adds headers to every answer."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BasicAuth:
    """Lets only these users in."""

    def __init__(self, app: ASGIApp, users: Users) -> None:
        self._app = app
        self._users = users
        # One at a time: whoever tries passwords keeps at most one core busy, and no thread of the scrapes.
        self._limiter = CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 401."""
        given = credentials(Headers(scope=scope).get("authorization", ""))
        if given and (self._users.remembers(*given) or await self._verify(*given)):
            await self._app(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Basic realm="llmtrain-exporter", charset="UTF-8"'}
        await PlainTextResponse("Unauthorized\n", 401, challenge)(scope, receive, send)

    async def _verify(self, user: str, password: str) -> bool:
        return await to_thread.run_sync(self._users.verify, user, password, limiter=self._limiter)
