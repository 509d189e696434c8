"""Rows of JSON whose keys and kinds of cells are known before: parsed for half of what any row costs.

A parser that knows what comes makes no dict, looks up no key, and stops at the first cell that is of another
kind. So rows that it has read need no look at what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Any

Kinds = tuple[type, ...]
Column = tuple[Any, ...]

MOST_KEYS = 512
"""Of rows for which there is a decoder."""

DECODERS_KEPT = 64
"""Those that runs share; a run has two or three."""

_KINDS: Mapping[type, type] = {float: float, int: float, str: str}
"""What a cell is read as: a number without a fraction stands among others that have one."""


class RowDecoder:
    """Reads rows with certain keys and cells of certain kinds: numbers as float, steps as int, and text."""

    def __init__(self, keys: tuple[str, ...], kinds: Kinds) -> None:
        """`kinds`: float, int or str, one for each key."""
        self.keys = keys
        self.kinds = kinds

    def columns(self, lines: Iterable[bytes]) -> tuple[Column, ...]:
        """The cells of such rows, a column for each key, up to the first line that is none."""
        decode, cells, refused = self._made
        rows: list[Any] = []
        with suppress(refused):  # the rows before such a line are there
            rows.extend(map(decode, lines))
        return tuple(zip(*map(cells, rows), strict=True))

    @cached_property
    def _made(self) -> tuple[Callable[[bytes], Any], Callable[[Any], tuple[Any, ...]], type[Exception]]:
        """What reads a line as an object, what takes the cells from it, and what any other line raises."""
        import msgspec  # takes as long to load as a thousand rows to read, and most logs are shorter

        fields = [
            (f"cell_{at}", kind, msgspec.field(name=key))
            for at, (key, kind) in enumerate(zip(self.keys, self.kinds, strict=True))
        ]
        row = msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False)
        return msgspec.json.Decoder(row).decode, msgspec.structs.astuple, msgspec.DecodeError


def decoder_for(row: Mapping[str, object], steps: Iterable[str]) -> RowDecoder | None:
    """One for rows like this one; None where there can be none. `steps`: keys of whole numbers."""
    kinds = {key: _KINDS.get(type(cell)) for key, cell in row.items()}
    kinds |= {key: int for key in steps if type(row[key]) is int}
    known = tuple(kind for kind in kinds.values() if kind is not None)
    readable = 0 < len(known) == len(row) <= MOST_KEYS and all(map(_is_plain, row))
    return _shared(tuple(row), known) if readable else None


def _is_plain(key: str) -> bool:
    """Whether a key stands in JSON as it is."""
    return key.isprintable() and not ('"' in key or "\\" in key)


@lru_cache(maxsize=DECODERS_KEPT)
def _shared(keys: tuple[str, ...], kinds: Kinds) -> RowDecoder:
    """One for all runs."""
    return RowDecoder(keys, kinds)
