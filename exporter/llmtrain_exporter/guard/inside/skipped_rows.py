"""What rows of a training say when updates of it were skipped: what did not happen is left out of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from llmtrain_exporter.knowledge import guard_limits as limits

Row = Mapping[str, object]


class SkippedRows:
    """Of one training. It is told of each update that is skipped, and asked about each row of training."""

    def __init__(self) -> None:
        self._skipped = False  # whether an update was, since the last row
        self._in_a_row = 0  # rows with skipped updates
        self._loss_is_lost = False

    def note(self) -> None:
        """An update was skipped."""
        self._skipped = True

    def as_it_happened(self, row: Row) -> Row:
        """A row without what an update would have done that was skipped, unless each one is.

        A trainer takes the sum of its losses from itself, and NaN from NaN leaves NaN: with
        `logging_nan_inf_filter` off each later loss is NaN. While gradients are numbers that says nothing.
        """
        skipped, self._skipped = self._skipped, False
        self._in_a_row = self._in_a_row + 1 if skipped else 0
        self._loss_is_lost = (skipped or self._loss_is_lost) and _is_no_number(row.get("loss"))
        if 0 < self._in_a_row <= limits.SKIPPED_ROWS_PASSED:
            return _without(row, lambda name, value: name == "grad_norm" or _is_no_number(value))
        if self._loss_is_lost and not skipped and not _is_no_number(row.get("grad_norm", math.nan)):
            return _without(row, lambda name, _: name == "loss")
        return row


def _without(row: Row, leaves_out: Callable[[str, object], bool]) -> Row:
    return {name: value for name, value in row.items() if not leaves_out(name, value)}


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
