"""A running relay for tests: as a program of its own, or in this process with a clock that tests crank."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import requests
from llmtrain_exporter.knowledge.alerting.runs import INCIDENT
from llmtrain_exporter.knowledge.card_words import NOT_KNOWN
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.call import Answer, Call
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.compose import RunAnswer
from llmtrain_exporter.notify.config.configure import ConfiguredRelay, configure
from llmtrain_exporter.notify.delivery import Delivery
from llmtrain_exporter.notify.http import create_app
from llmtrain_exporter.notify.memory_file import MemoryFile
from llmtrain_exporter.notify.ports import Ports
from llmtrain_exporter.notify.relay import Relay, Sources
from llmtrain_exporter.notify.service import card_settings, memory_of, ports_of
from llmtrain_exporter.notify.telemetry import RelayTelemetry
from llmtrain_exporter.story.blocks import (
    Code,
    Item,
    Items,
    Mark,
    Paragraph,
    Part,
    Section,
    Span,
    Story,
    Strong,
    items,
)
from llmtrain_exporter.story.tree_json import from_object, to_object
from llmtrain_exporter.web.access import Access
from llmtrain_exporter.web.server import Server as WebServer
from llmtrain_exporter.web.users import Users
from prometheus_client.parser import text_string_to_metric_families

from tests.bots import Bot
from tests.clock import Clock
from tests.servers import HANGS_SECONDS, Server, free_port, series

NOW = 1_700_000_000.0
GIVEN_UP_SECONDS = 0.5  # of what is never answered

RUN = "math/collapse-1"
TREE = Story(
    RUN,
    "en",
    "broken",
    "Policy collapse",
    (
        Section(Part.VERDICT, None, (Paragraph((Mark("broken", "broken"),)),)),
        Section(
            Part.FACTS,
            None,
            (
                items(
                    [
                        ("swift, grpo, training at step 35 of 120",),
                        ("35 training records, 0 evaluations",),
                    ],
                    bare=True,
                ),
            ),
            1,
        ),
        Section(
            Part.INCIDENTS,
            "What happened",
            (
                Items(
                    (
                        Item(
                            (
                                Span("Incident from step 7", 7, None),
                                ", worst at step 32, not recovered: ",
                                Span("KL (7)", 7, 7),
                                " -> length (12) -> reward (17)",
                            ),
                            (("last checkpoint before it: ", Code("checkpoint-6")),),
                        ),
                    ),
                    bare=True,
                ),
            ),
            1,
        ),
        Section(
            Part.FINDINGS,
            "What happened",
            (
                Items(
                    (
                        Item(
                            (
                                Span("from step 7 on", 7, None),
                                ", ",
                                Mark("critical", "critical"),
                                ": ",
                                Strong("KL spike"),
                                ". kl jumped to 5.233 at step 32, usual level 0.01.",
                            )
                        ),
                        Item(
                            (
                                Span("steps 20 to 25", 20, 25),
                                ", ",
                                Mark("warning", "warning"),
                                ": ",
                                Strong("Too many truncated"),
                                ". Clipped ratio is 1 at step 22, limit 0.3.",
                            )
                        ),
                        Item(
                            (
                                Span("from step 9 on", 9, None),
                                ", ",
                                Mark("info", "info"),
                                ": Nothing against it.",
                            ),
                            rank=1,
                        ),
                    )
                ),
            ),
            3,
        ),
        Section(
            Part.CAUSES,
            "Likely causes",
            (items([("Each update that raises the reward also moves the policy.",)]),),
            5,
        ),
        Section(
            Part.ACTIONS,
            "What to do",
            (
                Items(
                    (
                        Item(
                            (
                                Strong("Raise beta, the weight of the KL penalty"),
                                ": ",
                                Code("--beta 0.1"),
                                " (now 0.04)",
                            ),
                            (("It pulls back.",),),
                        ),
                        Item((Strong("Give truncated completions no reward"),)),
                    ),
                    numbered=True,
                ),
            ),
            2,
        ),
    ),
    "running",
)
"""A run that is breaking, as the exporter tells it."""


def document(**changes: Any) -> dict[str, Any]:
    """What the exporter answers about that run; `changes`: of its story."""
    story = replace(TREE, **changes)
    return {
        "run": story.run,
        "last_step": 35,
        "records": {"train": 35, "eval": 0},
        "incidents": [{"onset_step": 7, "peak_step": 32, "recovery_step": None}],
        "story": to_object(story),
    }


def ending(kind: str, text: str, *more: str) -> Item:
    """How the run's last incident ended, well ("healthy") or not."""
    return Item((Mark(kind, text),), tuple((line,) for line in more))


STORY = document()


def alert(
    name: str = INCIDENT.name,
    run: str | None = RUN,
    *,
    severity: str = "critical",
    firing: bool = True,
    started: float = NOW,
    ended: float | None = None,
    annotations: Mapping[str, str] | None = None,
    **labels: str,
) -> dict[str, Any]:
    """One alert as Alertmanager writes it."""
    known = {"alertname": name, "job": "llmtrain", "instance": "exporter:9848", "severity": severity}
    named = {**known, **({} if run is None else {"run": run}), **labels}
    return {
        "status": "firing" if firing else "resolved",
        "labels": named,
        "annotations": annotations or {"summary": "A run is breaking.", "description": f"{run}: kl is 5.2."},
        "startsAt": _written(started),
        "endsAt": "0001-01-01T00:00:00Z" if firing else _written(started + 600 if ended is None else ended),
        "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
        "fingerprint": f"{abs(hash(json.dumps(named, sort_keys=True))):016x}"[:16],
    }


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).isoformat().replace("+00:00", "Z")


