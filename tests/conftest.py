"""What every test may ask for: the real logs, the real programs, property tests that repeat in CI."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.trainers import Lab

ROOT = Path(__file__).resolve().parent.parent
REAL = frozenset({"real_tool", "small_training"})
DEBIAN_NAMES = {"alertmanager": "prometheus-alertmanager"}

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"real: runs against a real program (uses {' or '.join(sorted(REAL))})"
    )
    settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session", autouse=True)
def _state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What programs keep for their next start is not kept in the home of who tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if REAL & set(getattr(item, "fixturenames", ())):
            item.add_marker("real")


def leave_out(reason: str) -> NoReturn:
    """Skip the test that asks; under REQUIRE_REAL=1, where nothing may be left out, fail it."""
    if os.environ.get("REQUIRE_REAL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find_tool(name: str) -> Path:
    """The program of that name: promtool, prometheus, alertmanager, amtool, chromium, ...

    `prometheus3`, `promtool3`, `vmalert3` and others lie in the folder LLMTRAIN_PROMETHEUS3.
    """
    if name.endswith("3"):
        newer = _which(name[:-1], os.environ.get("LLMTRAIN_PROMETHEUS3", ""))
        return newer or leave_out(
            f"needs {name[:-1]} in the folder LLMTRAIN_PROMETHEUS3: scripts/newer-servers"
        )
    return _which(name) or leave_out(f"needs {name}: scripts/real-tools {name}, or put it into PATH")


def _which(name: str, path: str | None = None) -> Path | None:
    found = shutil.which(DEBIAN_NAMES.get(name, name), path=path) or shutil.which(name, path=path)
    return Path(found) if found else None


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that a test runs within its own process sets the log up; the next test finds none of that."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def real_tool() -> Callable[[str], Path]:
    """Finds a real program by its name; a test whose program is missing is skipped with the way to get it."""
    return find_tool


@pytest.fixture(scope="session")
def small_training(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Lab], Path]:
    """The folder with the model and the data of tests/tiny_training, as a trainer's libraries write them."""
    from tests.trainers import made

    return cache(lambda lab: made(lab, tmp_path_factory.mktemp(lab.name) / "made"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real, labelled training logs, which stays outside of the project."""
    folder = Path(os.environ.get("LLMTRAIN_CORPUS") or "../shared/corpus")
    folder = (ROOT / folder).resolve()
    if not (folder / "labels.yaml").is_file():
        leave_out(f"no real logs at {folder}: set LLMTRAIN_CORPUS to the folder that holds labels.yaml")
    return folder


@pytest.fixture(scope="session")
def cases(corpus: Path) -> Path:
    """The folder of labelled small inputs, beside that of the real logs."""
    folder = corpus.parent / "cases"
    if not (folder / "labels.yaml").is_file():
        leave_out(f"no small inputs at {folder}")
    return folder
