"""The relay's own metrics: what was told to whom, what was not, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmtrain_exporter.web.own_metrics import OwnMetrics, ServerMetrics

PREFIX = "llmtrain_relay_"
BUCKETS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Upper bounds of the histograms, in seconds."""

RESULTS = ("sent", "known", "stale", "early", "unwanted", "later", "closed", "never")


class RelayTelemetry:
    """What the relay tells of itself. Told from the event loop's thread and from workers."""

    def __init__(self, version: str, bots: Iterable[str]) -> None:
        own = self._own = OwnMetrics(PREFIX, version, BUCKETS)
        counter, gauge, histogram = own.counter, own.gauge, own.histogram
        self.server = ServerMetrics(own)
        self._webhooks = counter("webhooks_total", "Requests of Alertmanager, by answer.", "code")
        self._invalid = counter(
            "invalid_webhooks_total", "Requests that were no webhook, by reason.", "reason"
        )
        self._webhook = histogram("webhook_duration_seconds", "Time to answer Alertmanager.")
        self._expired = counter("expired_alerts_total", "Alerts dropped because they were over for long.")
        self._cards = counter("cards_total", "Cards by bot and by what became of them.", "bot", "result")
        self._failures = counter("failures_total", "Messages that a bot did not take.", "bot", "reason")
        self._retried = counter("retried_cards_total", "Cards that a bot took at a later try.", "bot")
        self._held = counter("held_back_cards_total", "Times that a bot's limit held a card back.", "bot")
        self._cut = counter("cut_cards_total", "Cards that were too long and lost something.", "bot")
        self._pictures = counter("pictures_total", "Charts by what became of them.", "bot", "result")
        self._send = histogram("send_duration_seconds", "Time that a bot took to answer.", "bot")
        self._waiting = gauge("waiting_cards", "Cards that wait because of a bot's limit.", "bot")
        self._tokens = gauge("tokens", "Messages that a bot may be sent at once.", "bot")
        self._last = gauge("last_sent_timestamp_seconds", "When a bot took its last card.", "bot")
        self._asked = counter("exporter_requests_total", "Questions to the exporter, by result.", "result")
        self._on_disk = gauge("memory_on_disk", "Whether what bots were told survives a restart, 0 or 1.")
        self.expect(bots)

    def expect(self, bots: Iterable[str]) -> None:
        """Show the series of these bots before anything was sent."""
        for bot in bots:
            for metric in (self._retried, self._held, self._cut, self._send):
                metric.labels(bot)
            for result in RESULTS:
                self._cards.labels(bot, result)

    def watch(self, bot: str, waiting: Callable[[], float], tokens: Callable[[], float]) -> None:
        """Two numbers of a bot that are asked for with each scrape."""
        self._waiting.labels(bot).set_function(waiting)
        self._tokens.labels(bot).set_function(tokens)

    def answered(self, code: int, seconds: float) -> None:
        """A request of Alertmanager was answered."""
        self._webhooks.labels(code).inc()
        self._webhook.observe(seconds)

    def invalid(self, reason: str) -> None:
        """A request was no webhook."""
        self._invalid.labels(reason).inc()

    def expired(self, alerts: int) -> None:
        """So many alerts were over for too long."""
        self._expired.inc(alerts)

    def card(self, bot: str, result: str) -> None:
        """What became of a card, one of RESULTS."""
        self._cards.labels(bot, result).inc()

    def sent(self, bot: str, now: float, retried: bool, cut: bool) -> None:
        """A bot took a card at this Unix time."""
        self._last.labels(bot).set(now)
        self._retried.labels(bot).inc(retried)
        self._cut.labels(bot).inc(cut)

    def failed(self, bot: str, reason: str) -> None:
        """A bot did not take a message."""
        self._failures.labels(bot, reason).inc()

    def held_back(self, bot: str) -> None:
        """There was no token for a card."""
        self._held.labels(bot).inc()

    def took(self, bot: str, seconds: float) -> None:
        """A bot answered after so many seconds, or did not."""
        self._send.labels(bot).observe(seconds)

    def picture(self, bot: str, result: str) -> None:
        """What became of a chart."""
        self._pictures.labels(bot, result).inc()

    def asked(self, result: str) -> None:
        """What came of a question to the exporter."""
        self._asked.labels(result).inc()

    def memory(self, on_disk: bool) -> None:
        """Whether what bots are told is kept on disk."""
        self._on_disk.set(on_disk)

    def render(self) -> bytes:
        """The families in the text format."""
        return self._own.render()
