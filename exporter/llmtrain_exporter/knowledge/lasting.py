"""What is still exposed of a run that has been over for a while: a dozen series, not a hundred and more.

They are those that lists, alerts and the dashboard of all runs ask for. Pages and API show all, always.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import guard_metrics as g
from llmtrain_exporter.knowledge.metric import Metric

LASTING: frozenset[Metric] = frozenset(
    (
        *(c.RUN, c.RUN_HEALTH, c.LAST_RECORD, a.HEADLINE),
        *(c.STEP, c.MAX_STEPS, c.PROGRESS),
        *(c.LOSS, c.REWARD, c.KL, c.PREFERENCE_REWARD),
        *(c.BEST_EVAL_LOSS, c.BEST_EVAL_STEP),
        *(a.INCIDENTS, a.INCIDENT_ACTIVE, a.INCIDENT_ONSET, a.INCIDENT_ONSET_TIME),
        # Of a guarded run, with its zeros: that it gives up is told where it was seen not to have.
        *(g.STATE, g.STOPS, g.STOP_STEP, g.RESCUES),
    )
)
"""Metrics all of whose series stay."""

LASTING_UNLESS_ZERO: frozenset[Metric] = frozenset(
    (c.RUN_STATE, a.SIGNAL_ACTIVE, a.INCIDENT_STAGE, a.LOST_GPU_TIME)
)
"""Metrics of which a 0 says no more than nothing: of five states, one; of forty signals, those that last."""

LEFT_OUT: frozenset[tuple[str, str]] = frozenset((("split", "eval"), ("severity", "info")))
"""Labels of series of these metrics that go all the same: the best evaluation says more than the last."""
