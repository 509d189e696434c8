"""What is missing in the tables of knowledge: one sentence for each thing that an entry lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import get_args, get_type_hints

from llmtrain_exporter.knowledge import evidence_limits, guarding, own_level, pace, rescuing, text
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.checklists import CHECKLISTS
from llmtrain_exporter.knowledge.evidence import Signalled
from llmtrain_exporter.knowledge.meaning import Edge, LimitOf, Meaning
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.knowledge.profile import PROFILES, SFT
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import Remedy
from llmtrain_exporter.knowledge.signal import Advice, Bounds, Signal
from llmtrain_exporter.knowledge.signals import (
    SIGNALS,
    collapse,
    contrast,
    critic,
    exploration,
    fit,
    gradient,
    hacking,
    length,
    loss,
    mismatch,
    non_finite,
    policy,
    preference,
    progress,
    reward,
    sampling,
)
from llmtrain_exporter.knowledge.text import Lang, Text

ADVICE_TEXTS = ("title", "summary", "finding", "meaning", "impact")

NUMBERED = (
    *(own_level, evidence_limits, pace, non_finite, loss, gradient, policy, exploration, mismatch, length),
    *(reward, hacking, contrast, sampling, critic, preference, fit, progress, collapse, guarding, rescuing),
)
"""Modules with numbers that rules go by."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All that is checked. `asked`: signals that the checklists ask for. `numbered`: modules with numbers."""

    signals: Mapping[str, Signal]
    metrics: Collection[Metric]
    meanings: Mapping[Metric, Meaning]
    causes: Mapping[str, Cause]
    remedies: Mapping[str, Remedy]
    asked: Collection[str]
    numbered: Collection[ModuleType]


def tables() -> Tables:
    """The tables as they are."""
    asked = [signal for checklist in CHECKLISTS for check in checklist.checks for signal in check.signals]
    return Tables(SIGNALS, METRICS, MEANINGS, CAUSES, REMEDIES, asked, NUMBERED)


def problems(known: Tables) -> Iterator[str]:
    """All that is missing, by table."""
    for signal in known.signals.values():
        yield from _signal(signal, known)
    for metric in known.metrics:
        yield from _metric(metric, known)
    for name, cause in known.causes.items():
        yield from _cause(name, cause, known)
    for name, remedy in known.remedies.items():
        yield from _remedy(name, remedy, known)
    yield from _placeholders(known)
    yield from _references(known)
    yield from _numbers(known.numbered)


def _signal(signal: Signal, known: Tables) -> Iterator[str]:
    name = f"signal {signal.name}"
    if not signal.metrics:
        yield f"{name} has no metric"
    for metric in (*signal.metrics, *signal.levels):
        if metric not in known.metrics:
            yield f"{name} is about {metric.name}, which is not in the catalogue"
    if not signal.limits:
        yield f"{name} has no limit in any profile"
    for profile, bounds in signal.limits.items():
        yield from _bounds(f"{name}, profile {profile},", profile, bounds, signal)
    if signal.limit_phrase is not None:
        yield from _missing(name, "limit phrase", signal.limit_phrase)
    yield from _advice(name, signal)
    yield from _named(name, signal, known)


def _bounds(name: str, profile: str, bounds: Bounds, signal: Signal) -> Iterator[str]:
    if profile not in PROFILES:
        yield f"{name} is not one of the profiles {', '.join(PROFILES)}"
    if not bounds:
        yield f"{name} has no limit"
    for severity, bound in bounds.items():
        yield from _missing(name, f"source of its {severity.value} limit", bound.source)
    for (lesser, first), (worse, second) in pairwise(bounds.items()):
        if lesser.rank > worse.rank:
            yield f"{name} has {lesser.value} before {worse.value}"
        if first.limit < second.limit if signal.below else first.limit > second.limit:
            yield f"{name} is {worse.value} before it is {lesser.value}"


def _advice(name: str, signal: Signal) -> Iterator[str]:
    advice = signal.advice
    texts = {part: getattr(advice, part) for part in ADVICE_TEXTS}
    for lang in Lang:
        missing = [part for part, written in texts.items() if not _written(written, lang)]
        if len(missing) == len(texts):
            yield f"{name} has no advice in {lang.value}"
        else:
            yield from (f"{name} has no {part} in {lang.value}" for part in missing)
    for place, check in enumerate(advice.diagnosis, 1):
        yield from _missing(name, f"diagnosis {place}", check)
    for severity, finding in advice.findings.items():
        yield from _missing(name, f"{severity.value} finding", finding)
    for split, baseline in advice.baselines.items():
        yield from _missing(name, f"name of the {split} baseline", baseline)
    for part in ("diagnosis", "causes", "remedies", "sources"):
        if not getattr(advice, part):
            yield f"{name} has no {part}"


def _named(name: str, signal: Signal, known: Tables) -> Iterator[str]:
    """The causes and remedies that a signal names are there, some of both in each profile."""
    advice = signal.advice
    for kind, ids, table in (
        ("cause", advice.causes, known.causes),
        ("remedy", advice.remedies, known.remedies),
    ):
        for key in ids:
            if key not in table:
                yield f"{name} names the {kind} {key}, which does not exist"
        found = [table[key].profiles for key in ids if key in table]
        for profile in signal.limits if found else ():
            if not any(profile in profiles for profiles in found):
                yield f"{name} has no {kind} in the profile {profile}"


