"""Why it happened, and what to change, with the run's own settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge.advice import causes_of
from llmtrain_exporter.knowledge.causes import Cause
from llmtrain_exporter.knowledge.checklists import SETUP
from llmtrain_exporter.knowledge.limits import SIGNALS
from llmtrain_exporter.knowledge.remedy import Proposal, Remedy, proposals
from llmtrain_exporter.knowledge.signal import Measure
from llmtrain_exporter.knowledge.text import Text, written
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.publish.report.material import Material, Moment
from llmtrain_exporter.publish.report.say import DASH, Say
from llmtrain_exporter.publish.report.tree import (
    Block,
    Code,
    Command,
    Items,
    Line,
    Paragraph,
    Section,
    Strong,
    Table,
)
from llmtrain_exporter.story import verdict
from llmtrain_exporter.story.numbers import series_name

EVERY = 1000
"""More causes and remedies than there are."""


def causes(told: Material, say: Say) -> Section:
    """The likely causes, the likeliest first, each with the signals that speak for it and what followed."""
    likely = _likely(told.run)
    texts = verdict.causes(told.run, say.lang, EVERY)
    if not likely:
        return Section(say(r.CAUSES), (Paragraph(say(r.NO_CAUSES)),))
    parts = (_cause(cause, text, told, say) for cause, text in zip(likely, texts, strict=True))
    return Section(say(r.CAUSES), tuple(parts))


def _likely(run: Snapshot) -> list[Cause]:
    """The causes whose texts `verdict.causes` gives, in its order."""
    found: list[Cause] = []
    for signal in verdict.against(run):
        found.extend(cause for cause in causes_of(signal, run.base) if cause not in found)
    return found


def _cause(cause: Cause, text: str, told: Material, say: Say) -> Section:
    blocks: list[Block] = [Paragraph(text)]
    if not any(True for _ in _signs(cause.evidence, told, say)):
        blocks.append(Paragraph(say(r.NO_EVIDENCE)))
    for title, signals in ((r.EVIDENCE, cause.evidence), (r.EFFECTS, cause.effects)):
        lines = tuple(_signs(signals, told, say))
        if lines:
            blocks += [Paragraph((Strong(say(title)), say.colon.rstrip())), Items(lines)]
    return Section(cause.name.of(say.lang), tuple(blocks))


def _signs(signals: Sequence[str], told: Material, say: Say) -> Iterator[str]:
    """The worst of each signal that came up."""
    for signal in signals:
        moments = [moment for moment in told.moments if moment.episode.signal == signal]
        if moments:
            yield _sign(max(moments, key=lambda moment: moment.episode.severity.rank), say)


def _sign(moment: Moment, say: Say) -> str:
    episode = moment.episode
    title = say.title(episode.signal)
    if SIGNALS[episode.signal].measure is Measure.TRUTH:
        return say(r.MOMENT_FROM, title=title, step=episode.first_step)
    value = say.value(episode.peak, episode.metric)
    metric = series_name(episode.metric)
    said = say(r.MOMENT, title=title, metric=metric, value=value, step=episode.peak_step)
    before = say.value(moment.before, episode.metric)
    return said if moment.before is None else said + say(r.AND_BEFORE, before=before)


def changes(told: Material, say: Say) -> Section:
    """What to do, the first to try in front, with settings and flags; then what to log and save."""
    run = told.run
    actions = verdict.actions(run, say.lang, EVERY)
    blocks: list[Block] = [_action(at, action, run, say) for at, action in enumerate(actions, 1)]
    if not actions:
        blocks.append(Paragraph(say(r.NO_CHANGES)))
    flags = _flags(actions)
    if flags:
        blocks += [Paragraph(say(r.ALL_FLAGS)), Command(flags)]
    blocks.append(_monitoring(run, say))
    return Section(say(r.CHANGES), tuple(blocks))


def _action(at: int, action: verdict.Action, run: Snapshot, say: Say) -> Section:
    blocks: list[Block] = [Paragraph(action.how)]
    if action.proposals:
        blocks.append(_proposals(action.title, action.proposals, run, say))
    return Section(f"{at}. {action.title}", tuple(blocks))


def _proposals(caption: str, proposed: Sequence[Proposal], run: Snapshot, say: Say) -> Table:
    head = (say(r.SETTING), say(r.SETTING_NOW), say(r.PROPOSED), say(r.FLAG, dialect=run.dialect))
    return Table(caption, head, tuple(_proposal(each, run, say) for each in proposed))


def _proposal(proposal: Proposal, run: Snapshot, say: Say) -> tuple[Line, ...]:
    now = DASH if proposal.now is None else written(proposal.now)
    if proposal.now is not None and proposal.setting not in run.settings.numbers:
        now = say(r.DEFAULT, value=now)
    if proposal.value is not None:
        value = written(proposal.value)
    elif " x " in proposal.change:
        value = say(r.TIMES_NOW, by=proposal.change.rpartition(" x ")[2])
    else:
        value = say(r.JUDGE)
    return (
        Code(proposal.setting),
        now,
        Strong(value),
        Code(proposal.flag) if proposal.flag else say(r.NO_FLAG),
    )


def _flags(actions: Sequence[verdict.Action]) -> str:
    """The flags with a value, of each setting the first that is proposed."""
    flags: dict[str, str] = {}
    for action in actions:
        for proposal in action.proposals:
            if proposal.flag and proposal.value is not None:
                flags.setdefault(proposal.setting, proposal.flag)
    return " ".join(flags.values())


def _monitoring(run: Snapshot, say: Say) -> Section:
    """What the guides want a run to log and save, where this one does less or nobody knows."""
    wanted = Remedy(_NO_TEXT, _NO_TEXT, (), SETUP.get(run.base, ()))
    proposed = proposals(wanted, run.dialect, run.base, {**run.settings.numbers})
    title = say(r.MONITORING)
    if not proposed:
        return Section(title, (Paragraph(say(r.MONITORING_FINE)),))
    return Section(title, (Paragraph(say(r.MONITORING_INTRO)), _proposals(title, proposed, run, say)))


_NO_TEXT = Text("", "")
