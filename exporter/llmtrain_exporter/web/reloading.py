"""SIGHUP has a program read its settings again."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from llmtrain_exporter.config import ConfigError
from llmtrain_exporter.web.own_metrics import ServerMetrics

log = logging.getLogger(__name__)


def reload(change: Callable[[], object], metrics: ServerMetrics, now: Callable[[], float]) -> None:
    """Read settings and go by them, which is what `change` does: as a whole or, where it raises, not at all.

    What is wrong with them is logged, and counted in `metrics`. `now`: Unix time.
    """
    try:
        change()
    except (ConfigError, OSError) as error:
        for line in str(error).splitlines():
            log.error("The settings of before stay in force: %s", line)  # a person's mistake
        metrics.reloaded(None)
    except Exception:
        log.exception("The settings could not be changed")
        metrics.reloaded(None)
    else:
        log.info("The settings were read again")
        metrics.reloaded(now())


def warn_of_address(wanted: str, listening: str) -> None:
    """Say that an address to listen on cannot be exchanged, where other settings were read that want one."""
    if wanted != listening:
        log.warning("Start it again to listen on %s; until then it is %s", wanted, listening)


@contextmanager
def on_hangup(act: Callable[[], object]) -> Iterator[None]:
    """While the block runs, SIGHUP calls `act` in a thread of its own. Only the main thread can have that.

    Where the signal says that the terminal was closed, it ends the program as SIGTERM does, unless nohup said
    otherwise.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: SimpleQueue[bool] = SimpleQueue()  # a signal's handler may put into it whatever it interrupts
    in_terminal = _in_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    def handle(_number: int, _frame: FrameType | None) -> None:
        if in_terminal and not _in_terminal():
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            asked.put(True)

    def work() -> None:
        while asked.get():
            act()

    before = signal.signal(signal.SIGHUP, handle)
    thread = threading.Thread(target=work, name="reload", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        asked.put(False)


def _in_terminal() -> bool:
    return any(map(os.isatty, (0, 1, 2)))
