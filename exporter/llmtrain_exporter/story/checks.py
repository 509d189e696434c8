"""The questions of the checklists and their answers, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from llmtrain_exporter.analyse.checks import check_answers, is_asked, usual_loss, weights_lost
from llmtrain_exporter.knowledge import check_words as words
from llmtrain_exporter.knowledge import story_words
from llmtrain_exporter.knowledge.answer import Answer, Ground
from llmtrain_exporter.knowledge.checklists import CHECKLISTS, Check
from llmtrain_exporter.knowledge.metric import PREFIX
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import CheckAnswer, Episode, RowKind, Snapshot
from llmtrain_exporter.story.blocks import Line, Mark, Part, Piece, Section, items
from llmtrain_exporter.story.diagnosis import against, signal_title
from llmtrain_exporter.story.events import steps_text
from llmtrain_exporter.story.numbers import DASH, number
from llmtrain_exporter.story.phrase import phrase
from llmtrain_exporter.story.sections import section_of


def checks_section(run: Snapshot, lang: Lang) -> Section | None:
    """Each question with its answer and what that rests on; None where the checklists are not for the run."""
    if not is_asked(run):
        return None
    answers = answers_by_check(run)
    lists = (
        section_of(Part.CHECKS, lang, checklist.title, items(_lines(checklist.checks, answers, run, lang)))
        for checklist in CHECKLISTS
    )
    return section_of(Part.CHECKS, lang, words.CHECKLIST, *lists)


def answers_by_check(run: Snapshot) -> Mapping[str, CheckAnswer]:
    """The answers of a run by the check's id; questions that are not answered yes or no have none."""
    return {found.check: found for found in check_answers(run)}


def _lines(
    checks: Iterable[Check], answers: Mapping[str, CheckAnswer], run: Snapshot, lang: Lang
) -> Iterator[Line]:
    for check in checks:
        found = answers.get(check.id)
        if found is not None:
            yield phrase(
                words.ANSWERED,
                lang,
                question=check.question.of(lang),
                answer=answer_mark(run, found, lang),
                because=because(run, check, found, lang),
            )


def answer_mark(run: Snapshot, found: CheckAnswer, lang: Lang) -> Piece:
    """The answer in a word, marked by how bad what speaks against a yes is."""
    word = words.ANSWERS[found.answer].of(lang)
    if found.answer is Answer.NOT_KNOWN:
        return word
    return Mark(_colour(run, found), word)


def _colour(run: Snapshot, found: CheckAnswer) -> str:
    if found.answer is Answer.YES:
        return "fine"
    if found.ground is Ground.RISEN:
        return "look"
    if found.ground is Ground.SIGNALS:
        return max((episode.severity for episode in found.episodes), key=lambda severity: severity.rank).value
    return max(run.health, run.verdict, key=lambda health: health.value).name.lower()


def because(run: Snapshot, check: Check, found: CheckAnswer, lang: Lang) -> str:
    """What an answer rests on."""
    if found.ground is Ground.SIGNALS:
        return _listed((_episode(run, episode, lang) for episode in _each_signal(found.episodes)), lang)
    if found.ground is Ground.VERDICT:
        against_it = _listed((signal_title(run, signal, lang) for signal in against(run)), lang)
        return against_it or words.NOTHING_AGAINST.of(lang)
    if found.ground is Ground.STALLED:
        return signal_title(run, "stalled", lang)
    if found.ground is Ground.TOO_FEW:
        return words.TOO_FEW.of(lang).format(counted=_lacking(run, check, lang))
    if found.ground is Ground.WEIGHTS_LOST:
        return words.WEIGHTS_LOST.of(lang).format(when=_lost_when(run, lang))
    if found.ground is Ground.RISEN:
        early, usual = (_number(loss) for loss in (run.early_loss, usual_loss(run)))
        return words.RISEN.of(lang).format(early=early, usual=usual)
    metrics = _listed((metric.name.removeprefix(PREFIX) for metric in check.metrics), lang)
    return words.GROUNDS[found.ground].of(lang).format(metrics=metrics)


def _each_signal(episodes: Iterable[Episode]) -> list[Episode]:
    """Of each signal the episode that lasts, else the first."""
    found: dict[str, Episode] = {}
    for episode in episodes:
        if episode.active or episode.signal not in found:
            found[episode.signal] = episode
    return list(found.values())


def _episode(run: Snapshot, episode: Episode, lang: Lang) -> str:
    last = None if episode.active else episode.last_step
    when = steps_text(run, episode.first_step, last, lang)
    return signal_title(run, episode.signal, lang) + story_words.IN_BRACKETS.of(lang).format(text=when)


def _lacking(run: Snapshot, check: Check, lang: Lang) -> str:
    train = run.records.get(RowKind.TRAIN, 0)
    if train < check.records:
        return story_words.TRAIN_RECORDS.of(train, lang)
    return story_words.EVALUATIONS.of(run.records.get(RowKind.EVAL, 0), lang)


def _lost_when(run: Snapshot, lang: Lang) -> str:
    lost = weights_lost(run)
    return "" if lost is None else steps_text(run, lost.first_step, None, lang)


def _number(value: float | None) -> str:
    return DASH if value is None else number(value)


def _listed(parts: Iterable[str], lang: Lang) -> str:
    return story_words.LISTED.of(lang).join(parts)
