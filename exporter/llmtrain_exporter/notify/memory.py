"""What a bot has been told of each alert, and so whether a notification has news for it.

Alertmanager tells again what it has told: after a restart, as two in a cluster, when an answer was lost. So
of each alert it is known whether the bot was told that it fires or that it is over, and since when:

- A notification none of whose alerts is news is told to nobody, in whatever parts the group comes again.
- An alert that fires again after it was over is news. One whose start lies before the end that was told is
  the past, told late; one that starts within seconds of that end waits: another Prometheus may look later.
- Of an alert that goes on firing, another start says only that Prometheus was started anew. But of what is
  told without an end, such as a run that failed, one is told from the next by nothing else.
- An incident keeps its signals silent. After its start Alertmanager may hear of the signals first, so these
  wait while the bot knows of the incident, and for some minutes after that is over.
- What is unchanged after `remember` seconds without a question is a reminder, and told.
- An end older than the start that was told waits as well: what is true comes with the next notification.

What waits too long is told all the same: better twice than never.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from hashlib import blake2b
from typing import Protocol

from llmtrain_exporter.knowledge.alerting.guarded import GAVE_UP, STOPPED
from llmtrain_exporter.knowledge.alerting.runs import FAILED, FINISHED
from llmtrain_exporter.notify.alert_words import is_incident
from llmtrain_exporter.notify.webhook import Notification, RaisedAlert

MOST_REMEMBERED = 50_000
"""Alerts of one bot."""

KEEP_SECONDS = 7 * 86_400.0
"""What was not asked for in this time is forgotten; of what still fires Alertmanager reminds sooner."""

ENDLESS = (FAILED.name, FINISHED.name, STOPPED.name, GAVE_UP.name)
"""Alerts that Alertmanager is set up to tell once, and not when they are over."""

AGAIN_SECONDS = 900.0
"""Such an alert fires on for at least this long (`times.BRIDGE`): a later start is another one's."""

NUMBER = "incident"
"""The label with an incident's number in its run: another incident has another one. One that fires again
after its end is the same, which a Prometheus looks back at that was started anew."""

REFIRE_SECONDS = 30.0
"""Two Prometheus servers with the usual intervals of 15 seconds see an end so long after one another."""

STALE_END_SECONDS = 90.0
"""Prometheus sends what fires once a minute: by then Alertmanager no longer says that it is over."""

PART_SECONDS = 600.0
"""Alertmanagers that are started one after the other hear of all that fires within this time. Meanwhile
nothing is missing: a signal is on the card of its incident."""

MOST_HOLDING_SECONDS = 1800.0
"""What was last asked for longer ago is held anew; no group is told less often."""


class News(IntEnum):
    """What a notification has for a bot, the strongest last."""

    STALE = 0  # older than what it was told
    KNOWN = 1
    EARLY = 2  # may turn out to be no news with the next notification
    NEW = 3
    PAST = 4  # holds an end before the start that was told: all of it is the past, whatever else is new


@dataclass(frozen=True, slots=True)
class AlertState:
    """What a bot was told last of an alert. Times are Unix times; `ended` is 0 while it fires.

    `asked`: when it was told, or Alertmanager asked for it last. `run`: a digest of the run that it is about,
    empty if none. `rank`: lesser signals of that run are part of it.
    """

    firing: bool
    started: float
    ended: float
    asked: float
    run: bytes = b""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Review:
    """Whether a notification is news, and what is left of it without alerts that are stale."""

    news: News
    group: Notification


class Keeper(Protocol):
    """Who keeps a memory for the time after a restart. What is put there is kept once `flush` has ended."""

    def states(self, bot: bytes) -> Iterable[tuple[bytes, AlertState]]:
        """What that bot was told by alert, the longest untouched first."""

    def attempts(self, bot: bytes) -> Iterable[bytes]:
        """Groups of which a card was on its way when the relay was killed: nobody knows what came of it."""

    def put(self, bot: bytes, alert: bytes, state: AlertState | None) -> None:
        """The bot was told this; None forgets it."""

    def attempt(self, bot: bytes, group: bytes, at: float | None) -> None:
        """A card of that group is on its way since `at`; None when it is known what came of it."""

    async def flush(self) -> None:
        """Keep what was put."""


