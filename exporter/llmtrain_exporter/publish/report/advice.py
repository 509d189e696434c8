"""Why it happened, and what to change, with the run's own settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.prescribing import proposals
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.checklists import SETUP
from llmtrain_exporter.knowledge.text import written
from llmtrain_exporter.model import Proposal, Snapshot, State
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.say import Say, cells, chapter, paragraph
from llmtrain_exporter.story.advice import changed_setting, flags_section, proofs_text
from llmtrain_exporter.story.blocks import Block, Code, Line, Section, Strong, Table, items
from llmtrain_exporter.story.diagnosis import Action, Reason, actions, first_looks, no_cause_text
from llmtrain_exporter.story.diagnosis import causes as cause_texts
from llmtrain_exporter.story.numbers import DASH
from llmtrain_exporter.story.phrase import joined


def causes(material: Material, say: Say) -> Section:
    """The causes that the run shows, the best proved first, each with all that speaks for it."""
    found = material.found
    reasons = cause_texts(material.run, found, say.lang)
    if not reasons:
        return chapter(say(r.CAUSES), *_looks(material, say))
    blocks: list[Block] = [] if found.clear else [paragraph(say(words.NOT_CLEAR))]
    return chapter(say(r.CAUSES), *blocks, *(_reason(reason, say) for reason in reasons))


def _looks(material: Material, say: Say) -> Iterator[Block]:
    looks = first_looks(material.run, material.found, say.lang)
    if not looks:
        yield paragraph(say(words.FAILED_UNTOLD if material.run.state is State.FAILED else r.NO_CAUSES))
        return
    yield paragraph(no_cause_text(material.run, material.found, say.lang))
    yield items((look,) for look in looks)


def _reason(reason: Reason, say: Say) -> Section:
    proofs = [paragraph(f"{proofs_text(reason, say.lang)}{say(r.STOP)}")] if reason.proofs else []
    return chapter(reason.title, *proofs, paragraph(reason.how))


def changes(material: Material, say: Say) -> Section:
    """What to do, the first to try in front, with settings and flags; then what to log and save."""
    run = material.run
    all_actions = actions(run, material.found, say.lang)
    lines = (_action(action, say) for action in all_actions)
    nothing = r.NO_CHANGES_TOLD if run.state is State.FAILED else r.NO_CHANGES
    blocks: list[Block] = [items(lines, numbered=True) if all_actions else paragraph(say(nothing))]
    blocks.extend(_settings(all_actions, run, say))
    return chapter(say(r.CHANGES), *blocks, _monitoring(run, say))


def _action(action: Action, say: Say) -> Line:
    names = ((changed_setting(proposal),) for proposal in action.proposals)
    changed, between = joined(names, words.COMMA.of(say.lang)), words.BETWEEN_SENTENCES[say.lang]
    return Strong(action.title), say.colon, action.how, *((between, *changed) if changed else ())


def _settings(all_actions: Sequence[Action], run: Snapshot, say: Say) -> Iterator[Block]:
    """What the actions change, each setting as the first of them wants it, and all flags to copy."""
    proposed: dict[str, Proposal] = {}
    for action in all_actions:
        for proposal in action.proposals:
            proposed.setdefault(proposal.setting, proposal)
    if proposed:
        yield _proposals(say(r.PROPOSED_SETTINGS), tuple(proposed.values()), run, say)
    flags = flags_section(all_actions, run.producer.style, say.lang)
    if flags:
        yield flags


def _proposals(caption: str, proposed: Sequence[Proposal], run: Snapshot, say: Say) -> Table:
    flag = say(r.FLAG, dialect=run.producer.name)
    head = (say(words.SETTING), say(r.SETTING_NOW), say(r.PROPOSED), flag)
    return Table(caption, head, tuple(_proposal(proposal, say) for proposal in proposed))


def _proposal(proposal: Proposal, say: Say) -> tuple[Line, ...]:
    now = DASH if proposal.now is None else written(proposal.now)
    value = say(r.JUDGE) if proposal.value is None else written(proposal.value)
    flag = Code(proposal.flag) if proposal.flag else say(r.NO_FLAG)
    return cells(Code(proposal.setting), now, Strong(value), flag)


def _monitoring(run: Snapshot, say: Say) -> Section:
    """What the guides want a run to log and save, where this one does less or nobody knows."""
    proposed = tuple(proposals(SETUP.get(run.base, ()), Case(run)))
    title = say(r.MONITORING)
    if not proposed:
        known = run.hyper_parameters.settings
        return chapter(title, paragraph(say(r.MONITORING_FINE if known else r.MONITORING_UNKNOWN)))
    return chapter(title, paragraph(say(r.MONITORING_INTRO)), _proposals(title, proposed, run, say))
