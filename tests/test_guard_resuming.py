"""A training that is started again begins at the checkpoint that its launcher names, whatever it asks for."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from llmtrain_exporter.guard.import_hook import wrap_trainer
from llmtrain_exporter.guard.options import VARIABLE, GuardOptions


class Trainer:
    """Keeps what it was asked for."""

    def __init__(self, output_dir: Path) -> None:
        self.args = SimpleNamespace(output_dir=str(output_dir))
        self.callback_handler = SimpleNamespace(callbacks=[])
        self.asked: list[object] = []

    def add_callback(self, callback: object) -> None:
        """One more."""
        self.callback_handler.callbacks.append(callback)

    def train(self, resume_from_checkpoint: object = None, trial: object = None) -> object:
        """Train from there."""
        self.asked.append(resume_from_checkpoint)
        return trial


@pytest.fixture
def trainer(tmp_path: Path) -> Any:
    """One that was made in a guarded process, which writes into `out`."""
    module = ModuleType("transformers.trainer")
    module.Trainer = type("Trainer", (Trainer,), {})  # type: ignore[attr-defined]  # as it is loaded
    wrap_trainer(module)
    return module.Trainer(tmp_path / "out")


def named(checkpoint: Path, patch: pytest.MonkeyPatch) -> str:
    """The launcher names this checkpoint."""
    options = GuardOptions("rescue", attempt=1, resume_from=str(checkpoint))
    patch.setenv(VARIABLE, options.to_env()[VARIABLE])
    return str(checkpoint)


@pytest.mark.parametrize("asked", [None, False, True, "out/checkpoint-90"])
@pytest.mark.parametrize("where", ["out/checkpoint-25", "out/llmtrain-kept/checkpoint-25"])
def test_it_goes_before_what_the_script_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainer: Any, asked: object, where: str
) -> None:
    """The newest checkpoint, as many scripts ask for, is not always the one that was good."""
    checkpoint = named(tmp_path / where, monkeypatch)
    assert trainer.train(asked, trial=7) == 7
    assert trainer.train(resume_from_checkpoint=asked) is None
    assert trainer.asked == [checkpoint, asked]  # what a script does afterwards is its own


def test_a_trainer_with_another_folder_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainer: Any
) -> None:
    """A script may train several models, one after the other."""
    named(tmp_path / "other" / "checkpoint-25", monkeypatch)
    trainer.train("mine")
    assert trainer.asked == ["mine"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"resume_from": 3}', '{"attempt": 1}'])
def test_an_environment_that_names_none_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, trainer: Any, text: str
) -> None:
    """Whatever stands there."""
    monkeypatch.setenv(VARIABLE, text)
    trainer.train("mine")
    assert trainer.asked == ["mine"]
