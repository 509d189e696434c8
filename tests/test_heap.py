"""Memory that was freed is given back where that can be done, and nothing happens elsewhere."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from llmtrain_exporter.serve import exposition as module
from llmtrain_exporter.serve import heap, watcher
from llmtrain_exporter.serve.run_block import BLOCK

from tests.test_exposition import LOSS, filled
from tests.test_watch import Loop
from tests.training import append, swift


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    """The library is looked for once in a process."""
    heap._trim.cache_clear()
    yield
    heap._trim.cache_clear()


def test_free_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it: nothing is asked to stay at the end of a heap."""
    left: list[int] = []

    def trim(pad: int) -> int:
        left.append(pad)
        return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=trim))
    assert heap.give_back()
    assert left == [0]


@pytest.mark.parametrize("error", [OSError, TypeError])
def test_without_a_c_library_nothing_happens(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every system hands out its own by no name."""

    def refuse(_: None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert not heap.give_back()


def test_with_another_c_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Musl and that of macOS have no such function."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    assert not heap.give_back()


def test_a_scrape_that_has_packed_much_gives_back_what_that_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one of many runs does; one that finds them as they were, or a few anew, does not."""
    given: list[bool] = []
    monkeypatch.setattr(module, "give_back", lambda: given.append(True))
    exposition = filled({f"run {number}": {LOSS: 1.0} for number in range(BLOCK * module.PACKED_MANY)})
    exposition.deflated(openmetrics=False)
    assert given == [True]
    exposition.publish("run 0", {LOSS: 2.0})
    exposition.deflated(openmetrics=False)
    exposition.deflated(openmetrics=True)
    assert given == [True]


class _Rounds(threading.Event):
    """Set after so many rounds; nobody waits for it."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    def is_set(self) -> bool:
        """Whether these are over."""
        self._left -= 1
        return self._left < 0

    def wait(self, timeout: float | None = None) -> bool:
        """Not at all."""
        return super().wait(timeout and 0.0)


@pytest.mark.parametrize(
    ("many", "rounds", "times"),
    [
        pytest.param(2, 1, 2, id="a search for many logs, and the first read"),
        pytest.param(3, 1, 1, id="the first read alone"),
        pytest.param(3, 4, 1, id="that is done once"),
    ],
)
def test_what_reading_and_searching_took_is_given_back(
    many: int, rounds: int, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each search for many logs, and once when all that was there at the start is read."""
    given: list[bool] = []
    monkeypatch.setattr(watcher, "give_back", lambda: given.append(True))
    monkeypatch.setattr(watcher, "MANY_LOGS", many)
    for name in "ab":
        append(tmp_path / name / "logging.jsonl", swift(1))
    Loop(tmp_path, ignore_older=None).watcher.run(_Rounds(rounds))
    assert len(given) == times
