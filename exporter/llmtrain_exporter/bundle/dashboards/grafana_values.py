"""Words, addresses and values as Grafana's JSON has them."""

from __future__ import annotations

from typing import Any

from llmtrain_exporter.bundle.dashboards.board import Mappings, Said, Steps
from llmtrain_exporter.knowledge.text import Lang, Text

Json = dict[str, Any]

SUFFIX = {Lang.EN: "", Lang.ZH: "-zh"}
"""What a dashboard's uid ends in."""


def in_language(value: Said, lang: Lang) -> str:
    """The text in that language."""
    return value.of(lang) if isinstance(value, Text) else value


def address(url: str, lang: Lang) -> str:
    """The address in that language: `{lang}` is what uids of dashboards end in, `{code}` the language."""
    return url.replace("{lang}", SUFFIX[lang]).replace("{code}", lang.value)


def without_none(options: Json) -> Json:
    """Those options that are given: for Grafana one that is null is not the same as one that is absent."""
    return {name: value for name, value in options.items() if value is not None}


def thresholds(steps: Steps) -> Json:
    """Colours by value."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}


def mappings(wanted: Mappings, lang: Lang) -> list[Json]:
    """Words and colours for values; for ranges, "null" and "nan" too."""
    others: list[Json] = []
    values: Json = {}
    for place, (value, (word, colour)) in enumerate(wanted.items()):
        text = in_language(word, lang) or None
        result = without_none({"text": text, "color": colour or None, "index": place})
        if isinstance(value, tuple):
            low, high = value
            others.append({"type": "range", "options": {"from": low, "to": high, "result": result}})
        elif value in ("null", "nan", "null+nan"):
            others.append({"type": "special", "options": {"match": value, "result": result}})
        else:
            values[value if isinstance(value, str) else f"{value:g}"] = result
    return [*([{"type": "value", "options": values}] if values else []), *others]
