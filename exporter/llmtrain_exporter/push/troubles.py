"""What goes wrong with a server, said once until it goes well again."""

from __future__ import annotations

import logging

from llmtrain_exporter.printable import printable
from llmtrain_exporter.push.answers import OUT_OF_ORDER, TOO_OLD, Outcome, RemoteAnswer, Verdict
from llmtrain_exporter.push.sending import Progress
from llmtrain_exporter.push.transport import SETTINGS

SAID_CHARACTERS = 200
"""Of a server's answer."""

WINDOW = (
    "set storage.tsdb.out_of_order_time_window in the configuration of Prometheus, to 30d say (Mimir: "
    "out_of_order_time_window of the tenant), restart it, and then this exporter"
)

_HELP = {
    401: "check user, password or token",
    403: "check user, password or token, and what they may do",
    404: "check the address; Prometheus itself takes it at /api/v1/write, begun with "
    "--web.enable-remote-write-receiver",
}

log = logging.getLogger(__name__)


class Troubles:
    """Those with one server. Belongs to one thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said: set[str] = set()  # reasons
        self._refused: set[str] = set()  # reasons, for as long as the program runs
        self._unreadable: set[str] = set()  # runs, likewise
        self.denied = ""  # what only a change of settings helps against; "" while there is none

    def note(self, verdict: Verdict, answer: RemoteAnswer) -> None:
        """See an answer."""
        self.denied = ""
        if verdict.outcome is Outcome.TAKEN:
            if self._said:
                log.warning("%s takes history again", self._name)
            self._said.clear()
        elif verdict.outcome is Outcome.REFUSED:
            log.debug("%s refuses records: %s", self._name, _said_by(answer))
        else:
            self._later(verdict, answer)

    def dropped(self, progress: Progress) -> None:
        """Records were dropped because the server refused them."""
        reason = progress.reason
        if reason in self._refused:
            return
        self._refused.add(reason)
        first = progress.dropped[0]
        advice = f"; to have them, {WINDOW}" if reason in (TOO_OLD, OUT_OF_ORDER) else ""
        log.warning(
            "%s does not take all of the history: record %d of %s, and whatever else is refused, is left out "
            "(%s)%s",
            self._name,
            first.record,
            printable(first.run),
            reason,
            advice,
        )

    def unreadable(self, run: str, error: Exception) -> None:
        """A log could not be read again."""
        if run not in self._unreadable:
            self._unreadable.add(run)
            log.warning(
                "The history of %s cannot be read, which is tried again each minute: %s: %s",
                printable(run),
                type(error).__name__,
                printable(str(error)),
            )
        log.debug("The history of %s cannot be read", printable(run), exc_info=error)

    def _later(self, verdict: Verdict, answer: RemoteAnswer) -> None:
        is_denied = verdict.outcome is Outcome.DENIED or verdict.reason == SETTINGS
        help_ = _HELP.get(answer.status, "check the address and the settings") if is_denied else ""
        text = f"{_said_by(answer)}{f'; {help_}' if help_ else ''}"
        self.denied = text if is_denied else ""
        if verdict.reason not in self._said:
            self._said.add(verdict.reason)
            log.warning("%s does not take history, which is sent again until it does: %s", self._name, text)


def _said_by(answer: RemoteAnswer) -> str:
    body = " ".join(printable(answer.body).split())[:SAID_CHARACTERS]
    return ": ".join(filter(None, (str(answer.status or answer.trouble), body)))
