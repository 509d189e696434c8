"""What should be told, whatever happens: a cluster of Alertmanagers, a relay that is killed, bots that fail.

A schedule is a course of chance: incidents and their signals come and go. Each Alertmanager sees them late
and with the start of its Prometheus, forgets its alerts when it is started anew, and flushes when
it likes. The relay is killed between any two of its steps, and has then what was on its disk.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from llmtrain_exporter.notify.memory import AlertState, BotMemory, News, bot_key
from llmtrain_exporter.notify.webhook import Notification, RaisedAlert, parse

from tests.relaying import NOW, alert, group

LAG_SECONDS = 15.0
RESEND_SECONDS = 60.0
RUNS = ("a", "b", "c")
NEVER = float("inf")

Told = tuple[str, int, bool]
"""An alert's name in the model, which time it fires, and whether it was said to fire."""


class KilledError(Exception):
    """The relay is no more."""


@dataclass
class Disk:
    """What is flushed is there after a kill; what was only put is not."""

    alerts: dict[tuple[bytes, bytes], AlertState | None] = field(default_factory=dict)
    groups: dict[tuple[bytes, bytes], float | None] = field(default_factory=dict)
    pending: list[tuple[dict[Any, Any], tuple[bytes, bytes], object]] = field(default_factory=list)

    def states(self, bot: bytes) -> Iterator[tuple[bytes, AlertState]]:
        for (whose, key), state in self.alerts.items():
            if whose == bot and state is not None:
                yield key, state

    def attempts(self, bot: bytes) -> Iterator[bytes]:
        return (key for (whose, key), at in self.groups.items() if whose == bot and at is not None)

    def put(self, bot: bytes, alert: bytes, state: AlertState | None) -> None:
        self.pending.append((self.alerts, (bot, alert), state))

    def attempt(self, bot: bytes, group: bytes, at: float | None) -> None:
        self.pending.append((self.groups, (bot, group), at))

    async def flush(self) -> None:
        for table, key, value in self.pending:
            table[key] = value
        self.pending.clear()


@dataclass
class Episode:
    """Once that an alert fires."""

    began: float
    ended: float = NEVER


@dataclass
class Chat:
    """What a bot has taken, and of what nobody can know whether it did."""

    key: bytes
    cards: list[frozenset[Told]] = field(default_factory=list)
    unsure: list[frozenset[Told]] = field(default_factory=list)
    fails: bool = False


@dataclass
class Manager:
    """One Alertmanager: when it hears of each alert after its start, and how far behind it is."""

    hears: dict[str, float] = field(default_factory=dict)
    flushed: set[Told] = field(default_factory=set)  # ends that it has told, and has forgotten


