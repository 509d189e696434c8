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
from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.alerting.runs import INCIDENT
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.chart import drawn
from llmtrain_exporter.notify.chat.descriptor import Bot
from llmtrain_exporter.notify.compose import RunAnswer
from llmtrain_exporter.notify.config.configure import ConfiguredRelay
from llmtrain_exporter.notify.memory_file import MemoryFile
from llmtrain_exporter.notify.ports import Outcome
from llmtrain_exporter.notify.relay import GroupOutcome, Sources
from llmtrain_exporter.notify.service import assembled, card_settings, quieten
from llmtrain_exporter.notify.telemetry import RelayTelemetry
from llmtrain_exporter.notify.webhook import Notification
from llmtrain_exporter.story.tree_json import from_object

RUN = "demo/collapse"
ANNOTATIONS = {
    "run_url": "http://localhost:9848/run?run=demo%2Fcollapse",
    "dashboard_url": "http://localhost:3000/d/llmtrain-grpo?var-run=demo%2Fcollapse",
    "runbook_url": f"http://localhost:9848/runbook?lang=en#{INCIDENT.name.lower()}",
}


def group(now: float) -> Notification:
    """An incident that began at a Unix time."""
    alert = {
        "status": "firing",
        "labels": {"alertname": INCIDENT.name, "run": RUN, "severity": "critical"},
        "annotations": ANNOTATIONS,
        "startsAt": datetime.fromtimestamp(now, timezone.utc),
        "fingerprint": "sample",
    }
    # The key holds the time, so that a second sample is not taken for a retry.
    body = {"version": "4", "groupKey": f"sample {now}", "status": "firing", "alerts": [alert]}
    return Notification.model_validate(body)


def send_sample(
    configured: ConfiguredRelay,
    only: str | None,
    document: Callable[[Lang], Mapping[str, Any]],
    history: Callable[[], Mapping[str, Any]],
    show: Callable[[Card], object],
) -> Mapping[str, Outcome]:
    """What each bot, or one, says to the sample. `document`: the run's; `history`: its values."""
    quieten()
    # Whatever a bot wants to hear of, it gets the sample.
    bots = tuple(replace(bot, rule=bot.rule.model_copy(update={"severities": ()})) for bot in configured.bots)
    telemetry = RelayTelemetry(__version__, (bot.rule.name for bot in bots))

    async def ask(_run: str, _instance: str, lang: Lang) -> RunAnswer:
        run = document(lang)
        return RunAnswer(from_object(run["story"]), run)

    async def draw(run: Mapping[str, Any], _instance: str) -> bytes | None:
        return await to_thread.run_sync(drawn, run, lambda **_: history())

    async def run() -> GroupOutcome:
        sources = Sources(ask, draw, card_settings(configured.settings), time.time, sample=True)
        nothing = MemoryFile(None, time.monotonic, telemetry.memory)
        relay = assembled(replace(configured, bots=bots), telemetry, lambda: False, show, nothing, sources)
        return await relay.tell(group(time.time()), only)

    return anyio.run(run).outcomes


def outcome_in_words(bot: Bot[Any], outcome: Outcome, lang: Lang) -> str:
    """What a bot said to the sample, in a line."""
    name = f"{bot.rule.name} ({bot.rule.kind}, {bot.lang.value})"
    if outcome.result.value == "sent":
        return words.ACCEPTED.of(lang).format(bot=name)
    hint = outcome.hint.of(lang) if outcome.hint else ""
    return words.NOT_ACCEPTED.of(lang).format(bot=name, hint=hint, reason=outcome.reason)
