"""What is posted: Alertmanager's webhook, version 4, and that of Grafana's own alerting, version 1.

Sources: prometheus.io/docs/alerting/latest/configuration, webhook_config;
grafana.com/docs/grafana/latest/alerting, "webhook notifier".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from llmtrain_exporter.printable import printable

MAX_ALERTS = 10_000
"""More than a body of the largest size that is read holds in earnest."""

Short = Annotated[str, Field(max_length=4096)]
Labels = Mapping[str, str]
GRAFANA = "1"


class WebhookError(ValueError):
    """A body that is no notification: what is wrong, and where. Never holds the body's own text."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RaisedAlert(_Part):
    """One alert of a group. `ends`: None while it fires. Grafana names addresses beside the annotations."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels = {}
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime | None = Field(default=None, alias="endsAt")
    fingerprint: Short = ""
    dashboard_url: Short = Field(alias="dashboardURL", default="")
    silence_url: Short = Field(alias="silenceURL", default="")

    @property
    def addresses(self) -> Labels:
        """Where it says that people find more: anybody's word."""
        given = {"dashboard_url": self.dashboard_url, "silence_url": self.silence_url}
        return {**{key: url for key, url in given.items() if url}, **self.annotations}

    @property
    def firing(self) -> bool:
        """Whether it still fires."""
        return self.status == "firing"

    @property
    def name(self) -> str:
        """Its label alertname."""
        return self.labels.get("alertname", "")

    @property
    def run(self) -> str:
        """The run that it is about, empty if none."""
        return self.labels.get("run", "")

    @property
    def severity(self) -> str:
        """Its label severity, empty if it has none."""
        return self.labels.get("severity", "")

    @property
    def started(self) -> float:
        """Unix time at which it began to fire."""
        return self.starts_at.timestamp()

    @property
    def ended(self) -> float | None:
        """Unix time at which it ended; Alertmanager writes year 1 while it has not."""
        if self.ends_at is None or self.ends_at.year < 1970:
            return None
        return self.ends_at.timestamp()


class Notification(_Part):
    """A group of alerts, as Alertmanager or Grafana tells of it."""

    version: Literal["4", "1"]
    group_key: Short = Field(alias="groupKey")
    status: Literal["firing", "resolved"]
    truncated: int = Field(default=0, alias="truncatedAlerts", ge=0)
    alerts: tuple[RaisedAlert, ...] = Field(min_length=1, max_length=MAX_ALERTS)

    @model_validator(mode="before")
    @classmethod
    def _grafanas_key(cls, content: Any) -> Any:
        """Some versions of Grafana name no group: organisation, contact point and labels are one."""
        if not isinstance(content, dict) or content.get("version") != GRAFANA or content.get("groupKey"):
            return content
        parts = [content.get(key) for key in ("orgId", "receiver", "groupLabels")]
        digest = blake2b(json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=16)
        return {**content, "groupKey": f"grafana {digest.hexdigest()}"}


def parse(body: bytes) -> Notification:
    """The notification in a body. Raises WebhookError."""
    try:
        return Notification.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = printable(".".join(map(str, first["loc"])))[:100]
        raise WebhookError(f"{place or 'the body'}: {_what(first['type'], first['msg'])}") from None


def _what(kind: str, message: str) -> str:
    # Messages about JSON and literals are pydantic's own words; others may quote what was sent.
    known = {"missing": "is missing", "json_invalid": "is no JSON", "model_type": "must be an object"}
    return known.get(kind, printable(message)[:200])


def is_expired(alert: RaisedAlert, now: float, after: float) -> bool:
    """Whether what it says is over for so many seconds that nobody wants to hear of it any more."""
    return not alert.firing and alert.ended is not None and now - alert.ended > after
