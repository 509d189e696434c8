"""The texts of some runs, a text for each metric family, where only what changed is written again."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate

from llmtrain_exporter.serve.deflate import KeptText
from llmtrain_exporter.serve.run_lines import Sheet

BLOCK = 256
"""Runs in a block: the unit in which texts are kept and spliced."""


class RunBlock:
    """The lines of up to 256 runs: a text for each family, and how many bytes of it are whose."""

    __slots__ = ("_changing", "_lengths", "changed", "lasting", "texts")

    def __init__(self) -> None:
        self.texts: dict[int, KeptText] = {}  # by family; those that have lines
        self._lengths: dict[int, array[int]] = {}
        self.changed: dict[int, Sheet] = {}  # by place, since it was settled last
        self._changing = False  # it had changed when it was settled last
        self.lasting = True  # it does not change from one scrape to the next, and then again

    def settle(self) -> None:
        """Write what changed into the texts."""
        changed = bool(self.changed)
        self.lasting, self._changing = not (changed and self._changing), changed
        fresh = [(place, sheet.lines()) for place, sheet in sorted(self.changed.items())]
        self.changed.clear()
        for family in self.texts.keys() | {family for _, lines in fresh for family in lines}:
            if fresh:
                self._splice(family, [(place, lines.get(family, b"")) for place, lines in fresh])

    def pack(self) -> None:
        """Keep the texts compressed alone."""
        for text in self.texts.values():
            text.deflated()
            text.pack()

    def lines(self, place: int) -> bytes:
        """The lines of one run, as they were settled last."""
        return b"".join(self._lines(place))

    def _lines(self, place: int) -> Iterator[bytes]:
        for family, lengths in sorted(self._lengths.items()):
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
