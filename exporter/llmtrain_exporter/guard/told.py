"""Where a training writes: told by the guard inside to whoever has started it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

RUN_VARIABLE = "LLMTRAIN_GUARD_RUN"
"""Environment variable with the name of a file, which is of one start and no other."""


def is_guarded(environment: Mapping[str, str]) -> bool:
    """Whether a guard has started this, and waits for it."""
    return os.path.isfile(environment.get(RUN_VARIABLE, ""))


def tell_folder(environment: Mapping[str, str], output_dir: Path) -> None:
    """Write down the output folder of a training, if whoever has started it asks. Raises OSError."""
    name = environment.get(RUN_VARIABLE)
    if name and os.path.exists(name):
        with open(name, "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{output_dir.absolute()}\n")
