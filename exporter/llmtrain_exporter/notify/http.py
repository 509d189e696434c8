"""What is answered: Alertmanager's webhook, a scrape, two probes."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anyio import fail_after, to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from llmtrain_exporter.notify.relay import Relay
from llmtrain_exporter.notify.telemetry import RelayTelemetry
from llmtrain_exporter.notify.webhook import WebhookError, parse
from llmtrain_exporter.printable import printable
from llmtrain_exporter.web.access import Access

MOST_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 15.0
MOST_UNDER_WAY = 1000
"""Groups at a time; Alertmanager comes again with others."""

MOST_HELD_BYTES = 64 * 1024 * 1024
"""Of all bodies at a time; each is held until every bot has answered."""

TEXT = "text/plain; version=0.0.4; charset=utf-8"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)


class _RejectedError(Exception):
    """A request that is not taken: its status, a label value, and a sentence."""

    def __init__(self, status: int, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.reason = reason


def create_app(
    relay: Relay, telemetry: RelayTelemetry, access: Access, token: str | None = None
) -> Starlette:
    """The application. `token`: what who posts alerts has to show, where that is asked for."""
    site = _Endpoints(relay, telemetry, token)
    middleware = access.middleware(SECURITY)
    app = Starlette(routes=site.routes(), middleware=middleware, exception_handlers={Exception: site.failed})
    app.router.redirect_slashes = False
    return app


class _BodyRoom:
    """The bytes that there is room for. Owned by the event loop's thread."""

    def __init__(self, left: int) -> None:
        self._left = left

    @contextmanager
    def guest(self) -> Iterator[Callable[[int], None]]:
        """Gives a function that takes so many bytes until the end, or raises _RejectedError."""
        held = 0

        def take(size: int) -> None:
            nonlocal held
            if size > self._left:
                raise _RejectedError(503, "too_many", "too many groups at a time; try again")
            self._left -= size
            held += size

        try:
            yield take
        finally:
            self._left += held


class _Endpoints:
    """The answers."""

    def __init__(self, relay: Relay, telemetry: RelayTelemetry, token: str | None) -> None:
        self._relay = relay
        self._authorization = None if token is None else f"Bearer {token}".encode()
        self._telemetry = telemetry
        self._room = _BodyRoom(MOST_HELD_BYTES)

    def routes(self) -> list[Route]:
        return [
            Route("/alerts", self.alerts, methods=["POST"]),
            Route("/alerts/{bot}", self.alerts, methods=["POST"]),
            Route("/", self.page),
            Route("/metrics", self.metrics),
            Route("/-/healthy", self.healthy),
            Route("/-/ready", self.healthy),
        ]

    async def alerts(self, request: Request) -> Response:
        started = time.monotonic()
        with self._room.guest() as take:
            status, text = await self._answer(request, take)
        self._telemetry.answered(status, time.monotonic() - started)
        challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return PlainTextResponse(text or "ok\n", status, challenge)

    def _admit(self, request: Request) -> None:
        """Raises _RejectedError where the token is asked for and not shown. Takes as long for any other."""
        shown = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
        if self._authorization is not None and not hmac.compare_digest(shown, self._authorization):
            raise _RejectedError(
                401,
                "token",
                "this relay wants its token as http_config.authorization of Alertmanager's receiver",
            )

    async def _answer(self, request: Request, take: Callable[[int], None]) -> tuple[int, str]:
        bot = request.path_params.get("bot")
        try:
            self._admit(request)
            if self._relay.under_way >= MOST_UNDER_WAY:
                raise _RejectedError(503, "too_many", "too many groups at a time; try again")
            body = await _body(request, take)
            group = await to_thread.run_sync(parse, body)
        except (_RejectedError, WebhookError) as error:
            reason = error.reason if isinstance(error, _RejectedError) else "invalid"
            self._telemetry.invalid(reason)
            log.warning("A request was not taken: %s", error)
            return getattr(error, "status", 400), f"{error}\n"
        result = await self._relay.tell(group, bot)
        if result.unknown:
            self._telemetry.invalid("unknown_bot")
            names = ", ".join(self._relay.bots) or "none"
            return 404, f"no bot is called {printable(str(bot))[:60]}; there are: {names}\n"
        return result.status, result.text

    async def page(self, _: Request) -> Response:
        names = ", ".join(self._relay.bots) or "no bot, so cards go to the log"
        return PlainTextResponse(
            f"llmtrain-exporter relay: POST /alerts takes Alertmanager's webhook ({names}); see /metrics.\n"
        )

    async def metrics(self, _: Request) -> Response:
        # In the event loop's thread, which owns the numbers of the bots.
        return Response(self._telemetry.render(), headers={"Content-Type": TEXT})

    async def healthy(self, _: Request) -> Response:
        return PlainTextResponse("llmtrain-exporter relay is healthy.\n")

    async def failed(self, request: Request, error: Exception) -> Response:
        log.error("%s could not be answered", printable(request.url.path), exc_info=error)
        return PlainTextResponse("Internal Server Error\n", 500)


async def _body(request: Request, take: Callable[[int], None]) -> bytes:
    """The body, no more of it than `take` and the limit allow. Raises _RejectedError."""
    pieces: list[bytes] = []
    size = 0
    try:
        with fail_after(BODY_SECONDS):
            async for piece in request.stream():
                take(len(piece))
                pieces.append(piece)
                size += len(piece)
                if size > MOST_BYTES:
                    raise _RejectedError(
                        413, "too_large", f"larger than {MOST_BYTES} bytes; set max_alerts in webhook_configs"
                    )
    except TimeoutError:
        raise _RejectedError(408, "slow", f"the body did not come within {BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise _RejectedError(400, "disconnected", "the body ended too early") from None
    return b"".join(pieces)
