"""What there is to know of the trainer that calls: where it is, its settings, whose it is."""

from __future__ import annotations

from types import FrameType
from typing import Any

from llmtrain_exporter.ingest.white_list import select
from llmtrain_exporter.knowledge import arguments, producers
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import HyperParameters

_FRAMES = 32  # between a callback and the method of the trainer that called it there are five or so

_BY_PACKAGE = {producer.name: producer for producer in producers.PRODUCERS}
"""Unsloth compiles trainers into packages of its own, whose names begin with its name."""


def trainer_above(frame: FrameType | None, callback: object) -> Any | None:
    """The trainer that is calling `callback`: whoever made that gave it none. None: nobody like that."""
    for _ in range(_FRAMES):
        if frame is None:
            return None
        found = frame.f_locals.get("self")
        handler = getattr(found, "callback_handler", None)
        if any(each is callback for each in getattr(handler, "callbacks", ())):
            return found
        frame = frame.f_back
    return None


def producer_of_trainer(trainer: object) -> Producer:
    """Whose trainer it is, by the packages of its classes; Transformers' and what is built on it else."""
    modules = [each.__module__.lower() for each in type(trainer).__mro__]
    found = (known for module in modules for name, known in _BY_PACKAGE.items() if module.startswith(name))
    return next(found, producers.TRANSFORMERS)


def settings_of_trainer(trainer: object, args: object, model: object) -> HyperParameters:
    """The white-listed settings of a trainer, from its arguments; those that it holds itself are in force."""
    names = {*arguments.NUMBERS, *arguments.TRUTHS, *arguments.WITHOUT_GPUS, *arguments.UNSHOWN_TRUTHS}
    names |= {*arguments.UNSHOWN_NUMBERS, *arguments.UNSHOWN_TEXTS}
    names |= {
        alias for aliases in (*arguments.ALIASES.values(), *arguments.TEXTS.values()) for alias in aliases
    }
    found = {name: _value(args, name) for name in names}
    found |= {name: value for name in ("beta",) if (value := _value(trainer, name)) is not None}
    found.setdefault(arguments.GPUS, None)
    if found[arguments.GPUS] is None:
        found[arguments.GPUS] = _value(args, "world_size")
    if found.get("model") is None:
        found["model"] = _value(_value(model, "config"), "_name_or_path")
    return select({name: value for name, value in found.items() if value is not None})


def _value(of: object, name: str) -> object:
    """An attribute; of an enumeration its value; None where there is none, or asking fails."""
    try:
        value = getattr(of, name, None)
    except Exception:  # a property of the trainer's own, which may do anything
        return None
    return getattr(value, "value", value)
