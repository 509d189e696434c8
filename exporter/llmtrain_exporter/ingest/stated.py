"""Settings that a tracker keeps as its trainer gave them: nested, and under the trainer's own names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmtrain_exporter.ingest.settings_text import flattened
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


def _told(flat: Mapping[str, object], producer: Producer) -> dict[str, object]:
    """What is set under this trainer's names, those that are nested: others may be anybody's."""
    names = {setting: name for setting, name in producer.flags.items() if "." in name}
    return {setting: flat[name] for setting, name in names.items() if name in flat}
