"""Which of the dicts in a printed log are the trainer's: reward functions print dicts of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from llmtrain_exporter.ingest import values
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.python_dict import UNREADABLE
from llmtrain_exporter.knowledge import row

_OPTIMISER = frozenset(("learning_rate", "lr", "grad_norm"))
"""What only a trainer knows."""
_CLOSING = frozenset((*row.FINAL, *row.SUMMARY))
_LOSS = "loss"
_ALIKE = 0.5
"""The share of the keys of a trainer's row that another one has at least, with a loss if that has one."""


class OwnRows:
    """The grammar of one log without dicts that are not the trainer's, which it learns to know."""

    def __init__(self, grammar: Callable[[bytes], Sequence[LogRow]]) -> None:
        self._grammar = grammar
        self._keys: frozenset[str] = frozenset()  # of the last row that was the trainer's
        self._position = 0.0  # of the last row of which nothing but that spoke for a trainer

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The trainer's rows in a line."""
        found = self._grammar(line)
        return [cells for cells in found if self._fits(cells)] if found else found

    def _fits(self, cells: LogRow) -> bool:
        """Whether a row is the trainer's."""
        if not _OPTIMISER.isdisjoint(cells):
            self._learn(cells)
            return True
        if not _CLOSING.isdisjoint(cells) or any(key.startswith(row.EVAL_PREFIX) for key in cells):
            return True
        return self._is_alike(cells) if self._keys else self._may_fit(cells)

    def _learn(self, cells: Mapping[str, object]) -> None:
        if self._keys != cells.keys():
            self._keys = frozenset(cells)

    def _is_alike(self, cells: Mapping[str, object]) -> bool:
        """Whether a row has enough of what the trainer's have; of one that is cut off nobody knows."""
        cut = cells.get("epoch") is UNREADABLE
        lossless = _LOSS in self._keys and _LOSS not in cells
        return cut or (not lossless and len(self._keys & cells.keys()) >= _ALIKE * len(self._keys))

    def _may_fit(self, cells: Mapping[str, object]) -> bool:
        """Without a row to compare: one with a loss and a place, or of numbers alone that goes forward.

        What an environment prints counts from 0, over and over.
        """
        positions = list(_positions(cells))
        if _LOSS in cells and positions:
            self._learn(cells)
            return True
        numbers = [values.number(cell) for cell in cells.values()]
        forward = any(number is not None and 0 < number >= self._position for number in positions)
        if None in numbers or not forward:
            return False
        self._position = max(number for number in positions if number is not None)
        return True


def _positions(cells: Mapping[str, object]) -> Iterator[float | None]:
    """Where in the run a row says that it stands."""
    return (values.number(cells[key]) for key in row.POSITION if key in cells)
