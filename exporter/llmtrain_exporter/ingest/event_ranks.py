"""Event files of one run that several processes write at the same time: what each logs, all of them do."""

from __future__ import annotations

import os
import re

_NAME = re.compile(r"events\.out\.tfevents\.(\d{1,12})\.(.+?)(?:\.(\d{1,10})\.(\d{1,10}))?")
"""Seconds since the epoch, the host, the process and its how manieth file; some add a suffix to the host."""

_RANK = re.compile(r"rank[-_]?\d{1,6}")

BEGUN_TOGETHER = 10
"""Seconds between the first and the last process of a run on several hosts, at most."""


def are_of_two_ranks(path: str, other: str) -> bool:
    """Whether two processes have begun these event files together, going by their names.

    One that goes on with a run begins later: to load a model alone takes longer.
    """
    one, two = (_NAME.fullmatch(os.path.basename(each)) for each in (path, other))
    if one is None or two is None or one.groups()[1:3] == two.groups()[1:3]:
        return False
    apart = abs(int(one[1]) - int(two[1]))
    return apart <= (BEGUN_TOGETHER if one[2] != two[2] else 1)


def are_called_ranks(path: str, other: str) -> bool:
    """Whether the names of these event files say that they are of two ranks, and differ in nothing else."""
    one, two = (os.path.basename(each) for each in (path, other))
    return one != two and _RANK.sub("", one) == _RANK.sub("", two)
