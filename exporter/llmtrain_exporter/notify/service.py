"""The relay as a whole: bots, server, and an end that lets cards under way finish."""

from __future__ import annotations

import logging
import resource
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from types import FrameType
from typing import Any

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette

from llmtrain_exporter import __version__
from llmtrain_exporter.knowledge.card_words import ALERT_ONLY
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.call import Answer, Call, Egress, NoAnswerError
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.chart import drawn_if_free
from llmtrain_exporter.notify.chat.descriptor import Bot
from llmtrain_exporter.notify.client import ask
from llmtrain_exporter.notify.compose import CardSettings, RunAnswer
from llmtrain_exporter.notify.config.configure import ConfiguredRelay
from llmtrain_exporter.notify.config.settings import RelaySettings
from llmtrain_exporter.notify.config.time_zones import zone_named
from llmtrain_exporter.notify.delivery import Delivery
from llmtrain_exporter.notify.exporters import Exporters
from llmtrain_exporter.notify.http import create_app
from llmtrain_exporter.notify.instances import KnownInstances
from llmtrain_exporter.notify.memory import BotMemory, Keeper, bot_key
from llmtrain_exporter.notify.memory_file import MemoryFile
from llmtrain_exporter.notify.ports import Ports
from llmtrain_exporter.notify.relay import Relay, Sources
from llmtrain_exporter.notify.telemetry import RelayTelemetry
from llmtrain_exporter.web import web_config
from llmtrain_exporter.web.access import access_of
from llmtrain_exporter.web.connections import Limits, fair_share
from llmtrain_exporter.web.hosts import is_loopback
from llmtrain_exporter.web.reloading import on_hangup, reload, warn_of_address
from llmtrain_exporter.web.server import Server
from llmtrain_exporter.web.web_config import WebConfig

SEND_SECONDS = 10.0
MOST_ANSWER_BYTES = 64 * 1024
MESSAGES_AT_A_TIME = 4  # to one bot
QUESTIONS_AT_A_TIME = 8
QUESTION_SECONDS = 9.0
"""However many exporters there are to ask, and however slowly they answer, a card waits no longer."""

MOST_CONNECTIONS = 1024
DRAWINGS_AT_A_TIME = 2
LAST_SECONDS = 7.0
"""How long cards under way get at the end; Docker kills after 10."""

log = logging.getLogger(__name__)


def relay(
    configured: ConfiguredRelay,
    announce: Callable[[str], object],
    show: Callable[[Card], object],
    renew: Callable[[Callable[[ConfiguredRelay], None]], None],
) -> None:
    """Answer Alertmanager until SIGTERM or Ctrl-C. `announce` gets the URL, `show` cards that no bot gets.

    `renew` reads the settings again when SIGHUP comes, and hands them to what it gets. Raises OSError where
    it cannot listen, and ConfigError.
    """
    settings = configured.settings
    web = web_config.load(settings.web_config_file)
    _warn_of_strangers(settings, web, configured.token)
    quieten()
    ending = threading.Event()
    telemetry = RelayTelemetry(__version__, (bot.rule.name for bot in configured.bots))
    memory = MemoryFile(configured.memory_file, time.monotonic, telemetry.memory)
    site = assembled(configured, telemetry, ending.is_set, show, memory)
    server = Server(
        _app(site, telemetry, configured, web),
        *settings.address,
        web.tls,
        limits(),
        telemetry.server.cut_off,
    )
    telemetry.server.reloaded(time.time())

    def change(new: ConfiguredRelay) -> None:
        web = web_config.load(new.settings.web_config_file)
        _change(site, new, telemetry, ending.is_set, memory)
        server.exchange(_app(site, telemetry, new, web), web.tls)
        _warn_of_strangers(new.settings, web, new.token)
        warn_of_address(new.settings.listen, settings.listen)

    with closing(memory), on_hangup(partial(reload, partial(renew, change), telemetry.server, time.time)):
        announce(server.url)
        _run(server, site, ending)


def _app(site: Relay, telemetry: RelayTelemetry, configured: ConfiguredRelay, web: WebConfig) -> Starlette:
    """Who posts shows a password where there are users, else the token."""
    settings = configured.settings
    access = access_of(web, settings.address[0], settings.allowed_hosts)
    return create_app(site, telemetry, access, None if web.users else configured.token)


