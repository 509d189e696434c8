"""How the program ends, as a number for scripts. 2 means that a run is broken, and nothing else."""

from __future__ import annotations

FAILED = 1
"""What was asked for cannot be done: a port is in use, a file cannot be written."""

WATCH, BROKEN, NO_VERDICT = 1, 2, 3
"""Of commands that give a verdict on runs, beside 0 for healthy; and that there is none, or not on all."""

MISUSED = 64
"""Wrong usage or wrong settings (EX_USAGE of sysexits.h)."""

INTERRUPTED, PIPE_CLOSED = 130, 141
"""As shells say of a program that SIGINT or SIGPIPE has ended."""

FAIL_ON = {"watch": WATCH, "broken": BROKEN}
"""The verdicts from which on a script may want to fail."""


def gated(code: int, fail_on: str | None) -> int:
    """An exit code with the verdicts left out that are milder than `fail_on`; None: with none at all."""
    if code not in FAIL_ON.values():
        return code
    return code if fail_on is not None and code >= FAIL_ON[fail_on] else 0
