"""The signals, and for each profile from where on they hold: numbers alone, each with its source."""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import pace, sources
from llmtrain_exporter.knowledge import profile as profiles
from llmtrain_exporter.knowledge.signal import Bound, Family, Limits, Measure, Profile, Severity, Signal

_INFO, _WARNING, _CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

SIGNALS = {
    signal.name: signal
    for signal in (
        Signal(
            "non_finite", Family.GRADIENT, (c.LOSS, c.GRAD_NORM, c.KL, c.REWARD, c.ENTROPY), Measure.TRUTH
        ),
        Signal("kl_high", Family.KL, (c.KL,), clear_after=10),
        Signal("kl_spike", Family.KL, (c.KL,), Measure.RATIO),
        Signal("loss_spike", Family.GRADIENT, (c.LOSS,), Measure.SIGMA, clear_after=10),
        Signal("loss_unstable", Family.FIT, (c.LOSS,), Measure.RATIO),
        Signal("loss_plateau", Family.FIT, (c.LOSS,), Measure.RATIO, clear_after=1),
        Signal("grad_norm_high", Family.GRADIENT, (c.GRAD_NORM,), clear_after=20),
        Signal("grad_spike", Family.GRADIENT, (c.GRAD_NORM,), Measure.RATIO),
        Signal("grad_vanishing", Family.FIT, (c.GRAD_NORM,), below=True),
        Signal("clip_ratio_high", Family.FIT, (c.CLIP_RATIO,)),
        Signal("length_surge", Family.LENGTH, (c.COMPLETION_LENGTH,), Measure.RATIO),
        Signal("length_collapse", Family.LENGTH, (c.COMPLETION_LENGTH,), Measure.RATIO, below=True),
        Signal("clipped_high", Family.LENGTH, (c.COMPLETION_CLIPPED,)),
        Signal("reward_drop", Family.REWARD, (c.REWARD,), Measure.FALL, clear_after=10),
        Signal("reward_function_drop", Family.REWARD, (c.REWARD_FUNCTION_MEAN,), Measure.RATIO, below=True),
        Signal("reward_flat", Family.REWARD, (c.REWARD_ZERO_STD, c.REWARD_STD)),
        Signal("entropy_collapse", Family.FIT, (c.ENTROPY,), Measure.RATIO, below=True),
        Signal("overfit", Family.FIT, (c.EVAL_TRAIN_LOSS, c.LOSS), Measure.RATIO, clear_after=1),
        Signal("accuracy_drop", Family.FIT, (c.TOKEN_ACCURACY,)),
        Signal("lr_out_of_range", Family.FIT, (c.LEARNING_RATE,)),
        Signal(
            "throughput_drop",
            Family.PROGRESS,
            (c.RECENT_SECONDS_PER_STEP, c.EVAL_RUNTIME),
            Measure.RATIO,
            clear_after=1,  # looked at once in many records
        ),
        Signal("memory_growth", Family.PROGRESS, (c.MEMORY,), Measure.RATIO, clear_after=1),
        Signal("stalled", Family.PROGRESS, (c.LAST_RECORD,), Measure.GAPS),
        Signal("collapse", Family.KL, (c.KL, c.COMPLETION_LENGTH, c.REWARD), Measure.TRUTH),
    )
}
"""Every signal by name. `collapse` counts the families that break together."""

# What a run's own baseline is.
WINDOW = 100
"""Training records that a baseline looks back on."""
YOUNG = 5
"""Records of a metric from which on it has a baseline, held against limits that are twice as wide."""
MATURE = 20
"""Records from which on the limits hold as they stand."""
SPIKE_SIGMAS = 7.0
"""OLMo 2's spike score counts records this far out (arXiv 2501.00656)."""
OUTLYING_SIGMAS = 6.0
"""A length or a reward has left its range; healthy public runs reached 4.5."""

