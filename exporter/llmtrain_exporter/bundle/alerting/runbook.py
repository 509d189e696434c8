"""The runbook as a file."""

from __future__ import annotations

from collections.abc import Iterator

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.alerting import phrases
from llmtrain_exporter.knowledge.alerting.book import RunbookEntry, RunbookSection, entries
from llmtrain_exporter.knowledge.text import Lang


def runbook(lang: Lang) -> str:
    """The page, in Markdown."""
    head = (f"# {phrases.TITLE.of(lang)}", phrases.HEAD.of(lang), phrases.RENDERED.of(lang))
    parts = [*head, *(part for entry in entries(lang) for part in _entry(entry, lang))]
    return "\n\n".join(parts) + "\n"


def _entry(entry: RunbookEntry, lang: Lang) -> Iterator[str]:
    colon = words.COLON.of(lang)
    facts = ((phrases.SEVERITY, entry.severities), (phrases.LIMITS, entry.limits))
    yield f"## {entry.name}"
    yield entry.summary
    yield "\n".join(f"- {name.of(lang)}{colon}{fact}" for name, fact in facts if fact)
    for section in entry.sections:
        yield f"**{section.heading}**" + (f"{colon}{section.text}" if section.text else "")
        if section.items:
            yield "\n".join(_items(section))


def _items(section: RunbookSection) -> Iterator[str]:
    for at, item in enumerate(section.items, 1):
        yield f"{at}. {item}" if section.numbered else f"- {item}"
