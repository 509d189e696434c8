"""MLflow's file store, `mlruns/EXPERIMENT/RUN/`: meta.yaml, a file for each parameter, one for each metric.

Read against mlflow 3.17.2, where it has to be asked for. A line of a metric is `milliseconds value step`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from llmtrain_exporter.ingest.arguments import LARGEST_FILE
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role, Shape
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.settings_text import parse_flat_yaml, scalar
from llmtrain_exporter.ingest.store import Portion, StoredRun, Unread
from llmtrain_exporter.ingest.tracked_rows import TrackedRow, is_place, makes_record
from llmtrain_exporter.ingest.values import count, number
from llmtrain_exporter.knowledge.producers import TRANSFORMERS

CHUNK = 1 << 18  # bytes of one metric that are read at once
FIRST = 512  # bytes of each metric by which a run is known
MOST_FILES = 4096  # metrics, or parameters, of a run
DEEPEST = 4  # folders: a slash in the name of a metric makes one
ALERT_LOOKS = 20  # after a change, with all files; then some in turn
LONGEST_VALUE = 8192  # bytes of a parameter

_STATES = {3.0: True, 4.0: False, 5.0: False}  # finished, failed, killed
_LEVELS = 2  # folders above meta.yaml that are of one run: its own, the experiment's


class _Point(NamedTuple):
    time: float  # Unix time
    step: int
    key: str
    value: float
    end: int  # offset in its file behind its line


class MlflowRunFolder:
    """One run of a file store; see `Store`. Its only run has the key ""."""

    by_key = True

    def __init__(self, path: str) -> None:
        """`path`: of its meta.yaml."""
        self._meta_path, self._folder = path, os.path.dirname(path)
        self.generation = 0
        self._offsets: dict[str, int] = {}  # by metric: bytes that were read
        self._states: dict[str, tuple[int, int]] = {}  # by path: size, st_mtime_ns at the last look
        self._stamp = 0
        self._alert = 0  # looks that are still to be thorough
        self._turn = 0
        self._newest = path  # the file that was written last
        self._params: tuple[int, Mapping[str, object]] = (-1, {})  # st_mtime_ns of their folder

    def runs(self) -> Sequence[StoredRun] | None:
        """The run, named after its experiment; None where the meta.yaml is another's."""
        meta = _yaml(self._meta_path)
        if not {"run_id", "run_uuid"} & set(meta) or "experiment_id" not in meta:
            return None
        if meta.get("lifecycle_stage") == "deleted":
            return ()
        if not makes_record(frozenset(name for name, _ in self._metrics())):
            return ()
        experiment = _yaml(os.path.join(os.path.dirname(self._folder), "meta.yaml")).get("name")
        name = meta.get("run_name") or os.path.basename(self._folder)
        parts = (str(each) for each in (experiment, name) if each)
        began = (number(meta.get("start_time")) or 0.0) / 1000
        return (StoredRun("", "/".join(parts), self._modified(meta), began, _LEVELS),)

    def _modified(self, meta: Mapping[str, object]) -> float:
        ended = number(meta.get("end_time"))
        if ended:
            return ended / 1000
        times = [os.stat(path).st_mtime for _, path in self._metrics()]
        return max(times, default=os.stat(self._meta_path).st_mtime)

    def settings(self, key: str) -> Mapping[str, object]:  # noqa: ARG002  # other stores have several runs
        """The parameters."""
        folder = os.path.join(self._folder, "params")
        try:
            changed = os.stat(folder).st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._params[0]:
            found = {name: _text(path) for name, path in _files(folder)}
            self._params = changed, {name: scalar(text) for name, text in found.items()}
        return self._params[1]

    def stamp(self, key: str) -> int:  # noqa: ARG002  # other stores have several runs
        """Another number when the run may have logged more: a few stats, all its files in turn."""
        paths = self._paths()
        if self._alert == 0 and len(paths) > 1:
            self._turn = (self._turn + 1) % len(paths)
            paths = [self._meta_path, self._newest, paths[self._turn]]
        self._alert = max(self._alert - 1, 0)
        if [path for path in paths if self._states.get(path) != _state(path)]:
            self._note()
            self._stamp += 1
            self._alert = ALERT_LOOKS
        return self._stamp

    def _paths(self) -> list[str]:
        """What is looked at: the run's own file and the folder of its metrics, and what was there last."""
        return list(self._states) or [self._meta_path, os.path.join(self._folder, "metrics")]

    def _note(self) -> None:
        metrics = os.path.join(self._folder, "metrics")
        paths = [self._meta_path, metrics, *(path for _, path in self._metrics())]
        self._states = {path: _state(path) for path in paths}
        self._newest = max(paths, key=lambda path: self._states[path][1])

    def read(self, key: str, after: int) -> Portion:
        """The values behind those that were read; all of them where `after` is 0."""
        if not after:
            self._offsets.clear()
        points, more = self._points(self._offsets, CHUNK)
        for point in points:
            self._offsets[point.key] = point.end
        rows = [TrackedRow(point.step, point.time, {point.key: point.value}) for point in points]
        ended = _STATES.get(number(_yaml(self._meta_path).get("status")) or 0.0)
        return Portion(rows, after + 1, more, None if more else ended, self.settings(key))

    def first(self, key: str) -> Sequence[TrackedRow]:  # noqa: ARG002  # other stores have several runs
        """Some of what the run has logged first."""
        points, _ = self._points({}, FIRST)
        return [TrackedRow(point.step, point.time, {point.key: point.value}) for point in points]

    def _points(self, offsets: Mapping[str, int], most: int) -> tuple[list[_Point], bool]:
        """The next values in the order of their times, and whether there are more behind them.

        `most`: bytes of each metric. Sizes are looked up first: while the files are read, the trainer goes on
        with the first of them.
        """
        sizes = [(name, path, os.stat(path).st_size) for name, path in self._metrics()]
        found: list[_Point] = []
        horizon = float("inf")
        for name, path, size in sizes:
            begin = offsets.get(name, 0)
            if begin >= size:
                continue
            points = list(_lines(name, read_part(path, min(size - begin, most), begin), begin))
            found += points
            if size - begin > most and points:
                horizon = min(horizon, points[-1].time)
        found.sort(key=lambda point: (point.time, point.step, is_place(point.key)))
        return [point for point in found if point.time <= horizon], horizon < float("inf")

    def _metrics(self) -> Iterator[tuple[str, str]]:
        return _files(os.path.join(self._folder, "metrics"))