# What else the rules need, in the metric's own unit where nothing else is said.
KL_HEALTHY = 0.01
"""No run's kl baseline is taken to be lower: the guide calls 0.01 to 5 healthy, and most runs begin at 0."""
KL_MOST = 0.2
"""Nor is it taken to be higher: 5e-4 to 0.1 per token is healthy, and on a plateau of 2 runs are dead."""
KL_DOUBLING = 20.0
"""Records in which a kl baseline may double. A slow drift is followed, a ramp is not."""
KL_CLAMP = 10.0
"""ms-swift from 4.0.4 on clamps kl per token here."""
KL_CLAMPED = 9.0
"""The mean of a destroyed run that is clamped sits at 9.4 to 9.6."""
KL_CLAMPED_RECORDS = 3
COMMON = 5.0
"""Times its median up to which a run's 90th percentile of kl or gradient norm is common. A spike of ten times
the baseline is then at least twice as high as that."""
GRAD_EXEMPT = 5
"""First records in which a high gradient is an ordinary start."""
LOSS_CONVERGED = 0.01
"""Below the FAQ's normal losses a small gradient is no standstill."""
LENGTH_NEAR_LIMIT = 0.9
"""Mean completion length over max_completion_length from which on the limit shapes what is written."""
LENGTH_NEAR_RECORDS = 4
CLIPPED_JUMP = 0.3
"""Share of completions cut off that, even in one record, is a sign of a collapse if far less is normal."""
ENTROPY_DEAD = 0.2
"""TRL calls an entropy of about 0.2 nat a nearly complete collapse; above it none is told."""
ENTROPY_EXPLODED = 3.0
"""Upper end of the FAQ's normal range of entropy, in nats."""
GSPO_EPSILON = 0.01
"""Clipping ranges below this are those of sequence-level ratios, whose clip ratios have another normal."""
OVERFIT_GAP = 0.05
"""An evaluation loss at least this far above the training loss counts; memorised losses are tiny."""
OVERFIT_RISE = 1.02
"""Last over first of three evaluation losses in a row that rise."""
OVERFIT_FALL = 0.97
"""Training loss now over that at the first of those."""
MEMORISED_EPOCHS = 10.0
MEMORISED_LOSS = 0.1
"""Where nobody evaluates: so many epochs, and the loss at this share of where it began."""
ACCURACY_GAP = 0.05
"""Training minus evaluation token accuracy from which on a growing difference counts."""
RATE_TOO_LOW = 1e-8
"""The FAQ's learning rate that may be too small, outside of warm-up and the end of decay."""
RATE_JUDGED = (0.15, 0.85)
"""Share of the planned steps between which a tiny learning rate is neither warm-up nor the end of decay."""
SLOWER_SECONDS = 60.0
"""Seconds that a block of records has to take longer to count as slower; a sixth of it for an evaluation."""
MEMORY_JUDGED = 0.1
"""Share of the planned steps after which the peak of memory should be known."""
MEMORY_RISES = 4

# What an incident is.
SIGN_GAP = 3
"""Records without a sign that do not interrupt a family's row of signs."""
INCIDENT_WITHIN = 20
"""Records within which families that break belong together."""
INCIDENT_QUIET = 10
"""Records without a sign of two families after which an incident is over."""
EASED_AFTER = 20
"""Records without its worse severity after which a signal that is still there goes back to the lesser one."""

_NON_FINITE = {_CRITICAL: Bound(1, sources.SFT_SERIOUS)}
_GRAD_SPIKE = {
    _WARNING: Bound(10, sources.GRPO_CAUSES, floor=0.1),
    _CRITICAL: Bound(100, sources.GRPO_CAUSES, records=2, within=3, floor=0.1),
}
_GRAD_SPIKE_NOT_TINY = {  # after supervised training gradients are tiny, and ten times that is nothing
    _WARNING: Bound(10, sources.GRPO_CAUSES, floor=1.0),
    _CRITICAL: Bound(100, sources.GRPO_CAUSES, records=2, within=3, floor=1.0),
}
_GRAD_VANISHING = {_WARNING: Bound(0.01, sources.SFT_SERIOUS, records=10)}
_OPERATION: Limits = {
    "lr_out_of_range": {_INFO: Bound(1e-3, sources.SFT_WATCH, records=5)},
    "throughput_drop": {_WARNING: Bound(2, sources.SFT_WATCH, records=3)},
    "memory_growth": {_WARNING: Bound(1.2, sources.SFT_WATCH)},
    "stalled": {
        _WARNING: Bound(pace.STALL_GAPS, sources.RUNS, floor=pace.STALL_SECONDS),
        _CRITICAL: Bound(pace.HUNG * pace.STALL_GAPS, sources.RUNS, floor=pace.HUNG * pace.STALL_SECONDS),
    },
}
_OPTIMISATION: Limits = {
    "non_finite": _NON_FINITE,
    "loss_spike": {
        _WARNING: Bound(SPIKE_SIGMAS, sources.OLMO, floor=0.2),
        _CRITICAL: Bound(SPIKE_SIGMAS, sources.OLMO, records=10, floor=1.0),
    },
    "grad_spike": _GRAD_SPIKE_NOT_TINY,
    "grad_vanishing": _GRAD_VANISHING,
}
_GRAD_NORM_HIGH = {
    _WARNING: Bound(10, sources.SFT_ALARMS),
    _CRITICAL: Bound(20, sources.SFT_ALARMS, records=2, within=5),
}
_OVERFIT = {
    _WARNING: Bound(2, sources.SFT_ALARMS, floor=OVERFIT_GAP),
    _CRITICAL: Bound(75, sources.SFT_SERIOUS, floor=1.48),  # 1.5 beside 0.02
}

