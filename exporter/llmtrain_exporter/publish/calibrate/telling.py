"""What was learned, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.knowledge import calibrate_words as words
from llmtrain_exporter.knowledge import story_words
from llmtrain_exporter.knowledge.signal import Bound
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.publish.calibrate.learned import Learned, SignalFigures, usual
from llmtrain_exporter.publish.calibrate.moves import Move, can_move
from llmtrain_exporter.story.blocks import Line, Table
from llmtrain_exporter.story.numbers import DASH, number
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal_table import table_lines

NAMED = 3
"""Runs that are named of many."""


def first_names(names: Sequence[str], lang: Lang) -> str:
    """The first names of many."""
    listed = story_words.LISTED.of(lang).join(names[:NAMED])
    more = len(names) - NAMED
    return words.MORE_NAMES.of(lang).format(names=listed, n=more) if more > 0 else listed


def bound_text(bound: Bound | Move, lang: Lang) -> str:
    """A limit, and in how many records it has to be met where one is not enough."""
    limit = number(bound.limit)
    if bound.records == 1:
        return limit
    within = bound.within or bound.records
    return words.IN_RECORDS.of(lang).format(limit=limit, records=bound.records, within=within)


def told(each: Learned, style: Style) -> Iterator[str]:
    """All lines about one profile."""
    lang = style.lang
    first, *others = summary(each, lang)
    yield first
    if each.signals:
        yield from table_lines(_table(each, lang), style)
    if not each.lesson.moves and each.within_budget:
        yield words.NOTHING_MOVES.of(lang)
    yield from others
    if not each.within_budget:
        yield from _why_not(each, lang)


def summary(each: Learned, lang: Lang) -> Iterator[str]:
    """From what it was learned, what it does, and what is not known."""
    seen, total = each.unseen, len(each.broken)
    unknown = words.UNSEEN_UNKNOWN.of(lang)
    rate = 0.0 if seen is None else each.rate(seen.alarms)
    yield words.LEARNED_FROM.of(lang).format(
        profile=each.profile.name, healthy=len(each.healthy), records=f"{each.records:,}", broken=total
    )
    yield words.RATES.of(lang).format(
        before=number(each.rate(each.alarms[0])),
        after=number(each.rate(each.alarms[1])),
        unseen=unknown if seen is None else words.UNSEEN_RATE.of(lang).format(rate=number(rate)),
        budget=number(each.budget),
    )
    if each.broken:
        yield words.FOUND.of(lang).format(
            before=each.found[0],
            after=each.found[1],
            broken=total,
            unseen=unknown if seen is None else words.UNSEEN_FOUND.of(lang).format(n=seen.found),
        )
    else:
        yield words.NO_BROKEN.of(lang)
    if rate > each.budget and each.within_budget:
        yield words.OVERFITTED.of(lang)
    if each.missing:
        yield words.TOO_FEW.of(lang).format(
            records=f"{each.records:,}",
            least=number(each.least_rate),
            budget=number(each.budget),
            missing=f"{each.missing:,}",
        )


def _why_not(each: Learned, lang: Lang) -> Iterator[str]:
    left = number(each.rate(each.alarms[1]))
    yield words.NOT_REACHED.of(lang).format(profile=each.profile.name, budget=number(each.budget), left=left)
    held = {name: each.broken[at - len(each.healthy)].run.run for name, at in each.lesson.held.items()}
    for figures in each.signals:
        name = figures.signal
        if not figures.alarms[1]:
            continue
        if name in held:
            yield words.HELD.of(lang).format(signal=name, run=held[name])
        elif can_move(name, each.profile.limits[name]):
            yield words.FAR_OFF.of(lang).format(signal=name)
        else:
            yield words.NOT_MOVABLE.of(lang).format(signal=name)


def _table(each: Learned, lang: Lang) -> Table:
    heads = (words.SIGNAL, words.LIMIT, words.FALSE_ALARMS, words.TOLD, words.EARLY)
    rows = tuple(_row(figures, each, lang) for figures in each.signals)
    return Table("", tuple(head.of(lang) for head in heads), rows, spare=(4, 3))


def _row(figures: SignalFigures, each: Learned, lang: Lang) -> tuple[Line, ...]:
    rates = tuple(number(each.rate(alarms)) for alarms in figures.alarms)
    counts = tuple(str(len(leads)) for leads in figures.told)
    leads = tuple(number(usual(leads)) if leads else DASH for leads in figures.told)
    return (
        (figures.signal,),
        (_limits(figures, each, lang),),
        (_from_to(rates, lang),),
        (_from_to(counts, lang),),
        (_from_to(leads, lang),),
    )


def _limits(figures: SignalFigures, each: Learned, lang: Lang) -> str:
    bounds = each.profile.limits[figures.signal]
    parts = (
        f"{move.severity.value} "
        + _from_to((bound_text(bounds[move.severity], lang), bound_text(move, lang)), lang)
        for move in figures.moves
    )
    return story_words.COMMA.of(lang).join(parts) or words.AS_IT_IS.of(lang)


def _from_to(pair: tuple[str, ...], lang: Lang) -> str:
    before, after = pair
    return before if before == after else words.FROM_TO.of(lang).format(before=before, after=after)
