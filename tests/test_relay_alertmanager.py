"""Behind a real Alertmanager: one card when it fires, one when it is over, whatever fails in between."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from llmtrain_exporter.knowledge.card_words import UNSURE

from tests.bots import Bot, Message, all_bots, bot
from tests.relaying import RelayProcess
from tests.servers import FLUSHES, HANGS_SECONDS, Alertmanager, Server, clustered, eventually, free_port

Tool = Callable[[str], Path]

MEMBERS = "alertmanager_cluster_members"
REQUESTS = "alertmanager_notification_requests_total"


def configured(folder: Path, relay: str, interval: str = "1s") -> Path:
    """A configuration that tells a relay at that address of each run by itself."""
    config = {
        "route": {
            "receiver": "relay",
            "group_by": ["job", "instance", "run"],
            "group_wait": "0s",
            "group_interval": interval,
            "repeat_interval": "4h",
        },
        "receivers": [
            {"name": "relay", "webhook_configs": [{"url": f"{relay}/alerts", "send_resolved": True}]}
        ],
        "inhibit_rules": [
            {
                "source_matchers": ['alertname="LlmTrainIncident"'],
                "target_matchers": ['signal=~".+"'],
                "equal": ["job", "instance", "run"],
            }
        ],
    }
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@contextmanager
def alertmanager(folder: Path, relay: str, binary: Path, interval: str = "1s") -> Iterator[Alertmanager]:
    """An Alertmanager with that configuration."""
    with Alertmanager(folder, configured(folder, relay, interval), binary=binary) as running:
        yield running


def _tells(relay: RelayProcess, line: str) -> bool:
    return line in relay.get("/metrics").text


def fire(server: Alertmanager, *runs: str, over: bool = False, began: datetime | None = None) -> None:
    """What Prometheus sends of an incident in these runs."""
    now = datetime.now(timezone.utc)
    alerts: list[dict[str, Any]] = [
        {
            "labels": {
                "alertname": "LlmTrainIncident",
                "run": run,
                "severity": "critical",
                "job": "llmtrain",
                "instance": "exporter:9848",
            },
            "annotations": {"summary": "A run is breaking.", "description": f"{run}: kl is 5.2."},
            "startsAt": (began or now).isoformat(),
            "endsAt": (now if over else now + timedelta(minutes=5)).isoformat(),
        }
        for run in runs
    ]
    answer = requests.post(f"{server.url}/api/v2/alerts", json=alerts, timeout=HANGS_SECONDS)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("version", ["alertmanager", "alertmanager3"])
def test_one_card_when_it_fires_and_one_when_it_is_over(
    version: str, tmp_path: Path, real_tool: Tool
) -> None:
    """For every bot, from the body that this Alertmanager really sends."""
    binary = real_tool(version)
    with all_bots() as bots:
        env = {name: value for one in bots.values() for name, value in one.variables.items()}
        with RelayProcess(env=env) as relay, alertmanager(tmp_path, relay.url, binary) as server:
            fire(server, "math/collapse-1")
            eventually(lambda: all(one.cards for one in bots.values()))
            fire(server, "math/collapse-1", over=True)
            eventually(lambda: all(len(one.cards) == 2 for one in bots.values()))
            server.wait_for_the_end()
        for kind, one in bots.items():
            titles = [message.title for message in one.cards]
            assert ["Training incident" in title for title in titles] == [True, True], (kind, titles)
            assert ["Alert over" in title for title in titles] == [False, True]
            assert not one.refused


@pytest.mark.parametrize("how", ["rate_limit", "error", "drop"])
def test_a_bot_that_fails_for_a_while_gets_its_card(how: str, tmp_path: Path, real_tool: Tool) -> None:
    """Once; and so does the one that never failed."""
    with bot("feishu") as failing, bot("wecom") as fine:
        failing.fail(how, times=2)
        with (
            RelayProcess(env={**failing.variables, **fine.variables}) as relay,
            alertmanager(tmp_path, relay.url, real_tool("alertmanager"), "2s") as server,
        ):
            fire(server, "a")
            eventually(lambda: failing.cards)
            server.look_again()
        assert (len(failing.cards), len(fine.cards), failing.reasons) == (1, 1, {how: 2})


def test_a_bot_that_wants_a_person_is_tried_once_in_an_interval(tmp_path: Path, real_tool: Tool) -> None:
    """Alertmanager neither gives up what it could not deliver nor asks for it again and again."""
    with bot("feishu") as one:
        one.fail("refuse")
        with (
            RelayProcess(env=one.variables) as relay,
            alertmanager(tmp_path, relay.url, real_tool("alertmanager"), "3s") as server,
        ):
            fire(server, "a")
            eventually(lambda: len(one.refused) >= 2)
            requests, looks = server.total(REQUESTS), server.total(FLUSHES)
            assert 2 <= requests <= looks
            one.fail(None)
            eventually(lambda: one.cards)
        assert len(one.cards) == 1


def test_a_relay_that_was_killed_finds_its_cards_again(tmp_path: Path, real_tool: Tool) -> None:
    """Alertmanager keeps what was not delivered, and comes to the relay that is started again."""
    port = free_port()
    with bot("feishu") as one:
        one.fail("error")
        with (
            RelayProcess(env=one.variables, port=port) as relay,
            alertmanager(tmp_path, relay.url, real_tool("alertmanager"), "2s") as server,
        ):
            fire(server, "a", "b")
            eventually(lambda: one.refused)
            relay.kill()
            one.fail(None)
            server.wait_for_more("alertmanager_notification_requests_failed_total", 2)
            with RelayProcess(env=one.variables, port=port):
                eventually(lambda: len(one.cards) == 2)
                server.look_again(groups=2)
        assert sorted(message.title[-1] for message in one.cards) == ["a", "b"]


def test_an_alertmanager_that_forgot_doubles_nothing(tmp_path: Path, real_tool: Tool) -> None:
    """One that was killed does not know what it has told; the relay does."""
    began = datetime.now(timezone.utc)
    with bot("feishu") as one, RelayProcess(env=one.variables) as relay:
        for result in ("sent", "known"):
            folder = tmp_path / result
            folder.mkdir()
            with alertmanager(folder, relay.url, real_tool("alertmanager")) as server:
                fire(server, "a", began=began)
                told = f'llmtrain_relay_cards_total{{bot="feishu",result="{result}"}} 1'
                eventually(partial(_tells, relay, told))
                server.kill()
        assert len(one.cards) == 1


def _raised(run: str, began: float, ended: float, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus sends it, now; `ended`: Unix time, in the future while it fires."""
    until = ended if ended <= time.time() else time.time() + 300.0
    known = {"alertname": "LlmTrainIncident", "severity": "critical", "job": "llmtrain", "instance": "a:1"}
    return {
        "labels": {**known, "run": run, **labels},
        "annotations": {"summary": "A run is breaking.", "description": f"{run}: kl is 5.2."},
        "startsAt": _written(began),
        "endsAt": _written(until),
    }


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).isoformat()


