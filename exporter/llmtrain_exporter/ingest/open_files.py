"""How many files this process may have open."""

from __future__ import annotations

import contextlib
import resource
import sys


def raise_descriptor_limit() -> int:
    """Raises the soft limit of open files to the hard one where that is allowed; the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
