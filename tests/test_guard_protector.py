"""The exporter protects runs from outside: what it keeps of which run, and when."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.guard.keep.checkpoints import is_complete
from llmtrain_exporter.guard.keep.keeping import Bounds
from llmtrain_exporter.guard.keep.protector import RunProtector, Wishes
from llmtrain_exporter.guard.keep.settling import QUIET_SECONDS
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.model import HyperParameters, Protected, Snapshot, State

from tests.analysing import records
from tests.saved_checkpoints import KINDS, PLAIN, save, write

NOW = 1_700_000_000.0
CORPUS = Path(os.environ.get("LLMTRAIN_CORPUS", Path(__file__).parent.parent.parent / "shared/corpus"))
WELL = {"loss": 0.1, "reward": 0.9, "reward_std": 0.1, "kl": 0.01, "grad_norm": 1.0}
ILL = {"loss": 0.1, "reward": 0.1, "reward_std": 0.1, "kl": 60.0, "grad_norm": 1.0}
WISHES = Wishes(Bounds(most=5, free_bytes=0))


class Training:
    """A trainer that logs each step, saves each fifth one, and leaves so many checkpoints."""

    def __init__(self, output: Path, protector: RunProtector, limit: int = 2, name: str = "run") -> None:
        self.output, self.limit, self.name = output, limit, name
        self.protector = protector
        self.kind: tuple[str, ...] = PLAIN
        self.clock = count(NOW)  # of the file system
        self.saved: list[int] = []
        self.step = 0
        self.counts_records = False
        self.state: State | None = None
        self.folded = Run(RunOptions(), HyperParameters())
        self.observer = protector.observer()
        self.looked = 0.0  # monotonic

    def train(self, steps: int, row: dict[str, float]) -> None:
        for _ in range(steps):
            self.step += 1
            placed = {**row, "global_step/max_steps": f"{self.step}/2000"}
            for record in records([placed]):
                self.folded.fold(record, NOW)
                self.observer.note(record, None)
            self.look()
            if self.step % 5 == 0:
                self.save()

    def save(self) -> None:
        save(self.output, self.step, self.kind, self.clock, f"attempt at {next(self.clock)}")
        self.saved = [*(each for each in self.saved if each != self.step), self.step]
        for step in self.saved[: -self.limit]:
            shutil.rmtree(self.output / f"checkpoint-{step}", ignore_errors=True)
        self.saved = self.saved[-self.limit :]

    def snapshot(self) -> Snapshot:
        run = self.folded.snapshot(self.name, str(self.output / "logging.jsonl"), SWIFT, NOW)
        run = replace(run, step_is_record=self.counts_records)
        return run if self.state is None else replace(run, state=self.state)

    def look(self, seconds: float = 1.0) -> None:
        self.protector.see(self.snapshot(), self.observer)
        self.looked += seconds
        self.protector.look(self.looked)

    def resume(self, step: int) -> None:
        self.step = step

    @property
    def kept(self) -> list[int]:
        folder = self.output / KEPT_FOLDER
        names = (path.name for path in folder.iterdir()) if folder.exists() else ()
        steps = [int(name.removeprefix("checkpoint-")) for name in names if name[-1].isdigit()]
        assert all(is_complete(folder / f"checkpoint-{step}") for step in steps)
        return sorted(steps)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def protector(said: list[str]) -> RunProtector:
    return RunProtector(WISHES, said.append)


@pytest.fixture
def training(tmp_path: Path, protector: RunProtector) -> Training:
    return Training(tmp_path / "out", protector)


def test_nothing_is_kept_of_a_run_that_is_well(training: Training) -> None:
    """Its folder is not touched at all."""
    training.train(40, WELL)
    assert sorted(path.name for path in training.output.iterdir()) == ["checkpoint-35", "checkpoint-40"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [1, 2])
def test_the_first_warning_keeps_the_last_healthy_checkpoint(
    training: Training, kind: str, limit: int
) -> None:
    """Whatever the trainer rotates away later."""
    training.kind, training.limit = KINDS[kind], limit
    training.train(40, WELL)
    training.train(1, ILL)
    kept = training.kept
    assert kept == [40 if limit == 1 else 35]  # the reward of step 41 is of the weights of step 40
    training.train(20, ILL)
    assert training.kept == kept
    assert training.saved == [55, 60][-limit:]


def test_all_that_is_still_there_makes_the_ladder(training: Training) -> None:
    """Without a limit: the newest two, and one for each doubling of age."""
    training.limit = 100
    training.train(40, WELL)
    training.train(1, ILL)
    assert training.kept == [5, 20, 30, 35]


def test_from_the_start_older_ones_are_there_when_a_run_gets_ill(tmp_path: Path, said: list[str]) -> None:
    """With a trainer that leaves one alone, which is ill by the time that anything is told."""
    wishes = replace(WISHES, from_start=True)
    training = Training(tmp_path, RunProtector(wishes, said.append), limit=1)
    training.train(60, WELL)
    kept = training.kept
    assert len(kept) == 5
    assert kept[-1] == 55  # the last one may still be written
    training.train(30, ILL)
    assert training.kept == kept
    assert said == []


def test_a_run_that_has_recovered_is_protected_further(training: Training) -> None:
    """Its newer good checkpoints come into the ladder, and no more are kept than are allowed."""
    training.train(40, WELL)
    training.train(2, ILL)
    training.train(120, WELL)
    assert len(training.kept) <= 5
    assert training.kept[-1] >= 150


def test_the_newest_checkpoint_is_waited_for_until_all_ranks_have_written(
    tmp_path: Path, said: list[str]
) -> None:
    """A later step tells so, or ms-swift's link, or quiet; before that another rank may be at work."""
    training = Training(tmp_path, RunProtector(replace(WISHES, from_start=True), said.append))
    training.train(10, WELL)
    training.look()
    assert training.kept == [5]
    (tmp_path / "last-checkpoint").symlink_to("checkpoint-10")
    training.look()
    assert training.kept == [5, 10]
    training.train(5, WELL)
    training.look()
    assert training.kept == [5, 10]
    training.look(QUIET_SECONDS - 1.5)
    assert training.kept == [5, 10]
    write(tmp_path / "checkpoint-15", "rng_state.pth", 15, NOW + 1e6)
    training.look(QUIET_SECONDS)
    assert training.kept == [5, 10]
    training.look(QUIET_SECONDS)
    assert training.kept == [5, 10, 15]


