"""Commands that start trainings: which trainer they run, and what is set in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from pathlib import Path

from llmtrain_exporter.guard.launch.settings_files import SUFFIXES, SettingsFile, read_settings_file
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import AXOLOTL, LLAMAFACTORY, SWIFT, TRANSFORMERS


class Program(Enum):
    """What a command runs, by the way in which it takes settings."""

    SWIFT = "ms-swift"
    TRL = "TRL"
    LLAMAFACTORY = "LLaMA-Factory"
    AXOLOTL = "Axolotl"
    SCRIPT = "a script"  # takes those settings for which the command has flags, or a file; no others for sure
    OTHER = "another program"  # a shell script, say: nobody knows which settings it takes


PRODUCERS: Mapping[Program, Producer] = {
    Program.SWIFT: SWIFT,
    Program.TRL: TRANSFORMERS,
    Program.LLAMAFACTORY: LLAMAFACTORY,
    Program.AXOLOTL: AXOLOTL,
    Program.SCRIPT: TRANSFORMERS,
    Program.OTHER: TRANSFORMERS,
}
"""Whose names settings have there."""

_TRL_COMMANDS = (
    *("distillation", "dpo", "gkd", "grpo", "kto", "nash_md", "online_dpo", "orpo", "prm", "reward"),
    *("rloo", "sft", "xpo"),
)
_COMMANDS = {
    SWIFT.name: (Program.SWIFT, ("sft", "rlhf", "pt")),
    "trl": (Program.TRL, _TRL_COMMANDS),
    "llamafactory-cli": (Program.LLAMAFACTORY, ("train",)),
    "lmf": (Program.LLAMAFACTORY, ("train",)),
    "axolotl": (Program.AXOLOTL, ("train",)),
}
"""Programs that train, each with those of its commands that do."""

_MODULES = {
    "swift.cli.sft": Program.SWIFT,
    "swift.cli.rlhf": Program.SWIFT,
    "swift.cli.pt": Program.SWIFT,
    "llamafactory.launcher": Program.LLAMAFACTORY,
    "axolotl.cli.train": Program.AXOLOTL,
    **{f"trl.scripts.{name}": Program.TRL for name in _TRL_COMMANDS},
}
"""What those run in the end, and some people by themselves."""

_LAUNCHERS = ("torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch")

_MODULE_RUNNERS = ("torchrun", "accelerate", "deepspeed")

_EVERYWHERE = ("srun", "mpirun", "mpiexec", "pdsh")
"""Programs that start a command on several machines at once."""

CONFIG = "--config="

_PYTHON = re.compile(r"python[\d.]*(?:w|t)?")
_ISOLATED = re.compile(r"-[bBdiOPqRsuvx]*[IES][A-Za-z]*")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_MACHINES = re.compile(r"nnodes|num_machines", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Flag:
    """A setting on a command line: `--beta 0.1`, `--beta=0.1`, `beta=0.1`, or a bare `--bf16`.

    `name` has underscores wherever the command has hyphens. `inline`: the value stands in the same word.
    """

    name: str
    at: int
    value: str | None
    inline: bool


@dataclass(frozen=True, slots=True)
class TrainingCommand:
    """A command line and what is known of it.

    `arguments_at`: from which word on they are the trainer's own. `file_at`: the word that names `file`, the
    file of settings, alone or behind "--config=". `unreadable`: a file of settings that it names, and that is
    none. `isolated`: an option by which its Python looks at no PYTHONPATH. `machines`: it begins a part of a
    training on several.
    """

    words: tuple[str, ...]
    program: Program
    arguments_at: int
    file_at: int | None = None
    file: SettingsFile | None = None
    unreadable: str = ""
    isolated: str = ""
    machines: bool = False

    @property
    def producer(self) -> Producer:
        """Whose names settings have in it."""
        return PRODUCERS[self.program]

    @property
    def flags(self) -> Sequence[Flag]:
        """The settings that stand on the command line itself."""
        return tuple(_flags(self.words, self.arguments_at))

    def setting(self, name: str) -> str | None:
        """What the command sets, by the name that the setting has there; None: it does not say."""
        given = [flag for flag in self.flags if flag.name == name]
        if given:
            return "true" if given[-1].value is None else given[-1].value
        return self.file.setting(name) if self.file is not None else None


def recognised(words: Sequence[str], folder: Path) -> TrainingCommand:
    """What a command line runs; `folder`: from where it is started, so that files in it can be found."""
    program, arguments_at = _found(words)
    file_at = _file_at(words, program, arguments_at)
    named = "" if file_at is None else words[file_at].removeprefix(CONFIG)
    file = None if file_at is None else read_settings_file(folder / named)
    return TrainingCommand(
        tuple(words),
        program,
        arguments_at,
        file_at if file is not None else None,
        file,
        named if file is None else "",
        _isolation(words[:arguments_at]),
        _is_part(words[:arguments_at]),
    )


def _found(words: Sequence[str]) -> tuple[Program, int]:
    """What trains, and where its own arguments begin; whatever stands before is its launcher's."""
    for at, word in enumerate(words):
        behind = words[at + 1] if at + 1 < len(words) else ""
        program, commands = _COMMANDS.get(Path(word).name, (Program.OTHER, ()))
        if behind.replace("-", "_") in commands:
            return program, at + 2
        if word in ("-m", "--module") and _runs_modules(words[:at]) and behind not in ("", *_LAUNCHERS):
            return _MODULES.get(behind, Program.SCRIPT), at + 2
        if word.endswith(".py"):
            return _by_path(word), at + 1
    return Program.OTHER, len(words)