def limits() -> Limits:
    """Those of its connections: half of what may be open is left to the bots and the exporters."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Limits(connections=fair_share(MOST_CONNECTIONS, open_files, 2))


def _warn_of_strangers(settings: RelaySettings, web: WebConfig, token: str | None) -> None:
    """Where who reaches the relay can write to all its chats."""
    certified = web.tls is not None and web.tls.verify_mode is ssl.CERT_REQUIRED
    if not (token or web.users or certified or is_loopback(settings.address[0])):
        log.warning(
            "Whoever reaches %s can post cards: set webhook.token_file (LLMTRAIN_RELAY_WEBHOOK_TOKEN_FILE), "
            "and give Alertmanager's receiver the same file as http_config.authorization.credentials_file",
            settings.listen,
        )


def quieten() -> None:
    """Keep silent who would write addresses of bots into the log."""
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)


def assembled(
    configured: ConfiguredRelay,
    telemetry: RelayTelemetry,
    ending: Callable[[], bool],
    show: Callable[[Card], object],
    keeper: Keeper,
    sources: Sources | None = None,
) -> Relay:
    """The relay of these settings. `sources`: other than the exporters of the settings."""
    settings = configured.settings
    deliveries = _deliveries(configured, telemetry, ending, keeper)
    found = sources or _sources(_exporters(configured, telemetry), configured, telemetry)
    return Relay(deliveries, found, telemetry, show, settings.lang, settings.expire_after)


def _change(
    site: Relay,
    configured: ConfiguredRelay,
    telemetry: RelayTelemetry,
    ending: Callable[[], bool],
    keeper: Keeper,
) -> None:
    """Have the relay go by other settings. Bots know what they were told."""
    settings = configured.settings
    before = {delivery.name: delivery for delivery in site.deliveries}
    telemetry.expect(bot.rule.name for bot in configured.bots)
    deliveries = _deliveries(configured, telemetry, ending, keeper)
    for delivery in deliveries:
        if delivery.name in before:
            delivery.follow(before[delivery.name])
    sources = _sources(_exporters(configured, telemetry), configured, telemetry)
    site.change(deliveries, sources, settings.lang, settings.expire_after)


def _deliveries(
    configured: ConfiguredRelay, telemetry: RelayTelemetry, ending: Callable[[], bool], keeper: Keeper
) -> list[Delivery]:
    remember = configured.settings.remember
    return [
        Delivery(bot, ports_of(telemetry, ending, egress=_egress(bot)), memory_of(bot, keeper, remember))
        for bot in configured.bots
    ]


def _egress(bot: Bot[Any]) -> Egress:
    return Egress(bot.rule.proxy, bot.rule.ca_file)


def memory_of(bot: Bot[Any], keeper: Keeper, remember: float) -> BotMemory:
    """What that bot was told. A secret that only signs may change, another address is another bot."""
    addresses = [value for name, value in sorted(bot.secrets.items()) if name != "secret"]
    chat = [str(getattr(bot.rule, name, "")) for name in ("chat_id", "message_thread_id")]
    return BotMemory(bot_key(bot.rule.name, bot.rule.kind, (*addresses, *chat)), keeper, remember)


def ports_of(
    telemetry: RelayTelemetry,
    ending: Callable[[], bool],
    patience: float = SEND_SECONDS,
    egress: Egress = Egress(),  # noqa: B008  # it is frozen
) -> Ports:
    """One bot's: a bot that hangs takes no thread of another. `patience`: seconds that it has to answer."""
    limiter = CapacityLimiter(MESSAGES_AT_A_TIME)

    async def post(call: Call) -> Answer:
        asking = partial(ask, call, patience, MOST_ANSWER_BYTES, egress=egress)
        try:
            with anyio.fail_after(patience * 1.5):
                return await to_thread.run_sync(asking, abandon_on_cancel=True, limiter=limiter)
        except TimeoutError:
            raise NoAnswerError("timeout") from None

    return Ports(time.monotonic, time.time, anyio.sleep, post, ending, telemetry)


def card_settings(settings: RelaySettings) -> CardSettings:
    """What the settings say of every card."""
    instances = KnownInstances(settings.instances, (rule.url for rule in settings.exporters))
    return CardSettings(settings.links, zone_named(settings.timezone), settings.timezone, instances)


def _exporters(configured: ConfiguredRelay, telemetry: RelayTelemetry) -> Exporters:
    instances = configured.settings.instances
    return Exporters(configured.exporters, telemetry.asked, time.monotonic, instances)


def _sources(exporters: Exporters, configured: ConfiguredRelay, telemetry: RelayTelemetry) -> Sources:
    # Apart, so that no card waits for the pictures of others to be told what its run has to say.
    asking, drawing = CapacityLimiter(QUESTIONS_AT_A_TIME), CapacityLimiter(DRAWINGS_AT_A_TIME)
    # Held by the threads: one that was given up draws on, and others would only wait for it.
    free = threading.BoundedSemaphore(DRAWINGS_AT_A_TIME)

    async def ask_run(run: str, instance: str, lang: Lang) -> RunAnswer:
        question = partial(exporters.story, run, instance, lang)
        with anyio.move_on_after(QUESTION_SECONDS):
            return await to_thread.run_sync(question, limiter=asking, abandon_on_cancel=True)
        telemetry.asked("slow")
        return RunAnswer(note=ALERT_ONLY)

    async def draw(document: Mapping[str, Any], instance: str) -> bytes | None:
        history = partial(exporters.history, instance=instance)
        job = partial(drawn_if_free, free, document, history)
        return await to_thread.run_sync(job, limiter=drawing, abandon_on_cancel=True)

    return Sources(ask_run, draw, card_settings(configured.settings), time.time)


def _run(server: Server, site: Relay, ending: threading.Event) -> None:
    """Serve in a thread of its own: cards under way are waited for before the server is told to end."""
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    with _stopping(ending):
        thread.start()
        while thread.is_alive() and not ending.wait(0.5):
            pass
    ending.set()
    until = time.monotonic() + LAST_SECONDS
    while site.under_way and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.02)
    server.stop()
    thread.join()


@contextmanager
def _stopping(ending: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `ending`."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
