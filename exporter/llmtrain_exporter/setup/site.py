"""The answers that a folder is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.setup.ports import PORTS

LOCAL, NONE = "local", "none"
"""Instead of an address: a Grafana that is started here, and no Grafana."""

LOOPBACK, ALL = "127.0.0.1", "0.0.0.0"  # noqa: S104  # only where a name is given under which others come
OWN_HOST = "localhost"


@dataclass(frozen=True, slots=True)
class Site:
    """What was answered.

    `folder`, `program` and `logs` are absolute paths; `grafana` is an address, LOCAL or NONE.
    `bot`: an entry of the relay's `bots`, which names files for its secrets. `user`: for units of the system.
    `command`: what was typed, as the files repeat it.
    """

    folder: str
    program: str
    logs: tuple[str, ...]
    command: str
    user: str
    lang: Lang = Lang.EN
    host: str = OWN_HOST
    grafana: str = NONE
    ports: Mapping[str, int] = field(default_factory=lambda: PORTS)
    bot: Mapping[str, object] | None = None

    @property
    def servers(self) -> tuple[str, ...]:
        """Those that are started here."""
        return tuple(name for name in PORTS if name != "grafana" or self.grafana == LOCAL)

    @property
    def is_own(self) -> bool:
        """Whether only this machine is to reach it."""
        return self.host == OWN_HOST

    @property
    def listen(self) -> str:
        """Where the exporter listens."""
        return f"{LOOPBACK if self.is_own else ALL}:{self.ports['exporter']}"

    @property
    def places(self) -> Places:
        """Where links lead. Grafana's is empty where there is none."""
        return Places(grafana=self._grafana_url(), exporter=f"http://{self.host}:{self.ports['exporter']}")

    @property
    def links(self) -> dict[str, str]:
        """The same for the relay. Others do not reach Alertmanager, which asks for no password."""
        alertmanager = f"http://{OWN_HOST}:{self.ports['alertmanager']}" if self.is_own else ""
        places = self.places
        return {"exporter": places.exporter, "grafana": places.grafana, "alertmanager": alertmanager}

    def _grafana_url(self) -> str:
        if self.grafana == LOCAL:
            return f"http://{self.host}:{self.ports['grafana']}"
        return "" if self.grafana == NONE else self.grafana
