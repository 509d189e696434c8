"""What is answered: a scrape, two probes, and what the other modules add. No request's body is ever read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from llmtrain_exporter.config import Settings
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.deflate import KeptText, gzip_pieces
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.pages.answers import header
from llmtrain_exporter.serve.pages.api import Api
from llmtrain_exporter.serve.pages.assets import Assets
from llmtrain_exporter.serve.pages.frame import Pages
from llmtrain_exporter.serve.pages.histories import Histories
from llmtrain_exporter.serve.pages.listing import Listing
from llmtrain_exporter.serve.pages.log_turns import LogTurns
from llmtrain_exporter.serve.pages.parting_api import PartingApi
from llmtrain_exporter.serve.pages.run_answers import RunAnswers
from llmtrain_exporter.serve.read_again import ReadAgain
from llmtrain_exporter.serve.scrapers import TIMEOUT_HEADER, Scrapers
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.web.access import Access
from llmtrain_exporter.web.asgi import Pieces
from llmtrain_exporter.web.negotiate import accepts_gzip, wants_openmetrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

logger = logging.getLogger(__name__)


def create_app(
    fleet: Fleet,
    exposition: Exposition,
    telemetry: Telemetry,
    access: Access,
    version: str,
    clock: Callable[[], float],
    settings: Settings,
    monotonic: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The application. `clock`: Unix time."""
    site = _Site(fleet, exposition, telemetry, monotonic)
    listing, histories, assets = Listing(fleet, monotonic), Histories(settings, clock, monotonic), Assets()
    answers = RunAnswers(fleet, ReadAgain(settings, clock))
    pages = Pages(fleet, listing, answers, assets, version, clock)
    turns = LogTurns()
    apis = Api(fleet, listing, answers, histories, turns), PartingApi(fleet, histories, turns)
    parts = pages, *apis, assets
    routes = [*site.routes(), *(route for part in parts for route in part.routes())]
    middleware = access.middleware(SECURITY)
    app = Starlette(routes=routes, middleware=middleware, exception_handlers={Exception: site.failed})
    app.router.redirect_slashes = False
    return app


class _Site:
    """The answers. Those that cost something are plain functions, which run in the thread pool."""

    def __init__(
        self, fleet: Fleet, exposition: Exposition, telemetry: Telemetry, monotonic: Callable[[], float]
    ) -> None:
        self._fleet = fleet
        self._exposition = exposition
        self._telemetry = telemetry
        self._monotonic = monotonic
        self._scrapers = Scrapers()

    def routes(self) -> list[Route]:
        answers = {
            "/metrics": self.metrics,
            "/-/healthy": self.healthy,
            "/-/ready": self.ready,
        }
        return [Route(path, answer) for path, answer in answers.items()]

    def metrics(self, request: Request) -> Response:
        openmetrics = wants_openmetrics(header(request, "accept"))
        headers = {
            "Content-Type": OPENMETRICS if openmetrics else TEXT,
            "Vary": "Accept, Accept-Encoding",
        }
        if request.method == "GET":
            self._note_scrape(request)
        with self._telemetry.scraping():
            if not accepts_gzip(header(request, "accept-encoding")):
                texts = (*self._exposition.pieces(openmetrics), KeptText(self._telemetry.render(openmetrics)))
                size = sum(text.size for text in texts)
                return Pieces(map(KeptText.plain, texts), headers, size)
            deflated = self._exposition.deflated(openmetrics)
            body = gzip_pieces(deflated, self._telemetry.render(openmetrics))
            return Pieces(body, {**headers, "Content-Encoding": "gzip"}, sum(map(len, body)))

    def _note_scrape(self, request: Request) -> None:
        now = self._monotonic()
        if timeout := header(request, TIMEOUT_HEADER):
            host = request.client.host if request.client else ""
            self._scrapers.came((host, header(request, "user-agent")), timeout, now)
        self._exposition.scraped(now, self._scrapers.hold(now))

    async def healthy(self, _: Request) -> Response:
        pulses = self._fleet.pulses
        unread = "".join(f"{root}: {why}.\n" for root, why in pulses.problems.items())
        if pulses.alive:
            return PlainTextResponse(f"llmtrain-exporter is healthy.\n{unread}")
        return PlainTextResponse(f"No log is read.\n{unread}", 503)

    async def ready(self, _: Request) -> Response:
        if self._fleet.ready:
            return PlainTextResponse("llmtrain-exporter is ready.\n")
        read, there = self._fleet.pulses.logs
        how_many = f": {read:,} of {there:,} are read" if there else ""
        return PlainTextResponse(f"Still reading the logs that were there at the start{how_many}.\n", 503)

    async def failed(self, request: Request, error: Exception) -> Response:
        self._telemetry.failed("http")
        logger.error("%s could not be answered", printable(request.url.path), exc_info=error)
        return PlainTextResponse("Internal Server Error\n", 500)
