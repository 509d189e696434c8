"""Rows as experiment trackers keep them to records: the trainers' own keys, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from llmtrain_exporter.ingest import values
from llmtrain_exporter.ingest.normalise import NO_RECORD, Normaliser, layout_of
from llmtrain_exporter.ingest.phases import EPOCHS, apart, epoch_of, is_evaluation, is_of_end
from llmtrain_exporter.ingest.start_rows import StartRows
from llmtrain_exporter.knowledge import row
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import SLIME, VERL
from llmtrain_exporter.model import Record, RowKind, Skip

STEPS = ("train/global_step", "training/global_step", "trainer/global_step", "global_step", "train/step")
"""Keys under which trainers log the step themselves: the tracker's own may count its calls."""

PARTS = ("rollout/step", "eval/step")
"""Under which slime counts rollouts: these stand where the training is, which has several steps of each."""

MOST_KEYS = 4096
"""Values of one step that are one row."""

MOST_KINDS = 1 << 10
"""Of runs, by the keys that they log, that are remembered."""

WRITERS: Mapping[str, Producer] = {
    **dict.fromkeys(("actor/ppo_kl", "actor/pg_loss", "critic/score/mean"), VERL),
    **dict.fromkeys(("rollout/raw_reward", "train/train_rollout_logprob_abs_diff"), SLIME),
}
"""Keys that one trainer alone logs."""

FIRST_LOOKS = 64
"""Rows in which these stand."""

_COUNTS = frozenset((*STEPS, *PARTS))
_PLACE = frozenset((*STEPS, *PARTS, *EPOCHS))
_OWN = "_"  # W&B's own keys begin with it
NOTHING: Mapping[str, object] = MappingProxyType({})


class TrackedRow(NamedTuple):
    """What was logged of one step."""

    step: int | None  # by the tracker's count
    time: float | None  # Unix time at which it was logged
    cells: Mapping[str, object]


def is_place(key: str) -> bool:
    """Whether a key says where in the run a row stands; it belongs to whatever was logged with it."""
    return key in _PLACE


def stated_step(row: TrackedRow) -> int | None:
    """The step that a row states; None where it states none, or counts something else."""
    if row.cells.keys().isdisjoint(_COUNTS):
        return row.step
    step = _first_count(row.cells, STEPS)
    return row.step if step is None and _first_count(row.cells, PARTS) is None else step


class TrackedRun:
    """The rows of one run to records, and what its tracker says of its end."""

    __slots__ = ("_at_start", "_closed", "_last", "_looks", "_normaliser", "writer")

    def __init__(self, normaliser: Normaliser) -> None:
        self._normaliser = normaliser
        self._closed = False  # a row of the trainer's own has closed the run
        self._last = 0  # the step that the trainer has logged last
        self.writer: Producer | None = None  # the trainer, where its keys tell
        self._looks = FIRST_LOOKS  # at rows, that are left to tell that
        self._at_start = StartRows()

    def read(self, tracked: TrackedRow, planned: int | None = None) -> list[Record | Skip]:
        """The records of a row: one of the training, one of an evaluation.

        Media, texts and histograms are left out. `planned`: steps in all, where the settings say.
        """
        if self._looks:
            self._look(tracked.cells)
        found = self._records(tracked, planned)
        if (tracked.step == 0 or self._at_start.counts) and _first_count(tracked.cells, _COUNTS) is None:
            found = [self._at_start.place(read) if isinstance(read, Record) else read for read in found]
        kinds = {read.kind for read in found if isinstance(read, Record)}
        self._closed = RowKind.FINAL in kinds or (self._closed and RowKind.TRAIN not in kinds)
        return found

    def _records(self, tracked: TrackedRow, planned: int | None) -> list[Record | Skip]:
        cells = {
            key: cell
            for key, cell in tracked.cells.items()
            if (type(cell) is float or values.number(cell) is not None)
            and key not in _PLACE
            and not key.startswith(_OWN)
        }
        rows = apart(cells, self._place(tracked, planned))
        found = [read for each in rows for read in self._normaliser.rows(each)]
        return [read for read in found if read is not NO_RECORD] or found[:1]

    def _look(self, cells: Mapping[str, object]) -> None:
        self.writer = next((WRITERS[key] for key in cells if key in WRITERS), None)
        self._looks = 0 if self.writer else self._looks - 1

    def _place(self, tracked: TrackedRow, planned: int | None) -> dict[str, object]:
        """Where in the run a row stands, in the words of a trainer's own log."""
        cells = tracked.cells
        found = {"step": self._step(tracked), "max_steps": planned, "epoch": epoch_of(cells)}
        return {key: value for key, value in found.items() if value is not None}

    def _step(self, tracked: TrackedRow) -> int | None:
        step = _first_count(tracked.cells, STEPS)
        if step is not None:
            self._last = step
            return step
        part = _first_count(tracked.cells, PARTS)
        return tracked.step if part is None else max(part, self._last)

    def end(self, finished: bool, summary: Mapping[str, object] = NOTHING) -> list[Record | Skip]:
        """The record of an end, unless the trainer has closed the run itself.

        `summary`: what the tracker keeps of the run beside its rows, by the trainer's keys.
        """
        if not finished:
            return [Record(RowKind.FAILURE, None, None, layout_of(RowKind.FAILURE, []), ())]
        if self._closed:
            return []
        stated = {key: cell for key, cell in summary.items() if key in row.FINAL}
        if stated:
            return list(self._normaliser.rows(stated))
        return [Record(RowKind.FINAL, None, None, layout_of(RowKind.FINAL, []), ())]


