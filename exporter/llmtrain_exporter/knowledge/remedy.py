"""What a remedy is: when it applies, and the rule by which a value follows from the run's own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.evidence import Evidence
from llmtrain_exporter.knowledge.text import Text

ALL_PROFILES = frozenset(profile.PROFILES)
ONLY_GRPO = frozenset((profile.GRPO,))
POLICIES = frozenset(profile.POLICIES)
ONLY_DPO = frozenset((profile.DPO,))
ALL_BUT_POLICIES = ALL_PROFILES - POLICIES

Value = float | str


class Ladder(NamedTuple):
    """The next of `values` beyond the present one; past the last one times `beyond`, or no further."""

    values: tuple[float, ...]
    up: bool = True
    beyond: float | None = None


class Scale(NamedTuple):
    """The present value times `by`, rounded where the setting counts something, and no lower than `least`."""

    by: float
    whole: bool = False
    least: float = 0.0


class Choice(NamedTuple):
    """One fixed value; those of `fine` serve as well. `known`: only in place of one that the run tells."""

    value: str
    fine: tuple[str, ...] = ()
    known: bool = False


class Quantity(Enum):
    """What a run tells of itself that a setting can follow from; `analyse.diagnosis` measures it."""

    ROOM_FOR_ANSWERS = "room_for_answers"  # tokens: somewhat more than its healthy completions took
    TWICE_THE_LIMIT = "twice_the_limit"  # tokens: of completions, that the run has now
    LOWER_LEARNING_RATE = "lower_learning_rate"  # by how far off it is
    GOOD_CHECKPOINT = "good_checkpoint"  # the name of the last one from before the trouble
    NEWEST_CHECKPOINT = "newest_checkpoint"
    WARMUP_STEPS = "warmup_steps"  # a tenth of the planned steps


class Measured(NamedTuple):
    """A value that follows from the run itself. `judged`: where the run does not tell, a person judges."""

    quantity: Quantity
    judged: bool = False


ValueRule = Ladder | Scale | Choice | Measured


class Change(NamedTuple):
    """A hyper-parameter to change. `rule` None: to what is for a person to judge.

    `setting`: its name in `arguments`, which is ms-swift's; each `Producer` knows its own flag for it.
    `where_no`: the change is for producers that have no such other setting.
    """

    setting: str
    rule: ValueRule | None
    where_no: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to do. `changes` is empty where nothing is set on the command line.

    `when`: what a run must show, all of it, to be told so; `unless`: of what nothing may hold. Both say it as
    the evidence for causes does, by weights that do not matter here. `prevents`: it is of use where all
    has been put right already, too.
    """

    title: Text
    how: Text
    sources: tuple[Text, ...]
    changes: tuple[Change, ...] = ()
    profiles: frozenset[str] = ALL_PROFILES
    when: tuple[Evidence, ...] = ()
    unless: tuple[Evidence, ...] = ()
    prevents: bool = False
