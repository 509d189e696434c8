"""Says of each record of a run which signals are there, and whether the run is dying.

A pure fold. An ordinary record of a healthy run costs a look at two rows of bounds: for each watched series
the rules say between which values they need not look. Only what lies outside is examined by all of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import le

from llmtrain_exporter.analyse import spikes
from llmtrain_exporter.analyse.baseline import UNLIMITED, Level
from llmtrain_exporter.analyse.columns import TURN, Columns, WatchPlan
from llmtrain_exporter.analyse.episodes import FirstAndLast, PastEpisodes
from llmtrain_exporter.analyse.incidents import PARTS, Incidents, Sign
from llmtrain_exporter.analyse.signals import rules_for
from llmtrain_exporter.analyse.signals.rule import GRAD_NORM, KL, Context, RecordView, Rule, SignalReading
from llmtrain_exporter.analyse.signals.tracker import Tracker
from llmtrain_exporter.analyse.waiting_rows import WaitingRows
from llmtrain_exporter.knowledge.own_level import BLOCK, MATURE, WINDOW
from llmtrain_exporter.knowledge.signal import Family, Profile, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.signals.collapse import COLLAPSE, FORCE_BELOW
from llmtrain_exporter.model import Episode, Health, Incident, Layout, Record, RowKind, Series
from llmtrain_exporter.model.blocks import RecordBlock, RecordInBlock

EPISODES_KEPT = 48

TROUBLE = (Severity.WARNING, Severity.CRITICAL)

_NAN = float("nan")


class Analysis:
    """What the training and evaluation records of one run say of its health, so far."""

    def __init__(
        self,
        profile: Profile,
        numbers: Mapping[str, float],
        episodes_kept: int = EPISODES_KEPT,
        kl_clamp: float = UNLIMITED,
    ) -> None:
        """`numbers`: the run's hyper-parameters. `episodes_kept`: those remembered one by one.

        `kl_clamp`: above which the trainer lets no kl of a token rise.
        """
        self.profile = profile.name
        self.limits = profile.limits
        self._rules = rules_for(profile, Context(profile.limits, numbers, kl_clamp))
        # The rules, and not their hooks: a bound method of each would take more memory than the rules do.
        self._reading = tuple(rule for rule in self._rules if rule.read is not None)
        self._looking_back: tuple[Rule, ...] = ()  # those whose series were there
        self._evaluating = tuple(rule for rule in self._rules if rule.evaluate is not None)
        self._pending = tuple(rule for rule in self._reading if type(rule).pending is not Rule.pending)
        # Those that what is done between two ordinary records can make wait for the next one.
        self._moved = tuple(rule for rule in self._pending if rule.look_back or rule.follow)
        self._columns = Columns(self._rules)
        self._layout: Layout | None = None
        self._plan: WatchPlan | None = None
        self._calm = False
        self._picked_by: WatchPlan | None = None  # how `_picked` was taken from the last training record
        self._picked: Sequence[float] = ()
        self._index = 0  # training records since the baselines began
        self.records = 0  # training records
        self.trackers: dict[str, Tracker] = {}
        self.spikes: dict[Series, int] = {}
        self._incidents = Incidents()
        self._past_episodes = PastEpisodes(episodes_kept)
        self._past_incidents: FirstAndLast[Incident] = FirstAndLast(episodes_kept)
        self._collapsed = False  # since the run was resumed last
        self._troubled = False

    def fold(self, record: Record, step: int) -> None:
        """Take in a training or evaluation record of `step`."""
        if record.layout is not self._layout:
            self._turn_to(record.layout)
        plan = self._plan
        if plan is None:  # an evaluation, or a training row that holds nothing but how far it is
            if record.kind is RowKind.EVAL:
                self._evaluate(record, step)
            return
        self.records += 1
        self._index += 1
        values = record.values
        self._picked = picked = plan.pick(values)
        self._picked_by = plan
        ordinary = all(map(le, plan.low, picked)) and all(map(le, picked, plan.high))
        if (ordinary or self._columns.renew(plan, picked, self._index)) and self._calm:
            self._columns.put_ordinary(plan, picked, values, self._index)
        else:
            self._examine(record, step, plan, picked)
        if not self._index % TURN:
            self._take_turn(record, step)

    @property
    def room(self) -> int:
        """Training records of the last one's layout that can be taken in together; 0 while it is not calm."""
        return self._columns.room(self._plan, self._index) if self._calm and self._plan else 0

    def waiting(self, block: RecordBlock, known: WaitingRows | None) -> WaitingRows | None:
        """A block of the last record's layout as its rows wait here; `known`: as it was seen before."""
        plan = self._plan
        if plan is None or (known is not None and known.plan is plan):
            return known
        return WaitingRows(plan, block)

    def fold_ordinary(self, rows: WaitingRows, at: int) -> int:
        """Take in what is ordinary of rows that wait, from `at` on; where that ends."""
        begin = at
        while room := self.room:
            end = rows.ordinary_until(at, min(at + room, len(rows.block)))
            if end == at:
                break
            self.records += end - at
            self._index += end - at
            self._columns.put_ordinary_rows(rows.plan, rows.based(at, end))
            at = end
            if not self._index % BLOCK:
                self._take_turn(RecordInBlock(rows.block, at - 1), rows.block.steps[at - 1])
            elif not self._index % TURN:
                self._renew_level()
        if at > begin:
            self._picked, self._picked_by = rows.picked(at - 1), rows.plan
        return at

    def rest(self) -> None:
        """Hold the last record in fewer bytes: it may be long until another comes."""
        self._picked = array("d", self._picked)
        self._columns.rest()

    def resume(self, step: int) -> None:
        """Steps went back: a process goes on from an earlier checkpoint, and what was normal starts anew."""
        for tracker in self.trackers.values():
            self._past_episodes.add(tracker.close())
        over = self._incidents.resume(step)
        if over is not None:
            self._past_incidents.add(over)
        self._forget()
        self._collapsed = False

    @property
    def episodes(self) -> Sequence[Episode]:
        """The signals that were and are there, by their first step.

        Of many the first and the last; those in between stand together, one for each signal and series.
        """
        active = [tracker.episode for tracker in self.trackers.values() if tracker.episode]
        return sorted([*self._past_episodes, *active], key=lambda episode: episode.first_step)

    @property
    def incident(self) -> Incident | None:
        """The one that lasts."""
        return self._incidents.current

    @property
    def incidents(self) -> Sequence[Incident]:
        """The incidents in their order."""
        current = self._incidents.current
        return [*self._past_incidents, *([current] if current else [])]

    @property
    def incidents_total(self) -> int:
        """How many there were, and are."""
        return self._past_incidents.total + (self._incidents.current is not None)

    @property
    def lost_steps(self) -> int:
        """Steps trained in incidents; see `Incidents.lost_steps`."""
        return self._incidents.lost_steps

    @property
    def health(self) -> Health:
        """How the run is at its last record."""
        present = {tracker.severity for tracker in self.trackers.values()}
        if Severity.CRITICAL in present:
            return Health.BROKEN
        return Health.WATCH if Severity.WARNING in present else Health.HEALTHY

    @property
    def verdict(self) -> Health:
        """How the whole log reads: broken if it ends broken or has collapsed, watch if anything was wrong."""
        if self._collapsed or self.health is Health.BROKEN:
            return Health.BROKEN
        return Health.WATCH if self._troubled else Health.HEALTHY

    def value_of(self, watched: Series) -> float | None:
        """The last value of a watched series of training records."""
        if self._picked_by is None or watched not in self._picked_by.position:
            return None
        return self._picked[self._picked_by.position[watched]]

    @property
    def levels(self) -> Mapping[Series, Level]:
        """The baselines in force."""
        return self._columns.levels

    def _take_turn(self, record: Record | RecordInBlock, step: int) -> None:
        """Look back at the end of a block, and then take a level anew."""
        if not self._index % BLOCK:
            self._look_back(record, step)
        self._renew_level()

    def _renew_level(self) -> None:
        """Take the next level anew, unless what comes is not normal."""
        if self._incidents.current is None:
            self._columns.take_turn(self._index)

    def _forget(self) -> None:
        for rule in self._rules:
            rule.reset()
        self._columns.reset()
        self._layout, self._plan, self._calm, self._index = None, None, False, 0

    def _turn_to(self, layout: Layout) -> None:
        self._layout = layout
        if layout.kind is not RowKind.TRAIN:
            self._plan = None
            return
        before = len(self._columns.order)
        self._plan = self._columns.plan(layout)
        if before != len(self._columns.order) or not self._looking_back:
            self._looking_back = tuple(rule for rule in self._rules if self._can_look_back(rule))

    def _can_look_back(self, rule: Rule) -> bool:
        """Whether a rule has something to look back on: not where no row had what it compares."""
        there = not rule.compared or any(watched in self._columns.at for watched in rule.compared)
        return there and rule.look_back is not None

    def _view(self, record: Record | RecordInBlock, step: int, values: Mapping[Series, float]) -> RecordView:
        columns = self._columns
        levels = columns.awake()
        return RecordView(
            record, step, self._index, values, levels, columns.ring, columns.at, columns.levelled
        )

    def _examine(self, record: Record, step: int, plan: WatchPlan, picked: tuple[float, ...]) -> None:
        """Let every rule look at a record that is not ordinary."""
        view = self._view(record, step, dict(zip(plan.series, picked, strict=True)))
        self._count_spikes(view)
        signs = [sign for rule in self._reading if (sign := self._apply(rule, view))]
        self._judge(signs, view.step)
        if self._incidents.current is None:
            self._columns.put(self._trusted(plan, record.values), self._index)
        self._calm = self._is_calm()

    def _apply(self, rule: Rule, view: RecordView) -> Sign | None:
        """Let a rule read a record; the sign of an incident that it finds, if it finds one."""
        reading = None if rule.read is None else rule.read(view)
        if reading is not None and not rule.meets(reading):
            reading = None
        tracker = self._note(rule, reading, view.step)
        if reading is None or tracker is None or rule.signal.family not in PARTS:
            return None
        if rule.is_sign is not None and not rule.is_sign(reading):
            return None
        if self._is_sign(tracker) or (rule.jumped is not None and rule.jumped(view)):
            return Sign(rule.signal.family, rule.name, _force(reading, rule), reading.began)
        return None

    def _is_sign(self, tracker: Tracker) -> bool:
        """What has been there for as long as baselines look back is no news."""
        lasting = self._index - tracker.began >= WINDOW
        return tracker.severity is Severity.CRITICAL or (tracker.severity is Severity.WARNING and not lasting)

    def _note(self, rule: Rule, reading: SignalReading | None, step: int) -> Tracker | None:
        """Take in a reading; the tracker that follows the signal, if anything was ever read."""
        tracker = self.trackers.get(rule.name)
        if tracker is None:
            if reading is None:
                return None
            tracker = self.trackers[rule.name] = Tracker(rule.signal, rule.bounds)
        if not tracker.open and (reading is None or not rule.meets(reading)):
            return tracker
        self._past_episodes.add(tracker.note(reading, step, self._index))
        self._troubled = self._troubled or tracker.severity in TROUBLE
        return tracker

    def _judge(self, signs: Sequence[Sign], step: int) -> None:
        """Whether there is an incident, and whether that is a collapse."""
        critical = any(
            tracker.severity is Severity.CRITICAL
            for name, tracker in self.trackers.items()
            if SIGNALS[name].family in PARTS and name != COLLAPSE.name
        )
        over = self._incidents.note(signs, critical, step, self._index)
        if over is not None:
            self._past_incidents.add(over)
        current = self._incidents.current
        if COLLAPSE.name in self.limits and (over or (current and signs)):
            self._note_collapse(current, step)

    def _note_collapse(self, current: Incident | None, step: int) -> None:
        name = COLLAPSE.name
        tracker = self.trackers.setdefault(name, Tracker(COLLAPSE, self.limits[name]))
        if current is None:
            self._past_episodes.add(tracker.close())
        elif current.collapse:
            self._collapsed = self._troubled = True
            broken = float(len({PARTS[Family(stage)] for stage, _ in current.stages}))
            where = KL if KL in self._columns.at else GRAD_NORM
            self._past_episodes.add(tracker.note(SignalReading(broken, broken, where), step, self._index))

    def _trusted(self, plan: WatchPlan, values: tuple[float, ...]) -> tuple[float, ...]:
        """A record's values for the baselines, without those that a signal speaks against."""
        undoubted = {rule.name for rule in self._reading if not rule.doubts()}
        met = [tracker for name, tracker in self.trackers.items() if tracker.met and name not in undoubted]
        suspects = {tracker.where for tracker in met if not self._is_old(tracker)}
        suspects.update(*(rule.suspects() for rule in self._reading))
        return tuple(
            _NAN if watched in suspects or abs(value) > UNLIMITED else value
            for watched, value in zip(self._columns.order, plan.row(values), strict=True)
        )

    def _is_old(self, tracker: Tracker) -> bool:
        """What lasts for a whole window without an incident is the run's new normal."""
        return tracker.severity is not None and self._index - tracker.began >= WINDOW

    def _is_calm(self) -> bool:
        """Whether the next record, if it is an ordinary one, changes nothing but the baselines."""
        if self._columns.ring.filled < MATURE or self._incidents.current is not None:
            return False
        trackers = [self.trackers.get(rule.name) for rule in self._reading]
        return not any(tracker.open for tracker in trackers if tracker) and not _is_pending(self._pending)

    def _count_spikes(self, view: RecordView) -> None:
        for watched in spikes.MEASURES:
            value, level = view.values.get(watched), view.levels.get(watched)
            if value is not None and level is not None and spikes.is_spike(watched, value, level):
                self.spikes[watched] = self.spikes.get(watched, 0) + 1

    def _look_back(self, record: Record | RecordInBlock, step: int) -> None:
        """Let the rules about slow changes look at the last block of records."""
        view = self._view(record, step, {})
        for rule in self._looking_back:
            for reading in rule.look_back(view) if rule.look_back is not None else ():
                if reading is not None or rule.name in self.trackers:
                    self._note(rule, reading, step)
            for watched in rule.watched if rule.moves_bounds else ():
                self._columns.bound(watched)
        self._calm = self._calm and not _is_pending(self._moved)

    def _evaluate(self, record: Record, step: int) -> None:
        view = self._view(record, step, {})
        for rule in self._evaluating:
            for reading in rule.evaluate(view) if rule.evaluate is not None else ():
                self._note(rule, reading, step)
        self._calm = self._calm and self._is_calm()


def _is_pending(rules: Iterable[Rule]) -> bool:
    """Whether one of them has to see the next record even if that is an ordinary one."""
    for rule in rules:  # noqa: SIM110  # a generator takes half as long again
        if rule.pending():
            return True
    return False


def _force(reading: SignalReading, rule: Rule) -> float:
    """How far a reading is beyond the rule's first limit."""
    if rule.signal.below:
        return min(rule.first.limit / reading.score, FORCE_BELOW) if reading.score > 0 else FORCE_BELOW
    return reading.score / rule.first.limit