def _send(server: Server, alerts: list[dict[str, Any]]) -> None:
    with suppress(requests.RequestException):  # it was killed; a Prometheus tries again as well
        requests.post(f"{server.url}/api/v2/alerts", json=alerts, timeout=HANGS_SECONDS)


class Course(threading.Thread):
    """Incidents that come and go, each sent to all Alertmanagers again and again, as two Prometheus do it.

    None is over before all bots were told of it, however long that takes on a busy machine.
    """

    def __init__(self, servers: list[Server], moments: list[float], bots: list[Bot]) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self._servers = servers
        self._moments = moments
        self._bots = bots

    def run(self) -> None:
        """Until it is `over`."""
        while not self.over.wait(0.5):
            now = time.time()
            begun = [(at, moment) for at, moment in enumerate(self._moments) if moment <= now]
            alerts = [_raised(f"r{at:02}", moment, self._end(f"r{at:02}", moment)) for at, moment in begun]
            for server in self._servers:
                if alerts:
                    _send(server, alerts)

    def _end(self, run: str, began: float) -> float:
        told = all(any(_run_of(card.title) == run for card in one.cards) for one in self._bots)
        return began + LASTS_SECONDS if told else math.inf


QUICK = ("--cluster.peer-timeout=1s", "--cluster.settle-timeout=2s", "--cluster.pushpull-interval=1s")
"""Else an Alertmanager tells nothing for a quarter of a minute after its start."""

