"""What travels between the rooms of the house: frozen, without behaviour of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

if TYPE_CHECKING:  # every start loads this module, and these are only named here
    from llmtrain_exporter.knowledge.answer import Answer, Ground
    from llmtrain_exporter.knowledge.metric import Metric
    from llmtrain_exporter.knowledge.no_run import Content, NoRunReason, UnreadRows
    from llmtrain_exporter.knowledge.producer import Producer
    from llmtrain_exporter.knowledge.signal import Limits, Severity
    from llmtrain_exporter.model.guarded import GuardFile


class RowKind(Enum):
    """What a log row is."""

    __hash__ = object.__hash__  # members are single; Enum's own hash is Python code, too slow for each row

    TRAIN = "train"
    EVAL = "eval"
    PROGRESS = "progress"  # how far the run is, and no metric: prediction runs, last rows of LLaMA-Factory
    FINAL = "final"  # the trainer's closing row: it came to its end
    SUMMARY = "summary"  # the trainer's last line, written on the way out of a failure too
    FAILURE = "failure"  # a printed log shows a traceback


class State(str, Enum):
    """What a run is doing."""

    WAITING = "waiting"
    RUNNING = "running"
    STALLED = "stalled"
    FINISHED = "finished"
    FAILED = "failed"


class Health(int, Enum):
    """The verdict on a run; the number is what `llmtrain_run_health` says of one that is known."""

    UNKNOWN = -1  # no training record yet, or none whose loss could be read: nothing to judge
    HEALTHY = 0
    WATCH = 1
    BROKEN = 2


@dataclass(frozen=True, eq=False)  # without slots: interning holds it by a weak reference
class Series:
    """One series of a run: a metric and its labels besides run. Interned: equal means identical."""

    metric: Metric
    labels: tuple[tuple[str, str], ...] = ()


_interned: WeakValueDictionary[tuple[Metric, tuple[tuple[str, str], ...]], Series] = WeakValueDictionary()


def series(metric: Metric, *labels: tuple[str, str]) -> Series:
    """The one `Series` of a metric with these labels."""
    found = _interned.get((metric, labels))
    if found is None:
        found = _interned[metric, labels] = Series(metric, labels)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns that all rows with the same keys share, in the order of a record's values.

    `position` finds the column of a metric that has no label of its own.
    """

    kind: RowKind
    series: tuple[Series, ...]
    position: Mapping[Metric, int]
    identity: tuple[int, ...]  # columns that tell one record from another; clocks and speeds do not


class Resume(NamedTuple):
    """Steps went back from `last` to `first`: a checkpoint was loaded again."""

    last: int
    first: int


class StepSource(Enum):
    """How the step of a row is known that does not state it."""

    SHOWN = "shown"  # the progress bar stood there
    ESTIMATED = "estimated"  # by the row before, the steps between rows, the epoch
    COUNTED = "counted"  # nothing tells steps: it is the number of the record


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a row belongs that does not say so itself. `again`: another rank has printed it before.

    `resumed`: it is the first row of a process that went on from an earlier step than the one before came to.
    `seconds`: for how long that process had trained, as its progress bar showed.
    """

    source: StepSource
    again: bool = False
    resumed: Resume | None = None
    seconds: float | None = field(default=None, compare=False)


class Record(NamedTuple):
    """One log row. A tuple and not a dataclass because one is made per row on the hot path."""

    kind: RowKind
    step: int | None
    max_steps: int | None
    layout: Layout
    values: tuple[float, ...]
    placement: Placement | None = None  # None: the row states its step, or has none

    def get(self, metric: Metric) -> float | None:
        """The value of an unlabelled metric in this row, None where the row does not have it."""
        position = self.layout.position.get(metric)
        return None if position is None else self.values[position]

    def value(self, column: int) -> float:
        """The value of the layout's series that has this place."""
        return self.values[column]


class Skip(NamedTuple):
    """A line that is no record, and why: a short reason that becomes a label value."""

    reason: str


class Episode(NamedTuple):
    """A signal from its start until it clears. `severity` is the worst that it had.

    `peak` and `limit` are in the unit of `metric`; `limit` is that severity's when it was met.
    `critical_step`: the step at which it became critical, None if it did not. `times`: more than one where
    a run had too many to remember each; then it is the worst of them, from the first to the last.
    """

    signal: str
    severity: Severity
    first_step: int
    last_step: int
    records: int
    peak: float
    peak_step: int
    limit: float
    metric: Series
    baseline: float | None
    critical_step: int | None
    active: bool
    times: int = 1


class Incident(NamedTuple):
    """What happened, in training steps. `stages`: the families that broke, and when, in their order."""

    onset_step: int
    peak_step: int
    recovery_step: int | None
    stages: tuple[tuple[str, int], ...]
    signals: tuple[str, ...]
    active: bool
    collapse: bool


class CheckAnswer(NamedTuple):
    """The answer to a check, by the check's id. `episodes`: those that speak against a yes, by first step."""

    check: str
    answer: Answer
    ground: Ground
    episodes: tuple[Episode, ...] = ()


class Point(NamedTuple):
    """The value of a record, with its step."""

    step: int
    value: float


