"""The guard put into a program that knows nothing of it: by the path alone, in a process of its own."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from llmtrain_exporter.guard import Guard, axolotl_plugin, import_hook, options
from llmtrain_exporter.guard.options import GuardOptions

from tests.test_house import ROOT, SOURCE

HOOK = SOURCE / "llmtrain_exporter" / "guard" / "hook"

OURS = ("PYTHONPATH", options.VARIABLE)

TRAINER = '''
"""As much of Transformers as there has to be."""
from .trainer_callback import TrainerCallback
DEFAULT_CALLBACKS = [TrainerCallback]

class Trainer:
    def __init__(self, model=None, args=None, *, callbacks=()):
        """A trainer."""
        made = [one() if isinstance(one, type) else one for one in [*DEFAULT_CALLBACKS, *callbacks]]
        self.callback_handler = type("Handler", (), {"callbacks": made})()

    def add_callback(self, callback):
        self.callback_handler.callbacks.append(callback)

    def train(self, resume_from_checkpoint=None):
        """Its training."""
'''
CALLBACK = """
class TrainerCallback:
    def on_step_end(self, *args, **kwargs):
        return "the trainer's own"
"""
SHOW = """
found = [type(one).__name__ for one in trainer.callback_handler.callbacks]
print(*found)
"""


@pytest.fixture
def program(tmp_path: Path) -> Any:
    """Runs a program in which a small Transformers can be imported; its output, line by line."""
    package = tmp_path / "lib" / "transformers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "trainer.py").write_text(TRAINER)
    (package / "trainer_callback.py").write_text(CALLBACK)

    def run(text: str, *path: Path, asked: bool = True, **environment: str) -> list[str]:
        before = {name: value for name, value in os.environ.items() if name not in OURS}
        where = os.pathsep.join(map(str, (HOOK, *path, tmp_path / "lib")))
        told = GuardOptions().to_env() if asked else {}
        answer = subprocess.run(
            [sys.executable, "-c", text],
            env={**before, **told, "PYTHONPATH": where, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return (answer.stdout + answer.stderr).splitlines()

    return run


def test_each_trainer_that_is_made_has_a_guard(program: Any) -> None:
    """A subclass of the trainer's callbacks, last in the row."""
    made = "from transformers.trainer import Trainer\ntrainer = Trainer()\n"
    assert program(made + SHOW) == ["TrainerCallback Guard"]
    kind = "from transformers.trainer_callback import TrainerCallback\n"
    show = "one = trainer.callback_handler.callbacks[-1]\n"
    show += "print(isinstance(one, TrainerCallback), one.on_step_end())"
    assert program(made + kind + show) == ["True the trainer's own"]


def test_it_is_there_where_a_trainer_replaces_the_list_of_callbacks(program: Any) -> None:
    """As ms-swift does, in a subclass that asks for the signature of its base."""
    text = """
import inspect
from transformers import trainer as module
module.DEFAULT_CALLBACKS = []
class Swift(module.Trainer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
trainer = Swift()
print(list(inspect.signature(module.Trainer.__init__).parameters), module.Trainer.__init__.__doc__)
"""
    assert program(text + SHOW) == ["['self', 'model', 'args', 'callbacks'] A trainer.", "Guard"]


def test_a_script_that_has_its_own_guard_keeps_that(program: Any) -> None:
    """Whether it is handed over or added later: there is one, or one that works."""
    text = """
from transformers.trainer import Trainer
import sys
trainer = Trainer()
guard = type(trainer.callback_handler.callbacks[-1])
trainer = Trainer(callbacks=[guard])
"""
    assert program(text + SHOW) == ["TrainerCallback Guard"]


def test_nothing_is_put_in_unless_a_launcher_asks(program: Any) -> None:
    """The path alone does nothing."""
    text = "from transformers.trainer import Trainer\ntrainer = Trainer()\n"
    assert program(text + SHOW, asked=False) == ["TrainerCallback"]


def test_a_program_that_trains_nothing_loads_nothing(program: Any) -> None:
    """Each process of the command runs the hook: it costs a look at the environment."""
    loaded = "import sys; print([name for name in sys.modules if name.startswith('llmtrain_exporter')])"
    assert program(loaded) == ["[]"]


def test_the_path_of_the_training_stays_its_own(program: Any) -> None:
    """What lies beside the exporter may be another version of what the training needs."""
    path = "import sys\nprint(*sys.path, sep='\\n')"
    text = f"from transformers.trainer import Trainer\nTrainer()\n{path}"
    assert program(text) == program(path, asked=False)