def test_a_run_that_goes_on_from_an_earlier_step_cannot_change_what_is_kept(training: Training) -> None:
    """It saves the same steps into the same folders, in place."""
    training.limit = 100
    training.train(40, WELL)
    training.train(3, ILL)
    kept = {step: tree(training.output / KEPT_FOLDER / f"checkpoint-{step}") for step in training.kept}
    assert kept
    training.resume(20)
    training.train(25, ILL)
    later = {step: tree(training.output / KEPT_FOLDER / f"checkpoint-{step}") for step in training.kept}
    assert all(later[step] == kept[step] for step in kept.keys() & later.keys())
    assert kept.keys() & later.keys()


def test_a_healthy_run_in_the_folder_of_an_older_one_cannot_change_what_is_kept(training: Training) -> None:
    """A new process with a log of its own: nothing was ever the matter with it."""
    training.train(40, WELL)
    training.train(1, ILL)
    kept = {step: tree(training.output / KEPT_FOLDER / f"checkpoint-{step}") for step in training.kept}
    training.protector.leave("run")
    again = Training(training.output, training.protector, limit=100, name="again")
    again.clock = count(NOW + 1e6)
    again.train(45, WELL)
    assert {step: tree(training.output / KEPT_FOLDER / f"checkpoint-{step}") for step in again.kept} == kept


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("state", [State.FINISHED, State.FAILED, State.STALLED, State.WAITING])
def test_a_run_that_does_not_train_when_it_is_met_is_left_alone(training: Training, state: State) -> None:
    """An exporter that starts reads the logs of years; nobody rotates their checkpoints any more."""
    training.state = state
    training.train(40, WELL)
    training.train(10, ILL)
    assert training.kept == []


def test_what_is_kept_stays_when_a_run_ends_or_is_watched_no_longer(training: Training) -> None:
    """Only its metrics go."""
    training.train(40, WELL)
    training.train(1, ILL)
    kept = training.kept
    training.state = State.FAILED
    training.look()
    assert [told.steps for told in training.protector.protected()] == [tuple(kept)]
    training.protector.leave("run")
    training.protector.look(1e6)
    assert (training.protector.protected(), training.kept) == ([], kept)


def test_what_is_done_is_told(training: Training) -> None:
    """By metrics, and by the log in the folder with the reason."""
    training.train(40, WELL)
    training.train(1, ILL)
    (told,) = training.protector.protected()
    assert told == Protected(
        "run",
        tuple(training.kept),
        told.bytes_held,
        {"keep": len(training.kept), "let_go": 0, "part": 0, "set_aside": 0},
        dict.fromkeys(told.obstacles, 0),
    )
    lines = (training.output / KEPT_FOLDER / "log.jsonl").read_text().splitlines()
    assert {json.loads(line)["because"] for line in lines} == {"kl_high at step 41"}