class BotMemory:
    """What one bot was told. Owned by the event loop's thread."""

    def __init__(self, bot: bytes, keeper: Keeper, remember: float) -> None:
        """`bot`: a digest of it. `remember`: seconds; see the module."""
        self._bot = bot
        self._keeper = keeper
        self.remember = remember
        self._states: OrderedDict[bytes, AlertState] = OrderedDict()  # the longest untouched first
        self._worse: dict[bytes, dict[bytes, AlertState]] = {}  # by run, what stands for its signals
        self._held: OrderedDict[bytes, tuple[float, float]] = OrderedDict()  # first and last asked for
        self._unsure = set(keeper.attempts(bot))
        for key, state in keeper.states(bot):
            self._set(key, state)

    def review(self, group: Notification, now: float) -> Review:
        """What that notification has for the bot. What it asks for will likely be asked for again."""
        keys = {alert_key(group.group_key, alert): alert for alert in group.alerts}
        judged = {key: self._judge(key, alert, keys, now) for key, alert in keys.items()}
        news = max(judged.values())
        if news in (News.KNOWN, News.STALE):
            self._touch(keys, judged, now)
        fresh = tuple(keys[key] for key, what in judged.items() if what is not News.STALE)
        return Review(news, group.model_copy(update={"alerts": fresh}) if fresh else group)

    async def flush(self) -> None:
        """Keep for the time after a restart what is not kept yet."""
        await self._keeper.flush()

    async def attempt(self, group_key: str, now: float) -> None:
        """Note that a card is about to be sent; only `attempted` takes that note away."""
        self._keeper.attempt(self._bot, _digest(group_key), now)
        await self._keeper.flush()

    def is_unsure(self, group_key: str) -> bool:
        """Whether the bot may have taken a card of that group already when the relay was killed."""
        return _digest(group_key) in self._unsure

    async def attempted(self, group: Notification, accepted: bool, now: float) -> None:
        """What came of it: whether the bot is to be told no more of this."""
        self._keeper.attempt(self._bot, _digest(group.group_key), None)
        if accepted:
            self._unsure.discard(_digest(group.group_key))
            for alert in group.alerts:
                self._accept(alert_key(group.group_key, alert), alert, now)
        await self._keeper.flush()

    def _accept(self, key: bytes, alert: RaisedAlert, now: float) -> None:
        known = self._states.get(key)
        goes_on = known is not None and known.firing and alert.firing and alert.name not in ENDLESS
        started = known.started if known is not None and goes_on else alert.started
        ended = 0.0 if alert.firing else _end(alert, now)
        self._held.pop(key, None)
        self._put(key, AlertState(alert.firing, started, ended, now, _run(alert), _rank(alert)))

    def _judge(self, key: bytes, alert: RaisedAlert, group: Mapping[bytes, RaisedAlert], now: float) -> News:
        news, patience = _compared(alert, self._states.get(key), now, self.remember)
        worse = self._worse_than(alert, group, now) if news is News.NEW else []
        if worse:
            news, patience = self._as_part(key, alert, worse), PART_SECONDS
        if news not in (News.EARLY, News.PAST):
            return news
        return News.NEW if self._held_for(key, now) >= patience else news

    def _worse_than(
        self, alert: RaisedAlert, group: Mapping[bytes, RaisedAlert], now: float
    ) -> list[AlertState]:
        """What the bot knows of in that run, or did lately, and whose part this signal is."""
        if "signal" not in alert.labels or is_incident(alert):
            return []
        lately = now - PART_SECONDS
        return [
            state
            for key, state in self._worse.get(_run(alert), {}).items()
            if state.rank > _rank(alert) and key not in group and (state.firing or state.ended > lately)
        ]

    def _as_part(self, key: bytes, alert: RaisedAlert, worse: Iterable[AlertState]) -> News:
        if alert.firing or any(state.firing for state in worse):
            return News.EARLY  # the end of a part, taken for told, would hide the end of the whole
        return News.NEW if key in self._states else News.KNOWN

    def _held_for(self, key: bytes, now: float) -> float:
        first, last = self._held.pop(key, (now, now))
        if now - last > MOST_HOLDING_SECONDS:
            first = now
        self._held[key] = first, now
        while len(self._held) > MOST_REMEMBERED:
            self._held.popitem(last=False)
        return now - first

    def _touch(self, group: Mapping[bytes, RaisedAlert], judged: Mapping[bytes, News], now: float) -> None:
        for key, alert in group.items():
            if key not in self._states:  # part of what is known, and over
                continue
            state = self._states[key]
            ended = state.ended
            if judged[key] is News.KNOWN and not alert.firing:
                ended = max(ended, _end(alert, now))
            self._put(key, replace(state, ended=ended, asked=now))

    def _put(self, key: bytes, state: AlertState) -> None:
        self._set(key, state)
        self._keeper.put(self._bot, key, state)
        for forgotten in self._forget(state.asked):
            self._keeper.put(self._bot, forgotten, None)

    def _set(self, key: bytes, state: AlertState) -> None:
        self._drop(key)
        self._states[key] = state
        if state.rank and state.run:
            self._worse.setdefault(state.run, {})[key] = state

    def _drop(self, key: bytes) -> None:
        state = self._states.pop(key, None)
        if state is None or state.run not in self._worse:
            return
        self._worse[state.run].pop(key, None)
        if not self._worse[state.run]:
            del self._worse[state.run]

    def _forget(self, now: float) -> Iterator[bytes]:
        keep = max(KEEP_SECONDS, self.remember)
        while self._states:
            key, oldest = next(iter(self._states.items()))
            if now - oldest.asked <= keep and len(self._states) <= MOST_REMEMBERED:
                return
            self._drop(key)
            yield key


