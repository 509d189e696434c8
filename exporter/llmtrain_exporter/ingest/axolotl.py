"""Axolotl's config: the YAML that a training is started with, and what it prints of that at its begin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from llmtrain_exporter.ingest.encoding import as_utf8
from llmtrain_exporter.ingest.prefixes import without_prefixes
from llmtrain_exporter.ingest.settings_text import flattened, parse_nested_yaml
from llmtrain_exporter.ingest.wrappers import unwrapped
from llmtrain_exporter.knowledge.trainer_arguments import spelling

_NAMES = (
    *spelling.AXOLOTL.items(),
    *spelling.AXOLOTL_RL.items(),
    ("model", "base_model"),
    ("train_type", "adapter"),
    ("rlhf_type", "rl"),
)
"""What all call a setting, and Axolotl; the last that is there counts, for its GRPO has a part of its own."""

_OPENING = b"config:\n{"
_NOTHING: Mapping[str, object] = MappingProxyType({})


def config_settings(content: bytes) -> Mapping[str, object]:
    """Of a YAML file; nothing where it is not Axolotl's."""
    return _in_common_words(parse_nested_yaml(content))


def printed_settings(content: bytes) -> Mapping[str, object]:
    """Of the begin of a printed log, as JSON behind `config:`. Source: axolotl 0.19.0, cli/config.py."""
    text = as_utf8(content)
    if b"axolotl" not in text:
        return _NOTHING
    lines = unwrapped(text).replace(b"\r\n", b"\n").split(b"\n")
    before, opening, rest = b"\n".join(map(without_prefixes, lines)).partition(_OPENING)
    if not (opening and b"axolotl" in before.rpartition(b"\n")[2]):
        return _NOTHING
    try:
        stated, _ = json.JSONDecoder().raw_decode("{" + rest.decode(errors="replace"))
    except (ValueError, RecursionError):
        return _NOTHING
    return _in_common_words(flattened(stated))


def _in_common_words(flat: Mapping[str, object]) -> Mapping[str, object]:
    if not ("base_model" in flat and "micro_batch_size" in flat):
        return _NOTHING
    return {setting: flat[name] for setting, name in _NAMES if flat.get(name) is not None}
