"""Keeps what goes wrong in the guard from the training that it stands in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_logger = logging.getLogger(__name__)


class Fence:
    """Runs the guard's own code. After its first error nothing more is tried behind it."""

    def __init__(self, what: str) -> None:
        """`what` stands aside then, for people."""
        self._what = what
        self.closed = False

    def run(self, work: Callable[[], T], otherwise: T) -> T:
        """What `work` gives; `otherwise` when it fails, or something did before."""
        return otherwise if self.closed else self.try_anyway(work, otherwise)

    def try_anyway(self, work: Callable[[], T], otherwise: T) -> T:
        """The same, even after an error: for what other ranks wait for."""
        try:
            return work()
        except Exception as error:  # whatever it is, the training goes on
            self.close(error)
            return otherwise

    def close(self, error: Exception) -> None:
        """Stand aside; the first time that is told, with the way to the error for whoever debugs."""
        if not self.closed:
            self.closed = True
            _logger.warning(
                "llmtrain-exporter: %s stands aside, the training goes on: %s: %s",
                self._what,
                type(error).__name__,
                error,
            )
            _logger.debug("where it came from", exc_info=error)
