"""Where a card leads: the alert's own links, moved to public addresses where those are configured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

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
)
"""Annotation, the settings that move it and where the part begins that stays, label."""


def links(annotations: Mapping[str, str], run: str, public: LinkRule, lang: Lang) -> list[Link]:
    """Run page, dashboard and runbook, those that are known."""
    found = []
    for annotation, bases, label in PLACES:
        url = annotations.get(annotation, "")
        if annotation == "run_url" and not url and run and public.exporter:
            url = f"{public.exporter}/run?run={quote(run, safe='')}"
        moved = safe(_LANG.sub(f"?lang={lang.value}#", _moved(url, bases, public)))
        found += [Link(label.of(lang), moved)] if moved else []
    return found


def _moved(url: str, bases: Iterable[tuple[str, str]], public: LinkRule) -> str:
    """The address below the first public one that is given for it; as it is where none is, or none fits."""
    for key, marker in bases:
        base = getattr(public, key)
        if base is not None and marker in url:
            return f"{base}{url[url.index(marker) :]}"
    return url
