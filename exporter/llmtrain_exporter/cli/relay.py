"""`relay`: from Alertmanager to chat groups."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from llmtrain_exporter.cli.exit_codes import FAILED
from llmtrain_exporter.cli.extras import how_to_install
from llmtrain_exporter.cli.options import SettingsCommand
from llmtrain_exporter.cli.shell import Failure, reporting
from llmtrain_exporter.cli.stopping import until_stopped

if TYPE_CHECKING:
    from llmtrain_exporter.config.catalogue import Setting
    from llmtrain_exporter.knowledge.text import Lang
    from llmtrain_exporter.notify.card import Card
    from llmtrain_exporter.notify.config.configure import ConfiguredRelay

EVERY_BOT = "*"

log = logging.getLogger(__name__)


def _relay_settings() -> Iterable[Setting]:
    from llmtrain_exporter.notify.config.settings import RELAY

    return RELAY.settings


class RelayCommand(SettingsCommand):
    """The relay's settings as options, and a help with places for the chats that there are."""

    def format_help_text(
        self,
        ctx: click.Context,  # noqa: ARG002  # as click calls it
        formatter: click.HelpFormatter,
    ) -> None:
        """The help with these places filled."""
        from llmtrain_exporter.knowledge.text import Lang
        from llmtrain_exporter.notify.config import guide

        text = inspect.cleandoc(self.help or "").format(
            chats=_listed(guide.chat_names(Lang.EN)),
            with_charts=_listed(guide.names_with_charts(Lang.EN)),
            variables="\n".join(f"  {line}" for line in guide.variable_lines()),
            entries="\n".join(f"    - {line}" for line in guide.entry_lines()),
            common=", ".join(guide.common_settings()),
        )
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text)


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}"


@click.command(cls=RelayCommand, settings=_relay_settings)
@click.option(
    "config_file", "--config", metavar="FILE", help="Bots and more as YAML. [LLMTRAIN_RELAY_CONFIG]"
)
@click.option(
    "--test",
    metavar="[BOT]",
    is_flag=False,
    flag_value=EVERY_BOT,
    help="Send a sample card to each bot, or to one; say what came of it, and end.",
)
def relay(config_file: str | None, test: str | None, **flags: str | None) -> int:
    """Bring Alertmanager's alerts to chat groups.

    The chats are {chats}. Alertmanager sends its webhook to /alerts (every bot) or /alerts/BOT (one).
    Each group of alerts becomes one card: what broke in which order, what to change, and links. Without a
    bot the cards go to the log.

    \b
    Cards in {with_charts} have a chart, where matplotlib is installed:
      pip install 'llmtrain-exporter[report]'

    \b
    One bot of each chat needs no file, but variables alone (secrets also in a file, as ..._URL_FILE):
    {variables}

    More of them: LLMTRAIN_RELAY_EXPORTERS (asked about the run), _LANG (en, zh), _TIMEZONE, _LINK_GRAFANA,
    _LINK_EXPORTER, _LINK_RUNBOOK, _LINK_ALERTMANAGER (public addresses, to which alone cards lead),
    _WEBHOOK_TOKEN_FILE (what who posts alerts has to send as a bearer token), _SECRETS (a folder with
    relay.yml and secrets, called like the ..._file below). Chats are reached through HTTPS_PROXY.

    \b
    Examples:
      llmtrain-exporter relay
      llmtrain-exporter relay --config relay.yml --test
      LLMTRAIN_RELAY_WEBHOOK_TOKEN_FILE=token llmtrain-exporter relay --config relay.yml --listen 0.0.0.0:9849

    \b
    A file:
      exporters: ["http://127.0.0.1:9848"]
      bots:
    {entries}

    A bot of any chat can also have: {common}; one that gets charts also picture (false: none).

    SIGHUP has it read its settings again, with the secrets, certificates and users that they name. What
    cannot be used is logged, and changes nothing. Another address to listen on needs a new start.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, or every bot took the sample, 1 cannot go on (port in use,
    ...), or a bot did not take it, 64 wrong usage or settings.
    """
    from llmtrain_exporter.config import ConfigError
    from llmtrain_exporter.notify.config.configure import configure

    with reporting(ConfigError):
        chosen = configure(flags, os.environ, config_file)
    _log_as(chosen, "error" if test else None)
    if test is not None:
        return _test(chosen, None if test == EVERY_BOT else test)
    with reporting(ConfigError), until_stopped():
        _run_relay(chosen, lambda: configure(flags, os.environ, config_file))
    return 0


