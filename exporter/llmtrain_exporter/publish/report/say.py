"""How a report says what stands in its parts: names, numbers, steps and verdicts in one language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.advice import ADVICE
from llmtrain_exporter.knowledge.metric import PREFIX, Metric
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.publish.report.tree import Mark
from llmtrain_exporter.publish.style import Style
from llmtrain_exporter.story import verdict
from llmtrain_exporter.story.numbers import value_text
from llmtrain_exporter.story.verdict import Finding

DASH = "–"  # noqa: RUF001  # stands where there is nothing to say


@dataclass(frozen=True, slots=True)
class Say:
    """One language."""

    lang: Lang

    def __call__(self, said: Text, **values: object) -> str:
        """A text with its placeholders filled."""
        return said.of(self.lang).format(**values)

    @property
    def style(self) -> Style:
        """The same for what `check` says: no colours, no wrapping."""
        return Style(self.lang, 1 << 20)

    @property
    def colon(self) -> str:
        """Between a name and what it is."""
        return words.COLON.of(self.lang)

    def listed(self, parts: Iterable[str]) -> str:
        """One after the other; Chinese has a comma of its own for that."""
        return ("、" if self.lang is Lang.ZH else ", ").join(parts)

    def sentences(self, parts: Iterable[str]) -> str:
        """Sentences: Chinese ones need no blank between them."""
        return ("" if self.lang is Lang.ZH else " ").join(parts)

    def judged(self, key: str) -> Mark | str:
        """What is thought of a value."""
        return Mark(key, words.JUDGED[key].of(self.lang)) if key else DASH

    def health(self, key: str) -> Mark:
        """A verdict."""
        return Mark(key, words.HEALTH[key].of(self.lang))

    def title(self, signal: str) -> str:
        """What a signal is called."""
        return ADVICE[signal].title.of(self.lang)

    def value(self, value: float | None, one: Series) -> str:
        """A value of a series with its unit."""
        return DASH if value is None else value_text(value, one.metric, self.lang)


def findings(run: Snapshot, say: Say) -> Iterator[tuple[tuple[str, Series], Finding]]:
    """What `check` says of each signal in each series, by both."""
    keys = dict.fromkeys((episode.signal, episode.metric) for episode in run.episodes)
    return zip(keys, verdict.findings(run, say.lang), strict=True)


def percent(share: float | None) -> str:
    """A share of the run."""
    return DASH if share is None else f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def short(metric: Metric) -> str:
    """A metric without the prefix that all have."""
    return metric.name.removeprefix(PREFIX)
