"""What is known of the arguments of one class, or function, of a trainer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class ArgumentClass:
    """The arguments of `name` in `package`, which has its version with it, that the knowledge makes use of.

    `arguments`: names as the trainer spells them, to the defaults in its code. None: the trainer works it
    out, or the argument has no plain value.
    """

    package: str
    name: str
    arguments: Mapping[str, float | str | bool | None]
