"""The sentences on a card about a run, from the exporter's story of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.text import Lang, Text, written
from llmtrain_exporter.notify.card import BULLET, MARKS, Block, Code, Line, Plain, Tone
from llmtrain_exporter.notify.story import Action, Finding, Incident, Proposal, Story

MOST_FINDINGS, MOST_ACTIONS, MOST_CAUSES = 6, 4, 2
_TONES = {"critical": Tone.CRITICAL, "warning": Tone.WARNING}


def say(text: Text, lang: Lang, /, **values: object) -> str:
    """The text with its values."""
    return text.of(lang).format(**values)


def steps(count: int, lang: Lang) -> str:
    """So many steps."""
    return cw.STEPS.of(max(count, 0), lang)


def duration(seconds: float, lang: Lang) -> str:
    """About so long."""
    minutes = max(round(seconds / 60), 1)
    if minutes < 120:
        return say(cw.MINUTES, lang, n=minutes)
    return say(
        cw.HOURS if minutes < 48 * 60 else cw.DAYS, lang, n=round(minutes / (60 if minutes < 2880 else 1440))
    )


def clock(moment: float) -> str:
    """A Unix time as people on any continent read it."""
    return f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M} UTC"


def where(story: Story, lang: Lang) -> str:
    """What the run does, and how far it is."""
    if story.last_step is None:
        return story.state_text
    if not story.max_steps:
        return say(cw.STATE, lang, state=story.state_text, step=story.last_step)
    share = f"{story.last_step / story.max_steps:.0%}"
    return say(
        cw.STATE_OF, lang, state=story.state_text, step=story.last_step, max=story.max_steps, share=share
    )


def order(incident: Incident, lang: Lang) -> str:
    """The families in the order in which they broke; empty where only one did, or none."""
    stages = [stage for stage in incident.stages if stage.step is not None]
    return " \u2192 ".join(
        say(cw.FIRST_STAGE, lang, stage=_stage(stage.stage, lang), step=stage.step) for stage in stages
    )


def _stage(name: str, lang: Lang) -> str:
    return words.STAGE[name].of(lang) if name in words.STAGE else name


def incident_lines(story: Story, incident: Incident, lang: Lang) -> Iterator[Line]:
    """Since when, in which order, and where to go back to."""
    behind = (story.last_step or 0) - incident.onset_step
    since = cw.SINCE if behind > 0 else cw.SINCE_NOW
    yield (Plain(say(since, lang, onset=incident.onset_step, steps=steps(behind, lang))),)
    if told := order(incident, lang):
        yield (Plain(say(cw.ORDER, lang, stages=told)),)
    if incident.checkpoint is not None:
        name = f"checkpoint-{incident.checkpoint}"
        yield (Plain(say(cw.CHECKPOINT, lang, checkpoint=name)),)


def findings_block(story: Story, lang: Lang) -> Block:
    """What happened, in its order, with values and limits; what says nothing against the run is left out."""
    several = story.incident is not None and len(story.incident.stages) > 1
    known = story.title if several else ""  # the card's own title, whose order is told already
    told = [one for one in story.findings if one.severity in _TONES and one.title != known]
    lines: list[Line] = [(Plain(_finding(one, lang)),) for one in told[:MOST_FINDINGS]]
    if len(told) > MOST_FINDINGS:
        lines.append((Plain(BULLET + cw.MORE.of(len(told) - MOST_FINDINGS, lang)),))
    return Block("findings", tuple(lines), 3, cw.HAPPENED.of(lang))


def _finding(one: Finding, lang: Lang) -> str:
    form = cw.AT if one.last_step == one.first_step else cw.FROM_TO
    form = cw.ON if one.last_step is None else form
    when = say(form, lang, first=one.first_step, last=one.last_step)
    return f"{MARKS[_TONES[one.severity]]} {say(cw.FINDING, lang, when=when, title=one.title, text=one.text)}"


def actions_block(story: Story, lang: Lang, first: Sequence[str] = ()) -> Block:
    """What to change, with the run's own settings and the flags to give. `first`: what comes before that."""
    lines: list[Line] = [(Plain(f"{at}. {text}"),) for at, text in enumerate(first, 1)]
    told = enumerate(story.actions[:MOST_ACTIONS], len(lines) + 1)
    lines += [_action(at, one, lang) for at, one in told]
    return Block("actions", tuple(lines), 2, cw.TO_DO.of(lang))


def _action(number: int, action: Action, lang: Lang) -> Line:
    spans = [Plain(f"{number}. {action.title}")]
    for at, proposal in enumerate(action.proposals):
        spans.append(Plain((words.COMMA if at else words.COLON).of(lang)))
        spans += _change(proposal, lang)
    return tuple(spans)


def _change(proposal: Proposal, lang: Lang) -> Sequence[Plain]:
    """`--beta 0.1` (now 0.04); without a flag `beta -> 0.1`; without a value what is known of it."""
    told = (
        proposal.change if proposal.value is None and proposal.change != proposal.setting else proposal.flag
    )
    told = told or proposal.change or proposal.setting
    if proposal.now is None:
        return (Code(told),)
    return Code(told), Plain(say(cw.NOW, lang, now=written(proposal.now)))


def causes_block(story: Story, lang: Lang) -> Block:
    """Why it may have happened, the likeliest first."""
    lines = tuple((Plain(BULLET + cause),) for cause in story.causes[:MOST_CAUSES])
    return Block("causes", lines, 5, cw.WHY.of(lang))