class Courses(NamedTuple):
    """How metrics went: so many `rows`, each of a step and of a value for each of `series`.

    `cells`: row by row, NaN where there was no value. Whoever makes them may go on adding rows to `steps` and
    `cells`, which says nothing here.
    """

    series: tuple[Series, ...]
    rows: int
    steps: Sequence[int]
    cells: Sequence[float]

    def of(self, key: Series) -> list[Point]:
        """The points of a series that have a finite value, in the order in which they were logged."""
        if key not in self.series:
            return []
        width = len(self.series)
        values = self.cells[self.series.index(key) : self.rows * width : width]
        points = zip(self.steps[: self.rows], values, strict=True)
        return [Point(step, value) for step, value in points if isfinite(value)]


@dataclass(frozen=True, slots=True)
class HyperParameters:
    """What a run's own argument file says of it, white-listed."""

    info: Mapping[str, str] = field(default_factory=dict)  # texts for run_info
    numbers: Mapping[str, float] = field(default_factory=dict)  # hyper-parameters
    unshown: Mapping[str, float | str] = field(default_factory=dict)  # what advice alone makes use of

    @property
    def settings(self) -> Mapping[str, float | str]:
        """All that is set, by name."""
        return {**self.unshown, **self.info, **self.numbers}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of a run at one moment: what exposition, pages and verdict are made from."""

    run: str
    file: str
    producer: Producer
    profile: str  # maybe the operator's own
    base: str  # the built-in one that it comes from
    state: State
    health: Health  # at the last record
    verdict: Health  # on the whole log
    records: Mapping[RowKind, int]
    first_step: int | None
    last_step: int | None
    max_steps: int | None
    resumes: tuple[Resume, ...]
    skipped: Mapping[str, int]
    last_record: float | None  # Unix time
    best: tuple[float, int | None] | None  # evaluation loss, step
    hyper_parameters: HyperParameters
    limits: Limits  # those in force
    episodes: tuple[Episode, ...]
    incidents: tuple[Incident, ...]
    samples: Mapping[Series, float]
    courses: Mapping[RowKind, Courses] = field(default_factory=dict)  # of a run in which something came up
    early_loss: float | None = None  # median of its first training losses
    checkpoints: tuple[int, ...] = ()  # steps of those beside the log, where somebody looked
    kept: tuple[int, ...] = ()  # the same of those that the guard has kept there from rotation
    step_is_record: bool = False  # nothing told steps: they are numbers of records
    ended_early: bool = False  # its trainer closed it before the last of the planned steps
    cut_off: bool = False  # stalled, and for so long that it was most likely ended
    guard: GuardFile | None = None  # what the guard has done, where one stands in the training
    labels: Mapping[str, str] = field(default_factory=dict)  # the operator's own

    @property
    def dialect(self) -> str:
        """The name under which people know who wrote the log."""
        return self.producer.dialect


class Proof(NamedTuple):
    """What a run shows of a metric or setting: `at` is the level at `to_step`, `before` at `from_step`."""

    metric: Series | str
    from_step: int | None
    to_step: int | None
    before: float | None
    at: float


class ProvedCause(NamedTuple):
    """A cause by id, how much speaks for it all in all, and what."""

    cause: str
    weight: float
    evidence: tuple[Proof, ...]


class Proposal(NamedTuple):
    """A change worked out for one run. `now` None: the log does not say. `value` None: for a person to judge.

    `flag`: "--beta 0.1", as the producer writes it; without the value where there is none.
    """

    setting: str
    now: float | str | None
    value: float | str | None
    flag: str


class Prescription(NamedTuple):
    """A remedy by id, the shown causes that it is for, if any is shown, and what it changes."""

    remedy: str
    because: tuple[str, ...]
    changes: tuple[Proposal, ...]


class Diagnosis(NamedTuple):
    """Why a run is as it is, the best proved cause first, and what to do. `clear`: a cause stands out.

    `look_at`: the signal that tells what to look at first, where something speaks against the run and it
    shows no cause; else empty.
    """

    causes: tuple[ProvedCause, ...] = ()
    remedies: tuple[Prescription, ...] = ()
    clear: bool = False
    lost_gpu_hours: float | None = None
    look_at: str = ""


class Protected(NamedTuple):
    """What is kept of a run from its trainer's rotation.

    `steps`: of the kept checkpoints. `bytes_held`: those that nothing else takes. `done`: how often what was
    done, by action. `obstacles`: how often something stood in the way, by reason.
    """

    run: str
    steps: tuple[int, ...]
    bytes_held: int
    done: Mapping[str, int]
    obstacles: Mapping[str, int]


class LeftOut(NamedTuple):
    """A file or folder that a search has passed by, and a short reason, as is a label value.

    `instead`: the log that is followed for its run. `detail`: what would have it read.
    """

    path: str
    reason: str
    instead: str = ""
    detail: str = ""


class Unread(NamedTuple):
    """What stands in a file that is no training log. `tried`: formats by name, each with its files' names.

    `lines`: the first that are not blank, printable and shortened. `rows`: how a training shows its rows in
    it, where that is not read. `possible`: those of the formats in which a file can look so at all.
    """

    read_as: str
    tried: Mapping[str, tuple[str, ...]]
    content: Content
    lines: tuple[str, ...]
    rows: UnreadRows | None = None
    possible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoRun:
    """A file that was looked at and is no training log, or a folder without any.

    `skipped`: its lines by reason. `detail`: what the system or the program says of the reason. `unread`:
    what stands in the file instead. `seen`: what lies in a folder, and why it is no log.
    """

    file: str
    reason: NoRunReason
    skipped: Mapping[str, int] = field(default_factory=dict)
    detail: str = ""
    unread: Unread | None = None
    seen: tuple[LeftOut, ...] = ()
