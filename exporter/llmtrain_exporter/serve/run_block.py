"""The texts of some runs, a text for each metric family, where only what changed is written again."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate

from llmtrain_exporter.serve.deflate import KeptText
from llmtrain_exporter.serve.run_lines import Sheet

BLOCK = 256
"""Runs in a block: the unit in which texts are kept and spliced."""


class RunBlock:
    """The lines of up to 256 runs: a text for each family, and how many bytes of it are whose."""

    __slots__ = ("_changing", "_families", "_lengths", "_packed", "changed", "lasting", "texts")

    def __init__(self) -> None:
        self.texts: dict[int, KeptText] = {}  # by family; those that have lines
        self._lengths: dict[int, array[int]] = {}  # the same, bytes of each run; empty where they are packed
        self._families: tuple[int, ...] = ()
        self._packed = b""
        self.changed: dict[int, Sheet] = {}  # by place, since it was settled last
        self._changing = False  # it had changed when it was settled last
        self.lasting = True  # it does not change from one scrape to the next, and then again

    def settle(self) -> None:
        """Write what changed into the texts."""
        changed = bool(self.changed)
        self.lasting, self._changing = not (changed and self._changing), changed
        fresh = [(place, sheet.lines()) for place, sheet in sorted(self.changed.items())]
        self.changed.clear()
        if fresh:
            self._lengths, self._packed = self._laid_out(), b""
        for family in self.texts.keys() | {family for _, lines in fresh for family in lines}:
            if fresh:
                self._splice(family, [(place, lines.get(family, b"")) for place, lines in fresh])

    def pack(self) -> bool:
        """Keep the texts compressed alone; whether any was not."""
        packed = [text for text in self.texts.values() if text.pack()]
        if self._lengths:
            self._families = tuple(self._lengths)
            self._packed = zlib.compress(b"".join(self._lengths.values()), 1)
            self._lengths = {}
        return bool(packed)

    def _laid_out(self) -> dict[int, array[int]]:
        """How many bytes of the text of each family are whose."""
        if not self._packed:
            return self._lengths
        lengths = array("I", zlib.decompress(self._packed))
        return {family: lengths[at * BLOCK : (at + 1) * BLOCK] for at, family in enumerate(self._families)}

    def lines(self, place: int) -> bytes:
        """The lines of one run, as they were settled last."""
        return b"".join(self._lines(place))

    def _lines(self, place: int) -> Iterator[bytes]:
        for family, lengths in sorted(self._laid_out().items()):
            if lengths[place]:
                start = sum(lengths[:place])
                yield self.texts[family].plain()[start : start + lengths[place]]

    def _splice(self, family: int, fresh: Sequence[tuple[int, bytes]]) -> None:
        known = self.texts.get(family)
        text, lengths = memoryview(b"" if known is None else known.plain()), self._lengths.get(family)
        if lengths is None:
            lengths = self._lengths[family] = array("I", [0]) * BLOCK
        ends = list(accumulate(lengths, initial=0))
        parts: list[bytes | memoryview] = []
        copied = 0
        for place, lines in fresh:
            parts += text[copied : ends[place]], lines
            copied = ends[place + 1]
            lengths[place] = len(lines)
        spliced = b"".join((*parts, text[copied:]))
        if spliced:
            self.texts[family] = KeptText(spliced)
        else:
            self.texts.pop(family, None)
            del self._lengths[family]
