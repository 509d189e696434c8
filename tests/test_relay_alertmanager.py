"""Behind a real Alertmanager: one card when it fires, one when it is over, whatever fails in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.bots import all_bots, bot
from tests.relaying import RelayProcess
from tests.servers import FLUSHES, HANGS_SECONDS, Alertmanager, eventually, free_port

Tool = Callable[[str], Path]

REQUESTS = "alertmanager_notification_requests_total"


@contextmanager
def alertmanager(folder: Path, relay: str, binary: Path, interval: str = "1s") -> Iterator[Alertmanager]:
    """An Alertmanager that tells a relay at that address of each run by itself."""
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
    }
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    with Alertmanager(folder, path, binary=binary) as running:
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
