"""Where the links of an alert lead."""

from __future__ import annotations

from dataclasses import dataclass

from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.alerting.entry import Alert, Scope
from llmtrain_exporter.knowledge.alerting.signals import profiles_told
from llmtrain_exporter.knowledge.text import Lang

LANG, INSTANCE = "{lang}", "{instance}"
"""What an address may leave open: the language, and the host and port at which Prometheus scrapes."""

FLEET, OWN = "llmtrain-fleet", "llmtrain-exporter"
DASHBOARDS = {
    profile.GRPO: "llmtrain-grpo",
    profile.PPO: "llmtrain-grpo",
    profile.SFT: "llmtrain-sft",
    profile.DPO: "llmtrain-preference",
    profile.REWARD_MODEL: "llmtrain-preference",
}
"""The dashboard of a single run, by its profile. Others are shown with the fleet."""

_RUN = "{{ $labels.run | urlquery }}"
_INSTANCE = "{{ $labels.instance | urlquery }}"


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses without a slash at their end. The defaults fit the compose project on one's own machine."""

    grafana: str = "http://localhost:3000"  # empty: there is none, and no link to it
    exporter: str = "http://localhost:9848"
    runbook: str = ""  # empty: the exporter's own page

    def runbook_url(self, alert: Alert, lang: Lang) -> str:
        """The alert's entry in the runbook, found by the alert's name."""
        page = self.runbook or f"{self.exporter}/runbook?lang={LANG}"
        return f"{_address(page, lang)}#{anchor(alert.name)}"

    def dashboard_url(self, alert: Alert, lang: Lang) -> str:
        """The dashboard of the run at hand, or of the exporter."""
        suffix = "-zh" if lang is Lang.ZH else ""
        begin = f"{_address(self.grafana, lang)}/d/"
        if alert.scope is Scope.EXPORTER:
            return f"{begin}{OWN}{suffix}?var-instance={_INSTANCE}"
        return f"{begin}{_dashboard(alert)}{suffix}?var-run={_RUN}"

    def run_url(self, lang: Lang) -> str:
        """The exporter's page of the run at hand."""
        return f"{_address(self.exporter, lang)}/run?run={_RUN}&lang={lang.value}"


def anchor(name: str) -> str:
    """What a heading is called in a link, as Markdown's readers make it."""
    return name.lower()


def _dashboard(alert: Alert) -> str:
    kinds = DASHBOARDS if alert.signal is None else profiles_told(alert.signal)
    names = {DASHBOARDS.get(kind, FLEET) for kind in kinds}
    return names.pop() if len(names) == 1 else _by_profile()


def _by_profile() -> str:
    cases = " else ".join(
        f'if eq $labels.profile "{kind}" }}}}{name}{{{{' for kind, name in DASHBOARDS.items()
    )
    return f"{{{{ {cases} else }}}}{FLEET}{{{{ end }}}}"


def _address(address: str, lang: Lang) -> str:
    return address.replace(LANG, lang.value).replace(INSTANCE, "{{ $labels.instance }}")