def test_the_module_that_it_hides_is_run(program: Any, tmp_path: Path) -> None:
    """A machine may set something up in its own sitecustomize, and a program may ask for that."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("print('the own one')\nVALUE = 7\n")
    text = "import sitecustomize\nprint(sitecustomize.VALUE)"
    assert program(text, tmp_path / "site") == ["the own one", "7"]
    assert program(text, tmp_path / "site", asked=False) == ["the own one", "7"]


def test_a_guard_that_cannot_be_loaded_is_told_of_and_the_training_goes_on(program: Any) -> None:
    """Whatever is wrong with it: a line, and the trainer without it."""
    text = """
import sys
class Broken:
    def find_spec(self, name, path, target=None):
        if name == "llmtrain_exporter.guard.inside.callback":
            raise ImportError("a file is missing")
sys.meta_path.insert(0, Broken())
from transformers.trainer import Trainer
trainer = Trainer()
"""
    shown, told = program(text + SHOW)
    assert shown == "TrainerCallback"
    assert told.startswith("llmtrain-exporter: no guard in this training, which goes on: ImportError")


def test_what_it_loads_is_the_standard_library_and_what_judges(program: Any) -> None:
    """A training's environment is not the exporter's: what that needs besides is not there."""
    text = """
import sys
allowed = sys.stdlib_module_names | {"llmtrain_exporter", "transformers", "sitecustomize"}
class Bar:
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] not in allowed and not name.startswith("_"):
            raise ImportError(f"barred: {name}")
sys.meta_path.insert(0, Bar())
from transformers.trainer import Trainer
trainer = Trainer()
import llmtrain_exporter.analyse.diagnosis.diagnosing
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("llmtrain_exporter.")}
print(*sorted(rooms))
"""
    assert program(text + SHOW) == [
        "analyse guard ingest knowledge model output_file printable",
        "TrainerCallback Guard",
    ]


def test_the_finder_is_put_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a process installs it."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setenv(options.VARIABLE, "{}")
    monkeypatch.delitem(sys.modules, import_hook.TRAINER_MODULE, raising=False)
    for _ in range(2):
        import_hook.install()
    assert [type(finder) for finder in sys.meta_path].count(import_hook.TrainerFinder) == 1


def test_a_trainer_that_is_loaded_already_is_wrapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a program that installs the hook itself."""

    class Trainer:
        def __init__(self, first: int = 1) -> None:
            """The trainer's own."""
            self.first = first
            self.callback_handler = SimpleNamespace(callbacks=[])

        def add_callback(self, callback: object) -> None:
            self.callback_handler.callbacks.append(callback)

        def train(self) -> None:
            """Nothing."""

    module = ModuleType(import_hook.TRAINER_MODULE)
    module.Trainer = Trainer  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, import_hook.TRAINER_MODULE, module)
    monkeypatch.setenv(options.VARIABLE, "{}")
    for _ in range(2):
        import_hook.install()
    made = Trainer(first=3)
    assert [type(each) for each in made.callback_handler.callbacks] == [Guard]
    assert made.callback_handler.callbacks[0].trainer is made
    assert made.first == 3
    assert list(inspect.signature(Trainer.__init__).parameters) == ["self", "first"]


def test_the_hook_asks_for_the_variable_of_the_options() -> None:
    """It cannot load them, and names it itself."""
    assert import_hook.VARIABLE == options.VARIABLE
    assert HOOK.is_relative_to(ROOT)


def test_axolotl_gets_a_plugin_of_its_own_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which brings the guard for a trainer that was made, unless it has one."""

    class BasePlugin:
        def get_input_args(self) -> None:
            """As Axolotl asks each plugin."""

    base = ModuleType("axolotl.integrations.base")
    base.BasePlugin = BasePlugin  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, base.__name__, base)
    plugin: Any = axolotl_plugin.GuardPlugin()
    assert isinstance(plugin, BasePlugin) is True
    trainer = SimpleNamespace(callback_handler=SimpleNamespace(callbacks=[]))
    (guard,) = plugin.add_callbacks_post_trainer(None, trainer)
    assert isinstance(guard, Guard)
    trainer.callback_handler.callbacks.append(guard)
    assert plugin.add_callbacks_post_trainer(None, trainer) == []
    with pytest.raises(AttributeError):
        _ = axolotl_plugin.Nothing
