"""The HTTP side: a scrape, two probes, one page, one list of runs. No request's body is ever read."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from exporter.ingest.follow import printable
from exporter.model import Kind, Snapshot
from exporter.serve.asgi import BasicAuth, FixedHeaders, Pieces
from exporter.serve.deflate import gzip_pieces
from exporter.serve.exposition import Exposition, label_value
from exporter.serve.fleet import Fleet
from exporter.serve.negotiate import accepts_gzip, wants_openmetrics
from exporter.serve.page import STYLE_SOURCE, landing
from exporter.serve.telemetry import Telemetry
from exporter.serve.users import Users

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

GRACE_SECONDS = 1  # for answers that are under way when the server is stopped

logger = logging.getLogger(__name__)


def create_app(
    fleet: Fleet,
    exposition: Exposition,
    telemetry: Telemetry,
    users: Users | None,
    version: str,
    clock: Callable[[], float],
    headers: Mapping[str, str],
) -> Starlette:
    """The application. `clock`: Unix time; `headers`: for every answer, stronger than the usual ones."""
    site = _Site(fleet, exposition, telemetry, version, clock)
    middleware = [Middleware(FixedHeaders, headers={**SECURITY, **headers})]
    if users:
        middleware.append(Middleware(BasicAuth, users=users))
    app = Starlette(routes=site.routes(), middleware=middleware, exception_handlers={Exception: site.failed})
    app.router.redirect_slashes = False
    return app


class _Site:
    """The answers. Those that cost something are plain functions, which run in the thread pool."""

    def __init__(
        self,
        fleet: Fleet,
        exposition: Exposition,
        telemetry: Telemetry,
        version: str,
        clock: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._exposition = exposition
        self._telemetry = telemetry
        self._version = version
        self._clock = clock

    def routes(self) -> list[Route]:
        answers = {
            "/": self.page,
            "/metrics": self.metrics,
            "/api/v1/runs": self.runs,
            "/-/healthy": self.healthy,
            "/-/ready": self.ready,
        }
        return [Route(path, answer) for path, answer in answers.items()]

    def metrics(self, request: Request) -> Response:
        openmetrics = wants_openmetrics(_header(request, "accept"))
        headers = {
            "Content-Type": OPENMETRICS if openmetrics else TEXT,
            "Vary": "Accept, Accept-Encoding",
        }
        with self._telemetry.scraping():
            if not accepts_gzip(_header(request, "accept-encoding")):
                runs = self._exposition.pieces(openmetrics)
                return Pieces((*runs, self._telemetry.render(openmetrics)), headers)
            deflated = self._exposition.deflated(openmetrics)
            body = gzip_pieces(deflated, self._telemetry.render(openmetrics))
            return Pieces(body, {**headers, "Content-Encoding": "gzip"})

    def page(self, _: Request) -> Response:
        fleet = self._fleet
        return HTMLResponse(
            landing(self._version, fleet.roots, fleet.ready, fleet.snapshots(), self._clock())
        )

    def runs(self, _: Request) -> Response:
        runs = [_described(snapshot) for snapshot in self._fleet.snapshots()]
        body = orjson.dumps({"ready": self._fleet.ready, "runs": runs}, option=orjson.OPT_APPEND_NEWLINE)
        return Response(body, media_type="application/json")

    async def healthy(self, _: Request) -> Response:
        return PlainTextResponse("llmtrain-exporter is healthy.\n")

    async def ready(self, _: Request) -> Response:
        if self._fleet.ready:
            return PlainTextResponse("llmtrain-exporter is ready.\n")
        return PlainTextResponse("Still reading the logs that were there at the start.\n", 503)

    async def failed(self, request: Request, error: Exception) -> Response:
        self._telemetry.failed("http")
        logger.error("%s could not be answered", printable(request.url.path), exc_info=error)
        return PlainTextResponse("Internal Server Error\n", 500)


def _header(request: Request, name: str) -> str:
    return ",".join(request.headers.getlist(name))


def _described(snapshot: Snapshot) -> dict[str, Any]:
    """A run as JSON; NaN and infinities become null on the way out."""
    last, most = snapshot.last_step, snapshot.max_steps
    return {
        "run": label_value(snapshot.run),
        "file": printable(snapshot.file),
        "dialect": snapshot.dialect,
        "profile": snapshot.profile,
        "state": snapshot.state.value,
        "health": snapshot.health.name.lower(),
        "records": {kind.value: snapshot.records.get(kind, 0) for kind in (Kind.TRAIN, Kind.EVAL)},
        "first_step": snapshot.first_step,
        "last_step": last,
        "max_steps": most,
        "progress": last / most if last is not None and most else None,
        "resumes": [{"from": resume.last, "to": resume.first} for resume in snapshot.resumes],
        "last_record_timestamp": snapshot.last_record,
        "best": snapshot.best and {"eval_loss": snapshot.best[0], "step": snapshot.best[1]},
        "skipped_lines": dict(snapshot.skipped),
    }


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
