"""Training arguments that a program prints before it begins: `TrainingArguments(logging_steps=10, ...)`.

Source: transformers 4.57, the `__str__` of TrainingArguments: a line each; its `repr` has all in one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmtrain_exporter.ingest.encoding import as_utf8
from llmtrain_exporter.ingest.settings_text import scalar
from llmtrain_exporter.ingest.wrappers import unwrapped

LARGEST = 64 << 10
"""Bytes of the arguments of one trainer."""

_OPENING = re.compile(
    rb"\b\w{0,40}(?:TrainingArguments|(?:SFT|DPO|GRPO|RLOO|ORPO|KTO|CPO|GKD|PPO|Reward|PRM)Config)\("
)
_END = re.compile(rb"\n[^\n=]{0,400}?\)[ \t\r]*(?=\n|\Z)")
_ARGUMENT = re.compile(
    r"""\b(?P<name>[a-z]\w{1,60})=(?P<value>'[^'\n]{0,400}'|"[^"\n]{0,400}"|[^\s,(){}\[\]<>'"=]{1,80})(?=[,)\s]|\Z)"""
)
_MEMBER = re.compile(r"[A-Z]\w{0,40}\.(\w{1,40})")  # of an Enum


def printed_arguments(content: bytes) -> Mapping[str, object]:
    """By their names there, of the begin of a printed log; those that are printed last count."""
    text = as_utf8(content)
    found: dict[str, object] = {}
    for opening in _OPENING.finditer(text):
        found.update(_arguments(text[opening.end() : opening.end() + LARGEST]))
    if str(found.get("logging_strategy", "steps")) != "steps":
        found.pop("logging_steps", None)
    return found


def _arguments(text: bytes) -> Mapping[str, object]:
    """What stands behind the opening, up to its end: of the line, or a bracket on one of its own."""
    line, _, _ = text.partition(b"\n")
    end = _END.search(text)
    inside = line if b"=" in line else text[: end.start()] if end else b""
    arguments = unwrapped(inside).decode(errors="replace")
    return {each["name"]: _value(each["value"]) for each in _ARGUMENT.finditer(arguments)}


def _value(text: str) -> object:
    member = _MEMBER.fullmatch(text)
    return member[1].lower() if member else scalar(text.strip("'\""))
