"""Why it happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.producer import FlagStyle
from llmtrain_exporter.knowledge.text import Lang, written
from llmtrain_exporter.model import Diagnosis, Proposal, Snapshot
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
from llmtrain_exporter.story.diagnosis import Action, Reason, causes, first_looks, flags, no_cause_text
from llmtrain_exporter.story.phrase import joined, phrase
from llmtrain_exporter.story.sections import section_of

RESUME = "resume_from_checkpoint"
"""Not a setting that has a value, but what is done once."""


def causes_section(run: Snapshot, found: Diagnosis, lang: Lang) -> Section | None:
    """The causes that the run shows, each with what speaks for it; where none is shown, where to look."""
    reasons = causes(run, found, lang)
    if not reasons:
        return _looks_section(run, found, lang)
    listed = Items(tuple(Item(_reason_line(reason, lang), ((reason.how,),)) for reason in reasons))
    blocks = (listed,) if found.clear else (Paragraph((words.NOT_CLEAR.of(lang),)), listed)
    return section_of(Part.CAUSES, lang, words.WHY, *blocks)


def _looks_section(run: Snapshot, found: Diagnosis, lang: Lang) -> Section | None:
    looks = first_looks(run, found, lang)
    if not looks:
        return None
    before = Paragraph((no_cause_text(run, found, lang),))
    return section_of(Part.CAUSES, lang, words.LOOK_FIRST, before, items((look,) for look in looks))


def _reason_line(reason: Reason, lang: Lang) -> Line:
    """ "The learning rate is too high: learning_rate 0.01 at step 9", and what else speaks for it."""
    name: Line = (Strong(reason.title),)
    if not reason.proofs:
        return name
    return joined((name, (proofs_text(reason, lang),)), Joint(words.COLON.of(lang)))


def proofs_text(reason: Reason, lang: Lang) -> str:
    """All that speaks for a cause, in a row."""
    return words.SEMICOLON.of(lang).join(reason.proofs)


def actions_section(proposed: Sequence[Action], lang: Lang) -> Section | None:
    """What to do, the first to try in front, each with the settings that it changes and how to do it."""
    listed = tuple(Item(action_line(action, lang), ((action.how,),)) for action in proposed)
    if not listed:
        return None
    return section_of(Part.ACTIONS, lang, words.WHAT_TO_DO, Items(listed, numbered=True))


def action_line(action: Action, lang: Lang) -> Line:
    """One thing to do, with the settings that it changes."""
    name: Line = (Strong(action.title),)
    if not action.proposals:
        return name
    settings = (_change(proposal, action.rises.get(proposal.setting), lang) for proposal in action.proposals)
    changes = joined(settings, Joint(words.COMMA.of(lang)))
    return joined((name, changes), Joint(words.COLON.of(lang)))


def changed_setting(proposal: Proposal) -> Code:
    """The flag to copy; without a value there is none, and the setting is named as its producer does."""
    if not proposal.flag:
        return Code(proposal.setting)
    return Code(proposal.flag if proposal.value is not None else proposal.flag.lstrip("-"))


def _change(proposal: Proposal, rises: bool | None, lang: Lang) -> Line:
    """ "--beta 0.1 (now 0.04)"; what is not known may be better already."""
    change: Line = (changed_setting(proposal),)
    if proposal.now is None:
        unknown = {None: words.UNKNOWN, True: words.UNLESS_HIGHER, False: words.UNLESS_LOWER}[rises]
        told = proposal.value is None or proposal.setting == RESUME
        return change if told else joined((change, (unknown.of(lang),)))
    return joined((change, phrase(words.NOW, lang, now=written(proposal.now))))


def flags_section(proposed: Iterable[Action], style: FlagStyle, lang: Lang) -> Section | None:
    """All flags of actions that have a value, to copy."""
    found = flags(proposed)
    if not found:
        return None
    warning = Paragraph((words.ONE_AT_A_TIME.of(lang),))
    lines = [" ".join(found)] if style.on_one_line else found
    return section_of(Part.FLAGS, lang, words.FLAGS, warning, *map(Command, lines))
