"""`relay`: from Alertmanager to chat groups."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from llmtrain_exporter.cli.extras import how_to_install
from llmtrain_exporter.cli.shell import FAILED, Failure, told, until_stopped

if TYPE_CHECKING:
    from llmtrain_exporter.notify.card import Card
    from llmtrain_exporter.notify.config.configure import Configured
    from llmtrain_exporter.notify.world import Outcome

EVERY_BOT = "*"

log = logging.getLogger(__name__)


@click.command()
@click.option(
    "config_file", "--config", metavar="FILE", help="Bots and more as YAML. [LLMTRAIN_RELAY_CONFIG]"
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Address to wait for Alertmanager on. [default: 127.0.0.1:9849; LLMTRAIN_RELAY_LISTEN]",
)
@click.option(
    "web_config_file",
    "--web.config.file",
    metavar="FILE",
    help="TLS and passwords, in the format of the Prometheus exporter toolkit.",
)
@click.option("--log-format", metavar="text|json", help="How the relay logs, on standard error.")
@click.option("--log-level", metavar="debug|info|warning|error", help="[default: info]")
@click.option(
    "--test",
    metavar="[BOT]",
    is_flag=False,
    flag_value=EVERY_BOT,
    help="Send a sample card to each bot, or to one; say what came of it, and end.",
)
def relay(config_file: str | None, test: str | None, **flags: str | None) -> int:
    """Bring Alertmanager's alerts to chat groups.

    The chats are Feishu (Lark), DingTalk, WeCom, Slack and Discord. Alertmanager sends its webhook to
    /alerts (every bot) or /alerts/BOT (one). Each group of alerts becomes one card: what broke in which
    order, what to change, and links. Without a bot the cards go to the log.

    \b
    Cards have a chart of the incident where matplotlib is installed:
      pip install 'llmtrain-exporter[report]'

    One bot of each kind needs no file, but variables alone: LLMTRAIN_RELAY_FEISHU_URL (or _URL_FILE), and
    _SECRET (or _SECRET_FILE) where it signs; likewise DINGTALK, WECOM, SLACK, DISCORD. More of them:
    LLMTRAIN_RELAY_EXPORTERS (asked about the run), _LANG (en, zh), _LINK_GRAFANA, _LINK_EXPORTER,
    _LINK_RUNBOOK (public addresses), _SECRETS (a folder with feishu_url, feishu_secret, ... and relay.yml).

    \b
    Examples:
      llmtrain-exporter relay
      llmtrain-exporter relay --config relay.yml --test
      llmtrain-exporter relay --config relay.yml --listen 0.0.0.0:9849

    \b
    A file:
      exporters: ["http://127.0.0.1:9848"]
      bots:
        - {name: team, kind: feishu, url_file: feishu_url, secret_file: feishu_secret, lang: zh}
        - {name: ops, kind: slack, url_env: SLACK_URL, severities: [critical], mention: [all]}

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, or every bot took the sample, 1 cannot go on (port in use,
    ...), or a bot did not take it, 2 wrong settings.
    """
    from llmtrain_exporter import logs
    from llmtrain_exporter.config import ConfigError
    from llmtrain_exporter.notify.config.configure import configure
    from llmtrain_exporter.web.web_config import WebConfigError

    with told(ConfigError):
        chosen = configure(flags, os.environ, config_file)
    settings = chosen.settings
    logs.configure(settings.log_format, "error" if test else settings.log_level, sys.stderr)
    for warning in chosen.warnings:
        log.warning("%s", warning)
    if test is not None:
        return _test(chosen, None if test == EVERY_BOT else test)
    with told(WebConfigError), until_stopped():
        _serve(chosen)
    return 0


def _serve(chosen: Configured) -> None:
    from llmtrain_exporter.draw.pictures import can_draw
    from llmtrain_exporter.notify.service import relay as run

    def announce(url: str) -> None:
        bots = ", ".join(f"{bot.rule.name} ({bot.rule.kind})" for bot in chosen.bots)
        log.info("Waiting for Alertmanager at %s/alerts; bots: %s", url, bots or "none, cards go to this log")
        if not chosen.exporters:
            log.warning("No exporter is configured: cards hold what the alerts say, and not what to change")
        elif not can_draw():
            log.warning("%s", _no_charts())
        if sys.stderr.isatty():
            click.echo(f"Alertmanager's webhook: {url}/alerts; Ctrl-C ends this.", err=True)

    run(chosen, announce, _shown_as(chosen.settings.log_format))


def _no_charts() -> str:
    return f"Cards have no charts without matplotlib: {how_to_install('report')}"


def _shown_as(log_format: str) -> Callable[[Card], None]:
    """Writes a card that no bot gets to where the log goes, in the log's format."""
    from llmtrain_exporter.logs import escaped, without_secrets

    def show(card: Card) -> None:
        lines = [escaped(without_secrets(line)) for line in _lines(card)]
        if log_format == "json":
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            known = {
                "time": moment,
                "level": "info",
                "logger": __name__,
                "message": "Card, and no bot to send it to",
            }
            click.echo(json.dumps({**known, "card": lines}, ensure_ascii=False), err=True)
            return
        log.info("Card, and no bot to send it to:")
        click.echo("\n".join(f"    {line}".rstrip() for line in lines), err=True)

    return show


