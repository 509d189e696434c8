"""What the guard would have done for a log of the past, without starting anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from llmtrain_exporter.guard.advice import in_words
from llmtrain_exporter.guard.keep.checkpoints import Checkpoint
from llmtrain_exporter.guard.launch.past import PastRun, up_to_the_stop
from llmtrain_exporter.guard.launch.rescue import GivesUp, plan_rescue
from llmtrain_exporter.guard.launch.restart import Start, started_again
from llmtrain_exporter.guard.launch.supervising import Guarded, usable_checkpoints
from llmtrain_exporter.guard.launch.telling import AboutRescue, Speaker
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.ingest.checkpoints import output_folder
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge.story_words import no_run_reason
from llmtrain_exporter.model import NoRun

SAVES = "save_steps"


def would_do(pasts: Iterable[PastRun | NoRun], guarded: Guarded, speaker: Speaker, now: float) -> int:
    """Tell it of each run; how many of them could be read. `now`: Unix time."""
    known = 0
    for past in pasts:
        if isinstance(past, NoRun):
            reason = no_run_reason(past.reason, past.detail, speaker.lang)
            speaker.say(words.UNREADABLE, file=past.file, reason=reason)
        else:
            known += 1
            _of_run(past, guarded, speaker, now)
    return known


def _of_run(past: PastRun, guarded: Guarded, speaker: Speaker, now: float) -> None:
    run = past.snapshot.run
    stopped = up_to_the_stop(past, replace(guarded.options, on_incident="stop"), now)
    if stopped is None:
        speaker.say(words.WELL, run=run)
        return
    until, reason = stopped
    action = guarded.options.on_incident
    told = words.WOULD_STOP if guarded.options.stops else words.WOULD_TELL
    last = str(past.snapshot.last_step)
    speaker.say(told, run=run, reason=in_words(reason, speaker.lang), action=action, last=last)
    if action == "rescue":
        _tell_rescue(until, guarded, speaker)


def _tell_rescue(until: PastRun, guarded: Guarded, speaker: Speaker) -> None:
    """What a rescue would be, at the end of what is known until the stop."""
    folder = Path(output_folder(until.snapshot.file))
    checkpoints = _checkpoints(folder, until, guarded, speaker)
    plan = plan_rescue(until, checkpoints, (), guarded.rescues, guarded.seed)
    if isinstance(plan, GivesUp):
        speaker.say(words.WOULD_GIVE_UP, because=plan.of(speaker.lang))
        return
    start, command = Start((), GuardOptions(attempt=plan.attempt)), guarded.command
    if command.words:
        where = folder, until.snapshot.base
        start = started_again(command, plan.changes, plan.checkpoint.path, start.options, where)
    speaker.rescue(plan, start, None, AboutRescue(command, guarded.rescues))
    if command.words:
        speaker.command(words.WOULD_RUN, start)


def _checkpoints(folder: Path, until: PastRun, guarded: Guarded, speaker: Speaker) -> list[Checkpoint]:
    """Those of the training from before the stop; where none lies there, those that were made."""
    last = until.snapshot.last_step or 0
    there = [each for each in usable_checkpoints(folder) if each.step <= last]
    if there:
        return there
    stated = until.snapshot.hyper_parameters.numbers.get(SAVES)
    given = guarded.command.setting(SAVES)
    steps = int(given) if given is not None and given.isdecimal() else int(stated or 0)
    if steps <= 0:
        return []
    speaker.say(words.ASSUMED, steps=str(steps))
    return [Checkpoint(folder / f"checkpoint-{step}", step, 0.0) for step in range(steps, last + 1, steps)]
