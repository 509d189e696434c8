"""Where a card leads: to public addresses of the settings alone. An alert's own links are anybody's word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlsplit

from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.card import safe
from llmtrain_exporter.notify.config.settings import LinkRule
from llmtrain_exporter.story.blocks import Link

_LANG = re.compile(r"\?lang=(?:en|zh)#")

PLACES = (
    ("run_url", (("exporter", "/run?"),), cw.RUN_PAGE),
    ("dashboard_url", (("grafana", "/d/"),), cw.DASHBOARD),
    ("runbook_url", (("runbook", "#"), ("exporter", "/runbook")), words.RUNBOOK),
    ("silence_url", (("grafana", "/alerting/silence/"),), cw.SILENCE),
)
"""What the alert calls it, the settings that move it and where the part begins that stays, label."""

SILENCED_BY = ("alertname", "job", "instance", "run")
"""Labels that say what is to be silent, where all alerts of a card have the same."""


def links(addresses: Mapping[str, str], run: str, public: LinkRule, lang: Lang) -> list[Link]:
    """Run page, dashboard and runbook, those that are known and lead to a public address."""
    found = []
    for key, bases, label in PLACES:
        url = addresses.get(key, "")
        if key == "run_url" and not url and run and public.exporter:
            url = f"{public.exporter}/run?run={quote(run, safe='')}"
        moved = safe(_LANG.sub(f"?lang={lang.value}#", _moved(url, bases, public)))
        found += [Link(label.of(lang), moved)] if moved and is_public(moved, public) else []
    return found


def silence_link(alerts: Sequence[Mapping[str, str]], public: LinkRule, lang: Lang) -> list[Link]:
    """Alertmanager's form for a silence, filled with what alerts of these labels have in common."""
    shared = {key: {labels.get(key, "") for labels in alerts} for key in SILENCED_BY}
    matchers = [f"{key}={_in_quotes(*values)}" for key, values in shared.items() if _is_one(values)]
    if public.alertmanager is None or not matchers:
        return []
    filled = quote("{" + ", ".join(matchers) + "}", safe="", errors="replace")
    url = safe(f"{public.alertmanager}/#/silences/new?filter={filled}")
    return [Link(cw.SILENCE.of(lang), url)] if url else []


def _is_one(values: set[str]) -> bool:
    return len(values) == 1 and "" not in values


def _in_quotes(value: str) -> str:
    """As Alertmanager's matchers hold a value."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def is_public(url: str, public: LinkRule) -> bool:
    """Whether an address is of the same scheme, host and port as one of the public ones."""
    bases = (base for base in public.model_dump().values() if base)
    return _origin(url) in {_origin(base) for base in bases}


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """None of what is no address: it is like no other."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname or "", port) if parts.username is None else None


def _moved(url: str, bases: Iterable[tuple[str, str]], public: LinkRule) -> str:
    """The address below the first public one that is given for it; as it is where none is, or none fits."""
    for key, marker in bases:
        base = getattr(public, key)
        if base is not None and marker in url:
            return f"{base}{url[url.index(marker) :]}"
    return url