def group(*alerts: dict[str, Any], key: str | None = None, **more: Any) -> dict[str, Any]:
    """A notification of these alerts."""
    firing = any(one["status"] == "firing" for one in alerts)
    labels = alerts[0]["labels"]
    return {
        "version": "4",
        "groupKey": key or f'{{}}:{{run="{labels.get("run", "")}"}}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "relay",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
        **more,
    }


class RelayProcess(Server):
    """`llmtrain-exporter relay ARGS...` of this checkout. `env`: its variables; see `Bot.variables`."""

    def __init__(
        self, args: Iterable[str | Path] = (), env: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        port = port or free_port()
        relay = [sys.executable, "-m", "llmtrain_exporter", "relay", *args, "--listen", f"127.0.0.1:{port}"]
        super().__init__(relay, port, env)

    def post(self, body: Any, path: str = "/alerts") -> requests.Response:
        """POST a notification."""
        return post(self.url + path, body)


def post(url: str, body: Any, **options: Any) -> requests.Response:
    """POST a notification, or any bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=data, timeout=HANGS_SECONDS, **options)


@dataclass
class Site:
    """A relay in this process. It and its bots go by the `clock`."""

    url: str
    clock: Clock
    relay: Relay
    telemetry: RelayTelemetry
    shown: list[Card]
    stories: dict[str, dict[str, Any]]
    ending: threading.Event = field(default_factory=threading.Event)

    def post(self, body: Any, path: str = "/alerts") -> requests.Response:
        """POST a notification."""
        return post(self.url + path, body)

    def metrics(self) -> dict[str, float]:
        """The value of each series."""
        return parsed(requests.get(f"{self.url}/metrics", timeout=HANGS_SECONDS).text)


def parsed(text: str) -> dict[str, float]:
    """A scrape: the value of each series."""
    families = text_string_to_metric_families(text)
    return {series(s.name, s.labels): s.value for family in families for s in family.samples}


def chosen(bots: Sequence[Bot], **rules: Any) -> ConfiguredRelay:
    """Settings with these bots; `rules`: more of each one's entry by its kind, and further settings."""
    entries = [bot.rule(**rules.pop(bot.kind, {})) for bot in bots]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "relay.yml"
        path.write_text(json.dumps({"bots": entries, **rules}))
        return configure({}, {}, str(path))


@contextmanager
def relaying(
    bots: Sequence[Bot],
    *,
    draw: Callable[[Mapping[str, Any]], bytes | None] = lambda _: None,
    remember: float = 3600.0,
    memory: Path | None = None,
    began: float = 0.0,
    under_way: Callable[[], float] = lambda: 0.0,
    users: Users | None = None,
    headers: Mapping[str, str] | None = None,
    token: str | None = None,
    **rules: Any,
) -> Iterator[Site]:
    """A relay for these bots, which go by its clock then; it knows the runs of `stories`.

    `memory`: its file; `began`: seconds after NOW at which it is started; `under_way`: seconds by that clock
    that a message takes to the bot, or its answer back.
    """
    configured = chosen(bots, **rules)
    telemetry = RelayTelemetry("test", (bot.rule.name for bot in configured.bots))
    shown: list[Card] = []
    stories = {RUN: STORY}
    ending = threading.Event()

    async def ask(run: str, _instance: str, _lang: Lang) -> RunAnswer:
        known = stories.get(run)
        return RunAnswer(note=NOT_KNOWN) if known is None else RunAnswer(from_object(known["story"]), known)

    async def drawn(said: Mapping[str, Any], _instance: str) -> bytes | None:
        return draw(said)

    clock = Clock(NOW + began)
    keeper = MemoryFile(memory, clock.seconds, telemetry.memory)
    deliveries = [
        Delivery(
            rule,
            _ports(bot, clock, under_way, telemetry, ending.is_set),
            memory_of(rule, keeper, remember),
        )
        for bot, rule in zip(bots, configured.bots, strict=True)
    ]
    sources = Sources(ask, drawn, card_settings(configured.settings), clock.time)
    relay = Relay(deliveries, sources, telemetry, shown.append, configured.settings.lang, 6 * 3600)
    access = Access(users, headers or {})
    server = WebServer(create_app(relay, telemetry, access, token), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Site(server.url, clock, relay, telemetry, shown, stories, ending)
    finally:
        server.stop()
        thread.join(HANGS_SECONDS)
        keeper.close()


def _ports(
    bot: Bot,
    clock: Clock,
    under_way: Callable[[], float],
    telemetry: RelayTelemetry,
    ending: Callable[[], bool],
) -> Ports:
    """The usual ones, by that clock. What hangs is given up soon, and nothing else however long it takes."""
    bot.clock = clock.time
    soon, late = (ports_of(telemetry, ending, seconds) for seconds in (GIVEN_UP_SECONDS, HANGS_SECONDS))

    async def travel() -> None:
        if seconds := under_way():
            await clock.sleep(seconds)

    async def post(call: Call) -> Answer:
        await travel()
        with clock.at_work():
            answer = await (soon if bot.hangs else late).post(call)
        await travel()
        return answer

    return replace(late, clock=clock.seconds, now=clock.time, sleep=clock.sleep, post=post)
