"""Folders of event files that hold nothing but what was evaluated: `validation` beside `train`.

Keras writes such pairs, SummaryWriter.add_scalars a folder for each of its numbers. What is called `loss` in
them is not the loss of a training.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

MOST_FOLDERS = 4096
"""Entries of a folder among which such folders are looked for."""

_EVALUATED = re.compile(r"(?P<stem>.*[-_.])?(?:val|valid|validation|eval|evaluation|test)", re.IGNORECASE)
_TRAINED = re.compile(r"(?P<stem>.*[-_.])?train(?:ing)?", re.IGNORECASE)
_BELOW = frozenset(("val", "valid", "validation", "eval"))  # of a training that writes above them

HasEvents = Callable[[str], bool]
"""Whether event files lie in a folder."""


def training_of(folder: str, has_events: HasEvents) -> str | None:
    """The folder of the training whose evaluations a folder holds; None: its event files are any."""
    parent, name = os.path.split(folder)
    found = _EVALUATED.fullmatch(name)
    if found is None:
        return None
    stem = found["stem"] or ""
    pairs = (os.path.join(parent, stem + phase) for phase in ("train", "training", "Train", "Training"))
    above = (parent,) if name.lower() in _BELOW else ()
    return next((each for each in (*pairs, *above) if has_events(each)), None)


def evaluations_of(folder: str, has_events: HasEvents) -> list[str]:
    """The folders that hold evaluations of the training in a folder. Raises OSError."""
    beside = os.path.dirname(folder) if _TRAINED.fullmatch(os.path.basename(folder)) else None
    candidates = (each for place in (beside, folder) if place for each in _called_so(place))
    return sorted(each for each in candidates if has_events(each) and training_of(each, has_events) == folder)


def _called_so(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for _, entry in zip(range(MOST_FOLDERS), entries, strict=False):
            if _EVALUATED.fullmatch(entry.name) and entry.is_dir():
                yield entry.path
