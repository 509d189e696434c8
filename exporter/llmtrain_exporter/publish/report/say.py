"""How a report says what stands in its parts: names, numbers, steps and verdicts in one language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.metric import PREFIX, Metric
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.story.blocks import Block, Folded, Line, Mark, Paragraph, Part, Piece, Section
from llmtrain_exporter.story.numbers import DASH, value_text
from llmtrain_exporter.story.unit import STEP, unit_of, unit_words


@dataclass(frozen=True, slots=True)
class Say:
    """One language. `unit`: what the places in a run count, see `story.unit`."""

    lang: Lang
    unit: str = STEP

    def about(self, run: Snapshot) -> Say:
        """The same for what is told of one run."""
        return replace(self, unit=unit_of(run))

    def __call__(self, text: Text, /, **values: object) -> str:
        """A text with its placeholders filled."""
        return text.of(self.lang).format(**unit_words(self.unit, self.lang), **values)

    @property
    def colon(self) -> str:
        """Between a name and what it is."""
        return words.COLON.of(self.lang)

    def listed(self, parts: Iterable[str]) -> str:
        """One after the other; Chinese has a comma of its own for that."""
        return words.LISTED.of(self.lang).join(parts)

    def sentences(self, parts: Iterable[str]) -> str:
        """Sentences: Chinese ones need no blank between them."""
        return words.BETWEEN_SENTENCES[self.lang].join(parts)

    def judged(self, key: str) -> Piece:
        """What is thought of a value."""
        return Mark(key, words.JUDGED[key].of(self.lang)) if key else DASH

    def title(self, signal: str) -> str:
        """What a signal is called."""
        return SIGNALS[signal].advice.title.of(self.lang)

    def value(self, value: float | None, series: Series) -> str:
        """A value of a series with its unit."""
        return DASH if value is None else value_text(value, series.metric, self.lang)


def paragraph(*pieces: Piece, small: bool = False) -> Paragraph:
    """A few sentences."""
    return Paragraph(pieces, small)


def cells(*contents: Piece | Line) -> tuple[Line, ...]:
    """A row of a table."""
    return tuple(content if isinstance(content, tuple) else (content,) for content in contents)


def chapter(title: str, *blocks: Block) -> Section:
    """A part of the report that no other medium has."""
    return Section(Part.CHAPTER, title, blocks)


def folded(title: str, *blocks: Block) -> Section:
    """The same for who wants all of it."""
    return Folded(Part.CHAPTER, title, blocks)


def closed(section: Section) -> Section:
    """That section, folded."""
    return Folded(section.part, section.title, section.blocks, section.rank)


def short(metric: Metric) -> str:
    """A metric without the prefix that all have."""
    return metric.name.removeprefix(PREFIX)
