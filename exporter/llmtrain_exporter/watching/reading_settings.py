"""What is asked of the settings where logs are read and judged, and the answers where nobody has set any.

To load what checks settings takes a third of a start, and most who read a log have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.model.assignment import Assignment


class ReadingSettings(Protocol):
    """What concerns the reading and judging of logs, as the `Settings` have it."""

    @property
    def logging_steps(self) -> int | None:
        """Steps from one record to the next where a log does not say so."""

    @property
    def printed_logs(self) -> tuple[str, ...]:
        """The operator's names of printed logs."""

    @property
    def finds_printed_logs(self) -> bool:
        """Whether printed logs are looked for by their content."""

    @property
    def known_profiles(self) -> Mapping[str, Profile]:
        """All profiles by name."""

    def assign(self, run: str, /) -> Assignment:
        """What the rules say of a run that its folder names so."""


class NothingSet:
    """The settings of which each is as it is by default."""

    logging_steps: int | None = None
    printed_logs: tuple[str, ...] = ()
    finds_printed_logs = True
    known_profiles: Mapping[str, Profile] = BUILT_IN

    def assign(self, run: str) -> Assignment:
        """Nothing more than the name that it has."""
        return Assignment(run)
