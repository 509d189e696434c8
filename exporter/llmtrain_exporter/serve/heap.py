"""Memory that was freed and is held all the same: given back to the system when much of it lies there.

glibc hands out memory from a heap for each thread, and gives back of it what is free at the very end alone.
What one small thing that lasts lies behind stays resident, however much it is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> bool:
    """Give the free pages of all heaps back to the system, a few milliseconds; whether there were any.

    Without glibc there are none.
    """
    return bool(_trim()(0))


@cache
def _trim() -> Callable[[int], int]:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # musl, macOS; Windows has no such handle
        return lambda _: 0
    return trim
