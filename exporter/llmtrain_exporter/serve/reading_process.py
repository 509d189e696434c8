"""One of the processes that read logs of runs that are over: a log in, a packed run out, as long as asked."""

from __future__ import annotations

import pickle
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection

from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.serve.kept_run import PackedRun, kept_run, packed_run
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.rules import RunRules, rules_for_serving

BEAT_SECONDS = 1.0


def main(descriptor: int) -> None:
    """Read what comes through the pipe of that descriptor. Ctrl-C means the exporter, which ends this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = Connection(descriptor)
    with suppress(EOFError, OSError):  # the exporter has gone
        rules = rules_for_serving(pickle.loads(pipe.recv_bytes()))  # noqa: S301  # of our own exporter
        beat = _Beat(pipe)
        while True:
            found = _found(*pickle.loads(pipe.recv_bytes()))  # noqa: S301
            pipe.send_bytes(pickle.dumps(read_finished(found, rules, beat)))


def read_finished(
    found: Found,
    rules: RunRules,
    beat: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.time,
) -> tuple[PackedRun | None, int]:
    """The run of a log, if it is over, and the bytes that were read.

    `beat`: called again and again; `clock`: Unix time.
    """
    source = open_source(found, rules.readers)
    run = LiveRun(found, found.run, rules.options(found), source, lambda _: Sparkline(), met_at=clock())
    try:
        while not run.caught_up and run.guard is None:
            beat()
            if run.read_on(time.monotonic(), clock()) is None:
                break
        return _packed(run, clock()), run.bytes_read
    except Exception:  # the exporter meets it too, and says so
        return None, 0
    finally:
        source.close()


def _packed(run: LiveRun[Sparkline], now: float) -> PackedRun | None:
    if not (run.has_records and run.is_run and run.is_settled(now)) or now < run.settles_at(now):
        return None
    kept = kept_run(run, run.snapshot(now))
    return None if kept is None else packed_run(kept)


class _Beat:
    """Says now and then that it reads, so that nobody takes it for one that hangs."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._at = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._at >= BEAT_SECONDS:
            self._at = now
            self._pipe.send_bytes(pickle.dumps(None))


def _found(path: str, run: str, dialect: str, *rest: object) -> Found:
    return Found(path, run, registered()[dialect], *rest)  # type: ignore[arg-type]  # as `_told` has put it
