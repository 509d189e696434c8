"""Starts a training, and again when it was stopped for an incident: each time further back and gentler."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_exporter.guard.keep import checkpoints
from llmtrain_exporter.guard.keep.checkpoints import Checkpoint
from llmtrain_exporter.guard.keep.keeping import Bounds, CheckpointKeeper
from llmtrain_exporter.guard.keep.kept_folder import KeptFolder
from llmtrain_exporter.guard.launch.aside import MovedAside, move_aside
from llmtrain_exporter.guard.launch.command_lines import TrainingCommand
from llmtrain_exporter.guard.launch.launcher import CommandEnding, Launcher
from llmtrain_exporter.guard.launch.processes import bury_orphans, left_of_training, rescued_in
from llmtrain_exporter.guard.launch.rescue import GivesUp, RescuePlan, in_force, plan_rescue
from llmtrain_exporter.guard.launch.restart import Start, goes_on_from_checkpoints, started_again
from llmtrain_exporter.guard.launch.shown_command import identity_of_command
from llmtrain_exporter.guard.launch.state_file import StateFile
from llmtrain_exporter.guard.launch.telling import AboutRescue, Speaker
from llmtrain_exporter.guard.launch.whereabouts import FolderKnown, environment_for, folders_told, told_in
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.guard.told import RUN_VARIABLE, is_guarded
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge.guard_limits import STOPPED_EXIT_CODE
from llmtrain_exporter.knowledge.rescuing import RANKS_GONE_SECONDS
from llmtrain_exporter.knowledge.text import Lang, Text, fill
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.model.guarded import Began
from llmtrain_exporter.output_file import write_anew

if TYPE_CHECKING:
    from llmtrain_exporter.guard.launch.past import PastRun

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
"""Signals with which programs end themselves, as libraries do that fail while Python ends."""

WAYS_BACK = 3
"""Checkpoints that are kept when a rescue begins: its own, and earlier ones that the next may begin with."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A command to guard: what to do on an incident, and how often to start it again at most."""

    command: TrainingCommand
    options: GuardOptions
    rescues: int
    folder: Path  # from where it is started
    not_again: bool = False  # it is not started where the guard has stopped it for good before

    @property
    def identity(self) -> str:
        """By which the same command is known again."""
        return identity_of_command(self.command.words)

    @property
    def seed(self) -> float | None:
        """The seed that the command sets."""
        seed = self.command.setting("seed")
        return float(seed) if seed is not None and seed.isdecimal() else None


@dataclass(frozen=True, slots=True)
class World:
    """What a supervisor has to do with. `clock`: Unix time; `rest`: sleeps so many seconds."""

    environment: Mapping[str, str]
    speaker: Speaker
    clock: Callable[[], float]
    rest: Callable[[float], object]
    read_past: Callable[[Path], PastRun | NoRun]


class _CannotGoOnError(Exception):
    """A training is not started again; `text` and `values` say why."""

    def __init__(self, text: Text, **values: str) -> None:
        super().__init__(text.en)
        self.text, self.values = text, values


