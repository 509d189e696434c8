"""A laboratory of verl: a tiny loop that logs known rows with its real loggers, of files and the console.

    python tests/verl_lab.py PACKAGES FOLDER FIRST LAST [--pause 0.01]

PACKAGES: a folder with verl, whose loggers need nothing but orjson and packaging. The steps from FIRST to
LAST go to FOLDER/lab/exp.jsonl and to standard output; a second start goes on with the run as verl's does.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

VALIDATED = 50  # steps from validation to validation
UNDEFINED = 170  # step whose gradient is NaN


def row(step: int) -> Mapping[str, float]:
    """What is logged of a step."""
    cells = {
        "actor/pg_loss": math.sin(step) / 100,
        "actor/grad_norm": math.nan if step == UNDEFINED else 0.5 + step / 1000,
        "actor/lr": 1e-6 * (1 - step / 400),
        "critic/score/mean": 1 - 1 / step,
        "response_length/mean": 100.0 + step,
        "training/epoch": step // 100,
    }
    return cells if step % VALIDATED else {**cells, "val-core/gsm8k/reward/mean@1": step / 1000}


def loggers(packages: Path, folder: Path) -> tuple[Any, ...]:
    """verl's own, without the rest of it: that loads what trains."""
    sys.modules["torch"] = ModuleType("torch")  # which the console's logger imports, and has no use for
    os.environ["VERL_FILE_LOGGER_ROOT"] = str(folder)
    tracking = _module(packages / "verl/utils/tracking.py")
    console = _module(packages / "verl/utils/logger/aggregate_logger.py")
    return tracking.FileLogger("lab", "exp"), console.LocalLogger()


def _module(path: Path) -> Any:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Log some steps."""
    parser = argparse.ArgumentParser(description="logs known rows with verl's loggers")
    parser.add_argument("packages", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds after each step")
    given = parser.parse_args()
    known = loggers(given.packages, given.folder)
    for step in range(given.first, given.last + 1):
        for logger in known:
            logger.log(row(step), step)
        time.sleep(given.pause)


if __name__ == "__main__":
    main()
