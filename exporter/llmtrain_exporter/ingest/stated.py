"""Settings that a tracker keeps as its trainer gave them: nested, and under the trainer's own names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from llmtrain_exporter.ingest.arguments import DEEPEST, ArgumentFile, parse_nested_yaml
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import PRODUCERS, VERL

KNOWN = (*PRODUCERS, VERL)
"""Trainers that may be known by their settings."""

LEAST_TOLD = 3
"""Settings under one trainer's names that show that it is that trainer."""


def producer_of(stated: Mapping[str, object], known: Iterable[Producer] = KNOWN) -> Producer | None:
    """The trainer whose nested settings these are; None where they are nobody's."""
    flat = flattened(stated)
    told = {producer: len(_told(flat, producer)) for producer in known}
    most = max(told, key=lambda producer: told[producer], default=None)
    return most if most is not None and told[most] >= LEAST_TOLD else None


def in_common_words(stated: Mapping[str, object], known: Iterable[Producer] = KNOWN) -> Mapping[str, object]:
    """The settings, those under a trainer's nested names also under the name that all share."""
    producer = producer_of(stated, known)
    if producer is None:
        return stated
    return {**_told(flattened(stated), producer), **stated}


def hydra_settings(content: bytes) -> Mapping[str, object]:
    """What a config.yaml says that Hydra leaves of a run, also under the names that all share."""
    return in_common_words(parse_nested_yaml(content))


def flattened(stated: Mapping[str, object]) -> Mapping[str, object]:
    """Nested settings with the names of their parts joined by dots; some trackers join them by slashes."""
    return {key.replace("/", "."): value for key, value in _leaves(stated, "", DEEPEST)}


def _leaves(settings: Mapping[str, object], above: str, deepest: int) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, dict) and deepest:
            yield from _leaves(value, f"{above}{key}.", deepest - 1)
        else:
            yield f"{above}{key}", value


def _told(flat: Mapping[str, object], producer: Producer) -> dict[str, object]:
    """What is set under this trainer's names, those that are nested: others may be anybody's."""
    names = {setting: name for setting, name in producer.flags.items() if "." in name}
    return {setting: flat[name] for setting, name in names.items() if name in flat}


_HYDRA = ".hydra/config.yaml"
HYDRA_FILES = (
    ArgumentFile(_HYDRA, hydra_settings),
    *(
        ArgumentFile(
            f"{where}outputs/*/*/{_HYDRA}", hydra_settings, alone=True
        )  # by day and time of the start
        for where in ("", "../")
    ),
)
"""What Hydra leaves of the run whose logs lie beside it, or beside the folder of its outputs."""
