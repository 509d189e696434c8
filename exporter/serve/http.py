"""What is answered: a scrape, two probes, pages, runs as JSON. No request's body is ever read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.model import Kind, Snapshot
from exporter.printable import printable
from exporter.serve.deflate import gzip_pieces
from exporter.serve.exposition import Exposition, label_value
from exporter.serve.fleet import Fleet
from exporter.serve.page import STYLE_SOURCE, landing
from exporter.serve.telemetry import Telemetry
from exporter.web.asgi import BasicAuth, FixedHeaders, Pieces
from exporter.web.negotiate import accepts_gzip, wants_openmetrics
from exporter.web.users import Users

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

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
