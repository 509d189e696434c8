"""What to do next, in one sentence, when a training has an incident."""

from __future__ import annotations

from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.knowledge import guard_words as words
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.rescuing import LEARNING_RATE
from llmtrain_exporter.knowledge.text import Lang, fill
from llmtrain_exporter.model.guarded import StopReason


def next_step(run: Run, producer: Producer, now: float) -> str:
    """Where to go back to, and the flags of the first remedy that changes any. `now`: Unix time."""
    # The diagnosis costs as much again to load as all the rest, and most trainings never need it.
    from llmtrain_exporter.analyse.diagnosis.diagnosing import diagnose

    snapshot = run.snapshot("", "", producer, now)
    remedies = diagnose(snapshot).remedies
    changes = next((remedy.changes for remedy in remedies if remedy.changes), ())
    flags = " ".join(change.flag for change in changes if change.value is not None)
    onset = snapshot.incidents[-1].onset_step if snapshot.incidents else snapshot.last_step
    sets_rate = any(change.setting == LEARNING_RATE and change.value is not None for change in changes)
    text = words.NEXT_WITH_RATE if sets_rate else words.NEXT_WITH if flags else words.NEXT
    return fill(text, Lang.EN, {"onset": str(onset), "flags": flags})


def in_words(reason: StopReason, lang: Lang = Lang.EN) -> str:
    """The signal for which a training is stopped, on one line."""
    value = "NaN" if reason.value is None else number(reason.value)
    told = {"step": str(reason.step), "signal": reason.signal, "severity": reason.severity}
    return fill(words.INCIDENT, lang, {**told, "metric": reason.metric, "value": value})
