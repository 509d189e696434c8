"""Numbers that the guard acts by, and where they come from."""

from __future__ import annotations

EVENTS_KEPT = 100
"""Events in the guard's own file, the newest; all of them stand in the recorded log."""

BAD_UPDATE_RATIO = 100.0
"""A gradient of so many times its own usual norm is not applied: that of `grad_spike` when critical."""

USUAL_NORM_STEPS = 100
"""Updates whose median norm is the usual one."""

USUAL_NORM_LEAST = 20
"""Updates that have to be there before any is called unusual."""

RATE_FACTOR = 1.5
"""By which the learning rate is cut, or raised again: held three collapsing GRPO runs at once."""

RATE_FLOOR = 0.01
"""The least share of the given learning rate: below it a training learns nothing any more."""

BETA_GAIN = 0.2
"""Bound of the relative error per record, of Ziegler et al., Fine-Tuning Language Models from Human
Preferences (2019), section 2.2."""

BETA_HORIZON = 10.0
"""Records over which an error of 1 makes e of beta. Shorter ones with a higher gain ran away."""

BETA_LEAST, BETA_MOST = 0.1, 100.0
"""Bounds of beta, times the given one. At 0 trainers log no kl any more, and nothing would raise it again."""

CLIP_FLOOR = 0.01
"""The least share of the given max_grad_norm."""

LIVE_STEP = 0.1
"""Relative change from which on beta and max_grad_norm are set anew: less is not worth an event."""

STOPPED_EXIT_CODE = 75
"""With which a training ends that the guard stopped: EX_TEMPFAIL of sysexits.h, "try again later"."""

FINISH_SECONDS = 60.0
"""For which the end of a training waits until a checkpoint is kept that is being kept."""

SKIPPED_ROWS_PASSED = 5
"""Rows in a row of updates that were skipped, of which none is held against the training."""

SPIKES_ACCEPTED = 5
"""Updates in a row that are far above the usual norm, after which that is the new normal."""
