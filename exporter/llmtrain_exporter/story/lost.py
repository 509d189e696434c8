"""What the incidents of a run have cost, in a sentence."""

from __future__ import annotations

from llmtrain_exporter.analyse.diagnosis import lost_gpu_hours
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot, series
from llmtrain_exporter.story.blocks import Line
from llmtrain_exporter.story.numbers import duration, number
from llmtrain_exporter.story.phrase import phrase

DIGITS = 2
"""Significant ones: it is an estimate."""

LEAST = 0.01
"""GPU hours that are worth a sentence."""

_GPUS, _PACE = series(c.GPUS), series(c.RECENT_SECONDS_PER_STEP)


def lost_line(run: Snapshot, lang: Lang) -> Line:
    """The GPU hours that went by in incidents, and what they come from; empty where that is not known."""
    hours, gpus, pace = lost_gpu_hours(run), run.samples.get(_GPUS), run.samples.get(_PACE)
    if hours is None or gpus is None or pace is None or hours < LEAST or not run.incidents:
        return ()
    onset, each = words.LOST_RECORD if run.step_is_record else words.LOST_STEP
    last = run.incidents[-1]
    form = words.LOST_SINCE if last.active else words.LOST_IN_IT
    return phrase(
        words.LOST_IN_ALL if len(run.incidents) > 1 else form,
        lang,
        onset=onset.of(lang).format(onset=last.onset_step),
        hours=number(float(f"{hours:.{DIGITS}g}")),
        gpus=words.LOST_ON.of(int(gpus), lang),
        pace=each.of(lang).format(time=duration(pace, lang, digits=DIGITS)),
    )
