"""All servers that history is sent to: each has a queue and a thread of its own."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path

import orjson

from llmtrain_exporter.config.remote_write import RemoteWriteRule
from llmtrain_exporter.config.state_folder import usual_state_folder
from llmtrain_exporter.push.place_file import PlaceFile
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.remote_queue import RemoteQueue
from llmtrain_exporter.push.remote_write import LONGEST_WAIT, Clocks, LogReader, RemoteWriter, Tools
from llmtrain_exporter.push.snappy import packer
from llmtrain_exporter.push.transport import Transport
from llmtrain_exporter.push.write_request import RequestEncoder

LAST_SECONDS = 2.0
"""So long what waits at the end is still sent; the rest is read from the logs at the next start."""

log = logging.getLogger(__name__)


def state_folder(state_dir: str | None, environ: Mapping[str, str]) -> Path | None:
    """Where places are kept: the folder that the settings name, or the usual one, if there is one."""
    return Path(state_dir) if state_dir else usual_state_folder(environ)


def writer_for(
    rule: RemoteWriteRule,
    folder: Path | None,
    environ: Mapping[str, str],
    read_log: LogReader,
    version: str,
) -> RemoteWriter:
    """Who sends to that server. `folder`: see `state_folder`; `version`: of this program."""
    path = None if folder is None else folder / f"history-{_identity(rule)}.sqlite"
    places = PlaceFile(path, time.time)
    tools = Tools(
        RequestEncoder(rule.labels),
        packer(),
        Transport(rule, environ, version),
        read_log,
        Clocks(time.monotonic, time.time),
    )
    return RemoteWriter(rule.destination, RemoteQueue(places.place_of, time.monotonic), places, tools)


def _identity(rule: RemoteWriteRule) -> str:
    """What tells one store of a server from another: address, tenant and labels, and no secret."""
    tenants = {
        name.lower(): header.value.get_secret_value()
        for name, header in rule.headers.items()
        if header.value is not None
    }
    parts = orjson.dumps((rule.url, tenants, dict(rule.labels)), option=orjson.OPT_SORT_KEYS)
    return blake2b(parts, digest_size=8).hexdigest()


class Senders:
    """Hands each record to every server's queue. Set up and changed by one thread, the rest from any."""

    def __init__(
        self,
        make: Callable[[RemoteWriteRule], RemoteWriter],
        modified: Callable[[str], float | None] = lambda _: math.inf,
    ) -> None:
        """`make`: who sends to a server.

        `modified`: Unix time of the last write to a run's log, infinity where that is not known; None where
        there is no such run.
        """
        self._make = make
        self._modified = modified
        self._lock = threading.Lock()  # guards all below: a server that is new misses no record
        self._running: Sequence[_Running] = ()  # replaced as a whole
        self._last: dict[str, int] = {}  # the last record that is known of each run

    @property
    def writers(self) -> Sequence[RemoteWriter]:
        """Those that send now."""
        return [running.writer for running in self._running]

    def put(self, samples: RecordSamples) -> None:
        """Take the samples of a record. Never blocks, never raises."""
        with self._lock:
            self._last[samples.run] = samples.record
            for running in self._running:
                with _nobody_else_fails(running.writer):
                    running.writer.queue.put(samples)

    def read_up_to(self, run: str, record: int) -> None:
        """So many records of a run were there before it was followed: its log is to be read up to there.

        What is put from now on follows them. Never blocks, never raises.
        """
        with self._lock:
            self._last[run] = record
            for running in self._running:
                self._have_read(running.writer, run)

    def change(self, rules: Iterable[RemoteWriteRule]) -> None:
        """Send to these servers from now on. Those that stay as they are go on as they are.

        For one that is new, or has other settings now, the logs of all runs are read.
        """
        wanted = list(rules)
        stay = [running for running in self._running if running.rule in wanted]
        self._end([running for running in self._running if running not in stay])
        known = [running.rule for running in stay]
        new = [_Running(rule, self._make(rule)) for rule in wanted if rule not in known]
        with self._lock:
            self._last = {run: at for run, at in self._last.items() if self._modified(run) is not None}
            self._running = (*stay, *new)
            for running in new:
                for run in self._last:
                    self._have_read(running.writer, run)
        for running in new:
            running.start()

    def close(self) -> None:
        """Send what waits, for a moment, and end."""
        self._end(self._running)

    def _have_read(self, writer: RemoteWriter, run: str) -> None:
        """Of the run's log, what that server does not have of the records that are known."""
        with _nobody_else_fails(writer):
            modified = self._modified(run)
            writer.queue.read_up_to(run, self._last[run], math.inf if modified is None else modified)

    @staticmethod
    def _end(leaving: Iterable[_Running]) -> None:
        leaving = list(leaving)
        for running in leaving:
            running.stop()
        ends_at = time.monotonic() + LAST_SECONDS + 0.5
        for running in leaving:
            running.wait(max(ends_at - time.monotonic(), 0.0))


@contextmanager
def _nobody_else_fails(writer: RemoteWriter) -> Iterator[None]:
    """Who follows logs must not be in danger, nor other servers, whatever happens with this one."""
    try:
        yield
    except Exception:
        log.exception("%s: a record is not sent", writer.name)


class _Running:
    """A writer in a thread of its own, which ends with the program at the latest."""

    def __init__(self, rule: RemoteWriteRule, writer: RemoteWriter) -> None:
        self.rule = rule
        self.writer = writer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.thread_time()
            wait = self._step(self.writer.step)
            # Who answers scrapes needs the interpreter too: half of the time is theirs.
            self._stop.wait(max(wait, time.thread_time() - began))
        ends_at = time.monotonic() + LAST_SECONDS
        while time.monotonic() < ends_at and self._step(partial(self.writer.step, at_once=True)) == 0.0:
            pass
        self.writer.close()

    def _step(self, step: Callable[[], float]) -> float:
        try:
            return step()
        except Exception:  # without this thread nothing would be sent, and nobody would know
            log.exception("%s: sending history has failed, and is tried again", self.writer.name)
            return LONGEST_WAIT
