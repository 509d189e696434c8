"""What speaks for a cause and what against it: the terms in which causes say it, without behaviour.

Each piece has a weight: above 0 it speaks for the cause, below 0 against it. 1 is a hint, 2 is what one
expects to see, 3 and more is hardly anything else. `needed`: without it the cause is out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from llmtrain_exporter.knowledge.metric import Metric


class When(Enum):
    """A stretch of a run. The trouble begins at the onset of its incident, or of the worst signal."""

    START = "start"  # its first records
    BEFORE = "before"  # the last ones before the trouble
    END = "end"  # its last records, or those before it recovered
    ALWAYS = "always"  # every record, but for outliers
    BEST = "best"  # the record in which the metric was highest


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What all evidence has."""

    weight: float = 1.0
    needed: bool = False
    profiles: frozenset[str] | None = None  # kinds of training in which it counts; None: in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalled(Evidence):
    """One of these signals came up; `first`: in what broke first; `alone`: in single records only.

    `informs`: where it says nothing against the run as well.
    """

    signals: tuple[str, ...]
    first: bool = False
    alone: bool = False
    informs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lies(Evidence):
    """A metric lies between two values in a stretch of the run. `split`: of training or evaluation rows."""

    metric: Metric
    when: When
    low: float = float("-inf")
    high: float = float("inf")
    split: str = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond(Evidence):
    """A metric was in some record at least `times` as high as is healthy in this kind of training."""

    metric: Metric
    times: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Evidence):
    """A metric went from its level `since` then to one that is `times` as high, and beyond `past`.

    `times` below 1: it fell, and `past` is the most that it may be then.
    """

    metric: Metric
    times: float
    past: float | None = None
    since: When = When.BEFORE
    split: str = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured(Evidence):
    """The run's settings say so; where they are not known this neither speaks for nor against anything."""

    setting: str
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlogged(Evidence):
    """The run never logged this metric."""

    metric: Metric
    split: str = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Together(Evidence):
    """All of these hold."""

    parts: tuple[Evidence, ...]


class Pattern(str, Enum):
    """What several metrics say together; `analyse.diagnosis.patterns` finds each."""

    FUNCTIONS_PART = "functions_part"  # one reward function rises while another falls
    CUT_YET_REWARDED = "cut_yet_rewarded"  # completions run into the limit and lose no reward
    REWARD_NEAR_BEST = "reward_near_best"  # at the end, as good as it ever was, and good
    CUT_FROM_START = "cut_from_start"  # most completions run into the limit from the first records on
    REWARD_LOST = "reward_lost"  # at the end far below its best
    LOSS_LOST = "loss_lost"  # at the end far above its best
    NOTHING_TRAINED = "nothing_trained"  # the learning rate is 0 throughout
    NO_REWARD_EVER = "no_reward_ever"  # not one completion earned anything
    FUNCTION_NEVER = "function_never"  # one reward function never gave anything, another did
    BEST_EVALUATION_LAST = "best_evaluation_last"  # the evaluation loss falls to the end
    EVALUATION_ROSE = "evaluation_rose"  # the evaluation loss is clearly above its best
    GAP_GROWS = "gap_grows"  # the training loss halves while the evaluation loss hardly falls
    EVALUATION_APART = "evaluation_apart"  # the first evaluation loss is far above that of training
    WELL_AGAIN = "well_again"  # there was trouble, and it is over
    IN_TROUBLE = "in_trouble"  # what a record shows speaks against it up to the end
    ENDED = "ended"  # nothing is written any more
    CUT_OFF = "cut_off"  # nothing was written for so long that hardly anything hangs
    EVALUATED = "evaluated"  # it has evaluations at all
    HIDDEN_NAN = "hidden_nan"  # a loss of 0 beside another value that is not finite
    STEPS_SKIPPED = "steps_skipped"  # single gradients that are no numbers, and all went on as before
    MEAN_OF_NOTHING = "mean_of_nothing"  # statistics that are no numbers beside a loss and gradient that are
    EMPTY_BATCHES = "empty_batches"  # the loss was exactly 0 now and then, and went on as before
    FUNCTION_UNDEFINED = "function_undefined"  # a reward function gave no numbers
    CHECKPOINT_BEFORE = "checkpoint_before"  # one lies on disk from before the trouble
    REWARD_CONSTANT = "reward_constant"  # all completions of the whole run earn exactly the same, and not 0
    NO_SPREAD = "no_spread"  # at the end the completions of most groups earn the same
    RATE_USELESS = "rate_useless"  # the learning rate is tiny throughout, and nothing gets better
    PREFERENCE_SATURATED = "preference_saturated"  # margins are huge and the loss is as good as 0
    PREFERENCE_REVERSED = "preference_reversed"  # the rejected answers end up as the preferred ones
    DATA_CHANGED = "data_changed"  # loss or reward steps to a worse level, is calm there, nothing else breaks
    CHOSEN_FALLS = "chosen_falls"  # the chosen answers become far less likely than at the start
    RATE_DECAYS = "rate_decays"  # the learning rate falls after its peak
    KL_PENALTY = "kl_penalty"  # the loss has a KL term


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows(Evidence):
    """The run shows a pattern."""

    pattern: Pattern
