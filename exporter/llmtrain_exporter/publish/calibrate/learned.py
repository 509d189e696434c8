"""What was learned of the runs of one profile, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

from llmtrain_exporter.knowledge.calibrating import NO_ALARM_RECORDS, PER_RECORDS
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.model import Health
from llmtrain_exporter.publish.calibrate.broken_run import BrokenRun, broken_run
from llmtrain_exporter.publish.calibrate.judging import Court, Hearing
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog
from llmtrain_exporter.publish.calibrate.learning import Learner, Lesson
from llmtrain_exporter.publish.calibrate.moves import NO_MOVES, Move
from llmtrain_exporter.publish.calibrate.unseen import Unseen, unseen


@dataclass(frozen=True, slots=True)
class SignalFigures:
    """One signal: its bounds that move, and what it said with the limits so far and with the new ones.

    `alarms`: false ones. `told`: broken runs in which it was a sign of what broke them, by place, with the
    steps from it until the run was critical.
    """

    signal: str
    moves: tuple[Move, ...]
    alarms: tuple[int, int]
    told: tuple[dict[int, int], dict[int, int]]


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of one profile. Pairs are with the limits so far and with the new ones."""

    profile: Profile
    healthy: Sequence[KeptLog]
    broken: Sequence[KeptLog]
    budget: float
    lesson: Lesson
    alarms: tuple[int, int]
    found: tuple[int, int]  # broken runs that are told as such
    signals: tuple[SignalFigures, ...]
    unseen: Unseen | None

    @property
    def records(self) -> int:
        """Training records of the healthy runs."""
        return sum(log.trained for log in self.healthy)

    @property
    def within_budget(self) -> bool:
        """Whether no more false alarms are left than are put up with."""
        return self.alarms[1] <= self.lesson.most

    def rate(self, alarms: int) -> float:
        """False alarms per PER_RECORDS records."""
        return alarms * PER_RECORDS / max(self.records, 1)

    @property
    def least_rate(self) -> float:
        """The rate that so few records cannot be told from none at all."""
        return NO_ALARM_RECORDS * PER_RECORDS / max(self.records, 1)

    @property
    def missing(self) -> int:
        """Records that are missing, without an alarm in them, for the budget to mean anything."""
        needed = NO_ALARM_RECORDS * PER_RECORDS / self.budget if self.budget else float("inf")
        return 0 if needed == float("inf") else max(round(needed) - self.records, 0)


def learned(
    profile: Profile,
    healthy: Sequence[KeptLog],
    broken: Sequence[KeptLog],
    budget: float,
    heard: Callable[[], object] = lambda: None,
) -> Learned:
    """Learn the limits of a profile from its runs; `heard` is called after each fold."""
    court = Court([*healthy, *broken], profile, heard)
    well, ill = range(len(healthy)), range(len(healthy), len(court.logs))
    lesson = Learner(court, well, ill, budget).learn()
    hearings = [(court.hear(at, NO_MOVES), court.hear_all(at, lesson.moves)) for at in range(len(court.logs))]
    told = hearings[len(healthy) :]
    return Learned(
        profile,
        healthy,
        broken,
        budget,
        lesson,
        _pair(hearings[: len(healthy)], lambda hearing: hearing.alarms),
        _pair(told, lambda hearing: hearing.verdict is Health.BROKEN),
        tuple(
            _figures(
                lesson,
                hearings[: len(healthy)],
                [broken_run(log, pair[0]) for log, pair in zip(broken, told, strict=True)],
                told,
            )
        ),
        unseen(court, well, ill, budget),
    )


Pairs = Sequence[tuple[Hearing, Hearing]]
"""Of each run, before and after."""


def _pair(hearings: Pairs, count: Callable[[Hearing], int]) -> tuple[int, int]:
    before, after = (sum(count(pair[side]) for pair in hearings) for side in (0, 1))
    return before, after


def _figures(lesson: Lesson, well: Pairs, runs: Sequence[BrokenRun], ill: Pairs) -> Iterator[SignalFigures]:
    alarms = [_alarms(pair[side] for pair in well) for side in (0, 1)]
    names = dict.fromkeys((*alarms[0], *alarms[1], *(move.signal for move in lesson.moves)))
    for name in sorted(names, key=lambda name: -alarms[0][name]):
        moves = sorted(
            (move for move in lesson.moves if move.signal == name), key=lambda move: move.severity.rank
        )
        told = [_leads(runs, [pair[side] for pair in ill], name) for side in (0, 1)]
        yield SignalFigures(name, tuple(moves), (alarms[0][name], alarms[1][name]), (told[0], told[1]))


def _alarms(hearings: Iterator[Hearing]) -> Counter[str]:
    counts = Counter[str]()
    for episode in chain.from_iterable(hearing.episodes for hearing in hearings):
        counts[episode.signal] += episode.times
    return counts


def _leads(runs: Sequence[BrokenRun], hearings: Sequence[Hearing], signal: str) -> dict[int, int]:
    leads = {
        at: run.lead(hearing, signal) for at, (run, hearing) in enumerate(zip(runs, hearings, strict=True))
    }
    return {at: lead for at, lead in leads.items() if lead is not None}


def usual(leads: dict[int, int]) -> float:
    """Of several runs, the median."""
    return median(leads.values())
