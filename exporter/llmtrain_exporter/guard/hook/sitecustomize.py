"""Runs first in each Python process of a guarded command: this folder stands on PYTHONPATH.

It hides another module of this name, which it runs as well. It loads nothing of the guard, and hinders
nothing: a training has it when it makes its trainer.
"""

import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _run(spec: "importlib.machinery.ModuleSpec | None") -> object:
    """The module of a spec; None where there is none."""
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _install() -> None:
    path = os.path.join(os.path.dirname(_HERE), "import_hook.py")
    hook = _run(importlib.util.spec_from_file_location("_llmtrain_guard_hook", path))
    hook.install()  # type: ignore[attr-defined]  # a module's own function


def _run_hidden() -> None:
    """The next module of this name on the path, as if this one were not there."""
    others = [folder for folder in sys.path if os.path.realpath(folder) != os.path.realpath(_HERE)]
    _run(importlib.machinery.PathFinder.find_spec(__name__, others))


if __name__ == "sitecustomize":  # as Python calls it, and not as a part of its package
    try:
        _install()
    except Exception as error:
        sys.stderr.write(f"llmtrain-exporter: the guard cannot be put in: {error!r}\n")
    _run_hidden()
