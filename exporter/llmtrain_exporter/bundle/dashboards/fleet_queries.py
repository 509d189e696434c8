"""The queries of the dashboard on all runs.

Counts come from recording rules. What is asked for each run is its last value alone, or few points in time;
runs are matched with their own series by label, so that twice the runs cost twice as much and not four times.
"""

from __future__ import annotations

from llmtrain_exporter.bundle.alerting.promql import HEALTH_WEIGHT, SIGNAL_ACTIVE, TROUBLE
from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards.queries import (
    BY_RUN,
    KNOWN_EXPORTERS,
    RUNS,
    TARGET,
    series,
    train,
)
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.alerting.entry import Alert
from llmtrain_exporter.knowledge.alerting.operation import DOWN
from llmtrain_exporter.knowledge.alerting.runs import INCIDENT
from llmtrain_exporter.knowledge.metric import Metric

SHOWN = 25
"""Runs in the timeline of health."""
LISTED = 1000
"""Runs in the table: who looks for another one chooses a host, a profile or a name."""
TIMELINE_POINTS = 240
"""Its points in time: more could not be told apart, and each costs a look at the health of all runs."""
PLACES = ("first", "second", "third", "fourth")
"""In which order the parts of a run broke."""

_PER_RUN = "max by (job, instance, run)"
BY_HOST = "on (job, instance)"
_PROFILE, _GOES_ON = 'profile=~"$profile"', 'state=~"running|stalled"'
_RANKED = f"{TROUBLE}{{{RUNS}, {_PROFILE}}}"
_CHOSEN = f"and {BY_RUN} {_RANKED}"
"""Of the chosen profiles. What is recorded of a run has few labels: it is quicker to match than its facts."""
_LISTED_RUNS = f"topk({LISTED}, {_RANKED})"
_FIRST = f"and {BY_RUN} {_LISTED_RUNS}"
"""Of these the first in the table: a browser has no use for ten thousand lines of a dozen queries."""


def _of_run(expr: str, which: str = _FIRST) -> str:
    """The value of each run, without the labels that are not the run's."""
    return f"{_PER_RUN} ({expr} {which})"


def _last(metric: Metric, which: str = _FIRST) -> str:
    return _of_run(train(metric, of=RUNS) if metric.split else series(metric, of=RUNS), which)


def runs_in(state: str) -> str:
    """How many runs are in a state, or in one of several (a regular expression)."""
    return f'sum(instance_state:llmtrain_runs:count{{{TARGET}, state=~"{state}"}})'


def in_health(health: str) -> str:
    """How many runs are healthy, to be watched or broken."""
    return f'sum(instance_health:llmtrain_runs:count{{{TARGET}, health="{health}"}})'


BROKEN = f"sum(instance:llmtrain_broken_runs:count{{{TARGET}}})"
INCIDENTS_LAST_HOUR = f"round(sum(instance:llmtrain_incidents:increase1h{{{TARGET}}}))"
PROFILES = f"sort_desc(sum by (profile) (instance_profile:llmtrain_runs:count{{{TARGET}}}))"
RECORDS = f"sum by (instance) (instance:llmtrain_records:rate5m{{{TARGET}}})"
SIGNALS = f'count by (signal) ({SIGNAL_ACTIVE}{{{TARGET}, severity=~"warning|critical"}})'

_ALERT = 'alertname=~"LlmTrain.+", severity=~"warning|critical", job=~"$job|", instance=~"$instance|"'
"""An alert on what is missing has no instance; it is shown in any choice of instances."""


def _firing(*also: str) -> str:
    """Those that fire, by more matchers."""
    matchers = ", ".join((_ALERT, 'alertstate="firing"', *also))
    return f"ALERTS{{{matchers}}}"


def _named(match: str, alert: Alert) -> str:
    return f'alertname{match}"{alert.name}"'


_ON_SIGNAL, _OF_RUN = 'signal=~".+"', 'run=~".+"'
_WARNING, _CRITICAL = 'severity="warning"', 'severity="critical"'
_INHIBITED = (
    f"{_firing(_ON_SIGNAL)} and {BY_RUN} {_firing(_named('=', INCIDENT))}",
    f"{_firing(_ON_SIGNAL, _WARNING)} and {BY_RUN} {_firing(_OF_RUN, _CRITICAL)}",
    f"{_firing(_named('!=', DOWN))} and {BY_HOST} {_firing(_named('=', DOWN))}",
)
"""What Alertmanager as it is shipped keeps silent, by its rules and in their order."""
_TOLD = f"({_firing()} unless ({' or '.join(_INHIBITED)}))"
_ALERT_LABELS = "(alertname, severity, job, instance, run)"
TOLD_COUNT = f"count({_TOLD})"
TOLD = (
    f"time() - max by {_ALERT_LABELS} (ALERTS_FOR_STATE{{{_ALERT}}}) "
    f"and on {_ALERT_LABELS} max by {_ALERT_LABELS} ({_TOLD})"
)
"""For how many seconds each alert has been there that fires and that people are told of."""

