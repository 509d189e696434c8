"""All bots together: a group of alerts goes to each, and one answer says what came of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from llmtrain_exporter.knowledge import bot_words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.alert_words import is_incident
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.compose import Backlog, CardSettings, RunAnswer, compose
from llmtrain_exporter.notify.delivery import Delivery
from llmtrain_exporter.notify.ports import Draft, Outcome, Result
from llmtrain_exporter.notify.telemetry import RelayTelemetry
from llmtrain_exporter.notify.webhook import Notification, is_expired

log = logging.getLogger(__name__)

Ask = Callable[[str, str, Lang], Awaitable[RunAnswer]]
"""Asks an exporter about a run, by the alert's instance."""

Draw = Callable[[Mapping[str, Any], str], Awaitable[bytes | None]]
"""Draws a run's latest incident, from its document and the alert's instance; None where that fails."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a card comes from besides the alerts. `sample`: every card says that it is a test."""

    ask: Ask
    draw: Draw
    cards: CardSettings
    now: Callable[[], float]
    sample: bool = False


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What became of a group, by bot. `unknown`: there is no bot of the name that was asked for."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    unknown: bool = False

    @property
    def status(self) -> int:
        """The answer: Alertmanager tries again soon after 5xx, and after 4xx once per group_interval."""
        results = {outcome.result for outcome in self.outcomes.values()}
        if self.unknown:
            return 404
        if Result.LATER in results:
            return 503
        return 424 if results & {Result.CLOSED, Result.EARLY} else 200

    @property
    def text(self) -> str:
        """One line a bot."""
        return "".join(f"{name}: {outcome.text}\n" for name, outcome in self.outcomes.items())


class Relay:
    """The bots, and how many groups are under way. Owned by the event loop's thread, but for `change`."""

    def __init__(
        self,
        deliveries: Sequence[Delivery],
        sources: Sources,
        telemetry: RelayTelemetry,
        show: Callable[[Card], object],
        lang: Lang,
        expire_after: float,
    ) -> None:
        """`show` gets each card where there is no bot; `lang`: its language then."""
        self._telemetry = telemetry
        self._show = show
        self.under_way = 0
        self.change(deliveries, sources, lang, expire_after)

    def change(
        self, deliveries: Sequence[Delivery], sources: Sources, lang: Lang, expire_after: float
    ) -> None:
        """Go by other settings with the next group; those under way end as they began. From any thread."""
        self._deliveries = {delivery.name: delivery for delivery in deliveries}
        self._sources = sources
        self._lang = lang
        self._expire_after = expire_after

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """The bots' own."""
        return tuple(self._deliveries.values())

    @property
    def bots(self) -> Sequence[str]:
        """Their names."""
        return tuple(self._deliveries)

    async def tell(self, group: Notification, bot: str | None = None) -> GroupOutcome:
        """Tell all bots of a group, or one."""
        if bot is not None and bot not in self._deliveries:
            return GroupOutcome(unknown=True)
        fresh = self._fresh(group)
        if fresh is None:
            return GroupOutcome()
        chosen = list(self._deliveries.values()) if bot is None else [self._deliveries[bot]]
        self.under_way += 1
        try:
            return await self._tell(fresh, chosen)
        finally:
            self.under_way -= 1

    def _fresh(self, group: Notification) -> Notification | None:
        """The group without alerts that are over for long, None if there is no other."""
        now = self._sources.now()
        alerts = tuple(alert for alert in group.alerts if not is_expired(alert, now, self._expire_after))
        expired = len(group.alerts) - len(alerts)
        if expired:
            self._telemetry.expired(expired)
            log.info("Dropped %d alerts that were over for long", expired)
        return group.model_copy(update={"alerts": alerts}) if alerts else None

    async def _tell(self, group: Notification, chosen: Sequence[Delivery]) -> GroupOutcome:
        question = _Question(group, self._sources)
        if not chosen:
            self._show(await question.card(self._lang, Backlog(), group))
            return GroupOutcome()
        outcomes: dict[str, Outcome] = {}

        async def deliver(delivery: Delivery) -> None:
            outcomes[delivery.name] = await self._by(delivery, group, question)

        async with anyio.create_task_group() as tasks:
            for delivery in chosen:
                tasks.start_soon(deliver, delivery)
        return GroupOutcome({delivery.name: outcomes[delivery.name] for delivery in chosen})

    async def _by(self, delivery: Delivery, group: Notification, question: _Question) -> Outcome:
        wanted = delivery.wanted(group)
        if wanted is None:
            self._telemetry.card(delivery.name, Result.UNWANTED.value)
            return Outcome(Result.UNWANTED)
        lang = delivery.bot.lang
        drawing = partial(question.chart, lang) if question.has_chart(wanted) else None
        try:
            return await delivery.deliver(wanted, Draft(partial(question.card, lang), drawing))
        except Exception:
            # One bot's trouble is not another's. Alertmanager comes again, and the log says why.
            log.exception("The card for bot %s could not be made", delivery.name)
            self._telemetry.failed(delivery.name, "internal")
            return Outcome(Result.LATER, "internal", bot_words.INTERNAL)


class _Question:
    """What is asked about one group: at most once in each language, however many bots want to know."""

    def __init__(self, group: Notification, sources: Sources) -> None:
        runs = {alert.run for alert in group.alerts}
        self._run = next(iter(runs)) if len(runs) == 1 else ""
        self._instance = group.alerts[0].labels.get("instance", "")
        self._sources = sources
        # Two, so that a card without a picture does not wait for the picture of another.
        self._asking, self._drawing = anyio.Lock(), anyio.Lock()
        self._answers: dict[Lang, RunAnswer] = {}
        self._charts: list[bytes | None] = []

    def has_chart(self, group: Notification) -> bool:
        """Whether there is something to draw: an incident that goes on."""
        return bool(self._run) and any(alert.firing and is_incident(alert) for alert in group.alerts)

    async def card(self, lang: Lang, backlog: Backlog, group: Notification) -> Card:
        """The card of the part of the group that a bot wants and was not told."""
        sources = self._sources
        answer = await self._answer(lang) if self._run else RunAnswer()
        try:
            return compose(group, answer, backlog, sources.cards, lang, sources.now(), sources.sample)
        except Exception:
            # A story that cannot be written costs itself; who waits for the card is told what the alert says.
            log.exception("The story of a run could not be told")
            return compose(group, RunAnswer(), backlog, sources.cards, lang, sources.now(), sources.sample)

    async def chart(self, lang: Lang) -> bytes | None:
        """The picture, None where there is none to be had."""
        document = (await self._answer(lang)).document
        async with self._drawing:
            if not self._charts:
                known = bool(document.get("incidents"))
                self._charts.append(await self._sources.draw(document, self._instance) if known else None)
        return self._charts[0]

    async def _answer(self, lang: Lang) -> RunAnswer:
        async with self._asking:
            if lang not in self._answers:
                self._answers[lang] = await self._sources.ask(self._run, self._instance, lang)
        return self._answers[lang]
