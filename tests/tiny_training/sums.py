"""The task: `3+4=` is to be answered with `[7]`; its rows, and rewards for what a model said."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DIGITS = range(5)
SUMS = tuple((a, b) for a in DIGITS for b in DIGITS)
ANSWER = re.compile(r"\[(\d+)\]")
FORMAT_REWARD = 0.2

Message = Mapping[str, str]
Said = str | Sequence[Message]
"""A completion: text in ms-swift, messages in TRL."""


def asked(a: int, b: int) -> list[Message]:
    """The prompt."""
    return [{"role": "user", "content": f"{a}+{b}="}]


def answered(total: int) -> str:
    """The completion."""
    return f"[{total}]"


def rewarded_rows(count: int, chance: random.Random) -> Iterator[dict[str, object]]:
    """Prompts with what the rewards compare with."""
    for _ in range(count):
        a, b = chance.choice(SUMS)
        yield {"messages": asked(a, b), "solution": str(a + b)}


def supervised_rows(count: int, chance: random.Random) -> Iterator[dict[str, object]]:
    """Conversations to learn from."""
    for _ in range(count):
        a, b = chance.choice(SUMS)
        yield {"messages": [*asked(a, b), {"role": "assistant", "content": answered(a + b)}]}


def write_rows(path: Path, rows: Iterator[dict[str, object]]) -> None:
    """One JSON object a line."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def well_formed(completions: Sequence[Said], **_: Any) -> list[float]:
    """A small reward for an answer in its form, whatever it says."""
    return [FORMAT_REWARD if ANSWER.fullmatch(_text(said)) else 0.0 for said in completions]


def right(completions: Sequence[Said], solution: Sequence[str], **_: Any) -> list[float]:
    """1 for a right answer."""
    return [float(is_right(_text(said), told)) for said, told in zip(completions, solution, strict=True)]


def is_right(said: str, solution: str) -> bool:
    """Whether the first answer in a text is the solution."""
    found = ANSWER.search(said)
    return found is not None and found[1] == solution


def _text(said: Said) -> str:
    return said.strip() if isinstance(said, str) else said[0]["content"].strip()
