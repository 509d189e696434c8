"""Numbers that a diagnosis goes by: which stretches of a run are compared, and when a pattern is there."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src

# Which records are compared.
COURSE_POINTS: Annotated[int, "points", src.RUNS] = 128
"""Of a course at the most, and half as many at least once a run has that many records; an even number."""
COURSE_SERIES: Annotated[int, "series", src.RUNS] = 40
"""Of a course at the most; reward functions are the only metric of which a run has many."""
SMOOTHED: Annotated[int, "points", src.RUNS] = 8
"""From which on a single one that lies off does not count."""
ENDS: Annotated[int, "parts of a run", src.RUNS] = 8
"""The first records and the last ones are one of so many, ..."""
ENDS_MOST: Annotated[int, "points", src.RUNS] = 5
"""... and no more points than these."""
BEFORE: Annotated[int, "points", src.RUNS] = 8
"""Just before the trouble, from which the level before it is taken."""
USUAL: Annotated[float, "share of the level", src.RUNS] = 0.02
"""By which a record may differ that shows the usual level."""
OUTLIERS: Annotated[float, "share of points", src.RUNS] = 0.05
"""That may lie outside of what is there always."""
ALONE: Annotated[int, "records", src.RUNS] = 2
"""That an episode of single records may take, ..."""
ALONE_STAGES: Annotated[int, "stages", src.RUNS] = 1
"""... in an incident of no more stages than this."""
SHOWN: Annotated[float, "sum of weights", src.RUNS] = 1.0
"""From which on a cause is shown, ..."""
CLEAR: Annotated[float, "sum of weights", src.RUNS] = 2.0
"""... and from which on it stands out."""

# What several metrics say together.
PARTED_RISE: Annotated[float, "times", src.RUNS] = 1.25
"""Its level before: where a reward function has risen, ..."""
PARTED_FALL: Annotated[float, "share", src.RUNS] = 0.5
"""... while another has fallen to this share of its own."""
PARTED_NOISE: Annotated[float, "usual changes between two records", src.RUNS] = 4.0
"""More than this a reward function must have risen or fallen, and stay there."""
CUT_MORE: Annotated[float, "share of completions", src.RUNS] = 0.3
"""By how much more are cut, ..."""
CUT_AT_FIRST: Annotated[float, "share of completions", src.RUNS] = 0.5
"""That is cut from the first records on, where the limit is too small."""
AT_LIMIT: Annotated[float, "share of the limit", src.RUNS] = 0.95
"""At which a mean length is as good as the limit."""
LIMIT_SEEN: Annotated[int, "points", src.RUNS] = 20
"""From which on the same length of the longest completions is the limit, where no setting tells it."""
REWARD_RISEN: Annotated[float, "times", src.RUNS] = 1.02
"""... while the reward is this many times what it was: what pays nothing is no hacking."""
NEAR_BEST: Annotated[float, "share of its best level", src.RUNS] = 0.85
"""At which a reward is near its best, ..."""
GOOD: Annotated[float, "reward", src.RUNS] = 0.7
"""... which must be this at least, of each function that ever gave one: nobody knows all that it can give."""
LOSS_LOST: Annotated[float, "times its best level", src.RUNS] = 2.0
"""At which a loss is lost."""
LOSS_MATTERS: Annotated[float, "loss", src.RUNS] = 0.5
"""Below which it is not lost, however much better it was."""
LOST: Annotated[float, "share of its best level", src.RUNS] = 0.5
"""At which a reward is lost."""
NOTHING: Annotated[float, "reward", src.RUNS] = 0.01
"""Up to which it is none."""
SAME_REWARD: Annotated[float, "reward", src.RUNS] = 1e-6
"""Up to which two rewards are the same, ..."""
ALL_ALIKE: Annotated[float, "share of groups", src.RUNS] = 0.5
"""... and from which share of groups without a spread on most have none."""
RATE_USELESS: Annotated[float, "learning rate", src.RUNS] = 5e-8
"""Up to which a learning rate trains nothing, ..."""
LOSS_UNMOVED: Annotated[float, "times the first level", src.RUNS] = 0.98
"""... where the loss ends no lower than this."""
MARGIN_HUGE: Annotated[float, "reward margin", src.DPO] = 10.0
"""From which on a preference is learned to the end, ..."""
LOSS_NONE: Annotated[float, "loss", src.DPO] = 0.01
"""... where the loss is no more than this."""
PAIRS_REVERSED: Annotated[float, "share of pairs", src.DPO] = 0.35
"""Up to which the chosen answer is preferred so rarely that chance does not explain it."""
CHOSEN_FALLEN: Annotated[float, "reward", src.DPO] = -5.0
"""At which the reward of chosen answers says that they have become very unlikely."""
EVALUATION_ROSE: Annotated[float, "times its best", src.RUNS] = 1.02
"""At which the evaluation loss has risen."""
EVALUATION_FELL: Annotated[float, "times the first", src.RUNS] = 0.95
"""Up to which the last evaluation loss has fallen."""
EVALUATION_APART: Annotated[float, "times the training loss", src.RUNS] = 1.3
"""From which on the first evaluation loss lies apart from it."""
LOSS_HALVED: Annotated[float, "times", src.RUNS] = 0.5
"""The training loss at the first evaluation: that at the last one, where it has halved."""
STEPPED: Annotated[int, "points", src.RUNS] = 6
"""On each side of a step from one level to another, ..."""
STEPPED_AT_ONCE: Annotated[int, "points", src.RUNS] = 3
"""... most of which lies between the medians of these next to it ..."""
STEPPED_SHARE: Annotated[float, "share of the step", src.RUNS] = 0.7
"""... by this share: a slide has no such step."""
STEPPED_NOISE: Annotated[float, "usual changes between two records", src.RUNS] = 3.0
"""How high the step is at least, ..."""
STEPPED_LEAST: Annotated[float, "share of the level before", src.RUNS] = 0.25
"""... and held against the level before."""
STEPPED_UNTRAINED: Annotated[float, "times the first loss", src.RUNS] = 1.2
"""Up to which a loss may step where the data explain it."""
STEPPED_EARNS: Annotated[float, "share of the level before", src.RUNS] = 0.2
"""Down to which a reward may."""
STEPPED_CALM: Annotated[float, "share of the new level", src.RUNS] = 0.15
"""By which the end may be worse than the new level."""

# What values are proposed.
DECAYED: Annotated[float, "times its peak", src.RUNS] = 0.7
"""Up to which a learning rate has decayed."""
AT_LEAST_DONE: Annotated[int, "times", src.RUNS] = 10
"""That a run is evaluated and saved."""
ROOM: Annotated[float, "times", src.RUNS] = 1.25
"""The longest healthy completions: the room that a length limit leaves them."""
RATE_FAR_OFF: Annotated[float, "learning rate", src.SFT_WATCH] = 1e-3
"""At which it goes down by powers of ten, to one below."""
RATE_LOWER: Annotated[float, "times", src.SFT_ADJUST] = 0.5
"""The present learning rate, ..."""
RATE_LOWER_GRPO: Annotated[float, "times", src.GRPO_REMEDIES] = 0.1
"""... and in GRPO."""
WARMUP: Annotated[float, "share of all steps", src.GRPO_REMEDIES] = 0.1
"""In which the learning rate rises to its peak."""
