"""The runbook as a page: an entry for each alert, where the alert's links lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.alerting import phrases
from llmtrain_exporter.knowledge.alerting.book import RunbookEntry, RunbookSection, entries
from llmtrain_exporter.knowledge.text import Lang

_CODE = re.compile("`([^`]+)`")


def runbook_parts(lang: Lang) -> dict[str, str]:
    """What the template's placeholders stand for."""
    book = entries(lang)
    links = (f'<li><a href="#{anchor(entry.name)}">{entry.name}</a></li>' for entry in book)
    return {
        "head": _text(phrases.HEAD.of(lang)),
        "contents": "".join(links),
        "entries": "".join(_entry(entry, lang) for entry in book),
    }


def anchor(name: str) -> str:
    """What links to an alert's entry end in."""
    return name.lower()


def _entry(entry: RunbookEntry, lang: Lang) -> str:
    colon = words.COLON.of(lang)
    facts = ((phrases.SEVERITY, entry.severities), (phrases.LIMITS, entry.limits))
    told = "".join(f"<li>{name.of(lang)}{colon}{_text(text)}</li>" for name, text in facts if text)
    sections = "".join(line for section in entry.sections for line in _section(section))
    return (
        f'<section class="card alert" id="{anchor(entry.name)}"><h2>{entry.name}</h2>'
        f"<p>{_text(entry.summary)}</p><ul>{told}</ul>{sections}</section>"
    )


def _section(section: RunbookSection) -> Iterator[str]:
    if not section.text and not section.items:
        return
    yield f"<h3>{escape(section.heading)}</h3>"
    if section.text:
        yield f"<p>{_text(section.text)}</p>"
    if section.items:
        kind = "ol" if section.numbered else "ul"
        yield f"<{kind}>{''.join(f'<li>{_text(item)}</li>' for item in section.items)}</{kind}>"


def _text(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
