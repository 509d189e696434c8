"""Several ranks: the first decides, all do the same, and nobody waits for one that has no guard."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from llmtrain_exporter.guard import Guard
from llmtrain_exporter.guard.guard_file import guard_path
from llmtrain_exporter.guard.inside import callback
from llmtrain_exporter.guard.inside.agreement import Ranks, ranks_of
from llmtrain_exporter.guard.inside.watch import Watch
from llmtrain_exporter.guard.options import VARIABLE, GuardOptions, LiveControl
from llmtrain_exporter.ingest.guard_file import read_guard_file

from tests.fake_trainer import FakeTrainer, Flow, dying, healthy


class Tensor:
    """Numbers that a broadcast fills."""

    def __init__(self, values: list[float]) -> None:
        self.values = values

    def tolist(self) -> list[float]:
        """As they are now."""
        return self.values


class Network:
    """What the ranks of a training have in common. The first trains first, then the others hear the same."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.keys: dict[str, str] = {}
        self.told: list[list[float]] = []

    def distributed(self, rank: int) -> Any:
        """torch.distributed as a rank sees it."""
        heard = iter(self.told)

        def broadcast(tensor: Tensor, src: int) -> None:
            if rank == src:
                self.told.append(list(tensor.values))
            else:
                tensor.values = next(heard)

        store = SimpleNamespace(
            set=self.keys.__setitem__, check=lambda names: all(name in self.keys for name in names)
        )
        return SimpleNamespace(
            get_rank=lambda: rank,
            get_world_size=lambda: self.size,
            broadcast=broadcast,
            distributed_c10d=SimpleNamespace(_get_default_store=lambda: store),
        )

    def arrived(self, *ranks: int) -> None:
        """These have a guard, and will have begun before the first step is over."""
        for rank in ranks:
            Ranks(self.distributed(rank), None).arrive()


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = ModuleType("torch")
    torch.tensor = lambda values, **_: Tensor(list(values))  # type: ignore[attr-defined]  # a module made here
    torch.float32 = "float32"  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Two ranks; whoever begins to train is the next of them."""
    both = Network(2)
    turns = iter(range(2))
    monkeypatch.setattr(callback, "ranks_of", lambda device: Ranks(both.distributed(next(turns)), device))
    return both


def trained(folder: Path, options: GuardOptions, rows: list[dict[str, object]]) -> FakeTrainer:
    """A rank that has trained, whether or not it was stopped."""
    trainer = FakeTrainer(folder, Flow(save_steps=31), Guard(options, clock=lambda: 0.0))
    with suppress(SystemExit):
        trainer.train(rows)
    return trainer


def test_all_ranks_stop_at_the_same_step_and_one_writes(network: Network, tmp_path: Path) -> None:
    """The second judges nothing; it would have trained on."""
    network.arrived(0, 1)
    first = trained(tmp_path / "first", GuardOptions("stop"), dying(30, 20))
    second = trained(tmp_path / "second", GuardOptions("stop"), [healthy(step) for step in range(1, 51)])
    assert [trainer.state.global_step for trainer in (first, second)] == [31, 31]
    assert [trainer.saved for trainer in (first, second)] == [[], []]
    assert not (tmp_path / "second").exists()


def test_all_ranks_save_aside_together(network: Network, tmp_path: Path) -> None:
    """Each has files of its own in a checkpoint, and waits for the others while it is saved."""
    network.arrived(0, 1)
    options = GuardOptions("save", free_bytes=0)
    (tmp_path / "first").mkdir()
    saved = [trained(tmp_path / name, options, dying(30, 20)).saved for name in ("first", "second")]
    assert [[Path(path).name for path in each] for each in saved] == [["checkpoint-31"]] * 2


def test_what_is_steered_is_the_same_on_all_ranks(network: Network, tmp_path: Path) -> None:
    """To the last digit: as a 32-bit float the first hears it too."""
    network.arrived(0, 1)
    options = GuardOptions(live=LiveControl(kl_target=0.01, beta_target=0.01))
    rows = [{**healthy(step), "kl": 1.0} for step in range(1, 8)]
    first, second = (trained(tmp_path / name, options, rows) for name in ("first", "second"))
    assert first.lr_scheduler.base_lrs == second.lr_scheduler.base_lrs
    assert first.beta == second.beta > 0.04
    assert first.lr_scheduler.base_lrs[0] < 1e-3


def test_all_ranks_skip_the_same_updates(network: Network, tmp_path: Path) -> None:
    """By the first one's norm: where the gradient is summed up they all have the same."""
    network.arrived(0, 1)
    options = GuardOptions(skip_bad_updates=True)
    applied = []
    for name, norm in (("first", float("nan")), ("second", 1.0)):
        trainer = FakeTrainer(tmp_path / name, Guard(options, clock=lambda: 0.0))
        trainer.before_step = lambda step, of=trainer, odd=norm: setattr(  # type: ignore[misc]  # its defaults
            of.accelerator, "norm", odd if step == 3 else 1.0
        )
        trainer.train([healthy(step) for step in range(1, 6)])
        applied.append(trainer.optimizer.applied)
    assert applied == [[1, 2, 4, 5]] * 2