class Model:
    """One schedule."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now = NOW
        self.disk = Disk()
        self.chats = [Chat(bot_key(name, "slack", ())) for name in ("first", "second")]
        self.managers = [Manager(), Manager()]
        self.log: dict[str, tuple[frozenset[str], frozenset[str]]] = {}  # what the cluster says it has told
        self.logged: set[tuple[str, int]] = set()  # what it has told once to all, and so tells the end of
        self.episodes: dict[str, list[Episode]] = {}
        self.counts: Counter[str] = Counter()
        self._start_relay()

    def _start_relay(self) -> None:
        self.disk.pending.clear()
        self.memories = [BotMemory(chat.key, self.disk, 1e9) for chat in self.chats]

    # What happens.

    async def play(self, steps: int = 50) -> None:
        """Let chance act, then let everything come to its end."""
        for _ in range(steps):
            self.now += self.chance.uniform(2.0, 45.0)
            self._happen()
            await self._flush_some(0.5, killing=0.1)
        for chat in self.chats:
            chat.fails = False
        for episodes in self.episodes.values():
            episodes[-1].ended = min(episodes[-1].ended, self.now)
        for _ in range(12):
            self.now += 60.0
            await self._flush_some(1.0, killing=0.0)

    def _happen(self) -> None:
        act = self.chance.random()
        if act < 0.25:
            self._begin(self.chance.choice(RUNS))
        elif act < 0.35:
            chat = self.chance.choice(self.chats)
            chat.fails = not chat.fails
        elif act < 0.45:
            manager = self.chance.choice(self.managers)
            manager.hears = {
                name: self.now + self.chance.uniform(0, RESEND_SECONDS) for name in self.episodes
            }
            self.counts["restarts of Alertmanager"] += 1
        elif act < 0.5:
            self._start_relay()
            self.counts["restarts of the relay"] += 1

    def _begin(self, run: str) -> None:
        """An incident of that run and its signal, if the last one is over for long enough."""
        known = self.episodes.get(f"{run} incident", [])
        if known and known[-1].ended + 120.0 > self.now:
            return
        lasts = self.chance.uniform(60.0, 600.0)
        for what in ("incident", "signal"):
            episode = Episode(self.now, self.now + lasts)
            self.episodes.setdefault(f"{run} {what}", []).append(episode)
        self.counts["incidents"] += 1

    # Alertmanager.

    async def _flush_some(self, share: float, killing: float) -> None:
        for run in RUNS:
            for manager in self.managers:
                if self.chance.random() < share:
                    await self._flush(manager, run, killing)

    def _seen(self, manager: Manager, name: str, then: float) -> tuple[Told, dict[str, Any]] | None:
        """An alert as that Alertmanager knows it, by what was so `then`."""
        episodes = [each for each in self.episodes.get(name, ()) if each.began <= then]
        if not episodes or self.now < manager.hears.get(name, 0.0):
            return None
        episode, began = episodes[-1], episodes[-1].began
        firing = then < episode.ended
        if firing and self.chance.random() < 0.2:  # its Prometheus was started anew
            began = self.chance.uniform(began, self.now)
        told = name, len(episodes) - 1, firing
        heard_late = manager.hears.get(name, 0.0) > episode.ended + 900.0  # nobody sends it any more
        if not firing and (told in manager.flushed or heard_late):
            return None
        kind = "LlmTrainIncident" if name.endswith("incident") else "LlmTrainKlHigh"
        signal: dict[str, Any] = {} if kind == "LlmTrainIncident" else {"signal": "kl_high"}
        written = alert(kind, name.split()[0], firing=firing, started=began, ended=episode.ended, **signal)
        return told, written

    async def _flush(self, manager: Manager, run: str, killing: float) -> None:
        then = self.now - (self.chance.uniform(0.0, LAG_SECONDS) if killing else 0.0)
        seen = [self._seen(manager, f"{run} {what}", then) for what in ("incident", "signal")]
        known = {told: written for each in seen if each for told, written in [each]}
        if any(
            name.endswith("incident") and firing for name, _, firing in known
        ):  # it keeps the signal silent
            known = {told: written for told, written in known.items() if told[0].endswith("incident")}
        if not known or not self._has_news(run, known):
            return
        body = json.dumps(group(*known.values(), key=run)).encode()
        try:
            status = await self._post(parse(body), killing)
        except KilledError:
            self.counts["kills of the relay"] += 1
            self._start_relay()
            return
        if status == 200:
            self._check_told(known)
            self.logged |= {(name, index) for name, index, firing in known if firing}
            self.log[run] = self._sets(known)
            manager.flushed |= {told for told in known if not told[2]}

    def _sets(self, known: Iterable[Told]) -> tuple[frozenset[str], frozenset[str]]:
        return tuple(
            frozenset(name for name, _, fires in known if fires is firing) for firing in (True, False)
        )  # type: ignore[return-value]

    def _has_news(self, run: str, known: Iterable[Told]) -> bool:
        """As Alertmanager decides (notify.DedupStage.needsUpdate)."""
        firing, over = self._sets(known)
        if run not in self.log:
            return bool(firing)
        told_firing, told_over = self.log[run]
        if not firing <= told_firing:
            return True
        return bool(told_firing) if not firing else not over <= told_over

    # The relay.

    async def _post(self, notification: Notification, killing: float) -> int:
        statuses = [
            await self._deliver(chat, memory, notification, killing)
            for chat, memory in zip(self.chats, self.memories, strict=True)
        ]
        self.counts["notifications"] += 1
        return max(statuses)

    async def _deliver(
        self, chat: Chat, memory: BotMemory, notification: Notification, killing: float
    ) -> int:
        review = memory.review(notification, self.now)
        self._maybe_die(killing)
        if review.news is not News.NEW:
            await memory.flush()
            return 200 if review.news in (News.KNOWN, News.STALE) else 424
        await memory.attempt(notification.group_key, self.now)
        self._maybe_die(killing)
        card = frozenset(map(self._told, review.group.alerts))
        if not chat.fails:
            chat.cards.append(card)
            if self.chance.random() < killing / 10:
                chat.unsure.append(card)
                raise KilledError
        await memory.attempted(review.group, not chat.fails, self.now)
        self._maybe_die(killing)
        return 503 if chat.fails else 200

    def _maybe_die(self, killing: float) -> None:
        if self.chance.random() < killing:
            raise KilledError

    def _told(self, raised: RaisedAlert) -> Told:
        """What an alert in a card says, by the truth."""
        name = f"{raised.run} {'signal' if 'signal' in raised.labels else 'incident'}"
        by = raised.started if raised.firing else raised.ended or 0.0
        index = max(at for at, each in enumerate(self.episodes[name]) if each.began <= by + 1.0)
        return name, index, raised.firing

    # What must hold.

    def _check_told(self, known: Iterable[Told]) -> None:
        """What Alertmanager believes to be told is told to each bot, or more than that is."""
        for chat in self.chats:
            told = [each for card in chat.cards for each in card]
            for name, index, firing in known:
                if name.endswith("signal"):
                    continue  # the incident's card has it
                # Between two times that it fires its end may have gone by unseen: then it has gone on firing.
                goes_on = firing and [fires for each, _, fires in told if each == name][-1:] == [True]
                later = any(each == name and at > index for each, at, _ in told)
                assert goes_on or later or (name, index, False) in told, (
                    f"never told: {name} {index} {firing}"
                )

    def check(self) -> None:
        """Nothing is told twice, what fires has its end, no signal comes beside an incident that goes on."""
        for chat in self.chats:
            told: set[Told] = set()
            unsure = {each for card in chat.unsure for each in card}
            for card in chat.cards:
                assert card - told or card & unsure, f"told twice: {sorted(card)}"
                told |= card
                self.counts["cards"] += 1
            incidents = {(name, index) for name, index, _ in told if name.endswith("incident")}
            last = {name: max(index for each, index in incidents if each == name) for name, _ in incidents}
            for name, index in self.logged & set(last.items()):
                assert (name, index, False) in told, f"never over: {name} {index}"
            going_on: set[tuple[str, int]] = set()
            for card in chat.cards:
                if card in chat.unsure:
                    continue  # of what the relay does not know it cannot know the parts
                for name, index, firing in card:
                    incident = f"{name.split()[0]} incident", index
                    if name.endswith("incident"):
                        going_on = going_on | {incident} if firing else going_on - {incident}
                    assert len(card) > 1 or name.endswith("incident") or incident not in going_on, (
                        f"a signal beside its incident: {name} {index}"
                    )