GRPO: Limits = {
    "non_finite": _NON_FINITE,
    "kl_high": {_WARNING: Bound(5, sources.GRPO_METRICS), _CRITICAL: Bound(10, sources.GRPO_SPECIFIC)},
    "kl_spike": {
        _WARNING: Bound(10, sources.RUNS, floor=0.1),
        _CRITICAL: Bound(10, sources.RUNS, records=2, within=3, floor=1.0),
    },
    "loss_spike": {_WARNING: Bound(SPIKE_SIGMAS, sources.OLMO, floor=0.1)},
    "grad_spike": _GRAD_SPIKE,
    "grad_vanishing": _GRAD_VANISHING,
    "clip_ratio_high": {_WARNING: Bound(0.3, sources.GRPO_OTHER, records=5)},
    "length_surge": {_WARNING: Bound(1.5, sources.GRPO_LENGTHS)},
    "length_collapse": {_WARNING: Bound(0.5, sources.GRPO_LENGTHS)},
    "clipped_high": {
        _WARNING: Bound(0.1, sources.GRPO_LENGTHS, records=4),
        _CRITICAL: Bound(0.3, sources.GRPO_SPECIFIC, records=4),
    },
    "reward_drop": {_WARNING: Bound(0.3, sources.RUNS, floor=0.05)},
    "reward_function_drop": {_WARNING: Bound(0.5, sources.GRPO_EVENTS, floor=0.05)},
    "reward_flat": {_WARNING: Bound(0.9, sources.RUNS, records=5)},
    "entropy_collapse": {_WARNING: Bound(0.2, sources.ENTROPY, records=5)},
    "collapse": {_CRITICAL: Bound(2, sources.GRPO_EVENTS)},
    **_OPERATION,
}
SFT: Limits = {
    **_OPTIMISATION,
    "grad_norm_high": _GRAD_NORM_HIGH,
    "loss_unstable": {_WARNING: Bound(2, sources.SFT_WATCH, floor=0.2)},
    "loss_plateau": {_INFO: Bound(0.9, sources.SFT_ADJUST, floor=1.0)},
    "entropy_collapse": {_INFO: Bound(0.5, sources.SFT_METRICS, records=20)},
    "overfit": _OVERFIT,
    "accuracy_drop": {_WARNING: Bound(0.1, sources.SFT_ALARMS, records=5)},
    **_OPERATION,
}
PREFERENCE: Limits = {
    **_OPTIMISATION,
    "grad_norm_high": _GRAD_NORM_HIGH,
    "overfit": _OVERFIT,
    **_OPERATION,
}
LIMITS: dict[str, Limits] = {
    profiles.GRPO: GRPO,
    profiles.SFT: SFT,
    profiles.DPO: PREFERENCE,
    profiles.REWARD_MODEL: PREFERENCE,
    profiles.GENERIC: {**_OPTIMISATION, **_OPERATION},
}
"""By profile, every signal that it has."""

BUILT_IN = {name: Profile(name, name, limits) for name, limits in LIMITS.items()}
