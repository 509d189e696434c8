"""One bot: what it was told, what it may be told now, and what it says to that."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.notify import secrecy
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.call import Call, NoAnswerError
from llmtrain_exporter.notify.card import Card, PlainText, section_texts
from llmtrain_exporter.notify.chat.answers import ACCEPTED, Judgement, Verdict
from llmtrain_exporter.notify.chat.descriptor import Bot, Message, Rate
from llmtrain_exporter.notify.chat.rules import BotRule
from llmtrain_exporter.notify.compose import Backlog, name_of
from llmtrain_exporter.notify.fitting import bare
from llmtrain_exporter.notify.memory import BotMemory, News
from llmtrain_exporter.notify.pacing import Waiting
from llmtrain_exporter.notify.pictures import Pictures
from llmtrain_exporter.notify.ports import Draft, Outcome, Ports, Result
from llmtrain_exporter.notify.turns import Turn, Turns
from llmtrain_exporter.notify.webhook import Notification

TOKEN_SECONDS = 5.0
"""How long a card waits for a token before Alertmanager is asked to come again."""

LOOK_SECONDS = 0.25
"""How often one that waits looks whether the relay is about to end."""

GIVEN_UP_SECONDS = 900.0
"""Alertmanager tries again sooner; what it has not for so long, it has given up."""

MOST_TRIED = 10_000

_NO_NEWS = {
    News.STALE: Outcome(Result.STALE),
    News.KNOWN: Outcome(Result.KNOWN),
    News.EARLY: Outcome(Result.EARLY, "early", words.EARLY),
    News.PAST: Outcome(Result.EARLY, "past", words.PAST),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to send a card: the call to a bot, whether something was cut, whether a chart is in it."""

    call: Callable[[Bot[Any]], Call]
    cut: bool
    picture: bool = False


