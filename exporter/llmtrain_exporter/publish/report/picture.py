"""A chart in a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmtrain_exporter.draw.chart import ChartPanel, Marks
from llmtrain_exporter.story.blocks import Block, Figure, Section


@dataclass(frozen=True)
class Picture(Figure):
    """A figure, and what is drawn in it."""

    panels: tuple[ChartPanel, ...]
    marks: Marks


def pictures(blocks: Iterable[Block]) -> Iterator[Picture]:
    """All of them, in their order."""
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Section):
            yield from pictures(block.blocks)