def test_a_rank_without_a_guard_is_not_waited_for(network: Network, tmp_path: Path) -> None:
    """Nothing is broadcast, nobody is stopped, and that is written down once."""
    network.arrived(0)
    options = GuardOptions("stop", skip_bad_updates=True)
    trainer = trained(tmp_path / "first", options, dying(30, 20))
    assert trainer.state.global_step == 50
    assert network.told == []
    read = read_guard_file(guard_path(tmp_path / "first"))
    assert read is not None
    assert [event.action for event in read.events] == ["refuse"]
    rows = [json.loads(line) for line in (tmp_path / "first" / "llmtrain.jsonl").read_text().splitlines()]
    assert len([row for row in rows if "loss" in row]) == 50


@pytest.mark.parametrize(("others", "rate"), [((0, 1), 1e-4), ((0,), 1e-3)])
def test_ranks_never_come_to_differ_in_their_rate(
    network: Network, tmp_path: Path, others: tuple[int, ...], rate: float
) -> None:
    """After a rescue it is changed on all of them or on none: their weights would drift apart unseen."""
    network.arrived(*others)
    options = GuardOptions("rescue", attempt=1, scale_learning_rate=0.1)
    trainer = trained(tmp_path / "first", options, [healthy(1), healthy(2)])
    assert trainer.lr_scheduler.base_lrs == pytest.approx([rate])


def test_a_rank_whose_guard_failed_still_takes_part(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the others would wait for what it decides; they train on."""

    def fails(*_: object) -> None:
        raise RuntimeError("the guard's own error")

    network.arrived(0, 1)
    monkeypatch.setattr(Watch, "row", fails)
    trainer = trained(tmp_path / "first", GuardOptions("stop"), dying(30, 20))
    assert trainer.state.global_step == 50
    assert network.told == [[0.0] * 5] * 50


def test_a_rank_whose_guard_cannot_begin_is_one_without(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that it is there at the very end of its begin."""

    def fails(*_: object) -> None:
        raise RuntimeError("the guard's own error")

    monkeypatch.setattr(Watch, "begin", fails)
    trained(tmp_path / "first", GuardOptions("stop"), dying(30, 3))
    assert (network.keys, network.told) == ({}, [])


def test_rows_that_not_all_ranks_log_decide_nothing(network: Network, tmp_path: Path) -> None:
    """An evaluation, a table, a second row of a step: none of them is waited for."""
    network.arrived(0, 1)
    trainer = FakeTrainer(tmp_path, Guard(GuardOptions("stop"), clock=lambda: 0.0))
    trainer.train([healthy(1)])
    for row in ({"eval_loss": 0.5}, {"loss": 0.5}, {"table": object()}):
        trainer.log(row)
    assert len(network.told) == 1


@pytest.mark.parametrize(
    ("available", "initialised", "size", "ranks"),
    [(False, False, 1, 1), (True, False, 1, 1), (True, True, 1, 1), (True, True, 4, 4)],
)
def test_ranks_are_those_of_a_training_that_has_several(
    monkeypatch: pytest.MonkeyPatch, available: bool, initialised: bool, size: int, ranks: int
) -> None:
    """A process alone agrees with itself, without torch too."""
    network = Network(size)
    module = network.distributed(0)
    module.is_available, module.is_initialized = lambda: available, lambda: initialised
    monkeypatch.setitem(sys.modules, "torch.distributed", module)
    found = ranks_of("cpu")
    assert found.size == ranks
    assert found.together is (True if ranks == 1 else None)
    monkeypatch.delitem(sys.modules, "torch.distributed")
    assert ranks_of("cpu").agree((1.0, 0.0)) == (1.0, 0.0)
