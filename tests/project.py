"""What pyproject.toml asks for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import llmtrain_exporter
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest brings it
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

ROOT = Path(__file__).resolve().parent.parent
NAME = "llmtrain-exporter"
# Where the package that is tested lies: in the checkout, or in an installation.
IMPORTED_FROM = Path(llmtrain_exporter.__file__).resolve().parent.parent


def dependencies() -> list[Requirement]:
    """Those of a plain installation."""
    return [Requirement(line) for line in _project()["dependencies"]]


def extras() -> dict[str, list[Requirement]]:
    """By extra what it adds, without the extras of ours that it stands for."""
    listed = _project()["optional-dependencies"]
    found = {extra: [Requirement(line) for line in lines] for extra, lines in listed.items()}
    return {extra: [each for each in wanted if each.name != NAME] for extra, wanted in found.items()}


def _project() -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project
