"""What stands at the axes of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmtrain_exporter.knowledge.numerals import number

if TYPE_CHECKING:
    from matplotlib.ticker import Formatter


def tick_labels() -> Formatter:
    """Numbers as everything else writes them, where that tells the ticks apart; else matplotlib's own."""
    from matplotlib.ticker import ScalarFormatter

    class _AsEverywhere(ScalarFormatter):
        def format_ticks(self, values: list[float]) -> list[str]:
            texts = [number(value) for value in values]
            return texts if len(set(texts)) == len(texts) else list(super().format_ticks(values))

    return _AsEverywhere()
