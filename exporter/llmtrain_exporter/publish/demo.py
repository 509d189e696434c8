"""A collapsing run and a healthy one, bundled, written again as if they were being trained now."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from llmtrain_exporter.ingest.dialects import swift
from llmtrain_exporter.publish.replay import Manner, Pace, ReplayError, replay

BUNDLED = Path(__file__).parent.parent / "demo"
COLLAPSE, HEALTHY = "collapse", "healthy"
(LOG,) = swift.DIALECT.files

log = logging.getLogger(__name__)


@contextmanager
def playing(keep: Path | None, interval: float) -> Iterator[Path]:
    """Both runs being written, a line of each every `interval` seconds, into the folder that this gives.

    The folder goes afterwards, unless it is `keep`. Raises ReplayError if something is in that, and OSError.
    """
    with tempfile.TemporaryDirectory(prefix="llmtrain-demo-") if keep is None else _kept(keep) as name:
        stop = threading.Event()
        player = threading.Thread(target=_play, args=(Path(name), interval, stop), name="demo", daemon=True)
        player.start()
        try:
            yield Path(name)
        finally:
            stop.set()
            player.join()


@contextmanager
def _kept(folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ReplayError(f"{folder}: is not empty; give a new folder")
    yield str(folder)


def _play(folder: Path, interval: float, stop: threading.Event) -> None:
    try:
        play(folder, interval, stop)
    except OSError as error:
        log.error("The demo's logs cannot be written: %s", error)


def play(folder: Path, interval: float, stop: threading.Event) -> None:
    """Write both runs below `folder`, a line of each every `interval` seconds, until their end or `stop`."""
    runs = [
        replay(BUNDLED / run / LOG, folder / run, Manner(), Pace(interval, sleep=stop.wait))
        for run in (COLLAPSE, HEALTHY)
    ]
    for _ in zip_longest(*runs):
        if stop.is_set():
            return


def where_to_look(url: str, folder: Path) -> str:
    """What to open and to type while the demo runs."""
    return f"""\
Two GRPO runs are being written to {folder}: {COLLAPSE} breaks within its first 20 steps, {HEALTHY} does not.

  page      {url}/
  one run   {url}/run?run={COLLAPSE}
  metrics   {url}/metrics
  runs      {url}/api/v1/runs

What broke, and when:  llmtrain-exporter check {folder / COLLAPSE}
Ctrl-C ends the demo.
"""
