"""One bot: what it was told, what it may be told now, and what it says to that."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio

from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.bots.base import ACCEPTED, Judgement, Verdict
from llmtrain_exporter.notify.bucket import Bucket, Rate
from llmtrain_exporter.notify.card import Card, PlainText, block_texts
from llmtrain_exporter.notify.client import Answer, Call, NoAnswerError
from llmtrain_exporter.notify.compose import Held, name_of
from llmtrain_exporter.notify.config.configure import Bot
from llmtrain_exporter.notify.memory import Accepted, Waiting, signature
from llmtrain_exporter.notify.pause import Pause
from llmtrain_exporter.notify.webhook import Notification
from llmtrain_exporter.notify.world import Draft, Outcome, Result, World

TOKEN_SECONDS = 5.0
"""How long a card waits for a token before Alertmanager is asked to come again."""

LOOK_SECONDS = 0.25
"""How often one that waits looks whether the relay is about to end."""

GIVEN_UP_SECONDS = 900.0
"""Alertmanager tries again sooner; what it has not for so long, it has given up."""

CHART_SECONDS = 10.0
"""A card waits no longer than this for its picture."""

LEAST_PIECE = 12  # characters of a part of a bot's address that may be its secret

MOST_TRIED = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to send a card: the call, whether something of the card was cut, whether a chart is in it."""

    call: Callable[[], Call]
    cut: bool
    picture: bool = False


