"""Whether a card gets its chart: never at the cost of a card, of this incident or another."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio

from llmtrain_exporter.notify.call import Call
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.chat.descriptor import Bot, Message, PictureWay
from llmtrain_exporter.notify.ports import Draft, Ports
from llmtrain_exporter.notify.turns import Turns

DRAW_SECONDS = 10.0
"""Nothing waits longer than this for a chart."""

TOKEN_SECONDS = 2.0
"""A chart that follows its card waits no longer than this for a token of its own."""

log = logging.getLogger(__name__)


class Pictures:
    """The charts for one bot's cards. Owned by the event loop's thread."""

    def __init__(self, bot: Bot[Any], picture: PictureWay[Any] | None, turns: Turns, ports: Ports) -> None:
        """`picture`: how the chat takes them; None where it does not."""
        self._bot = bot
        self._picture = picture if bot.rule.picture else None
        self._turns = turns
        self._ports = ports
        self._drawing = 0  # cards that have a token and wait for their chart

    async def attached(self, draft: Draft) -> Callable[[Message, Bot[Any]], Call] | None:
        """How a message is sent with the chart in it; the card holds its token while that is drawn."""
        picture = self._picture
        if draft.chart is None or picture is None or picture.attach is None:
            return None
        # With all tokens held so, no card would go out meanwhile.
        if self._drawing >= self._turns.half:
            self._count("spared")
            return None
        self._drawing += 1
        try:
            chart = await self._drawn(draft, picture.most_bytes)
        finally:
            self._drawing -= 1
        return None if chart is None else partial(_attached, picture.attach, chart)

    async def following(self, card: Card, draft: Draft) -> Callable[[Bot[Any]], Call] | None:
        """How the chart is sent after its card, and a token taken for that."""
        picture = self._picture
        if draft.chart is None or picture is None or picture.follow is None:
            return None
        if self._turns.is_busy(self._ports.clock(), TOKEN_SECONDS):
            self._count("spared")
            return None
        chart = await self._drawn(draft, picture.most_bytes)
        if chart is None:
            return None
        if not await self._token():
            self._count("spared")
            return None
        return partial(_following, picture.follow, card, chart)

    async def _token(self) -> bool:
        wait = self._turns.take(self._ports.clock())
        if 0 < wait <= TOKEN_SECONDS:
            await self._ports.sleep(wait)
            wait = self._turns.take(self._ports.clock())
        return wait <= 0

    def _count(self, result: str) -> None:
        self._ports.telemetry.picture(self._bot.rule.name, result)

    async def _drawn(self, draft: Draft, most_bytes: int) -> bytes | None:
        chart = None
        try:
            with anyio.move_on_after(DRAW_SECONDS):
                chart = None if draft.chart is None else await draft.chart()
        except Exception as error:
            log.warning("The chart of an incident could not be made: %s", type(error).__name__)
            log.debug("Why it could not", exc_info=True)
        if chart is not None and len(chart) <= most_bytes:
            return chart
        self._count("none" if chart is None else "too_large")
        return None


def _attached(attach: Callable[..., Call], chart: bytes, message: Message, bot: Bot[Any]) -> Call:
    return attach(message, bot, chart)


def _following(follow: Callable[..., Call], card: Card, chart: bytes, bot: Bot[Any]) -> Call:
    return follow(card, bot, chart)
