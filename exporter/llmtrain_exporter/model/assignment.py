"""What an operator says of a run by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the rules say of one run. `profile` None: it is found from the log."""

    name: str
    profile: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
