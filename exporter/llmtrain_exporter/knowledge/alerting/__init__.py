"""What people are told of, by which name, and in which words."""

from __future__ import annotations

from llmtrain_exporter.knowledge.alerting.entry import Alert
from llmtrain_exporter.knowledge.alerting.guarded import GUARD_ALERTS
from llmtrain_exporter.knowledge.alerting.history import HISTORY_ALERTS
from llmtrain_exporter.knowledge.alerting.operation import EXPORTER_ALERTS
from llmtrain_exporter.knowledge.alerting.runs import ENDINGS, INCIDENT
from llmtrain_exporter.knowledge.alerting.signals import signal_alerts

ALERTS: tuple[Alert, ...] = (
    INCIDENT,
    *ENDINGS,
    *GUARD_ALERTS,
    *signal_alerts(),
    *EXPORTER_ALERTS,
    *HISTORY_ALERTS,
)
"""Every alert, in the order of the runbook. Alerts of one name differ in severity alone."""
