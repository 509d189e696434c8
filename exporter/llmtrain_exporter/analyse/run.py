"""The fold: a run's records, one after the other, into its state."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from llmtrain_exporter.analyse import derived, run_series, state
from llmtrain_exporter.analyse.analysis import EPISODES_KEPT, Analysis
from llmtrain_exporter.analyse.at_rest import BareRows, LastRecord
from llmtrain_exporter.analyse.course import CourseKeeper
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.latest import Latest, caps
from llmtrain_exporter.analyse.onset import Onset, last_onset
from llmtrain_exporter.analyse.pace import RunPace
from llmtrain_exporter.analyse.position import Position
from llmtrain_exporter.analyse.signals.rule import LOSS
from llmtrain_exporter.analyse.stretch import goes_on, pieces
from llmtrain_exporter.analyse.twins import RECENT, is_twin
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import profile as profiles
from llmtrain_exporter.knowledge.arguments import GPUS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Profile, Severity
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.knowledge.skips import UNREADABLE_ROW, UNREADABLE_VALUE
from llmtrain_exporter.model import (
    Courses,
    Health,
    HyperParameters,
    Layout,
    Record,
    RowKind,
    Series,
    Snapshot,
    State,
    series,
)
from llmtrain_exporter.model.blocks import RecordBlock, RecordParts

if TYPE_CHECKING:  # who folds records does not write settings
    from llmtrain_exporter.knowledge.producer import Producer

_TRAIN = RowKind.TRAIN  # a look at an enumeration takes as long as a call


class RunOptions(NamedTuple):
    """What the operator says of a run."""

    profile: str | None = None  # None: it is found from the log, among the built-in ones
    labels: Mapping[str, str] = {}
    profiles: Mapping[str, Profile] = BUILT_IN  # all that there are
    episodes_kept: int = EPISODES_KEPT
    max_other_keys: int = 100
    max_label_values: int = 100  # of every other labelled metric, reward functions among them


class Run:
    """All that the records of one run say so far; how they are portioned makes no difference."""

    def __init__(
        self,
        options: RunOptions,
        hyper_parameters: HyperParameters,
        carried: Mapping[Series, float] | None = None,
    ) -> None:
        """`carried`: the counters of the log before, whose place this one took; they go on from there."""
        self._options = options
        self._hyper_parameters = hyper_parameters
        self._facts = run_series.facts(hyper_parameters, options.labels)
        self._latest = Latest(caps(options.max_label_values, options.max_other_keys))
        self._recent: Lately[LastRecord] = Lately(RECENT)
        self._second_writer = False  # this process has one
        self.evaluations = derived.Evaluations()
        self._trained, self._evaluated = CourseKeeper(), CourseKeeper()
        self._layout: Layout | None = None  # of the last training record, and where it has these:
        self._elapsed_at: int | None = None
        self._rate_at: int | None = None
        self._peak_learning_rate = 0.0
        stage = hyper_parameters.info.get("rlhf_type") or hyper_parameters.info.get("stage", "")
        stated = options.profile or profiles.BY_RLHF_TYPE.get(stage)
        self._profile = options.profiles[stated] if stated else None
        self._profile_stated = bool(stated)
        self.carried = carried or {}  # what is added to each counter; below 0 for what was history
        self.least: Mapping[Series, float] = {}  # what the counters have been; they never fall
        self.producer: Producer | None = None  # who writes the log, as far as that is known by now
        self.analysis: Analysis | None = None  # the first training record shows its kind
        self._onset: Onset | None = None  # the last incident's
        self.pace = RunPace()
        self.ending = state.Ending()
        self.records: Counter[RowKind] = Counter()
        self.skipped: Counter[str] = Counter()
        self.position = Position()
        self.arrived: float | None = None

    def fold(self, record: Record, arrived: float) -> bool:
        """Take one record in; False if a second writer has said the same before, and it is counted alone.

        `arrived`: Unix time at which its line was written, as well as one can know.
        """
        kind = record.kind
        self.records[kind] += 1
        self.arrived = arrived
        if is_twin(record, self._recent, self.position.last_step):
            self._second_writer = True
            return False
        self._recent.note(record)
        self.ending.note(record)
        self._latest.put(record.layout, record.values)
        if kind is _TRAIN:
            self._train(record, arrived)
        elif kind is RowKind.EVAL:
            self._evaluate(record)
        else:
            self._note_place(record)
        return True

    def fold_all(self, records: Sequence[Record], arrived: float) -> Sequence[Record]:
        """Take in records that came at once, as `fold` does one after the other; those that count.

        What is ordinary is taken in together, which is quicker.
        """
        counted: list[Sequence[Record]] = []
        for piece in pieces(records):
            if isinstance(piece, RecordBlock):
                counted += self._fold_block(piece, arrived)
            elif self.fold(piece, arrived):
                counted.append((piece,))
        return RecordParts(counted)

    def _fold_block(self, block: RecordBlock, arrived: float) -> Iterator[Sequence[Record]]:
        """Take in a block whose steps rise; those of its records that count."""
        at, rows = 0, None
        while at < len(block):
            begin = at
            if self.analysis and self.analysis.room and goes_on(block, at, self._layout, self.position):
                rows = self.analysis.waiting(block, rows)
                at = at if rows is None else self.analysis.fold_ordinary(rows, at)
            if at > begin:
                ordinary = block[begin:at] if at - begin < len(block) else block
                self._note_ordinary(ordinary, arrived)
                yield ordinary
            elif self.fold(record := block[at], arrived):
                yield (record,)
            at = max(at, begin + 1)

    def rest(self) -> None:
        """Hold in fewer bytes what was said last: it may be long until more comes."""
        rows = BareRows()
        self._recent[:] = map(rows.record, self._recent)
        self._latest.rest(rows)
        self.evaluations.rest(rows)
        if self.analysis is not None:
            self.analysis.rest()

    def skip(self, reasons: Mapping[str, int]) -> None:
        """Lines that were no record."""
        self.skipped.update(reasons)

    @property
    def profile(self) -> Profile:
        """The kind of training: told by the operator, the run's settings, or the metrics it logs."""
        return self._profile or self._found_profile()

    def _found_profile(self) -> Profile:
        return self._options.profiles[state.profile_of(self._latest.series())]

    def counters(self) -> dict[Series, float]:
        """Every counter, those at 0 too: Prometheus does not see the increase of one that is born at 1."""
        own = self._own_counters()
        names = dict.fromkeys((*own, *self.carried, *self.least))
        sums = {key: own.get(key, 0.0) + self.carried.get(key, 0.0) for key in names}
        return {key: max(count, self.least.get(key, 0.0)) for key, count in sums.items()}

    def count_from(self, counters: Mapping[Series, float]) -> None:
        """Let the counters stand at these, whatever was folded so far: history does not make them grow."""
        own = self._own_counters()
        names = dict.fromkeys((*own, *counters))
        self.carried = {key: counters.get(key, 0.0) - own.get(key, 0.0) for key in names}

    def add_to(self, counters: Mapping[Series, float]) -> None:
        """Let all that was folded count on top of these."""
        self.carried = counters

    def _own_counters(self) -> dict[Series, float]:
        own = run_series.row_counters(
            self.records, self.skipped, len(self.position.resumes), self._latest.dropped
        )
        if self.analysis is not None:
            own |= dict(run_series.counters(self.analysis))
        return own

    def keeps(self, key: Series) -> bool:
        """Whether the run takes in a series of a record that was folded, or has too many of its kind."""
        return self._latest.keeps(key)

    def ratios(self, values: Mapping[Series, float]) -> Iterator[tuple[Metric, float]]:
        """What follows from these values of the run, those of a record or the last ones of all."""
        yield from derived.against_hyper_parameters(values, self._hyper_parameters.numbers)
        yield from derived.within_record(values, self._peak_learning_rate)

    def info(self, dialect: str) -> Series:
        """The series whose labels are the static facts of the run, as far as they are known by now."""
        return run_series.info(dialect, self.profile.name, self._facts)

    def state(self, now: float) -> State:
        """What the run is doing at `now`, Unix time."""
        if self.arrived is None:
            return State.WAITING
        if self.position.at_end:
            return State.FINISHED
        return self.ending.state(now - self.arrived, min(self._silences().values(), default=math.inf))

    @property
    def is_training(self) -> bool:
        """Whether any row speaks of a training; a traceback alone does not."""
        return any(kind is not RowKind.FAILURE for kind in self.records)

    @property
    def is_not_understood(self) -> bool:
        """Whether rows of a training were seen and not one could be read: nothing can be said of it."""
        judged = self.records[RowKind.TRAIN] + self.records[RowKind.EVAL]
        return not judged and self.skipped[UNREADABLE_ROW] > 0

    def changes_at(self, now: float) -> float:
        """Unix time at which silence alone changes what is said of the run; never, when it does not run."""
        if self.arrived is None or self.state(now) not in (State.RUNNING, State.STALLED):
            return math.inf
        steps = (self.arrived + silence for silence in self._silences().values())
        return min((at for at in steps if at >= now), default=math.inf)

    def stalled(self, now: float) -> Severity | None:
        """How bad the silence of a run is that has not ended."""
        if self.arrived is None or self.state(now) is not State.STALLED:
            return None
        silent = now - self.arrived
        return next((severity for severity, most in self._silences().items() if silent > most), None)

    def _silences(self) -> Mapping[Severity, float]:
        return state.silences(self.profile, self.pace)

    def snapshot(self, run: str, file: str, producer: Producer, now: float) -> Snapshot:
        """The run as it stands at `now`, Unix time."""
        doing, stalled, profile = self.state(now), self.stalled(now), self.profile
        analysis, evaluations = self.analysis, self.evaluations
        found = self._known(analysis.health) if analysis else Health.UNKNOWN
        health = max(found, state.HEALTH_OF[stalled], key=lambda verdict: verdict.value)
        return Snapshot(
            run=run,
            file=file,
            producer=producer,
            profile=profile.name,
            base=profile.base,
            state=doing,
            health=health,
            verdict=self._known(analysis.verdict) if analysis else Health.UNKNOWN,
            records=dict(self.records),
            first_step=self.position.first_step,
            last_step=self.position.last_step,
            max_steps=self.position.max_steps,
            step_is_record=self.position.step_is_record,
            ended_early=self.ended_early,
            resumes=tuple(self.position.resumes),
            skipped=dict(self.skipped),
            last_record=self.arrived,
            cut_off=state.is_cut_off(stalled, now - (self.arrived or now), self._silences()),
            best=None if evaluations.best_loss is None else (evaluations.best_loss, evaluations.best_step),
            hyper_parameters=self._hyper_parameters,
            limits=profile.limits,
            episodes=tuple(analysis.episodes) if analysis else (),
            incidents=tuple(analysis.incidents) if analysis else (),
            samples=self._samples(producer.dialect, doing, stalled, health),
            courses=self._courses(),
            early_loss=self._trained.early(LOSS),
            labels=self._options.labels,
        )

    def _known(self, found: Health) -> Health:
        """What was found; a run whose loss could be read in no record is not known to be well."""
        blind = self.skipped[UNREADABLE_VALUE] >= self.records[_TRAIN] and LOSS not in self._latest.series()
        return Health.UNKNOWN if blind and found is Health.HEALTHY else found

    def _courses(self) -> Mapping[RowKind, Courses]:
        """How the metrics of a run went in which something came up; of others nobody asks.

        No signal of a record tells that a preference is learned to the end or the wrong way round.
        """
        if self.analysis is None or not (self.analysis.trackers or self.profile.base == profiles.DPO):
            return {}
        return {RowKind.TRAIN: self._trained.courses(), RowKind.EVAL: self._evaluated.courses()}

    def _samples(
        self, dialect: str, doing: State, stalled: Severity | None, health: Health
    ) -> dict[Series, float]:
        latest = self._latest.series()
        found = latest | {
            series(metric): value for metric, value in self._numbers(latest) if value is not None
        }
        if self.analysis is not None:
            found |= dict(run_series.gauges(self.analysis))
            if health is not Health.UNKNOWN:
                found[series(c.RUN_HEALTH)] = float(health.value)
        found |= self.counters() | state.samples(doing, stalled)
        found[self.info(dialect)] = 1.0
        return found

    def _train(self, record: Record, arrived: float) -> None:
        step, resumed = self.position.go_to(record)
        if resumed is not None:
            self._resume(resumed.first)
        layout, values = record.layout, record.values
        if layout is not self._layout:
            self._layout = layout
            self._elapsed_at, self._rate_at = map(layout.position.get, (c.ELAPSED, c.LEARNING_RATE))
        elapsed = None if self._elapsed_at is None else values[self._elapsed_at]
        if elapsed is None:
            self.pace.note_arrival(step, arrived)
        else:
            self.pace.note(step, elapsed)
        if self._rate_at is not None and values[self._rate_at] > self._peak_learning_rate:
            self._peak_learning_rate = values[self._rate_at]
        self.evaluations.beside = record
        self._trained.put(step, layout, values)
        if self._profile is None or (self.position.trained <= state.TELLING and not self._profile_stated):
            self._profile = self._found_profile()
        if self.analysis is None or self.analysis.profile != self._profile.name:
            self.analysis = self._new_analysis()
        self.analysis.fold(record, step)
        self._onset = last_onset(self._onset, self.analysis.incident, arrived, elapsed)

    def _note_ordinary(self, block: RecordBlock, arrived: float) -> None:
        """What is to be known of training records that the analysis has taken in together."""
        *_, last = newest = list(block[-RECENT:])
        self.records[_TRAIN] += len(block)
        self.arrived = arrived
        self._recent.note_all(newest)
        self.ending.note(last)
        self._latest.put(last.layout, last.values)
        self.position.go_on(block.steps)
        elapsed, rates = (() if at is None else block.columns[at] for at in (self._elapsed_at, self._rate_at))
        self.pace.note_all(block.steps, elapsed, arrived)
        self._peak_learning_rate = max((self._peak_learning_rate, *rates))
        self.evaluations.beside = last
        self._trained.put_all(block)
        self._onset = last_onset(self._onset, None, arrived, elapsed[-1] if elapsed else None)

    def _new_analysis(self) -> Analysis:
        """By what is known of the run's kind; before its first training record that may be wrong yet."""
        clamp = math.inf if self.producer is None else self.producer.kl_clamp
        return Analysis(self.profile, self._hyper_parameters.numbers, self._options.episodes_kept, clamp)

    def _evaluate(self, record: Record) -> None:
        self.position.advance(record)
        step = self.position.last_step
        self.evaluations.evaluate(record, step)
        self._evaluated.put(step or 0, record.layout, record.values)
        self.analysis = self.analysis or self._new_analysis()
        self.analysis.fold(record, step or 0)
        self.pace.note_evaluation(record.get(c.EVAL_RUNTIME) or 0.0)

    def _note_place(self, record: Record) -> None:
        """A row that has no metric to judge."""
        if record.kind in state.CLOSING and not self._second_writer:
            self._recent.clear()  # equal rows after this are of a process that takes the same steps again
        self.position.advance(record)

    def _resume(self, first: int) -> None:
        """Another process goes on with that step."""
        self.pace.reset()
        self._recent.clear()
        self._second_writer = False
        if self.analysis is not None:
            self.analysis.resume(first)

    @property
    def ended_early(self) -> bool:
        """Whether the trainer closed the run though another record was to come before the planned end."""
        return self.ending.closed and self.position.left(self.ending.stated_step)

    def _numbers(self, latest: Mapping[Series, float]) -> Iterator[tuple[Metric, float | None]]:
        last, planned = self.position.last_step, self.position.max_steps
        yield c.STEP, last
        yield c.MAX_STEPS, planned
        if series(c.PROGRESS) not in latest:
            yield c.PROGRESS, derived.ratio(last, planned)
        gpus, pace = self._hyper_parameters.numbers.get(GPUS), self.pace.seconds_per_step()
        yield c.GPUS, gpus
        yield c.LAST_RECORD, self.arrived
        yield c.RECENT_SECONDS_PER_STEP, pace
        if self.analysis is not None:
            yield m.LOST_GPU_TIME, derived.gpu_seconds(self.analysis.lost_steps, pace, gpus)
        yield from self.ratios(latest)
        yield from self.evaluations.values()
        if self._onset is not None:
            yield m.INCIDENT_ONSET_TIME, self._onset.time
