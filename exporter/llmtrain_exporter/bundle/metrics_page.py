"""The reference of all metrics of a run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from llmtrain_exporter.bundle.dashboards.descriptions import healthy_text
from llmtrain_exporter.knowledge import metrics_page_words as words
from llmtrain_exporter.knowledge.dashboard_words import GROUPS
from llmtrain_exporter.knowledge.log_keys import keys_of
from llmtrain_exporter.knowledge.meaning import Meaning
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Key, Metric, Type
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.knowledge.text import Lang

_LINE = "<br>"


def metrics_page(lang: Lang) -> str:
    """The page, in Markdown."""
    return "".join(_parts(lang))


def _parts(lang: Lang) -> Iterator[str]:
    yield words.HEAD.of(lang)
    columns = [column.of(lang) for column in words.COLUMNS]
    for group, metrics in groupby(METRICS, key=lambda metric: metric.group):
        yield f"\n## {GROUPS[group].of(lang)}\n\n"
        yield f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
        yield from (_row(metric, lang) for metric in metrics)


def _row(metric: Metric, lang: Lang) -> str:
    name = metric.name + ("_info" if metric.type is Type.INFO else "")
    meaning = MEANINGS[metric]
    cells = (
        f"`{name}`",
        ", ".join(label for label in (metric.label, "split" if metric.split else "") if label),
        meaning.what.of(lang),
        _LINE.join(_healthy(meaning, lang)),
        ", ".join(_key(key, lang) for key in keys_of(metric)),
        _LINE.join(source.of(lang) for source in meaning.sources),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _key(key: Key, lang: Lang) -> str:
    unit = words.WRITTEN_IN[key.unit].of(lang) if key.unit in words.WRITTEN_IN else ""
    some = words.IN_SOME_ROWS.of(lang) if key.beside or key.unless else ""
    return f"`{key.pattern.replace('{}', '*')}`{unit}{some}"


def _healthy(meaning: Meaning, lang: Lang) -> Iterator[str]:
    """The ranges of the metric and of its parts; what several profiles share is said once."""
    for part, of_part in (("", meaning), *meaning.parts.items()):
        shared: dict[str, list[str]] = {}
        for profile, healthy in of_part.healthy.items():
            shared.setdefault(healthy_text(healthy, profile).of(lang), []).append(profile)
        for text, profiles in shared.items():
            said = words.OF_PART if part else words.OF_WHOLE
            yield said.of(lang).format(part=part, profiles=words.BETWEEN.of(lang).join(profiles), text=text)
