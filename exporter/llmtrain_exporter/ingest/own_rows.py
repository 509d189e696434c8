"""Which of the dicts in a printed log are the trainer's: reward functions print dicts of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmtrain_exporter.ingest import values
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge import row

_OWN = frozenset(("loss", "epoch", "eval_loss", *row.FINAL, *row.SUMMARY))
"""What the rows of trainers have, each of them one of these."""


class OwnRows:
    """The grammar of one log without dicts that are not the trainer's, which it learns to know."""

    def __init__(self, grammar: Callable[[bytes], Sequence[LogRow]]) -> None:
        self._grammar = grammar
        self._seen = False  # a row that is certainly the trainer's

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The trainer's rows in a line."""
        found = self._grammar(line)
        return [cells for cells in found if self._fits(cells)] if found else found

    def _fits(self, cells: LogRow) -> bool:
        """Whether a row is the trainer's. Without its usual keys only where no other is, and all numbers."""
        if not _OWN.isdisjoint(cells):
            self._seen = True
            return True
        return not self._seen and all(values.number(cell) is not None for cell in cells.values())