class Delivery:
    """One bot's. Owned by the event loop's thread."""

    def __init__(
        self, bot: Bot, world: World, remember: float, rates: tuple[Rate, ...] | None = None
    ) -> None:
        """`rates`: other than those of chat and settings."""
        self.bot = bot
        self._chat = CHATS[bot.rule.kind]
        self._world = world
        self._rates = rates or tuple(_rates(self._chat.rates, bot))
        self._bucket = Bucket(self._rates)
        self._accepted = Accepted(remember)
        self._waiting = Waiting(GIVEN_UP_SECONDS)
        self._pause = Pause()
        self._drawing = 0  # cards that have a token and wait for their picture
        self._under_way: set[bytes] = set()
        self._tried: dict[bytes, None] = {}
        self._trouble = ""  # the reason why the last message was not taken
        self._secrets = tuple(_secrets(bot))
        world.telemetry.watch(self.name, self._count_waiting, self._count_tokens)

    @property
    def name(self) -> str:
        """What metrics and addresses call it."""
        return self.bot.rule.name

    def _count_waiting(self) -> float:
        return float(len(self._waiting.names(self._world.clock())))

    def _count_tokens(self) -> float:
        return float(self._bucket.left(self._world.clock()))

    def wanted(self, group: Notification) -> Notification | None:
        """The part of a group that this bot wants to hear of. What has no known severity is wanted."""
        severities = self.bot.rule.severities
        known = ("critical", "warning", "info")
        alerts = tuple(
            one
            for one in group.alerts
            if not severities or one.severity in severities or one.severity not in known
        )
        return group.model_copy(update={"alerts": alerts}) if alerts else None

    async def deliver(self, group: Notification, draft: Draft) -> Outcome:
        """Tell the bot of a group, as `wanted` left it, if it was not told before."""
        outcome = await self._deliver(group, draft)
        self._world.telemetry.card(self.name, outcome.result.value)
        return outcome

    async def _deliver(self, group: Notification, draft: Draft) -> Outcome:
        key = signature(group.group_key, group.alerts)
        if self._accepted.knows(group.group_key, key, self._world.clock()):
            self._waiting.drop(group.group_key)
            return Outcome(Result.KNOWN)
        if key in self._under_way:
            return Outcome(Result.LATER, "under_way", "the same card is being sent")
        self._under_way.add(key)
        try:
            return await self._in_turn(group, draft, key)
        finally:
            self._under_way.discard(key)

    async def _in_turn(self, group: Notification, draft: Draft, key: bytes) -> Outcome:
        chart = None
        outcome = await self._token(critical=any(one.severity == "critical" for one in group.alerts))
        if outcome is None:
            card, chart, forms = await self._made(group, draft)
            outcome = await self._send(card, forms, key)
        self._remember(key, group, outcome)
        if outcome.result is Result.SENT and chart is not None and self._chat.picture is not None:
            await self._extra(self._chat.picture(chart))
        return outcome

    async def _made(self, group: Notification, draft: Draft) -> tuple[Card, bytes | None, list[_Form]]:
        """Card and chart, for which there is a token, and the forms in which they can be sent."""
        try:
            card = await draft.compose(Held(self._others(group), self._rate_in_words()))
            chart = await self._chart(draft)
            return card, chart, list(self._forms(card, chart))
        except BaseException:
            self._bucket.done(self._world.clock())
            raise

    def _remember(self, key: bytes, group: Notification, outcome: Outcome) -> None:
        now = self._world.clock()
        if outcome.result in (Result.SENT, Result.NEVER):
            self._accepted.add(group.group_key, key, now)
            self._waiting.drop(group.group_key)
            self._tried.pop(key, None)
            return
        self._waiting.add(group.group_key, name_of(group), now)
        self._tried[key] = None
        while len(self._tried) > MOST_TRIED:
            del self._tried[next(iter(self._tried))]

    async def _token(self, critical: bool) -> Outcome | None:
        """Waits for a token; what to say where none came in time."""
        world = self._world
        until = world.clock() + TOKEN_SECONDS
        while True:
            now = world.clock()
            if world.ending():
                return Outcome(Result.LATER, "ending", "the relay ends")
            if (closed := self._pause.reason(now)) is not None:
                return Outcome(Result(closed.verdict.value), closed.reason, closed.hint)
            wait = self._bucket.take(now, 0.0 if critical else 0.25)
            if wait <= 0:
                return None
            if now >= until or until - now < wait < math.inf:
                world.telemetry.held_back(self.name)
                return Outcome(Result.LATER, "limit", f"it may be sent {self._rate()} at most")
            await world.sleep(min(wait, LOOK_SECONDS))

    def _rate(self) -> str:
        return " and ".join(f"{rate.count} in {rate.seconds:g} s" for rate in self._rates)

    async def _send(self, card: Card, forms: Iterable[_Form], key: bytes) -> Outcome:
        """Send what there is a token for: in the best form, and in lesser ones if the bot refuses that."""
        judged = ACCEPTED
        for at, form in enumerate(forms):
            held_back = await self._token(critical=True) if at else None
            if held_back is not None:
                return held_back
            judged = await self._asked(form.call)
            if form.picture:
                self._world.telemetry.picture(self.name, judged.reason or "sent")
            if judged.verdict is Verdict.ACCEPTED:
                self._took(card, retried=key in self._tried, cut=form.cut)
                return Outcome(Result.SENT)
            if judged.verdict is not Verdict.NEVER:
                break
        return self._refused(judged, card)

    def _forms(self, card: Card, chart: bytes | None) -> Iterator[_Form]:
        """The card with its chart, without, and without all that matters less."""
        bot, chat = self.bot, self._chat
        message, cut = chat.message(card, bot.rule.mention)
        if chart is not None and chat.attach is not None:
            yield _Form(partial(chat.attach, message, bot, chart), cut, picture=True)
        yield _Form(partial(self._signed, message), cut)
        bare, _ = chat.message(_bare(card), bot.rule.mention)
        yield _Form(partial(self._signed, bare), cut=True)

    def _signed(self, message: dict[str, Any]) -> Call:
        return self._chat.call(message, self.bot, self._world.now())

    def _others(self, group: Notification) -> list[str]:
        self._waiting.drop(group.group_key)
        return self._waiting.names(self._world.clock())

    def _rate_in_words(self) -> str:
        slowest = min(self._rates, key=lambda rate: rate.count / rate.seconds)
        lang = self.bot.lang
        if slowest.seconds == 60:
            return cw.PER_MINUTE.of(lang).format(count=slowest.count)
        return cw.PER_SECOND.of(lang).format(count=f"{slowest.count / slowest.seconds:g}")

    async def _chart(self, draft: Draft) -> bytes | None:
        """The chart, where the chat takes one and no other card needs the time or the token."""
        if draft.chart is None or not self._chat.most_picture or not self.bot.rule.picture:
            return None
        half = max(min(rate.count for rate in self._rates) // 2, 1)
        busy = self._chat.picture is not None and self._bucket.left(self._world.clock()) < half
        # Who waits for a picture holds a token: with all of them held so, no card would go out meanwhile.
        if busy or self._drawing >= half:
            self._world.telemetry.picture(self.name, "spared")
            return None
        self._drawing += 1
        try:
            chart = await self._drawn(draft.chart)
        finally:
            self._drawing -= 1
        fits = chart is not None and len(chart) <= self._chat.most_picture
        if not fits:
            self._world.telemetry.picture(self.name, "none" if chart is None else "too_large")
        return chart if fits else None

    async def _drawn(self, draw: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        try:
            with anyio.move_on_after(CHART_SECONDS):
                return await draw()
        except Exception as error:
            log.warning("The chart of an incident could not be made: %s", type(error).__name__)
        return None

    async def _asked(self, call: Callable[[], Call]) -> Judgement:
        """What the bot says to a message for which a token was taken."""
        started = self._world.clock()
        try:
            judged = self._chat.judge(self._without_secrets(await self._world.post(call())))
        except NoAnswerError as error:
            judged = _unanswered(error.reason)
        finally:
            self._bucket.done(self._world.clock())
        self._world.telemetry.took(self.name, self._world.clock() - started)
        if judged.verdict is not Verdict.ACCEPTED:
            self._world.telemetry.failed(self.name, judged.reason)
        return judged

    def _without_secrets(self, answer: Answer) -> Answer:
        """Bots quote what they were sent. Done before words are cut short: half a secret is known no more."""
        body = answer.body
        for secret in self._secrets:
            body = body.replace(secret, b"***")
        return replace(answer, body=body)

    async def _extra(self, message: dict[str, Any]) -> None:
        """A picture that may fail, if there is a token for it at once."""
        if self._bucket.take(self._world.clock()) > 0:
            return
        judged = await self._asked(partial(self._signed, message))
        self._world.telemetry.picture(self.name, judged.reason or "sent")

    def _took(self, card: Card, retried: bool, cut: bool) -> None:
        self._pause.over()
        self._world.telemetry.sent(self.name, self._world.now(), retried, cut)
        if self._trouble:
            log.warning("Bot %s takes cards again", self.name)
        self._trouble = ""
        log.info("Card sent to %s: %s", self.name, card.title)

    def _refused(self, judged: Judgement, card: Card) -> Outcome:
        if judged.verdict is Verdict.NEVER:
            text = " / ".join((card.title, *block_texts(card, PlainText())))
            told = "Bot %s takes this card in no form: %s: %s"
            log.error(told, self.name, judged.hint, text, extra={"each_one": True})  # it stands nowhere else
            return Outcome(Result.NEVER, judged.reason, judged.hint)
        self._pause.begin(judged, self._world.clock())
        if self._trouble != judged.reason:
            level = logging.ERROR if judged.verdict is Verdict.CLOSED else logging.WARNING
            log.log(level, "Bot %s (%s) takes no card: %s", self.name, self.bot.rule.kind, judged.hint)
        self._trouble = judged.reason
        return Outcome(Result(judged.verdict.value), judged.reason, judged.hint)


def _secrets(bot: Bot) -> Iterator[bytes]:
    """What of a bot must not be told, the longest first: its address, parts of that, its secret."""
    tail = bot.url.rpartition("/")[2].rpartition("=")[2]
    parts = [part for part in re.split(r"[/?&=]", bot.url)[3:] if len(part) >= LEAST_PIECE]
    known = {bot.url, bot.secret or "", tail, *parts}
    for secret in sorted(known, key=lambda one: (-len(one), one)):
        if len(secret) > 3:
            yield secret.encode()


def _unanswered(reason: str) -> Judgement:
    hints = {
        "timeout": "it did not answer in time",
        "tls": "its certificate cannot be verified; is a proxy in between?",
        "proxy": "the proxy of this machine cannot be reached",
        "redirect": "its address leads elsewhere, and secrets are not sent there: check the bot's url",
    }
    verdict = Verdict.CLOSED if reason == "redirect" else Verdict.LATER
    return Judgement(verdict, reason, hints.get(reason, "it cannot be reached"))


def _bare(card: Card) -> Card:
    """Only the most important block, for a bot that refused more."""
    left_out = dict(card.left_out)
    for block in card.blocks[1:]:
        left_out[block.part] = left_out.get(block.part, 0) + len(block.lines)
    return replace(card, blocks=card.blocks[:1], left_out=left_out)


def _rates(usual: tuple[Rate, ...] | Any, bot: Bot) -> list[Rate]:
    """The chat's rates, with those that the settings give in their place."""
    given = [
        Rate(count, per) for count, per in ((bot.rule.per_minute, 60.0), (bot.rule.per_second, 1.0)) if count
    ]
    replaced = {rate.seconds >= 60 for rate in given}
    return [rate for rate in usual if (rate.seconds >= 60) not in replaced] + given