LASTS_SECONDS = 15.0
STORM = (30, 6, 12.0)
"""Incidents, kills, and the seconds within which the incidents begin."""


def _is_joined(server: Server) -> bool:
    return server.metrics().get(MEMBERS) == 2


def _run_of(title: str) -> str:
    return title.strip("*")[-3:]


def _once(cards: list[Message]) -> list[str]:
    """The titles of the cards, without those that came again and say that they may have."""
    titles = [card.title for card in cards if not _may_be_again(card)]
    return [*titles, *({card.title for card in cards if _may_be_again(card)} - set(titles))]


def _may_be_again(card: Message) -> bool:
    return any(text in card.text for text in (UNSURE.en, UNSURE.zh))


@pytest.mark.parametrize("version", ["alertmanager", "alertmanager3"])
def test_a_cluster_and_a_relay_that_are_killed_tell_each_incident_once(
    version: str, tmp_path: Path, real_tool: Tool
) -> None:
    """30 incidents, 3 bots, 6 kills of two Alertmanagers and the relay: each card is there, and once.

    But for what a relay had in hand when it was killed: that comes again, and says so.
    """
    incidents, kills, seconds = STORM
    chance, binary = random.Random(version), real_tool(version)
    peers = free_port(), free_port()
    with ExitStack() as stack:
        bots: list[Bot] = [stack.enter_context(bot(kind)) for kind in ("feishu", "telegram", "discord")]
        for one in bots:
            one.rates = ()
        limits = {f"{one.kind}": {"per_minute": 6000, "per_second": 100} for one in bots}
        config = tmp_path / "relay.yml"
        rules = [one.rule(**limits[one.kind]) for one in bots]
        config.write_text(yaml.safe_dump({"memory_file": "memory", "bots": rules}))
        relay: Server = stack.enter_context(RelayProcess(["--config", config]))
        shipped = configured(tmp_path, relay.url, "5s")
        managers = [
            stack.enter_context(
                clustered(tmp_path / str(at), shipped, peers[at], peers[1 - at], binary, *QUICK)
            )
            for at in range(2)
        ]
        for manager in managers:
            eventually(lambda manager=manager: _is_joined(manager))  # type: ignore[misc]
        start = time.time()
        course = Course(managers, [start + chance.uniform(0.0, seconds) for _ in range(incidents)], bots)
        course.start()
        for _ in range(kills):
            victim = chance.choice([relay, *managers])
            victim.crash(lambda: None)
            if victim is not relay:
                eventually(lambda victim=victim: _is_joined(victim))  # type: ignore[misc]
        eventually(lambda: all(len(one.cards) >= 2 * incidents for one in bots))
        for manager in managers:
            manager.wait_for_more(FLUSHES, 3 * incidents)
        course.over.set()
        course.join()
        wanted = sorted([f"r{at:02}" for at in range(incidents)] * 2)
        assert [sorted(map(_run_of, _once(one.cards))) for one in bots] == [wanted] * 3


@pytest.mark.parametrize("version", ["alertmanager", "alertmanager3"])
def test_an_alertmanager_that_is_restarted_tells_no_signal_of_an_incident(
    version: str, tmp_path: Path, real_tool: Tool
) -> None:
    """It hears of the signals before it hears of the 8 incidents that keep them silent."""
    began = time.time() - 600.0
    incidents = [_raised(f"r{at}", began, began + 3600.0) for at in range(8)]
    names = {"alertname": "LlmTrainKlHigh", "signal": "kl_high"}
    signals = [_raised(f"r{at}", began, began + 3600.0, **names) for at in range(8)]
    with bot("feishu") as one, RelayProcess(env=one.variables) as relay:
        server: Server
        with alertmanager(tmp_path, relay.url, real_tool(version)) as server:
            _send(server, incidents)
            eventually(lambda: len(one.cards) == 8)
            _send(server, signals)
            server.look_again(groups=8)
        with alertmanager(tmp_path, relay.url, real_tool(version)) as server:
            for signal in signals:
                _send(server, [signal])
            early = 'llmtrain_relay_cards_total{bot="feishu",result="early"}'
            eventually(lambda: relay.metrics()[early] >= 8)
            for incident in incidents:
                _send(server, [incident])
            server.look_again(groups=8)
        assert len(one.cards) == 8
