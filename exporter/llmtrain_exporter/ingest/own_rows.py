"""Which of the dicts in a printed log are the trainer's: reward functions print dicts of their own."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.ingest import values
from llmtrain_exporter.knowledge import row

_OWN = frozenset(("loss", "epoch", "eval_loss", *row.FINAL, *row.SUMMARY))
"""What the rows of trainers have, each of them one of these."""


class OwnRows:
    """Learns from the rows of one log what they look like."""

    def __init__(self) -> None:
        self._seen = False  # a row that is certainly the trainer's

    def fits(self, cells: Mapping[str, object]) -> bool:
        """Whether a row is the trainer's. Without its usual keys only where no other is, and all numbers."""
        if not _OWN.isdisjoint(cells):
            self._seen = True
            return True
        return not self._seen and all(values.number(cell) is not None for cell in cells.values())
