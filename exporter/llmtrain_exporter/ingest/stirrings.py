"""Which open files were written to, replaced or removed, as the kernel tells it (inotify)."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import weakref
from collections.abc import Set
from dataclasses import dataclass

from llmtrain_exporter.ingest.borders import tells_of_writes

try:
    from inotify_simple import INotify, flags
except ImportError:  # another system than Linux: nothing tells
    INotify = flags = None

log = logging.getLogger(__name__)

_LIMIT = "/proc/sys/fs/inotify/max_user_watches"
SHARE = 0.25
"""Of the watches that a user may have: what else runs under this name wants some, too."""


@dataclass(frozen=True, slots=True)
class Told:
    """What has happened to files since it was asked last, by the numbers of their watches."""

    written: Set[int] = frozenset()
    changed: Set[int] = frozenset()  # in other ways: another name or none, other rights, no watch any more
    complete: bool = True  # nothing was lost because there was too much


_NOTHING = Told()


class Allowance:
    """How many watches all threads together may have: a SHARE of those of this user. From any thread."""

    def __init__(self) -> None:
        """To be made before any log is opened, see `_load_libc`."""
        _load_libc()
        self.most = most_watches()
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> bool:
        """One more; False: there may be none."""
        with self._lock:
            granted = self._taken < self.most
            self._taken += granted
            return granted

    def give_back(self, watches: int = 1) -> None:
        """So many that were taken are there no longer."""
        with self._lock:
            self._taken -= watches


class Stirrings:
    """Watches on open files. For one thread at a time. Raises no OSError: what cannot be watched is not."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._watches: set[int] = set()
        self._inotify: INotify | None = None
        self._refused = INotify is None  # and it was said why
        self._telling: dict[int, bool] = {}  # devices, as they were found since the last `look_anew`

    def watch(self, descriptor: int) -> int | None:
        """Watch a file; the number of its watch, the same for each descriptor of it. None: nothing will tell.

        A file that is watched already stays so: who asks again learns whether it is still the same file.
        """
        try:
            if not self._tells(descriptor):
                return None
            # The file that is open, whatever its path names by now.
            file = f"/proc/self/fd/{descriptor}"
            changes = flags.MODIFY | flags.ATTRIB | flags.DELETE_SELF | flags.MOVE_SELF
            watch = int(self._opened().add_watch(file, changes))
        except OSError as error:
            self._refuse(error)
            return None
        if watch not in self._watches:
            if not self._allowance.take():
                self.leave(watch)
                self._refuse(f"{self._allowance.most:,} are a fair share of {_LIMIT}")
                return None
            self._watches.add(watch)
        return watch

    def leave(self, watch: int) -> None:
        """Watch that file no longer. What was told of it already may still come."""
        self._forget(watch)
        if self._inotify is not None:
            with contextlib.suppress(OSError):  # it went with its file
                self._inotify.rm_watch(watch)

    def told(self) -> Told:
        """What has happened since the last call. Does not wait."""
        if self._inotify is None:
            return _NOTHING
        written: set[int] = set()
        changed: set[int] = set()
        complete = True
        for event in self._inotify.read(timeout=0):
            if event.mask & flags.Q_OVERFLOW:
                complete = False
            else:
                if event.mask & flags.IGNORED:
                    self._forget(event.wd)
                (written if event.mask == flags.MODIFY else changed).add(event.wd)
        return Told(written, changed, complete)

    def look_anew(self) -> None:
        """Something else may be mounted by now."""
        self._telling.clear()

    def close(self) -> None:
        """Give all watches back."""
        self._allowance.give_back(len(self._watches))
        self._watches.clear()
        if self._inotify is not None:
            self._inotify.close()
            self._inotify, self._refused = None, True

    def _forget(self, watch: int) -> None:
        if watch in self._watches:
            self._watches.remove(watch)
            self._allowance.give_back()

    def _tells(self, descriptor: int) -> bool:
        if INotify is None:
            return False
        device = os.fstat(descriptor).st_dev
        if device not in self._telling:
            self._telling[device] = tells_of_writes(descriptor)
        return self._telling[device]

    def _opened(self) -> INotify:
        """Not before there is something to watch: a user has few of them."""
        if self._inotify is None:
            self._inotify = INotify()
            weakref.finalize(self, self._inotify.close)
        return self._inotify

    def _refuse(self, error: OSError | str) -> None:
        if not self._refused:
            self._refused = True
            log.info("Of some logs the system does not tell when they grow, they are looked at: %s", error)


def _load_libc() -> None:
    """Have inotify_simple look for the C library, for which it starts a program.

    That waits until all that is open was closed in the new process: on a mount that hangs, for ever.
    """
    if INotify is not None:
        with contextlib.suppress(OSError):
            INotify().close()


def most_watches() -> int:
    """A SHARE of the watches that a user may have; all that one asks for where the system does not say."""
    try:
        with open(_LIMIT, encoding="ascii") as file:
            return int(int(file.read()) * SHARE)
    except (OSError, ValueError):
        return sys.maxsize
