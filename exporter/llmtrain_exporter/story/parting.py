"""Where two runs part, in words."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.analyse.parting import FEWEST, Parting
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.numbers import number, series_name, value_text
from llmtrain_exporter.story.unit import STEP, unit_words

MOST_LATER = 6
"""Metrics that are told with their steps after the first one."""


def parting_text(
    one: str, other: str, common: int, found: Sequence[tuple[Series, Parting]], lang: Lang
) -> str:
    """Where `other` left `one`. `common`: steps that both have; `found`: see `partings`."""
    names = {"this": one, "that": other}
    if common < FEWEST:
        return words.TOO_FEW_TO_PART.of(lang).format(n=common, fewest=FEWEST, **names)
    if not found:
        return words.NOT_PARTED.of(lang).format(n=common, **names)
    (series, at), *later = found
    metric = series.metric
    values = {"one": value_text(at.one, metric, lang), "other": value_text(at.other, metric, lang)}
    place = words.STEP.of(lang).format(first=number(at.step), **unit_words(STEP, lang))
    text = words.PARTED.of(lang).format(place=place, metric=_name(series), **values, **names)
    if not later:
        return text
    rest = words.LISTED.of(lang).join(
        f"{_name(series)} ({number(at.step)})" for series, at in later[:MOST_LATER]
    )
    return words.BETWEEN_SENTENCES[lang].join((text, words.PARTED_LATER.of(lang).format(metrics=rest)))


def _name(series: Series) -> str:
    return printable(series_name(series))
