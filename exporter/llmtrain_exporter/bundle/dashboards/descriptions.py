"""Descriptions of panels from the catalogue: what a metric is, what is healthy, when to worry."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge.meaning import Healthy
from llmtrain_exporter.knowledge.meaning import number as edge_of
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.profile import SFT
from llmtrain_exporter.knowledge.signal import Bound, Signal
from llmtrain_exporter.knowledge.signals import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.text import Lang, Text


def described(metric: Metric, profile: str = "", *more: Text, part: str = "") -> Text:
    """The description of a panel on a metric, in Markdown.

    `profile`: a built-in one, for its healthy range, its limits and its signals. `part`: only the part of the
    metric with that label. `more`: paragraphs to put at the end.
    """
    return paragraphs(*_of_metric(metric, profile, part), *more)


def paragraphs(*texts: Text) -> Text:
    """Texts one below the other; empty ones are left out."""
    return joined(*(text for text in texts if text.en), by=Text("\n\n", "\n\n"))


def _of_metric(metric: Metric, profile: str, part: str) -> Iterator[Text]:
    meaning = MEANINGS[metric]
    yield meaning.what
    of_part = next(
        (
            part_meaning
            for pattern, part_meaning in meaning.parts.items()
            if part and fnmatchcase(part, pattern)
        ),
        None,
    )
    if of_part is not None:
        yield of_part.what
    healthy = (of_part or meaning).healthy.get(profile) or meaning.healthy.get(profile)
    if healthy is not None:
        yield from _healthy(healthy, profile)
    yield worries(metric, profile)


def judged_parts(metric: Metric, profile: str) -> Iterator[Text]:
    """Parts of a metric that have a range of their own in a profile, by the label's value."""
    for pattern, part in MEANINGS[metric].parts.items():
        if profile in part.healthy:
            name = Text(f"`{pattern}`", f"`{pattern}`")
            yield joined(name, texts.COLON, sentences(part.what, *_healthy(part.healthy[profile], profile)))


def healthy_text(healthy: Healthy, profile: str) -> Text:
    """A healthy range in words, and how to read it."""
    return sentences(*_healthy(healthy, profile))


def sentences(*texts: Text) -> Text:
    """Sentences one behind the other."""
    return joined(*texts, by=Text(" ", ""))


def _healthy(healthy: Healthy, profile: str) -> Iterator[Text]:
    low, high = (edge_of(edge, LIMITS[profile]) for edge in (healthy.low, healthy.high))
    if low is not None and high is not None:
        yield filled(texts.HEALTHY_BETWEEN, low=number(low), high=number(high))
    elif high is not None:
        yield filled(texts.HEALTHY_UP_TO, high=number(high))
    elif low is not None:
        yield filled(texts.HEALTHY_FROM, low=number(low))
    if healthy.note is not None:
        yield healthy.note


def worries(metric: Metric, profile: str) -> Text:
    """The signals on a metric in a built-in profile, with their limits; empty if there are none."""
    limits = LIMITS.get(profile, {})
    on = [SIGNALS[name] for name in limits if metric in SIGNALS[name].metrics]
    return _list([signal_limits(signal, profile) for signal in on])


def _list(items: list[Text]) -> Text:
    if not items:
        return Text("", "")
    points = (joined(Text("- ", "- "), item) for item in items)
    return joined(texts.WORRY, Text("\n", "\n"), *points, by=Text("\n", "\n"))


def signal_limits(signal: Signal, profile: str) -> Text:
    """A signal by its title, and from where on it has which severity: "KL too high: warning from 5"."""
    bounds = LIMITS[profile][signal.name].items()
    severities = [
        joined(texts.SEVERITY[severity], _bound(signal, profile, bound)) for severity, bound in bounds
    ]
    return joined(signal.advice.title, texts.COLON, joined(*severities, by=texts.SEPARATOR))


def _bound(signal: Signal, profile: str, bound: Bound) -> Text:
    """The limit in words: "from 0.1, 4 records in a row", with a space before it."""
    wanted = _wanted(signal, profile)
    if wanted is None:
        return Text("", "")
    limit = filled(wanted, limit=number(bound.limit), percent=number(100 * bound.limit))
    return joined(Text(" ", " "), limit, _records(bound), _floor(bound))


def _wanted(signal: Signal, profile: str) -> Text | None:
    if signal.name == "entropy_collapse" and profile == SFT:
        return texts.ENTROPY_RANGE
    by_measure = texts.BELOW if signal.below else texts.BOUNDS
    return texts.BOUNDS_OF.get(signal.name) or by_measure[signal.measure]


def _records(bound: Bound) -> Text:
    if bound.within > bound.records:
        return filled(texts.RECORDS_WITHIN, records=f"{bound.records}", within=f"{bound.within}")
    return filled(texts.RECORDS_IN_A_ROW, records=f"{bound.records}") if bound.records > 1 else Text("", "")


def _floor(bound: Bound) -> Text:
    return filled(texts.FLOOR, floor=number(bound.floor)) if bound.floor else Text("", "")


def joined(*parts: Text, by: Text = Text("", "")) -> Text:  # noqa: B008  # frozen
    """Texts one after another."""
    return Text(by.en.join(part.en for part in parts), by.zh.join(part.zh for part in parts))


def filled(text: Text, **values: str | Text) -> Text:
    """A text whose blanks are filled, by texts in their own language."""
    en, zh = (
        {name: value.of(lang) if isinstance(value, Text) else value for name, value in values.items()}
        for lang in Lang
    )
    return Text(text.en.format(**en), text.zh.format(**zh))