def _lines(card: Card) -> list[str]:
    """A card as plain text. Texts of strangers stand in it: a line of it is still one line."""
    from llmtrain_exporter.notify.card import PlainText, body_text

    return [card.title, "", *body_text(card, PlainText()).split("\n")]


def _test(chosen: Configured, only: str | None) -> int:
    """Send the sample; whether every bot took it, as an exit code."""
    from llmtrain_exporter.draw.pictures import can_draw
    from llmtrain_exporter.notify.sample import tell

    if not can_draw():
        click.echo(_no_charts(), err=True)
    names = [bot.rule.name for bot in chosen.bots]
    if only is not None and only not in names:
        raise Failure(f"no bot is called {only}; there are: {', '.join(names) or 'none'}")
    outcomes = tell(chosen, only, _story, _history, lambda card: click.echo("\n".join(_lines(card))))
    for bot in chosen.bots:
        if bot.rule.name in outcomes:
            click.echo(
                f"{bot.rule.name} ({bot.rule.kind}, {bot.lang.value}): {_came(outcomes[bot.rule.name])}"
            )
    if not names:
        click.echo("No bot is configured, so this card went nowhere. See relay --help.", err=True)
    return 0 if outcomes and all(one.result.value == "sent" for one in outcomes.values()) else FAILED


def _came(outcome: Outcome) -> str:
    if outcome.result.value == "sent":
        return "accepted"
    return f"not accepted: {outcome.hint} ({outcome.reason})"


def _story(lang: str) -> Mapping[str, Any]:
    """The bundled collapse as the exporter would tell it."""
    from llmtrain_exporter.knowledge.text import Lang
    from llmtrain_exporter.story.run_object import full_object

    return json.loads(_plain({**full_object(_bundled().run, Lang(lang)), "run": "demo/collapse"}))  # type: ignore[no-any-return]


def _history() -> Mapping[str, Any]:
    from llmtrain_exporter.watching.history.document import history_object

    return json.loads(_plain({**history_object(_bundled()), "run": "demo/collapse"}))  # type: ignore[no-any-return]


def _bundled() -> Any:
    from llmtrain_exporter.analyse.run import Options
    from llmtrain_exporter.ingest import discover
    from llmtrain_exporter.ingest.readers import Readers
    from llmtrain_exporter.publish.demo import BUNDLED, COLLAPSE
    from llmtrain_exporter.watching.history.columns import History
    from llmtrain_exporter.watching.history.recorded import history

    now = time.time()
    scan = discover.discover([str(BUNDLED / COLLAPSE)], discover.SearchOptions(ignore_older=None), now)
    read = history(scan.found[0], Options(), Readers(None), now)
    if not isinstance(read, History):
        raise Failure("the bundled sample is damaged; install the program anew", code=FAILED)
    return read


def _plain(told: object) -> bytes:
    """As JSON, in which there is neither NaN nor infinity."""
    import orjson

    return orjson.dumps(told)