class Supervisor:
    """Runs one guarded command until it is over for good. For the main thread."""

    def __init__(self, guarded: Guarded, launcher: Launcher, world: World) -> None:
        self._guarded = guarded
        self._launcher = launcher
        self._world = world
        self._say = world.speaker.say
        self._begun = 0  # rescues
        self._rescued: StateFile | None = None  # of the rescue that was started last

    def run(self) -> CommandEnding:
        """Start the training, and again as often as needed; how it ended the last time, or had before.

        Raises NotStartedError where it cannot be started at all.
        """
        guarded, ending = self._guarded, CommandEnding(STOPPED_EXIT_CODE)
        if is_guarded(self._world.environment):
            self._say(words.NESTED)
            return self._launcher.run(guarded.command.words, self._world.environment)
        start = None if self._is_rescued_elsewhere() else self._taken_up() or self._first()
        while start is not None:
            known = FolderKnown(guarded.command, guarded.folder)
            with told_in() as told:
                environment = environment_for(self._world.environment, start.options, told)
                ending = self._launcher.run(start.words, environment)
                folders = folders_told(told) or known.changed()
                start = self._after(ending, folders, f"{RUN_VARIABLE}={told}")
        return ending

    def _first(self) -> Start | None:
        """The command as it was given; None where it is not wanted again."""
        guarded = self._guarded
        if guarded.not_again and guarded.command.setting("output_dir") is None:
            self._say(words.FOLDER_UNKNOWN)
        folder = FolderKnown(guarded.command, guarded.folder).folder if guarded.not_again else None
        state = None if folder is None else StateFile(folder, self._world.clock)
        if state is not None and state.was_ended_for_good:
            self._say(words.NOT_AGAIN, reason=state.in_words(self._world.speaker.lang), file=str(state.path))
            return None
        return Start(guarded.command.words, guarded.options)

    def _after(self, ending: CommandEnding, folders: Sequence[Path], mark: str) -> Start | None:
        """What is started next; None where the command has ended for good. `folders`: in which it trained."""
        if not folders and ending.code == 0:
            self._say(words.NOT_INSIDE)
        state = StateFile(folders[-1], self._world.clock) if folders else None
        if state is not None and not self._is_the_same_training(state):
            return None
        if state is None or not state.was_stopped:
            self._note_own_end(ending)
            return None
        if self._guarded.options.on_incident == "rescue" and not self._is_wanted_back(ending):
            if len(folders) > 1:  # it would begin with the first one anew, over its checkpoints
                self._give_up(state, words.SEVERAL_TRAININGS, {"folders": ", ".join(map(str, folders))})
                return None
            return self._rescue(state, mark)
        # The training has said so, too; but launchers like torchrun say much behind it.
        self._world.speaker.line(state.in_words(self._world.speaker.lang))
        return None

    def _is_wanted_back(self, ending: CommandEnding) -> bool:
        """Whether somebody wants the machine back, whoever gave it."""
        return self._launcher.asked_to_end or (ending.signal != 0 and ending.signal not in CRASHES)

    def _is_the_same_training(self, state: StateFile) -> bool:
        """Whether a rescue has gone on with what it was for: a command may make a folder for each start."""
        rescued = self._rescued
        if rescued is None or os.path.realpath(rescued.folder) == os.path.realpath(state.folder):
            return True
        if len(state.attempts) < self._begun:
            self._give_up(rescued, words.BEGAN_ANEW, {"where": str(state.folder)})
            return False
        rescued.went_on_in(state, fill(words.WENT_ON_IN, Lang.EN, {"folder": str(state.folder)}))
        self._rescued = state
        return True

    def _note_own_end(self, ending: CommandEnding) -> None:
        """What was started again may break by itself, before it trains or later: that is not left unsaid."""
        if self._rescued is None or ending.code == 0 or self._is_wanted_back(ending):
            return
        state = StateFile(self._rescued.folder, self._world.clock)
        if state.is_watching:  # else it came to its end, and broke after it
            told = {"attempt": str(len(state.attempts)), "code": str(ending.code)}
            self._give_up(state, words.ENDED_BY_ITSELF, told, words.NEXT_THE_SAME)

    def _rescue(self, state: StateFile, mark: str) -> Start | None:
        """The next start; None where there is none, which is told."""
        try:
            state.begins_rescue(self._guarded.identity)
            self._wait_for_ranks(mark, state.folder)
            return None if self._launcher.asked_to_end else self._next_start(state)
        except _CannotGoOnError as error:
            self._give_up(state, error.text, error.values)
        except OSError as error:
            self._give_up(state, words.CANNOT_WRITE, {"detail": str(error)})
        except Exception as error:  # of ours: the training has ended as it did, and nothing is lost
            log.debug("no rescue", exc_info=True)
            self._give_up(state, words.OWN_ERROR, {"detail": type(error).__name__})
        return None

    def _give_up(
        self, state: StateFile, because: Text, values: Mapping[str, str], then: Text = words.NEXT_BY_HAND
    ) -> None:
        """Say why, and what is to be done then."""
        told = {"folder": str(state.folder), "file": str(state.path), **values}
        reason, advice = (fill(text, self._world.speaker.lang, told) for text in (because, then))
        state.gives_up(reason, advice, until_started=then is words.NEXT_THE_SAME)
        self._say(words.GIVES_UP, because=reason, next=advice)

    def _next_start(self, state: StateFile) -> Start:
        """Raises _CannotGoOnError, OSError."""
        guarded, folder = self._guarded, state.folder
        if not goes_on_from_checkpoints(guarded.command):
            raise _CannotGoOnError(words.CANNOT_RESUME, program=guarded.command.program.value)
        past = self._world.read_past(folder)
        if isinstance(past, NoRun):
            raise _CannotGoOnError(words.NO_LOG, detail=past.detail or past.reason.name.lower())
        if len(state.attempts) < self._begun:  # a guard within has begun the file anew
            raise _CannotGoOnError(words.FORGOTTEN, file=str(state.path))
        usable = usable_checkpoints(folder, state.began)
        plan = plan_rescue(past, usable, state.attempts, guarded.rescues, guarded.seed)
        if isinstance(plan, GivesUp):
            raise _CannotGoOnError(plan.text, **plan.values)
        self._keep_ways_back(folder, plan, state.began)
        moved = _moved(folder, plan)
        start = self._start_of(state, plan, past.snapshot.base)
        _write(start)
        state.rescues(plan, start, past.snapshot.base)
        self._rescued, self._begun = state, self._begun + 1
        speaker, about = self._world.speaker, AboutRescue(guarded.command, guarded.rescues)
        speaker.rescue(plan, start, moved, about)
        speaker.command(words.COMMAND, start)
        return start

    def _keep_ways_back(self, folder: Path, plan: RescuePlan, began: Began | None) -> None:
        """Keep the checkpoint and those before it from the rotation of the training that goes on."""
        options, step = self._guarded.options, plan.checkpoint.step
        bounds = Bounds(options.keep, options.free_bytes)
        keeper = CheckpointKeeper(folder, bounds, say=self._world.speaker.line, now=self._world.clock)
        own = checkpoints.of_training(checkpoints.found(folder), began)
        earlier = [each for each in own if each.step <= step]
        for each in earlier[: -1 - WAYS_BACK : -1]:
            keeper.keep(each, f"rescue {plan.attempt} begins here, or the next one")

    def _start_of(self, state: StateFile, plan: RescuePlan, kind: str) -> Start:
        options = replace(self._guarded.options, attempt=plan.attempt, grace_until_step=plan.grace_until_step)
        changes = in_force((*state.attempts, plan.as_attempt()))
        where = state.folder, kind
        return started_again(self._guarded.command, changes, plan.checkpoint.path, options, where)

    def _is_rescued_elsewhere(self) -> bool:
        """Whether a rescue in the same folder runs here already, with its guard or without; that is told."""
        folder = FolderKnown(self._guarded.command, self._guarded.folder).folder
        living = [] if folder is None else rescued_in(folder)
        if living:
            self._say(words.STILL_RESCUED, folder=str(folder), process=str(living[0].pid))
        return bool(living)

    def _taken_up(self) -> Start | None:
        """A rescue that was interrupted; None where there is none, or it cannot be gone on with."""
        try:
            return self._interrupted()
        except Exception as error:  # the command is what was asked for: it is started
            log.debug("no rescue is taken up", exc_info=True)
            self._say(words.NOT_TAKEN_UP, detail=str(error) or type(error).__name__)
            return None

    def _interrupted(self) -> Start | None:
        """A rescue of the same command that was cut short: its node went down, or its pod was moved."""
        state = self._state_before()
        if state is None:
            return None
        return self._rescue(state, f"{RUN_VARIABLE}=") if state.was_stopped else self._go_on(state)

    def _state_before(self) -> StateFile | None:
        """What is known of a rescue of the same command that came neither to its end nor was given up."""
        guarded = self._guarded
        folder = FolderKnown(guarded.command, guarded.folder).folder
        if guarded.options.on_incident != "rescue" or folder is None:
            return None
        state = StateFile(folder.absolute(), self._world.clock)
        return state if state.is_interrupted(guarded.identity) else None

    def _go_on(self, state: StateFile) -> Start | None:
        """The last attempt once more, from the newest checkpoint that it has made."""
        last = state.attempts[-1]
        usable = usable_checkpoints(state.folder, state.began)
        made = [each for each in usable if each.step >= last.from_step]
        if not made:
            return None
        newest = made[-1]
        options = replace(
            self._guarded.options, attempt=last.attempt, grace_until_step=state.grace_until_step
        )
        where = state.folder, state.kind
        changes = in_force(state.attempts)
        start = started_again(self._guarded.command, changes, newest.path, options, where)
        _write(start)
        self._world.speaker.goes_on(last.attempt, newest, state.path)
        self._rescued = state
        return start

    def _wait_for_ranks(self, mark: str, folder: Path) -> None:
        """Wait until no process of the old training is there. Raises _CannotGoOnError."""
        waited = 0.0
        while not self._launcher.asked_to_end and (left := left_of_training(mark, folder)):
            bury_orphans()
            if waited >= RANKS_GONE_SECONDS:
                named = ", ".join(f"{each.pid} ({each.command})" for each in left)
                raise _CannotGoOnError(words.STILL_ALIVE, processes=named)
            self._world.rest(LOOK_SECONDS)
            waited += LOOK_SECONDS


def _moved(folder: Path, plan: RescuePlan) -> MovedAside:
    try:
        return move_aside(folder, plan.checkpoint.step, plan.attempt)
    except OSError as error:
        raise _CannotGoOnError(words.CANNOT_MOVE, detail=str(error)) from error


def _write(start: Start) -> None:
    if start.copy is not None:
        path, text = start.copy
        KeptFolder(path.parent.parent).make()
        write_anew(path, text, 0o600)  # the user's file may hold what is secret


def usable_checkpoints(folder: Path, began: Began | None = None) -> list[Checkpoint]:
    """The complete checkpoints of a training, where it writes them and among those that are kept.

    `began`: its first start, where that is known: what others have left there is not its own.
    """
    by_step = {each.step: each for each in CheckpointKeeper(folder).kept()}
    by_step |= {each.step: each for each in checkpoints.found(folder)}
    return checkpoints.of_training([by_step[step] for step in sorted(by_step)], began)