def _runs_modules(words: Sequence[str]) -> bool:
    """Whether a program among these words takes `-m MODULE`: srun means something else by it."""
    names = [Path(word).name for word in words]
    return any(_PYTHON.fullmatch(name) or name in _MODULE_RUNNERS for name in names)


def _by_path(path: str) -> Program:
    """A file of a known trainer is that trainer, wherever it is installed."""
    module = ".".join(Path(path).with_suffix("").parts[-3:])
    return next((program for name, program in _MODULES.items() if module.endswith(name)), Program.SCRIPT)


def _file_at(words: Sequence[str], program: Program, begin: int) -> int | None:
    """Which word names a file of settings: the first argument, or what stands behind --config."""
    if program is Program.OTHER:
        return None
    if begin < len(words) and words[begin].endswith(SUFFIXES):
        return begin
    configured = (
        at for at in range(begin, len(words)) if words[at - 1] == "--config" or words[at].startswith(CONFIG)
    )
    return next((at for at in configured if words[at].endswith(SUFFIXES)), None)


def _flags(words: Sequence[str], begin: int) -> Iterator[Flag]:
    is_value = False  # of the flag before: "--generation_kwargs temperature=0.5" sets no temperature
    for at in range(begin, len(words)):
        dashed = words[at].startswith("--")
        name, assigned, value = words[at].removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if assigned and _NAME.fullmatch(name) and not (is_value and not dashed):
            yield Flag(name, at, value, inline=True)
        elif dashed and not assigned:
            behind = words[at + 1] if at + 1 < len(words) else "--"
            yield Flag(name, at, None if behind.startswith("--") else behind, inline=False)
        is_value = dashed and not assigned


def _isolation(words: Sequence[str]) -> str:
    """The option by which a Python among these words looks at no PYTHONPATH, or runs no sitecustomize."""
    for at, word in enumerate(words):
        if _PYTHON.fullmatch(Path(word).name):
            options = takewhile(lambda option: option.startswith("-") and option != "-m", words[at + 1 :])
            return next(filter(_ISOLATED.fullmatch, options), "")
    return ""


def _is_part(words: Sequence[str]) -> bool:
    """Whether this begins one part of a training of several; what starts all of them begins the whole."""
    if any(Path(word).name in _EVERYWHERE for word in words):
        return False
    return any(_several(*each) for each in _machines(words))


def _machines(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is said before the trainer's own arguments, by name: `--nnodes 2`, `NNODES=2`."""
    for at, word in enumerate(words):
        name, assigned, value = word.partition("=")
        yield name, value if assigned else (words[at + 1] if at + 1 < len(words) else "")


def _several(name: str, value: str) -> bool:
    """Whether that says that more machines than one train together; of "1:4" the most counts."""
    most = value.rpartition(":")[2]
    return (
        _MACHINES.fullmatch(name.replace("-", "_").strip("_")) is not None
        and most.isdecimal()
        and int(most) > 1
    )
