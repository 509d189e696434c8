"""How Ctrl-C and SIGTERM end a command."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C and SIGTERM are the usual end, before and after the server's own look-out for them too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def interruptible_sleep(*also: int) -> Iterator[Callable[[float], bool]]:
    """A sleep that says whether Ctrl-C or SIGTERM came: no line is cut then, no record half counted.

    It ends early, too, when one of the files `also` can be read.

    Once more ends it at once. A pipe, because a handler that locks can wait for the thread that it stopped.
    """
    reader, writer = os.pipe()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _: FrameType | None) -> None:
        os.write(writer, b"!")
        signal.signal(number, signal.default_int_handler)

    for number in before:
        signal.signal(number, stop)
    try:
        yield lambda seconds: reader in select.select([reader, *also], [], [], seconds)[0]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
