"""Why it happened, and what to change, with the run's own settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.causes import Cause, causes_of
from llmtrain_exporter.knowledge.checklists import SETUP
from llmtrain_exporter.knowledge.remedy import Proposal, Remedy, proposals
from llmtrain_exporter.knowledge.signal import Measure
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Text, written
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.publish.report.material import Excursion, Material
from llmtrain_exporter.publish.report.say import Say, cells, chapter, paragraph
from llmtrain_exporter.story.advice import flags_section
from llmtrain_exporter.story.blocks import Block, Code, Line, Section, Strong, Table, items
from llmtrain_exporter.story.diagnosis import Action, actions, against
from llmtrain_exporter.story.diagnosis import causes as cause_texts
from llmtrain_exporter.story.numbers import DASH, series_name

EVERY = 1000
"""More causes and remedies than there are."""


def causes(material: Material, say: Say) -> Section:
    """The likely causes, the likeliest first, each with the signals that speak for it and what followed."""
    likely = _likely(material.run)
    if not likely:
        return chapter(say(r.CAUSES), paragraph(say(r.NO_CAUSES)))
    texts = cause_texts(material.run, say.lang, EVERY)
    parts = (_cause(cause, text, material, say) for cause, text in zip(likely, texts, strict=True))
    return chapter(say(r.CAUSES), *parts)


def _likely(run: Snapshot) -> list[Cause]:
    """The causes whose texts `diagnosis.causes` gives, in its order."""
    found: list[Cause] = []
    for signal in against(run):
        found.extend(cause for cause in causes_of(signal, run.base) if cause not in found)
    return found


def _cause(cause: Cause, text: str, material: Material, say: Say) -> Section:
    blocks: list[Block] = [paragraph(text)]
    evidence, effects = (list(_signs(names, material, say)) for names in (cause.evidence, cause.effects))
    if not evidence:
        blocks.append(paragraph(say(r.NO_EVIDENCE)))
    for title, signs in ((r.EVIDENCE, evidence), (r.EFFECTS, effects)):
        if signs:
            heading = paragraph(Strong(say(title)), say.colon.rstrip())
            blocks += [heading, items((sign,) for sign in signs)]
    return chapter(cause.name.of(say.lang), *blocks)


def _signs(signals: Sequence[str], material: Material, say: Say) -> Iterator[str]:
    """The worst of each signal that came up."""
    for signal in signals:
        seen = [excursion for excursion in material.excursions if excursion.episode.signal == signal]
        if seen:
            yield _sign(max(seen, key=lambda excursion: excursion.episode.severity.rank), say)


def _sign(excursion: Excursion, say: Say) -> str:
    episode = excursion.episode
    title = say.title(episode.signal)
    if SIGNALS[episode.signal].measure is Measure.TRUTH:
        return say(r.MOMENT_FROM, title=title, step=episode.first_step)
    value, metric = say.value(episode.peak, episode.metric), series_name(episode.metric)
    at = say(r.MOMENT, title=title, metric=metric, value=value, step=episode.peak_step)
    before = say.value(excursion.before, episode.metric)
    return at if excursion.before is None else at + say(r.AND_BEFORE, before=before)


def changes(material: Material, say: Say) -> Section:
    """What to do, the first to try in front, with settings and flags; then what to log and save."""
    run = material.run
    all_actions = actions(run, say.lang, EVERY)
    blocks: list[Block] = [_action(at, action, run, say) for at, action in enumerate(all_actions, 1)]
    if not all_actions:
        blocks.append(paragraph(say(r.NO_CHANGES)))
    flags = flags_section(all_actions, say.lang)
    return chapter(say(r.CHANGES), *blocks, *([flags] if flags else []), _monitoring(run, say))


def _action(at: int, action: Action, run: Snapshot, say: Say) -> Section:
    blocks: list[Block] = [paragraph(action.how)]
    if action.proposals:
        blocks.append(_proposals(action.title, action.proposals, run, say))
    return chapter(f"{at}. {action.title}", *blocks)


def _proposals(caption: str, proposed: Sequence[Proposal], run: Snapshot, say: Say) -> Table:
    flag = say(r.FLAG, dialect=run.dialect)
    head = (say(words.SETTING), say(r.SETTING_NOW), say(r.PROPOSED), flag)
    return Table(caption, head, tuple(_proposal(proposal, run, say) for proposal in proposed))


def _proposal(proposal: Proposal, run: Snapshot, say: Say) -> tuple[Line, ...]:
    now = DASH if proposal.now is None else written(proposal.now)
    if proposal.now is not None and proposal.setting not in run.hyper_parameters.numbers:
        now = say(r.DEFAULT, value=now)
    if proposal.value is not None:
        value = written(proposal.value)
    elif " x " in proposal.change:
        value = say(r.TIMES_NOW, by=proposal.change.rpartition(" x ")[2])
    else:
        value = say(r.JUDGE)
    flag = Code(proposal.flag) if proposal.flag else say(r.NO_FLAG)
    return cells(Code(proposal.setting), now, Strong(value), flag)


def _monitoring(run: Snapshot, say: Say) -> Section:
    """What the guides want a run to log and save, where this one does less or nobody knows."""
    wanted = Remedy(_NO_TEXT, _NO_TEXT, (), SETUP.get(run.base, ()))
    proposed = proposals(wanted, run.producer, run.base, {**run.hyper_parameters.numbers})
    title = say(r.MONITORING)
    if not proposed:
        return chapter(title, paragraph(say(r.MONITORING_FINE)))
    return chapter(title, paragraph(say(r.MONITORING_INTRO)), _proposals(title, proposed, run, say))


_NO_TEXT = Text("", "")