def alert_key(group_key: str, alert: RaisedAlert) -> bytes:
    """What tells one alert of a group from others; nothing can be read from it."""
    return _digest(group_key, alert.fingerprint or sorted(alert.labels.items()))


def bot_key(name: str, kind: str, addresses: Iterable[str]) -> bytes:
    """What tells one bot from others: another address is another group of people, who were told nothing."""
    return _digest(name, kind, list(addresses))


def _digest(*parts: object) -> bytes:
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _compared(
    alert: RaisedAlert, known: AlertState | None, now: float, remember: float
) -> tuple[News, float]:
    """An alert beside what the bot was told of it; and for how long it waits where it is early or past."""
    if known is None:
        return News.NEW, 0.0
    if known.firing:
        return _after_start(alert, known, now, remember)
    return _after_end(alert, known, now, remember)


def _after_start(alert: RaisedAlert, known: AlertState, now: float, remember: float) -> tuple[News, float]:
    if not alert.firing:
        return (News.PAST, STALE_END_SECONDS) if _end(alert, now) < known.started else (News.NEW, 0.0)
    another = alert.name in ENDLESS and alert.started >= known.started + AGAIN_SECONDS
    return News.NEW if another or _is_due(known, now, remember) else News.KNOWN, 0.0


def _after_end(alert: RaisedAlert, known: AlertState, now: float, remember: float) -> tuple[News, float]:
    numbered = NUMBER in alert.labels
    if alert.firing and _is_due(known, now, remember):
        return News.NEW, 0.0
    if alert.started > known.ended + REFIRE_SECONDS and not numbered:
        return News.NEW, 0.0
    if not alert.firing:
        return News.KNOWN, 0.0
    if alert.started <= known.ended:
        return News.STALE, 0.0
    return News.EARLY, PART_SECONDS if numbered else REFIRE_SECONDS


def _is_due(known: AlertState, now: float, remember: float) -> bool:
    """Whether a reminder may be told; also where a clock was wrong."""
    return abs(now - known.asked) > remember


def _end(alert: RaisedAlert, now: float) -> float:
    return now if alert.ended is None else alert.ended


def _run(alert: RaisedAlert) -> bytes:
    labels = alert.labels
    return _digest(labels.get("job"), labels.get("instance"), alert.run) if alert.run else b""


def _rank(alert: RaisedAlert) -> int:
    """As alerts/alertmanager.yml has it: the incident stands for all signals, what is critical for others.

    But for what is never told to be over, which would stand there for ever.
    """
    if is_incident(alert):
        return 2
    return int(alert.severity == "critical" and alert.name not in ENDLESS)
