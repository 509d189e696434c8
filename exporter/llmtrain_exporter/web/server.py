"""A server on an address: bound at once, ended by a signal."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 1  # for answers that are under way when the server is stopped

logger = logging.getLogger(__name__)


class Server:
    """An application on an address: bound when it is made, answering while it runs."""

    def __init__(self, app: ASGIApp, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Port 0 takes any that is free. Raises OSError with a sentence for people."""
        self._socket = _bind(host, port)
        bound = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{_address(host, bound)}"
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=logging.CRITICAL,  # what goes wrong in an answer is logged here, once
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        config.load()
        config.ssl = tls
        self._uvicorn = uvicorn.Server(config)

    def run(self) -> None:
        """Answer until SIGTERM, Ctrl-C (both if this is the main thread) or `stop`; ends within 2 seconds."""
        logger.info("Listening on %s", self.url)
        with _signals(self.stop):
            self._uvicorn.run(sockets=[self._socket])

    def stop(self) -> None:
        """End `run`, from any thread."""
        self._uvicorn.should_exit = True


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
