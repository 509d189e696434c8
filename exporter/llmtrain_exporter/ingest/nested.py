"""Nested numbers of trackers, `{"train": {"loss": 1.9}}`, under the names that they are shown by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from llmtrain_exporter.ingest import known_keys
from llmtrain_exporter.ingest.phases import MOST_NAMES, is_evaluation
from llmtrain_exporter.ingest.tracked_rows import is_place

DEEPEST = 8
"""Levels that are told apart; deeper ones only come from hostile logs."""

_MEDIA = "_type"  # of W&B's and trackio's own objects: histograms, tables, pictures


def flat_cells(cells: Mapping[str, object]) -> dict[str, object]:
    """The cells of a row, those of objects in it by themselves; pictures and histograms are left out."""
    return dict(_leaves(cells, (), DEEPEST))


def _leaves(
    cells: Mapping[str, object], above: tuple[str, ...], deepest: int
) -> Iterator[tuple[str, object]]:
    for name, cell in cells.items():
        path = (*above, name)
        if not isinstance(cell, dict):
            yield shown_key(path), cell
        elif deepest and _MEDIA not in cell:
            yield from _leaves(cell, path, deepest - 1)


@lru_cache(MOST_NAMES)
def shown_key(path: tuple[str, ...]) -> str:
    """The name of what stands there: as trainers and SwanLab join it, if that is known, else as W&B does."""
    if len(path) == 1:
        return path[0]
    key = "/".join(path)
    known = is_place(key) or is_evaluation(key) or any(known_keys.candidates(key, False, frozenset()))
    return key if known else ".".join(path)
