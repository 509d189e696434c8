"""The names under which writers of event files log what a trainer calls otherwise."""

from __future__ import annotations

import re
from functools import lru_cache

from llmtrain_exporter.ingest import known_keys
from llmtrain_exporter.knowledge.row import EVAL_PREFIX

MOST_TAGS = 1 << 14
"""That are remembered; more only come from hostile or broken logs."""

_OTHER_AXES = re.compile(r"[ _]vs[ _](?:samples|tokens)\Z")
"""Megatron logs a number again by what was consumed."""

_SECONDS_AXIS = "ray/"
"""NeMo-RL logs these by seconds."""

_VALIDATION = re.compile(r"(?P<loss>(?:[^ _]{1,100}[ _])?loss)[ _]validation(?P<ppl>[ _]ppl)?\Z")
"""Megatron's, as `lm loss validation`: no prefix says that it is of an evaluation."""


_SPLIT_LAST = re.compile(
    r"(?P<name>loss|accuracy|perplexity)/(?:(?P<train>train|training)|val|valid|validation|eval|test)",
    re.IGNORECASE,
)
"""As loops that people write themselves have it, after the examples of SummaryWriter."""


@lru_cache(MOST_TAGS)
def key_of(tag: str) -> str | None:
    """The key that a tag stands for; None where it is logged on an axis that is not the training's.

    SummaryWriter puts an underscore for each character that is no letter, digit, dot, dash or slash.
    """
    if tag.startswith(_SECONDS_AXIS) or _OTHER_AXES.search(tag):
        return None
    split_last = _SPLIT_LAST.fullmatch(tag)
    if split_last:
        return ("" if split_last["train"] else EVAL_PREFIX) + split_last["name"].lower()
    validation = _VALIDATION.fullmatch(tag)
    if validation:
        plain = validation["loss"].replace(" ", "_") + ("_PPL" if validation["ppl"] else "")
        return EVAL_PREFIX + known_keys.with_odd_characters(plain)
    return known_keys.with_odd_characters(tag)
