"""The guard as a program: its parts put together, with this machine's clock, disk and environment."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from llmtrain_exporter.guard.launch.launcher import CommandEnding, Launcher
from llmtrain_exporter.guard.launch.supervising import Guarded, Supervisor, World
from llmtrain_exporter.guard.launch.telling import Speaker
from llmtrain_exporter.guard.launch.terminal import ForegroundTerminal
from llmtrain_exporter.guard.launch.whereabouts import is_one_of_several
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.producers import RECORDED_LOG
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun

if TYPE_CHECKING:
    from llmtrain_exporter.guard.launch.past import PastRun
    from llmtrain_exporter.watching.rules import RunRules


def run_guarded(guarded: Guarded, lang: str) -> CommandEnding:
    """Run a command under guard; how it ended. Raises NotStartedError."""
    speaker = Speaker(sys.stderr, Lang(lang))
    world = World(os.environ, speaker, time.time, time.sleep, _past_of)
    with Launcher(ForegroundTerminal()) as launcher:
        return Supervisor(_possible(guarded, speaker), launcher, world).run()


def run_dry(log: str, guarded: Guarded, lang: str, out: TextIO) -> bool:
    """Say what would have been done for a log of the past; whether there was any."""
    from llmtrain_exporter.guard.launch.dry_run import would_do
    from llmtrain_exporter.guard.launch.past import read_past

    now = time.time()
    return would_do(read_past(log, _rules(), now), guarded, Speaker(out, Lang(lang), ""), now) > 0


def _possible(guarded: Guarded, speaker: Speaker) -> Guarded:
    """What can be done of what is asked for; what cannot is told."""
    if guarded.command.isolated:
        speaker.say(words.ISOLATED, option=guarded.command.isolated)
    several = guarded.command.machines or is_one_of_several(os.environ)
    if several and guarded.options.on_incident == "rescue":
        speaker.say(words.ONE_OF_SEVERAL)
        return replace(guarded, options=replace(guarded.options, on_incident="stop"))
    return guarded


def _past_of(folder: Path) -> PastRun | NoRun:
    """The run that the guard has recorded in an output folder."""
    # What reads logs is loaded when it is needed: most trainings end well.
    from llmtrain_exporter.guard.launch.past import read_past

    log = str(folder / RECORDED_LOG)
    return next(read_past(log, _rules(), time.time()), NoRun(log, NoRunReason.NOT_THERE))


def _rules() -> RunRules:
    from llmtrain_exporter.watching.reading_settings import NothingSet
    from llmtrain_exporter.watching.rules import rules_for_reading

    return rules_for_reading(NothingSet())