@lru_cache(MOST_KINDS)
def makes_record(keys: frozenset[str]) -> bool:
    """Whether a run that logs these keys has a row of a training or its evaluation; others log anything."""
    row_of_all = TrackedRow(0, None, dict.fromkeys(sorted(keys), 1.0))
    return any(isinstance(read, Record) for read in TrackedRun(Normaliser()).read(row_of_all))


def _first_count(cells: Mapping[str, object], keys: Iterable[str]) -> int | None:
    for key in keys:
        cell = cells.get(key)
        if cell is not None and (count := values.count(cell)) is not None:
            return count
    return None


class RowsByKey:
    """Puts rows together again that a tracker keeps value by value, in the order in which they were logged.

    A row ends where another step begins or a key comes again. Training and evaluation of a step are two rows.
    """

    def __init__(self) -> None:
        self._step: int | None = None
        self._time: float | None = None
        self._rows: dict[bool, dict[str, object]] = {}  # by whether it is an evaluation's
        self._newest = False  # which of them was added to last
        self._size = 0

    def add(self, value: TrackedRow) -> list[TrackedRow]:
        """Take in what was logged next, which may be one value; the rows that are whole now."""
        whole: list[TrackedRow] = []
        for key, cell in value.cells.items():
            evaluated = self._newest if is_place(key) else is_evaluation(key)
            if key in self._rows.get(evaluated, ()) or self._is_apart(key, value):
                whole += self.end()
            self._rows.setdefault(evaluated, {})[key] = cell
            self._step, self._time, self._newest = value.step, value.time, evaluated
            self._size += 1
        return whole

    def _is_apart(self, key: str, value: TrackedRow) -> bool:
        """Whether a value is of another row than the one before it: what closes a run has its own."""
        closes = is_of_end(key) and value.time != self._time
        return value.step != self._step or closes or self._size > MOST_KEYS

    def end(self) -> list[TrackedRow]:
        """The rows that are begun: nothing more of theirs is on its way."""
        begun = [TrackedRow(self._step, self._time, cells) for cells in self._rows.values()]
        self._rows, self._newest, self._size = {}, False, 0
        return begun

    @property
    def begun(self) -> bool:
        """Whether more may come of a row."""
        return bool(self._rows)


def planned_steps(settings: Mapping[str, object]) -> int | None:
    """Steps in all, where a run's settings say."""
    return values.count(settings.get("max_steps")) or None