def test_where_no_step_is_known_a_ladder_of_all_is_kept(training: Training) -> None:
    """Nobody can tell which of them was saved before the trouble began."""
    training.limit = 100
    training.counts_records = True
    training.train(40, WELL)
    training.train(1, ILL)
    training.look()
    training.look(QUIET_SECONDS)
    assert (training.kept[0], training.kept[-2:]) == (5, [35, 40])


def test_where_no_step_is_known_more_records_tell_that_a_checkpoint_is_whole(
    tmp_path: Path, said: list[str]
) -> None:
    """Also of a trainer that leaves one alone and saves every few seconds."""
    training = Training(tmp_path, RunProtector(replace(WISHES, from_start=True), said.append), limit=1)
    training.counts_records = True
    training.train(5, WELL)
    training.train(2, WELL)
    assert training.kept == []
    training.train(1, WELL)
    assert training.kept == [5]


def test_an_exporter_that_starts_anew_copies_nothing_that_it_had_linked(training: Training) -> None:
    """The steps of what is kept have passed: they are not saved again."""
    training.train(40, WELL)
    training.train(1, ILL)
    kept = training.kept
    training.protector = RunProtector(WISHES)
    training.train(3, ILL)
    (told,) = training.protector.protected()
    assert (training.kept, told.done["part"], told.done["keep"]) == (kept, 0, 0)


@pytest.mark.parametrize(
    ("log", "from_start", "good"),
    [("trl-grpo-lr3e-3", False, [15, 20]), ("trl-grpo-slow-beta0.5", True, [5, 10, 15])],
)
def test_of_real_collapses_what_was_good_is_kept(
    tmp_path: Path, said: list[str], log: str, from_start: bool, good: list[int]
) -> None:
    """With a checkpoint at each fifth step. A slow one is told too late for a trainer that leaves two."""
    path = CORPUS / "produced" / log / "trainer_state.json"
    if not path.exists():
        pytest.skip("no corpus")
    wishes = replace(WISHES, from_start=from_start)
    training = Training(tmp_path, RunProtector(wishes, said.append), limit=1 if from_start else 2)
    for row in json.loads(path.read_bytes())["log_history"]:
        if "loss" in row:
            training.train(1, {key: value for key, value in row.items() if key != "step"})
    assert training.kept == good
    assert said == []


def test_two_runs_in_one_folder_are_told_once_and_one_of_them_is_protected(
    tmp_path: Path, protector: RunProtector, said: list[str]
) -> None:
    """Nobody knows which checkpoint is whose."""
    one, two = (Training(tmp_path, protector, limit=100, name=name) for name in ("a", "b"))
    for training in (one, two):
        training.train(40, WELL)
    for _ in range(5):
        one.train(1, ILL)
        two.train(1, ILL)
    assert one.kept
    assert len(said) == 1
    assert "a" in said[0]
    assert [told.obstacles["shared"] for told in protector.protected()] == [2, 2]


def test_a_folder_that_cannot_be_written_to_is_told_once(
    training: Training, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the training goes on as ever."""
    real = Path.mkdir

    def refuse(path: Path, *more: Any, **named: Any) -> None:
        if KEPT_FOLDER in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        real(path, *more, **named)

    monkeypatch.setattr(Path, "mkdir", refuse)
    training.train(40, WELL)
    training.train(10, ILL)
    (told,) = training.protector.protected()
    assert (told.steps, len(said)) == ((), 1)
    assert told.obstacles["permission"] >= 2
    assert "let it run as the user that trains" in said[0]


def test_an_output_folder_that_is_moved_takes_what_is_kept_along(training: Training, said: list[str]) -> None:
    """The run is found again under its new name, and protected there."""
    training.train(40, WELL)
    training.train(1, ILL)
    kept = training.kept
    os.rename(training.output, training.output.with_name("moved"))
    training.look()
    training.look()
    assert not training.output.exists()
    assert len(said) <= 1
    training.protector.leave("run")
    training.output, training.name = training.output.with_name("moved"), "moved"
    training.train(10, ILL)
    assert training.kept == kept


def test_one_run_that_cannot_be_protected_stops_no_other(
    tmp_path: Path, protector: RunProtector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody thought of is logged once."""
    bad, good = (Training(tmp_path / name, protector, name=name) for name in ("bad", "good"))
    real = RunProtector._keeper

    def fail(self: RunProtector, folder: Path) -> object:
        if folder.name == "bad":
            raise ZeroDivisionError
        return real(self, folder)

    monkeypatch.setattr(RunProtector, "_keeper", fail)
    for training in (bad, good):
        training.train(40, WELL)
        training.train(3, ILL)
    assert good.kept
    assert len(caplog.records) == 1