def _log_as(chosen: ConfiguredRelay, level: str | None = None) -> None:
    """Log as the settings say, and what is odd about them. `level`: instead of theirs."""
    from llmtrain_exporter import logs

    logs.configure(chosen.settings.log_format, level or chosen.settings.log_level, sys.stderr)
    for warning in chosen.warnings:
        log.warning("%s", warning)


def _run_relay(chosen: ConfiguredRelay, read_again: Callable[[], ConfiguredRelay]) -> None:
    from llmtrain_exporter.draw.pictures import can_draw
    from llmtrain_exporter.knowledge.text import Lang
    from llmtrain_exporter.notify.card_log import card_log
    from llmtrain_exporter.notify.service import relay as run

    def announce(url: str) -> None:
        bots = ", ".join(f"{bot.rule.name} ({bot.rule.kind})" for bot in chosen.bots)
        log.info("Waiting for Alertmanager at %s/alerts; bots: %s", url, bots or "none, cards go to this log")
        if not chosen.exporters:
            log.warning("No exporter is configured: cards hold what the alerts say, and not what to change")
        elif not can_draw():
            log.warning("%s", _no_charts(Lang.EN))
        if not any(chosen.settings.links.model_dump().values()):
            log.warning("No public address is configured as links (_LINK_EXPORTER, ...): cards lead nowhere")
        if sys.stderr.isatty():
            click.echo(f"Alertmanager's webhook: {url}/alerts; Ctrl-C ends this.", err=True)

    def renew(change: Callable[[ConfiguredRelay], None]) -> None:
        now = read_again()
        change(now)
        _log_as(now)

    run(chosen, announce, card_log(chosen.settings.log_format, sys.stderr), renew)


def _no_charts(lang: Lang) -> str:
    from llmtrain_exporter.knowledge.bot_words import NO_CHARTS

    return NO_CHARTS.of(lang).format(how=how_to_install("report"))


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Within it a logger says nothing."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _test(chosen: ConfiguredRelay, only: str | None) -> int:
    """Send the sample; whether every bot took it, as an exit code."""
    from llmtrain_exporter.draw.pictures import can_draw
    from llmtrain_exporter.knowledge.bot_words import NO_BOT
    from llmtrain_exporter.notify import delivery
    from llmtrain_exporter.notify.card_log import text_lines
    from llmtrain_exporter.notify.sample import outcome_in_words, send_sample
    from llmtrain_exporter.publish import bundled

    lang = chosen.settings.lang
    if not can_draw():
        click.echo(_no_charts(lang), err=True)
    names = [bot.rule.name for bot in chosen.bots]
    if only is not None and only not in names:
        raise Failure(f"no bot is called {only}; there are: {', '.join(names) or 'none'}")

    def show(card: Card) -> None:
        click.echo("\n".join(text_lines(card)))

    with _silent(delivery.__name__):  # what came of each card is told below
        outcomes = send_sample(chosen, only, bundled.document, bundled.history, show)
    for bot in chosen.bots:
        if bot.rule.name in outcomes:
            click.echo(outcome_in_words(bot, outcomes[bot.rule.name], lang))
    if not names:
        click.echo(NO_BOT.of(lang), err=True)
    accepted = [outcome.result.value == "sent" for outcome in outcomes.values()]
    return 0 if accepted and all(accepted) else FAILED
