"""Puts the guard into every trainer that a program makes, without a change to the program.

Wraps `transformers.trainer.Trainer.__init__` when that module is loaded. Lists of default callbacks would not
do: ms-swift replaces them. Loaded as a single file in each process of the command, with the standard library
alone; the guard's package is found from here when the first trainer is made, and is not put on the path:
what lies beside it there may be another version of what the training needs.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

TRAINER_MODULE = "transformers.trainer"
VARIABLE = "LLMTRAIN_GUARD"  # as in `options`, which is not loaded here
PACKAGE = "llmtrain_exporter"
_MARK = "__llmtrain_guard__"


def install() -> None:
    """Wrap the trainer when it is loaded, or now if it is; only where the environment asks for a guard."""
    if not os.environ.get(VARIABLE) or any(isinstance(finder, TrainerFinder) for finder in sys.meta_path):
        return
    loaded = sys.modules.get(TRAINER_MODULE)
    if loaded is not None:
        wrap_trainer(loaded)
    else:
        sys.meta_path.insert(0, TrainerFinder())


class TrainerFinder(importlib.abc.MetaPathFinder):
    """Lets the others find the module of the trainer, and has it wrapped once it is loaded."""

    def __init__(self) -> None:
        self._asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of that module alone."""
        if fullname != TRAINER_MODULE or self._asking:
            return None
        self._asking = True
        try:
            spec = _find(fullname, path, target)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = WrappingLoader(spec.loader)
        return spec


def _find(
    name: str, path: Sequence[str] | None, target: ModuleType | None
) -> importlib.machinery.ModuleSpec | None:
    found = (finder.find_spec(name, path, target) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next((spec for spec in found if spec is not None), None)


class WrappingLoader(importlib.abc.Loader):
    """Loads the module as its own loader does, then wraps the trainer in it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        """What else a loader can be asked, as the source of a function."""
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As the module's own loader does."""
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """As the module's own loader does; a guard that cannot be put in is told of, and nothing more."""
        self._loader.exec_module(module)
        try:
            wrap_trainer(module)
        except Exception as error:
            _tell(error)


def wrap_trainer(module: ModuleType) -> None:
    """Let each trainer have a guard when it is made; once, however often this is called."""
    trainer = module.Trainer
    original = trainer.__init__
    if hasattr(original, _MARK):
        return

    @functools.wraps(original)  # ms-swift reads the signature
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        original(self, *args, **kwargs)
        try:
            put_in(self)
        except Exception as error:
            _tell(error)

    setattr(__init__, _MARK, True)
    trainer.__init__ = __init__
    if hasattr(trainer, "train"):
        trainer.train = _resuming(trainer.train)


def _resuming(original: Callable[..., Any]) -> Callable[..., Any]:
    """Training that begins where the launcher says: a script may ask for the newest one, or none."""
    left = [True]  # the first training alone: what a script does afterwards is its own

    @functools.wraps(original)
    def train(self: Any, resume_from_checkpoint: Any = None, *args: Any, **kwargs: Any) -> Any:
        told = _checkpoint_for(self) if left else None
        if told:
            left.clear()
        return original(self, told or resume_from_checkpoint, *args, **kwargs)

    return train


def _checkpoint_for(trainer: Any) -> str | None:
    """The checkpoint that the launcher names, if it is one of this trainer's output folder."""
    try:
        told = json.loads(os.environ.get(VARIABLE) or "{}").get("resume_from")
        if not told:
            return None
        belonging = importlib.import_module(f"{PACKAGE}.guard.inside.belonging")
        return told if belonging.goes_on_in(trainer.args.output_dir, told) else None
    except Exception as error:
        _tell(error)
        return None


def put_in(trainer: Any) -> None:
    """Add a guard to a trainer, unless there is one: the script may have its own."""
    load_package()
    guard = importlib.import_module(f"{PACKAGE}.guard.inside.callback").Guard
    if not any(isinstance(each, guard) for each in trainer.callback_handler.callbacks):
        trainer.add_callback(guard(trainer=trainer))


def load_package() -> None:
    """Let the guard's package be imported from where this file lies. It needs the standard library alone."""
    if PACKAGE in sys.modules:
        return
    folder = Path(__file__).resolve().parent.parent
    where = [str(folder)]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=where
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def _tell(error: Exception) -> None:
    sys.stderr.write(f"llmtrain-exporter: no guard in this training, which goes on: {error!r}\n")
