"""Which run doctors there are, what each lacks the data for, and their environment."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ContestantError, run


@dataclass(frozen=True, slots=True)
class Doctor:
    """A package and what its command looks at, by its own documentation."""

    package: str
    version: str  # the one that was measured
    lacks: str


DOCTORS = (
    Doctor("rldoctor", "0.2.0", "NaN, a loss of 0, evaluation loss: it reads GRPO only"),
    Doctor(
        "runmedic",
        "0.1.1",
        "kl, rewards, lengths, entropy, preference margins: it reads loss, gradient, rate",
    ),
    Doctor(
        "losslint", "0.4.1", "kl, rewards, lengths, entropy, gradients: it reads loss and evaluation loss"
    ),
    Doctor(
        "trainspotter",
        "0.2.6",
        "kl, rewards, lengths, entropy, preference margins: it reads loss, gradient, rate",
    ),
    Doctor("finetune-doctor", "0.2.2", "all reinforcement learning: it names such a run and judges nothing"),
)


def install(folder: Path) -> tuple[Path, Mapping[str, str]]:
    """The interpreter of an environment below `folder` with all that can be had, and why others cannot.

    What is there already is used again. Raises ContestantError where no environment can be made.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    missing = {}
    for doctor in DOCTORS:
        trouble = _installed(python, doctor)
        if trouble:
            missing[doctor.package] = trouble
    return python, missing


def _installed(python: Path, doctor: Doctor) -> str:
    """Why the package cannot be had; nothing where it is there."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    try:
        run([*pip, "install", "--quiet", f"{doctor.package}=={doctor.version}"])
    except ContestantError as error:
        return str(error)
    return ""
