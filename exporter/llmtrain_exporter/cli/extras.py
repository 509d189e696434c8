"""What a command needs beyond a plain installation, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from llmtrain_exporter.cli.exit_codes import FAILED
from llmtrain_exporter.cli.shell import PROGRAM, Failure


def require(command: str, libraries: Sequence[str], extra: str, code: int = FAILED) -> None:
    """Raises Failure unless these libraries are there; it names those missing and the `extra` with them."""
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise Failure(f"{command} needs {' and '.join(missing)}: {how_to_install(extra)}", code=code)


def how_to_install(extra: str) -> str:
    """The command line that adds an extra to an installation."""
    return f"pip install '{PROGRAM}[{extra}]'"