def metric_files(path: str) -> Iterator[str]:
    """The files of the metrics of the run with that meta.yaml, which itself does not grow. Raises OSError."""
    return (file for _, file in _files(os.path.join(os.path.dirname(path), "metrics")))


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """The files below a folder in the order of their names, which are relative to it."""
    left = MOST_FILES
    for parent, folders, names in os.walk(folder):
        folders.sort()
        within = os.path.relpath(parent, folder)
        if within.count(os.sep) >= DEEPEST - 1:
            folders.clear()
        for name in sorted(names)[:left]:
            path = os.path.join(parent, name)
            if stat.S_ISREG(os.stat(path).st_mode):
                left -= 1
                yield os.path.normpath(os.path.join(within, name)), path
        if left <= 0:
            return


def _lines(key: str, data: bytes, begin: int) -> Iterator[_Point]:
    """The values of whole lines; what is none is passed over. They never go back in time."""
    end, latest = begin, 0.0
    for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
        end += len(line)
        parts = line.decode(errors="replace").split()
        if len(parts) not in (2, 3):
            continue
        time, value, step = number(parts[0]), number(parts[1]), count(parts[2]) if len(parts) > 2 else 0
        if time is not None and value is not None and step is not None:
            latest = max(latest, time / 1000)
            yield _Point(latest, step, key, value, end)


def _text(path: str) -> str:
    return read_part(path, LONGEST_VALUE).decode(errors="replace").strip()


def _yaml(path: str) -> Mapping[str, object]:
    try:
        return parse_flat_yaml(read_part(path, LARGEST_FILE))
    except FileNotFoundError:
        return {}


def _state(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def sniff(head: Head) -> Confidence:
    """By what a run says of itself, and an experiment does not."""
    known = b"experiment_id:" in head.text and (b"run_id:" in head.text or b"run_uuid:" in head.text)
    return Confidence.SURE if known else Confidence.NO


DIALECT = Dialect(
    name="mlflow_files",
    producer=TRANSFORMERS,
    reader=lambda *_: Unread(),
    sniff=sniff,
    files=("meta.yaml",),
    shape=Shape.STORE,
    role=Role.FILE,
    store=MlflowRunFolder,
    whole_folder=True,
    grown_files=metric_files,
    kept_by_tracker=True,
)
