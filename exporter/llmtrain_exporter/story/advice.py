"""Why it happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable

from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.remedy import Proposal
from llmtrain_exporter.knowledge.text import Lang, written
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.story.blocks import (
    DETAIL,
    Code,
    Command,
    Item,
    Items,
    Joint,
    Line,
    Paragraph,
    Part,
    Section,
    Strong,
    items,
)
from llmtrain_exporter.story.phrase import joined, phrase
from llmtrain_exporter.story.verdict import Action, actions, causes, flags

CAUSES_RANK, ACTIONS_RANK = 5, 2


def causes_section(run: Snapshot, lang: Lang) -> Section | None:
    """The likely causes, the likeliest first."""
    told = causes(run, lang)
    if not told:
        return None
    return Section(Part.CAUSES, words.WHY.of(lang), (items((cause,) for cause in told),), CAUSES_RANK)


def actions_section(run: Snapshot, lang: Lang) -> Section | None:
    """What to do, the first to try in front, each with the settings that it changes and how to do it."""
    told = tuple(Item(action_line(one, lang), ((one.how,),)) for one in actions(run, lang))
    if not told:
        return None
    return Section(Part.ACTIONS, words.WHAT_TO_DO.of(lang), (Items(told, numbered=True),), ACTIONS_RANK)


def action_line(action: Action, lang: Lang) -> Line:
    """One thing to do, with the settings that it changes."""
    name: Line = (Strong(action.title),)
    if not action.proposals:
        return name
    changes = joined((_change(one, lang) for one in action.proposals), Joint(words.COMMA.of(lang)))
    return joined((name, changes), Joint(words.COLON.of(lang)))


def _change(proposal: Proposal, lang: Lang) -> Line:
    """ "--beta 0.1 (now 0.04)"; see `knowledge.remedy.Proposal`."""
    change: Line = (Code(proposal.change),)
    if proposal.now is None:
        return change
    return joined((change, phrase(words.NOW, lang, now=written(proposal.now))))


def flags_section(proposed: Iterable[Action], lang: Lang) -> Section | None:
    """All flags of actions that have a value, to copy."""
    found = flags(proposed)
    if not found:
        return None
    warning = Paragraph((words.ONE_AT_A_TIME.of(lang),))
    return Section(Part.FLAGS, words.FLAGS.of(lang), (warning, Command(" ".join(found))), DETAIL)
