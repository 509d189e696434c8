"""A server on an address: bound at once, ended by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from llmtrain_exporter.web.connections import Connection, ConnectionTable, Limits, Served

GRACE_SECONDS = 1  # for answers that are under way when the server is stopped

ACCEPTED_AT_ONCE = 16
"""Before the event loop looks at them: a flood must not take all descriptors before others are let go."""

QUEUE = 1024  # connections that the kernel holds until they are accepted

TICK_SECONDS = 1.0
"""Time between two looks at what an idle server does by the clock: the date in the head of its answers."""

logger = logging.getLogger(__name__)


USUAL = Limits()


class _Uvicorn(uvicorn.Server):
    """Is woken to end, and so need not ask for that ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None  # while it runs
        self._woken = asyncio.Event()

    async def main_loop(self) -> None:
        """Answer until it is to end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come."""
        super().handle_exit(sig, frame)
        self._wake()

    def end(self) -> None:
        """End soon, from any thread and before it runs."""
        self.should_exit = True
        self._wake()

    def _wake(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._woken.set)

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        """Listen with a longer queue than what is accepted at once; asyncio has one number for both."""
        await super().startup(list(sockets or ()))
        for listening in sockets or ():
            listening.listen(QUEUE)


class Server:
    """An application on an address: bound when it is made, answering while it runs."""

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        limits: Limits = USUAL,
        note_cut: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Port 0 takes any that is free. `note_cut` gets, in a word, why a connection was cut off.

        Raises OSError with a sentence for people.
        """
        self._socket = _bind(host, port)
        bound = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{_address(host, bound)}"
        self._served = Served(app, tls, limits, ConnectionTable(limits.connections, note_cut))
        connection: Any = partial(Connection, served=self._served)
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=logging.CRITICAL,  # what goes wrong in an answer is logged here, once
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=ACCEPTED_AT_ONCE,
            timeout_keep_alive=math.ceil(limits.idle),
            h11_max_incomplete_event_size=limits.header_bytes,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        config.load()
        self._uvicorn = _Uvicorn(config)

    def run(self) -> None:
        """Answer until SIGTERM, Ctrl-C (both if this is the main thread) or `stop`; ends within 2 seconds."""
        logger.info("Listening on %s", self.url)
        with _signals(self.stop):
            self._uvicorn.run(sockets=[self._socket])

    def exchange(self, app: ASGIApp, tls: ssl.SSLContext | None) -> None:
        """Let this application answer from the next request on, and this TLS from the next connection on."""
        self._served.app, self._served.tls = app, tls

    def stop(self) -> None:
        """End `run`, from any thread."""
        self._uvicorn.end()


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; so do those that uvicorn caught and raises again when it has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket on the first address of that host, IPv4 before IPv6; of `::` and "" on both."""
    both = host in ("", "::") and socket.has_dualstack_ipv6()
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = max(found, key=lambda entry: (entry[0] is socket.AF_INET) is not both)
        listening = socket.create_server(address, family=family, dualstack_ipv6=both)
        # Connections inherit it; without it the end of an answer waits 40 ms for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise OSError(f"cannot listen on {_address(host, port)}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    hints = {
        errno.EADDRINUSE: "another program listens there; stop it or choose another port",
        errno.EACCES: "ports below 1024 need more rights; choose a higher one",
        errno.EADDRNOTAVAIL: "this machine does not have that address",
    }
    return hints.get(error.errno or 0, error.strerror or str(error))


def _address(host: str, port: int) -> str:
    host = host or "localhost"  # all interfaces; this is the one that everybody has
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
