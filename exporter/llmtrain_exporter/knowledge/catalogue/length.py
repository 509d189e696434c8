"""How long completions are, and how many are cut off."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry
from llmtrain_exporter.knowledge.metric import Group, Key

_L = Group.LENGTH

COMPLETION_LENGTH = entry(
    "completion_length_tokens",
    _L,
    "Length of the generated completions, in tokens.",
    "completions/{}_length",
    "tokens/responses_len_{}",
    Key("completion_length", fixed="mean"),
    label="stat",
    split=True,
    essential=True,
)
COMPLETION_CLIPPED = entry(
    "completion_clipped_ratio",
    _L,
    "Share of completions cut off at the length limit.",
    "completions/clipped_ratio",
    "response_clip_ratio",
    "completions/truncated_fraction",
    split=True,
)

METRICS = (COMPLETION_LENGTH, COMPLETION_CLIPPED)
