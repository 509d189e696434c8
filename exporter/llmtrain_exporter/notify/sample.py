"""A sample card to each bot, to see whether it takes it and how it looks there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import anyio
from anyio import to_thread

from llmtrain_exporter import __version__
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify import story
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.chart import drawn
from llmtrain_exporter.notify.compose import INCIDENT, Asked
from llmtrain_exporter.notify.config.configure import Configured
from llmtrain_exporter.notify.ports import Outcome
from llmtrain_exporter.notify.relay import Sources, Told
from llmtrain_exporter.notify.service import assembled, quieten
from llmtrain_exporter.notify.telemetry import Telemetry
from llmtrain_exporter.notify.webhook import Notification

RUN = "demo/collapse"
ANNOTATIONS = {
    "run_url": "http://localhost:9848/run?run=demo%2Fcollapse",
    "dashboard_url": "http://localhost:3000/d/llmtrain-grpo?var-run=demo%2Fcollapse",
    "runbook_url": f"http://localhost:9848/runbook?lang=en#{INCIDENT.lower()}",
}


def group(now: float) -> Notification:
    """An incident that began at a Unix time."""
    alert = {
        "status": "firing",
        "labels": {"alertname": INCIDENT, "run": RUN, "severity": "critical"},
        "annotations": ANNOTATIONS,
        "startsAt": datetime.fromtimestamp(now, timezone.utc),
        "fingerprint": "sample",
    }
    # The key holds the time, so that a second sample is not taken for a retry.
    told = {"version": "4", "groupKey": f"sample {now}", "status": "firing", "alerts": [alert]}
    return Notification.model_validate(told)


def tell(
    configured: Configured,
    only: str | None,
    told: Callable[[str], Mapping[str, Any]],
    history: Callable[[], Mapping[str, Any]],
    show: Callable[[Card], object],
) -> Mapping[str, Outcome]:
    """What each bot, or one, says to the sample. `told`: a story by language; `history`: the run's values."""
    quieten()
    # Whatever a bot wants to hear of, it gets the sample.
    bots = tuple(replace(bot, rule=bot.rule.model_copy(update={"severities": ()})) for bot in configured.bots)
    telemetry = Telemetry(__version__, (bot.rule.name for bot in bots))

    async def ask(_run: str, _instance: str, lang: Lang) -> Asked:
        said = told(lang.value)
        return Asked(story.read(said), said)

    async def draw(said: Mapping[str, Any], _instance: str) -> bytes | None:
        return await to_thread.run_sync(drawn, said, lambda **_: history())

    async def run() -> Told:
        sources = Sources(ask, draw, configured.settings.links, time.time, sample=True)
        relay = assembled(replace(configured, bots=bots), telemetry, lambda: False, show, sources)
        return await relay.tell(group(time.time()), only)

    return anyio.run(run).outcomes