_GOING = f"and {BY_RUN} topk({LISTED}, {TROUBLE}{{{RUNS}, {_PROFILE}, {_GOES_ON}}})"
"""As many that still go on; those of them that are not in the table are left out there."""
_SPEED = series(c.RECENT_SECONDS_PER_STEP, of=RUNS)
_TO_GO = f"{series(c.MAX_STEPS, of=RUNS)} - {BY_RUN} {series(c.STEP, of=RUNS)}"
_STEP_TIME = " or ".join(
    series(metric, of=RUNS) for metric in (c.RECENT_SECONDS_PER_STEP, c.SECONDS_PER_STEP, c.STEP_TIME)
)


def _dashboard(uid: str, runs: str) -> str:
    """The uid as a label of runs."""
    return f'label_replace({runs}, "board", "{uid}", "", "")'


def _logging(metric: Metric) -> str:
    """1 for each run that logs it."""
    return f"group by (job, instance, run) ({series(metric, of=RUNS)})"


_BOARDS = (
    f"({_dashboard(frame.PREFERENCE, _logging(c.PREFERENCE_REWARD))} "
    f"or {BY_RUN} {_dashboard(frame.GRPO, _logging(c.REWARD))})"
)
"""Runs whose dashboard is not that for SFT."""

TABLE = (
    f"max by (job, instance, run, state, profile, board) ("
    f"{_LISTED_RUNS} * {BY_RUN} group_left (board) {_BOARDS} "
    f"or {BY_RUN} {_dashboard(frame.SFT, _LISTED_RUNS)})",
    _last(c.PROGRESS),
    _of_run(f"(({_TO_GO}) * {BY_RUN} {_SPEED} or {series(c.REMAINING, of=RUNS)}) > 0", _GOING),
    f"time() - {_PER_RUN} ({_LISTED_RUNS} % {HEALTH_WEIGHT})",
    _of_run(f"({_STEP_TIME})"),
    _last(c.LOSS),
    _last(c.REWARD),
    _last(c.KL),
    f"max by (job, instance, run, signal) ({series(a.HEADLINE, of=RUNS)} {_FIRST})",
)
"""The columns of the table of runs; what a run lacks is an empty cell.

The first has the health of a run and when it wrote last in one number, in whose order the table is.
"""

TIMELINE = f"{series(c.RUN_HEALTH, of=RUNS)} and {BY_RUN} topk({SHOWN}, {_RANKED} @ end())"
"""The health of the runs that are worst at the end of the time range, and among equals of the latest."""

_ONSET = series(a.INCIDENT_ONSET, of=RUNS)
_HAS_ONE = f"and {BY_RUN} {_ONSET}"
"""The few that had an incident. Those of other profiles than the chosen are left out in the table."""


def _broke(place: int) -> str:
    """Which part of the run broke in that place of the order, as a label of the place's name."""
    stage, label = f"{series(a.INCIDENT_STAGE, of=RUNS)} == {place}", PLACES[place - 1]
    named = f'label_replace({stage}, "{label}", "$1", "stage", "(.+)")'
    return f"max by (job, instance, run, {label}) ({named})"


INCIDENTS = (
    f"time() - {_last(a.INCIDENT_ONSET_TIME, _CHOSEN)}",
    f"{_PER_RUN} ({_ONSET})",
    *(_last(metric, _HAS_ONE) for metric in (a.INCIDENTS, a.INCIDENT_ACTIVE)),
    f"{_PER_RUN} ({series(a.LOST_GPU_TIME, of=RUNS)} > 0)",
    *(_broke(place) for place in range(1, len(PLACES) + 1)),
)
"""The columns of the table of incidents: how long ago, where, how many, does it last, what they cost, what
broke in order."""

_RUNS_OF_HOST = f"sum by (job, instance) (instance_state:llmtrain_runs:count{{{TARGET}}})"
HOSTS = (
    f"max by (job, instance) (up{{{TARGET}}} and {BY_HOST} {KNOWN_EXPORTERS})",
    _RUNS_OF_HOST,
    f"sum by (job, instance) (instance:llmtrain_broken_runs:count{{{TARGET}}}) or 0 * {_RUNS_OF_HOST}",
    f"sum by (job, instance) (instance:llmtrain_records:rate5m{{{TARGET}}})",
)
"""The columns of the table of hosts: those with an exporter, for others are scraped too."""
