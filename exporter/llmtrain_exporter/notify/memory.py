"""What each bot has been told, so that a retry tells nobody twice; and whose cards wait."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

from llmtrain_exporter.knowledge.alerting.runs import FAILED, FINISHED
from llmtrain_exporter.notify.webhook import RaisedAlert

MOST_REMEMBERED = 50_000
MOST_WAITING = 5_000

ENDLESS = (FAILED.name, FINISHED.name)
"""Alerts that Alertmanager is set up to tell once, and not when they are over."""


def signature(group_key: str, alerts: Iterable[RaisedAlert]) -> bytes:
    """What tells one notification from another: its group; of each alert, which and whether it fires.

    Not since when: after a start of Prometheus alerts are as young as that. But of what is told without an
    end, such as a run that failed, one is told from the next by nothing else.
    """
    states = sorted(
        (alert.fingerprint, alert.status, alert.started if alert.name in ENDLESS else 0.0) for alert in alerts
    )
    return blake2b(repr((group_key, states)).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Accepted:
    """What one bot has accepted last of each group, lately. Owned by the event loop's thread.

    Only the last: an alert that fires again after it was resolved is told again.
    """

    def __init__(self, seconds: float) -> None:
        """It forgets what was not asked for in so many seconds."""
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # the longest untouched first

    def add(self, group_key: str, key: bytes, now: float) -> None:
        """The bot has accepted this one."""
        self._known[group_key] = key, now
        self._known.move_to_end(group_key)
        self._forget(now)

    def knows(self, group_key: str, key: bytes, now: float) -> bool:
        """Whether the bot has accepted it; who asks will likely ask again, so it stays."""
        self._forget(now)
        if group_key not in self._known or self._known[group_key][0] != key:
            return False
        self.add(group_key, key, now)
        return True

    def _forget(self, now: float) -> None:
        while self._known:
            _, oldest = next(iter(self._known.values()))
            if now - oldest <= self._seconds and len(self._known) <= MOST_REMEMBERED:
                return
            self._known.popitem(last=False)


class Waiting:
    """Groups whose cards one bot's limit holds back, with a name for each. Owned by the event loop's thread.

    Alertmanager comes back with each; what it has given up is dropped after `seconds`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._groups: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def add(self, group_key: str, name: str, now: float) -> None:
        """This group has to wait."""
        self._groups[group_key] = (now, name)
        self._groups.move_to_end(group_key)
        while len(self._groups) > MOST_WAITING:
            self._groups.popitem(last=False)

    def drop(self, group_key: str) -> None:
        """This group waits no more."""
        self._groups.pop(group_key, None)

    def names(self, now: float) -> list[str]:
        """The names of those that wait."""
        while self._groups and now - next(iter(self._groups.values()))[0] > self._seconds:
            self._groups.popitem(last=False)
        return [name for _, name in self._groups.values()]
