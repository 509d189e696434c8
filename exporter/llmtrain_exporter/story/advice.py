"""Why it happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.remedy import Proposal
from llmtrain_exporter.knowledge.text import Lang, written
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.story.blocks import (
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
from llmtrain_exporter.story.diagnosis import Action, actions, causes, flags
from llmtrain_exporter.story.phrase import joined, phrase
from llmtrain_exporter.story.sections import section_of


def causes_section(run: Snapshot, lang: Lang) -> Section | None:
    """The likely causes, the likeliest first."""
    likely = causes(run, lang)
    return section_of(Part.CAUSES, lang, words.WHY, items((text,) for text in likely)) if likely else None


def actions_section(run: Snapshot, lang: Lang) -> Section | None:
    """What to do, the first to try in front, each with the settings that it changes and how to do it."""
    proposed = tuple(Item(action_line(action, lang), ((action.how,),)) for action in actions(run, lang))
    if not proposed:
        return None
    return section_of(Part.ACTIONS, lang, words.WHAT_TO_DO, Items(proposed, numbered=True))


def action_line(action: Action, lang: Lang) -> Line:
    """One thing to do, with the settings that it changes."""
    name: Line = (Strong(action.title),)
    if not action.proposals:
        return name
    settings = (_change(proposal, lang) for proposal in action.proposals)
    changes = joined(settings, Joint(words.COMMA.of(lang)))
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
    return section_of(Part.FLAGS, lang, words.FLAGS, warning, Command(" ".join(found)))
