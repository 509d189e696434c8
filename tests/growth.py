"""How the cost of work grows with what it is given: no absolute time, which a busy machine would break."""

import sys
import time
from collections.abc import Callable

ATTEMPTS = 3


def processor_seconds(work: Callable[[], object]) -> float:
    """What one call costs this process, whatever else the machine does, and though coverage is measured."""
    tracer = sys.gettrace()
    sys.settrace(None)
    began = time.process_time()
    try:
        work()
        return time.process_time() - began
    finally:
        sys.settrace(tracer)


def grows_linearly(work: Callable[[int], object], size: int) -> bool:
    """Whether `size` costs about four times a quarter of it: quadratic it would be sixteen times.

    Tried again where it seems not to be, since caches that others share make any one measurement doubtful.
    """
    for _ in range(ATTEMPTS):
        quarter = processor_seconds(lambda: work(size // 4))
        if processor_seconds(lambda: work(size)) < 8 * quarter + 0.05:
            return True
    return False