def _metric(metric: Metric, known: Tables) -> Iterator[str]:
    name = f"metric {metric.name}"
    if not metric.help:
        yield f"{name} has no help"
    meaning = known.meanings.get(metric)
    if meaning is None:
        yield f"{name} has no meaning"
        return
    for part, part_meaning in (("", meaning), *meaning.parts.items()):
        yield from _meaning(f"{name}, {part}," if part else name, part_meaning, known)


def _meaning(name: str, meaning: Meaning, known: Tables) -> Iterator[str]:
    yield from _missing(name, "meaning", meaning.what)
    if not meaning.sources:
        yield f"{name} has no source"
    for profile, healthy in meaning.healthy.items():
        if healthy.note is not None:
            yield from _missing(name, f"note on what is healthy in {profile}", healthy.note)
        for edge in (healthy.low, healthy.high):
            yield from _edge(f"{name}, profile {profile},", profile, edge, known)


def _edge(name: str, profile: str, edge: Edge | None, known: Tables) -> Iterator[str]:
    if isinstance(edge, LimitOf):
        signal = known.signals.get(edge.signal)
        if signal is None or edge.severity not in signal.limits.get(profile, {}):
            yield f"{name} is healthy up to the {edge.severity.value} limit of {edge.signal}, which has none"


def _cause(name: str, cause: Cause, known: Tables) -> Iterator[str]:
    called = f"cause {name}"
    yield from _missing(called, "name", cause.name)
    yield from _missing(called, "text", cause.how)
    if not cause.sources:
        yield f"{called} has no source"
    if not any(name in signal.advice.causes for signal in known.signals.values()):
        yield f"{called} is named by no signal"
    if not cause.evidence:
        yield f"{called} has no evidence"
    elif not any(evidence.weight > 0 for evidence in cause.evidence):
        yield f"{called} has nothing that speaks for it"
    for remedy in cause.remedies:
        if remedy not in known.remedies:
            yield f"{called} names the remedy {remedy}, which does not exist"
        elif not known.remedies[remedy].profiles & cause.profiles:
            yield f"{called} names the remedy {remedy}, which none of its profiles has"


def _remedy(name: str, remedy: Remedy, known: Tables) -> Iterator[str]:
    called = f"remedy {name}"
    yield from _missing(called, "title", remedy.title)
    yield from _missing(called, "text", remedy.how)
    if not remedy.sources:
        yield f"{called} has no source"
    if not any(name in cause.remedies for cause in known.causes.values()):
        yield f"{called} is named by no cause"


def _placeholders(known: Tables) -> Iterator[str]:
    """What a text leaves blank is something that a run can fill."""
    texts = {
        **{f"signal {name}": _advice_texts(signal.advice) for name, signal in known.signals.items()},
        **{f"cause {name}": (cause.name, cause.how) for name, cause in known.causes.items()},
        **{f"remedy {name}": (remedy.title, remedy.how) for name, remedy in known.remedies.items()},
    }
    for name, those in texts.items():
        left = {blank for each in those for lang in Lang for blank in text.PATTERN.findall(each.of(lang))}
        yield from (f"{name} leaves {blank} blank, which is unknown" for blank in left - text.PLACEHOLDERS)


def _advice_texts(advice: Advice) -> Sequence[Text]:
    texts = [getattr(advice, part) for part in ADVICE_TEXTS]
    return [*texts, *advice.findings.values(), *advice.diagnosis, *advice.baselines.values()]


def _references(known: Tables) -> Iterator[str]:
    """Whatever names a signal or a metric names one that exists."""
    named = [
        *((f"cause {name}", signal) for name, cause in known.causes.items() for signal in _signals_of(cause)),
        *(("a checklist", signal) for signal in known.asked),
        *((f"the placeholder {name}", signal) for name, (signal, _) in text.RUN_LIMITS.items()),
    ]
    for who, signal in named:
        if signal not in known.signals:
            yield f"{who} names the signal {signal}, which does not exist"
    for metric in known.meanings:
        if metric not in known.metrics:
            yield f"a meaning is of {metric.name}, which is not in the catalogue"
    for name, entry in known.signals.items():
        if SFT in entry.limits and name not in known.asked:
            yield f"signal {name} answers no question of the checklists"


def _signals_of(cause: Cause) -> Iterator[str]:
    for evidence in cause.evidence:
        yield from evidence.signals if isinstance(evidence, Signalled) else ()


def units(modules: Iterable[ModuleType]) -> Mapping[str, tuple[str, Text]]:
    """Unit and source of each number that states them in its annotation, by the number's name."""
    hints = {
        name: get_args(hint)[1:]
        for module in modules
        for name, hint in get_type_hints(module, include_extras=True).items()
    }
    return {
        name: (stated[0], stated[1]) for name, stated in hints.items() if len(stated) == 2 and all(stated)
    }


def _numbers(modules: Collection[ModuleType]) -> Iterator[str]:
    known = units(modules)
    for module in modules:
        for name, value in vars(module).items():
            if type(value) in (int, float) and not name.startswith("_") and name not in known:
                yield f"number {name} of {module.__name__.rpartition('.')[2]} has no unit and source"


def _missing(name: str, what: str, written: Text) -> Iterator[str]:
    return (f"{name} has no {what} in {lang.value}" for lang in Lang if not _written(written, lang))


def _written(written: Text, lang: Lang) -> bool:
    return bool(getattr(written, lang.value, ""))