class Delivery:
    """One bot's. Owned by the event loop's thread."""

    def __init__(self, bot: Bot[Any], ports: Ports, memory: BotMemory) -> None:
        self.bot = bot
        self._chat = CHATS[bot.rule.kind]
        self._ports = ports
        self._rates = tuple(_rates(self._chat.rates, bot.rule))
        bots = (bot, *(replace(bot, secrets=secrets) for secrets in bot.in_turn))
        self._turns = Turns(bots, self._rates)
        self._pictures = Pictures(bot, self._chat.picture, self._turns, ports)
        self._memory = memory
        self._waiting = Waiting(GIVEN_UP_SECONDS)
        self._under_way: set[str] = set()  # groups
        self._tried: dict[str, None] = {}  # groups
        self._trouble = ""  # the reason why the last message was not taken
        self._secret = secrecy.pieces(value for each in bots for value in each.secrets.values())
        ports.telemetry.watch(self.name, self._count_waiting, self._count_tokens)

    def follow(self, before: Delivery) -> None:
        """Know what the bot was told before its settings changed; another address is another bot."""
        if self.bot.secrets == before.bot.secrets:
            before._memory.remember = self._memory.remember
            self._memory, self._under_way = before._memory, before._under_way
            self._waiting, self._tried = before._waiting, before._tried

    @property
    def name(self) -> str:
        """What metrics and addresses call it."""
        return str(self.bot.rule.name)

    def _count_waiting(self) -> float:
        return float(len(self._waiting.names(self._ports.clock())))

    def _count_tokens(self) -> float:
        return float(self._turns.left(self._ports.clock()))

    def wanted(self, group: Notification) -> Notification | None:
        """The part of a group that this bot wants to hear of. What has no known severity is wanted."""
        severities = self.bot.rule.severities
        known = ("critical", "warning", "info")
        alerts = tuple(
            alert
            for alert in group.alerts
            if not severities or alert.severity in severities or alert.severity not in known
        )
        return group.model_copy(update={"alerts": alerts}) if alerts else None

    async def deliver(self, group: Notification, draft: Draft) -> Outcome:
        """Tell the bot of a group, as `wanted` left it, if it was not told before."""
        outcome = await self._deliver(group, draft)
        self._ports.telemetry.card(self.name, outcome.result.value)
        return outcome

    async def _deliver(self, group: Notification, draft: Draft) -> Outcome:
        if group.group_key in self._under_way:
            return Outcome(Result.LATER, "under_way", words.UNDER_WAY)
        self._under_way.add(group.group_key)
        try:
            review = self._memory.review(group, self._ports.now())
            if review.news is News.NEW:
                return await self._in_turn(review.group, draft)
            await self._memory.flush()
            self._waiting.drop(group.group_key)
            return _NO_NEWS[review.news]
        finally:
            self._under_way.discard(group.group_key)

    async def _in_turn(self, group: Notification, draft: Draft) -> Outcome:
        outcome = await self._token(critical=any(alert.severity == "critical" for alert in group.alerts))
        if outcome is not None:
            self._wait(group)
            return outcome
        card, forms = await self._made(group, draft)
        outcome = await self._attempted(group, card, forms)
        if outcome.result is Result.SENT:
            await self._follow_up(card, draft)
        return outcome

    async def _attempted(self, group: Notification, card: Card, forms: Iterable[_Form]) -> Outcome:
        """What came of the card. It is on disk before anybody is told, as it is that one is on its way."""
        await self._memory.attempt(group.group_key, self._ports.now())
        accepted = False
        try:
            outcome = await self._send(card, forms, group.group_key in self._tried)
            accepted = outcome.result in (Result.SENT, Result.NEVER)
            return outcome
        finally:
            if accepted:
                self._settle(group)
            else:
                self._wait(group)
            await self._memory.attempted(group, accepted, self._ports.now())

    async def _made(self, group: Notification, draft: Draft) -> tuple[Card, list[_Form]]:
        """The card, for which there is a token, and the forms in which it can be sent."""
        try:
            unsure = self._memory.is_unsure(group.group_key)
            card = await draft.compose(Backlog(self._others(group), self._rate_in_words(), unsure), group)
            return card, list(self._forms(card, await self._pictures.attached(draft)))
        except BaseException:
            self._turns.taken().bucket.done(self._ports.clock())
            raise

    async def _follow_up(self, card: Card, draft: Draft) -> None:
        """The chart as a message of its own, which may fail, where the chat takes it so."""
        call = await self._pictures.following(card, draft)
        if call is not None:
            judged = await self._asked(call, self._turns.taken())
            self._ports.telemetry.picture(self.name, judged.reason or "sent")

    def _settle(self, group: Notification) -> None:
        """Nothing of this group waits any more."""
        self._waiting.drop(group.group_key)
        self._tried.pop(group.group_key, None)

    def _wait(self, group: Notification) -> None:
        """Alertmanager has to come again with this group."""
        self._waiting.add(group.group_key, name_of(group), self._ports.clock())
        self._tried[group.group_key] = None
        while len(self._tried) > MOST_TRIED:
            del self._tried[next(iter(self._tried))]

    async def _token(self, critical: bool) -> Outcome | None:
        """Waits for a token; what to say where none came in time."""
        ports = self._ports
        until = ports.clock() + TOKEN_SECONDS
        while True:
            now = ports.clock()
            if ports.ending():
                return Outcome(Result.LATER, "ending", words.ENDING)
            if (closed := self._turns.closed(now)) is not None:
                return Outcome(Result(closed.verdict.value), closed.reason, closed.hint)
            wait = self._turns.take(now, 0.0 if critical else 0.25)
            if wait <= 0:
                return None
            if now >= until or until - now < wait < math.inf:
                ports.telemetry.held_back(self.name)
                return Outcome(Result.LATER, "limit", self._limit())
            await ports.sleep(min(wait, LOOK_SECONDS))

    def _limit(self) -> Text:
        return Text(*map(self._limit_in, Lang))

    def _limit_in(self, lang: Lang) -> str:
        form = words.RATE_OF.of(lang)
        each = (form.format(count=rate.count, seconds=f"{rate.seconds:g}") for rate in self._rates)
        return words.LIMIT.of(lang).format(rate=words.AND.of(lang).join(each))

    async def _send(self, card: Card, forms: Iterable[_Form], retried: bool) -> Outcome:
        """Send what there is a token for: in the best form, and in lesser ones if the bot refuses that."""
        judged = ACCEPTED
        for at, form in enumerate(forms):
            held_back = await self._token(critical=True) if at else None
            if held_back is not None:
                return held_back
            turn = self._turns.taken()
            judged = await self._asked(form.call, turn)
            if form.picture:
                self._ports.telemetry.picture(self.name, judged.reason or "sent")
            if judged.verdict is Verdict.ACCEPTED:
                turn.pause.over()
                self._took(card, retried=retried, cut=form.cut)
                return Outcome(Result.SENT)
            if judged.verdict is not Verdict.NEVER:
                turn.pause.begin(judged, self._ports.clock())
                break
        return self._refused(judged, card)

    def _forms(self, card: Card, attach: Callable[[Message, Bot[Any]], Call] | None) -> Iterator[_Form]:
        """The card with its chart, without, and without all that matters less."""
        message, cut = self._chat.message(card, self.bot.rule)
        if attach is not None:
            yield _Form(partial(attach, message), cut, picture=True)
        yield _Form(partial(self._call, message), cut)
        shortest, _ = self._chat.message(bare(card), self.bot.rule)
        yield _Form(partial(self._call, shortest), cut=True)

    def _call(self, message: Message, bot: Bot[Any]) -> Call:
        return self._chat.call(message, bot, self._ports.now())

    def _others(self, group: Notification) -> list[str]:
        self._waiting.drop(group.group_key)
        return self._waiting.names(self._ports.clock())

    def _rate_in_words(self) -> str:
        slowest = min(self._rates, key=lambda rate: rate.count / rate.seconds)
        lang = self.bot.lang
        if slowest.seconds == 60:
            return cw.PER_MINUTE.of(lang).format(count=slowest.count)
        return cw.PER_SECOND.of(lang).format(count=number(slowest.count / slowest.seconds))

    async def _asked(self, call: Callable[[Bot[Any]], Call], turn: Turn) -> Judgement:
        """What the bot says to a message for which its token was taken."""
        started = self._ports.clock()
        try:
            judged = self._chat.judge(secrecy.without(await self._ports.post(call(turn.bot)), self._secret))
        except NoAnswerError as error:
            judged = _unanswered(error.reason)
        finally:
            turn.bucket.done(self._ports.clock())
        self._ports.telemetry.took(self.name, self._ports.clock() - started)
        if judged.verdict is not Verdict.ACCEPTED:
            self._ports.telemetry.failed(self.name, judged.reason)
        return judged

    def _took(self, card: Card, retried: bool, cut: bool) -> None:
        self._ports.telemetry.sent(self.name, self._ports.now(), retried, cut)
        if self._trouble:
            log.warning("Bot %s takes cards again", self.name)
        self._trouble = ""
        log.info("Card sent to %s: %s", self.name, card.title)

    def _refused(self, judged: Judgement, card: Card) -> Outcome:
        if judged.verdict is Verdict.NEVER:
            text = " / ".join((card.title, *section_texts(card, PlainText())))
            sentence = "Bot %s takes this card in no form: %s: %s"
            # The card stands nowhere else, so the log's limit for what is said often must not swallow it.
            log.error(sentence, self.name, _in_the_log(judged), text, extra={"each_one": True})
            return Outcome(Result.NEVER, judged.reason, judged.hint)
        if self._trouble != judged.reason:
            level = logging.ERROR if judged.verdict is Verdict.CLOSED else logging.WARNING
            log.log(
                level, "Bot %s (%s) takes no card: %s", self.name, self.bot.rule.kind, _in_the_log(judged)
            )
        self._trouble = judged.reason
        others = self._turns.closed(self._ports.clock()) is None
        result = Result.LATER if others else Result(judged.verdict.value)
        return Outcome(result, judged.reason, judged.hint)


def _in_the_log(judged: Judgement) -> str:
    return judged.hint.en if judged.hint else judged.reason


def _unanswered(reason: str) -> Judgement:
    verdict = Verdict.CLOSED if reason == "redirect" else Verdict.LATER
    return Judgement(verdict, reason, words.UNANSWERED.get(reason, words.UNREACHABLE))


def _rates(usual: Iterable[Rate], rule: BotRule) -> list[Rate]:
    """The chat's rates, with those that the settings give in their place."""
    given = [Rate(count, per) for count, per in ((rule.per_minute, 60.0), (rule.per_second, 1.0)) if count]
    replaced = {rate.seconds >= 60 for rate in given}
    return [rate for rate in usual if (rate.seconds >= 60) not in replaced] + given
