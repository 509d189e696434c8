"""Contestants that live in processes of their own, so that the memory of one does not slow another."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.measure import ContestantError

STOP_SECONDS = 30.0


class Worker:
    """A contestant at work elsewhere."""

    def __init__(self, name: str, pipe: Connection) -> None:
        self._name = name
        self._pipe = pipe

    def ask(self, method: str, *arguments: object) -> Any:
        """The answer of a method of the contestant. Raises ContestantError when it died."""
        try:
            self._pipe.send((method, arguments))
            return self._pipe.recv()
        except (EOFError, OSError):
            raise ContestantError(f"{self._name} ended before it answered; see its message above") from None


@contextlib.contextmanager
def working(contestant: Callable[..., object], *arguments: object) -> Iterator[Worker]:
    """A contestant made in a fresh process, which ends with the block."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, contestant, arguments), daemon=True)
    process.start()
    there.close()
    try:
        yield Worker(getattr(contestant, "__name__", "a contestant"), here)
    finally:
        here.close()
        process.join(STOP_SECONDS)
        process.kill()
        process.join()
        process.close()


def _work(pipe: Connection, contestant: Callable[..., object], arguments: tuple[object, ...]) -> None:
    made = contestant(*arguments)
    with contextlib.suppress(EOFError):
        while True:
            method, given = pipe.recv()
            pipe.send(getattr(made, method)(*given))
