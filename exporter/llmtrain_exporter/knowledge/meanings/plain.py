"""How the meaning of a metric is written that has few words to say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.meaning import Good, Healthy, Meaning
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text

_NOTHING: Mapping[str, Healthy] = MappingProxyType({})
_WHOLE: Mapping[str, Meaning] = MappingProxyType({})

OWN_LEVEL = Text(
    "No limit holds for all runs: hold it against the run's own level.",
    "没有对所有训练都适用的限值，以本次训练自身水平为准。",
)


def plain(
    en: str,
    zh: str,
    good: Good = Good.NEITHER,
    sources: tuple[Text, ...] = (src.TRAINERS,),
    *,
    related: tuple[Metric, ...] = (),
    healthy: Mapping[str, Healthy] = _NOTHING,
    parts: Mapping[str, Meaning] = _WHOLE,
) -> Meaning:
    """A meaning in both languages; where nothing else is said it comes from the trainers' own code."""
    return Meaning(Text(en, zh), good, sources, healthy, related, parts)


def on_its_own_level(*profiles: str) -> Mapping[str, Healthy]:
    """That the sources know of no range, in these profiles."""
    return dict.fromkeys(profiles, Healthy(note=OWN_LEVEL))


def noted(en: str, zh: str, *profiles: str) -> Mapping[str, Healthy]:
    """How to read a metric that has no range, in these profiles."""
    return dict.fromkeys(profiles, Healthy(note=Text(en, zh)))
