"""The queries of the dashboard on all runs.

Counts come from recording rules. What is asked for each run is its last value alone, or few points in time;
runs are matched with their own series by label, so that twice the runs cost twice as much and not four times.
"""

from __future__ import annotations

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards.queries import BY_RUN, RUNS, TARGET, series, train
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric

SHOWN = 25
"""Runs in the timeline of health."""
TIMELINE_POINTS = 240
"""Its points in time: more could not be told apart, and each costs a look at the health of all runs."""
PLACES = ("first", "second", "third", "fourth")
"""In which order the parts of a run broke."""

SIGNALS_ACTIVE = "run_signal:llmtrain_signal:active"
_PER_RUN = "max by (job, instance, run)"
_PROFILE, _GOES_ON = 'profile=~"$profile"', 'state=~"running|stalled"'
_CHOSEN = f"and {BY_RUN} {series(c.RUN, _PROFILE, of=RUNS)}"
_LATEST = 1e10
"""More than any Unix time: worse health goes before a later record."""


def _of_run(expr: str) -> str:
    """The value of each run of the chosen profiles, without the labels that are not the run's."""
    return f"{_PER_RUN} ({expr} {_CHOSEN})"


def _last(metric: Metric) -> str:
    return _of_run(train(metric, of=RUNS) if metric.split else series(metric, of=RUNS))


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
SIGNALS = f'count by (signal) ({SIGNALS_ACTIVE}{{{TARGET}, severity=~"warning|critical"}})'

_ALERT = 'alertname=~"LlmTrain.+", severity=~"warning|critical", job=~"$job|", instance=~"$instance|"'
"""An alert on what is missing has no instance; it is shown in any choice of instances."""
_FIRING = f'ALERTS{{{_ALERT}, alertstate="firing"}}'
_ALERT_LABELS = "(alertname, severity, job, instance, run)"
FIRING_COUNT = f"count({_FIRING})"
FIRING = (
    f"time() - max by {_ALERT_LABELS} (ALERTS_FOR_STATE{{{_ALERT}}}) "
    f"and on {_ALERT_LABELS} max by {_ALERT_LABELS} ({_FIRING})"
)
"""For how many seconds each alert has been there that fires."""

_STATE = series(c.RUN_STATE, of=RUNS)
_GOING = (
    f"and {BY_RUN} ({series(c.RUN_STATE, 'state=~' + chr(34) + 'running|stalled' + chr(34), of=RUNS)} == 1)"
)
_SPEED = series(c.RECENT_SECONDS_PER_STEP, of=RUNS)
_TO_GO = f"{series(c.MAX_STEPS, of=RUNS)} - {BY_RUN} {series(c.STEP, of=RUNS)}"
_STEP_TIME = " or ".join(
    series(metric, of=RUNS) for metric in (c.RECENT_SECONDS_PER_STEP, c.SECONDS_PER_STEP, c.STEP_TIME)
)


def _dashboard(uid: str, metric: Metric) -> str:
    """The uid as a label of the runs that have the metric."""
    return f'label_replace({_PER_RUN} ({series(metric, of=RUNS)}), "board", "{uid}", "", "")'


def _worst() -> str:
    weights = (("critical", 3), ("warning", 2), ("info", 1))
    weighed = " or ".join(
        f'{weight} * {SIGNALS_ACTIVE}{{{RUNS}, severity="{severity}"}}' for severity, weight in weights
    )
    worst = f"topk by (job, instance, run) (1, {weighed})"
    return f"max by (job, instance, run, signal, severity) ({worst} {_CHOSEN})"


TABLE = (
    f"max by (job, instance, run, state) ({_STATE} == 1 {_CHOSEN})",
    f"max by (job, instance, run, profile, model) ({series(c.RUN, _PROFILE, of=RUNS)})",
    _last(c.RUN_HEALTH),
    _last(c.PROGRESS),
    _of_run(f"(({_TO_GO}) * {BY_RUN} {_SPEED} or {series(c.REMAINING, of=RUNS)}) > 0 {_GOING}"),
    f"time() - {_last(c.LAST_RECORD)}",
    _of_run(f"({_STEP_TIME})"),
    _last(c.LOSS),
    _last(c.REWARD),
    _last(c.KL),
    _worst(),
    " or ".join(
        _dashboard(uid, metric)
        for uid, metric in (
            (frame.PREFERENCE, c.PREFERENCE_REWARD),
            (frame.GRPO, c.REWARD),
            (frame.SFT, c.RUN),
        )
    ).replace(" or ", f" or {BY_RUN} "),
)
"""The columns of the table of runs; what a run lacks is an empty cell."""

_TROUBLE = (
    f"{_LATEST:g} * {series(c.RUN_HEALTH, of=RUNS)} @ end() "
    f"+ {BY_RUN} {series(c.LAST_RECORD, of=RUNS)} @ end() {_CHOSEN} @ end()"
)
TIMELINE = f"{series(c.RUN_HEALTH, of=RUNS)} and {BY_RUN} topk({SHOWN}, {_TROUBLE})"
"""The health of the runs that are worst at the end of the time range, and among equals of the latest."""

_HAS_ONE = f"and {BY_RUN} {series(a.INCIDENT_ONSET, of=RUNS)}"


def _broke(place: int) -> str:
    """Which part of the run broke in that place of the order, as a label of the place's name."""
    stage, label = f"{series(a.INCIDENT_STAGE, of=RUNS)} == {place}", PLACES[place - 1]
    named = f'label_replace({stage}, "{label}", "$1", "stage", "(.+)")'
    return f"max by (job, instance, run, {label}) ({named} {_CHOSEN})"


INCIDENTS = (
    f"time() - {_last(a.INCIDENT_ONSET_TIME)}",
    _last(a.INCIDENT_ONSET),
    _of_run(f"{series(a.INCIDENTS, of=RUNS)} {_HAS_ONE}"),
    _of_run(f"{series(a.INCIDENT_ACTIVE, of=RUNS)} {_HAS_ONE}"),
    _of_run(f"{series(a.LOST_GPU_TIME, of=RUNS)} {_HAS_ONE}"),
    *(_broke(place) for place in range(1, len(PLACES) + 1)),
)
"""The columns of the table of incidents: how long ago, where, how many, does it last, what they cost, what
broke in order."""

_RUNS_OF_HOST = f"sum by (job, instance) (instance_state:llmtrain_runs:count{{{TARGET}}})"
HOSTS = (
    f"max by (job, instance) (up{{{TARGET}}})",
    _RUNS_OF_HOST,
    f"sum by (job, instance) (instance:llmtrain_broken_runs:count{{{TARGET}}}) or 0 * {_RUNS_OF_HOST}",
    f"sum by (job, instance) (instance:llmtrain_records:rate5m{{{TARGET}}})",
)
"""The columns of the table of hosts."""
