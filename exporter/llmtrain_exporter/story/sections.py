"""The sections of a story, and which of them a small output leaves out first."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.story.blocks import DETAIL, Block, Part, Section

RANKS: Mapping[Part, int] = {
    Part.VERDICT: 0,
    Part.REASON: 0,
    Part.FACTS: 1,
    Part.INCIDENTS: 1,
    Part.GUARD: 1,
    Part.ACTIONS: 2,
    Part.CAUSES: 3,
    Part.FINDINGS: 4,
    Part.METRICS: 5,
    Part.PROGRESS: DETAIL,
    Part.FLAGS: DETAIL,
    Part.CHECKS: DETAIL,
    Part.SETTINGS: DETAIL + 1,
}
"""Of the section with the highest rank the last item goes first; those from `DETAIL` on many leave out."""


def section_of(
    part: Part, lang: Lang, title: Text | None, *blocks: Block, rank: int | None = None
) -> Section:
    """A section, below a heading where it needs one. `rank`: if not that of all sections of the part."""
    heading = None if title is None else title.of(lang)
    return Section(part, heading, blocks, RANKS[part] if rank is None else rank)
