"""What Prometheus computes for the alerts.

An alert begins with growth that Prometheus sees, and lasts while the exporter says so. Counters are absolute
over a whole log and are published once all of it is read, so what is old shows as a level, never as growth; a
counter keeps what fell between two scrapes.

All that lasts is recorded sparsely: only what is there has a series, so alerts look at those few and not at
every signal of every run. A recorded 1 is there, a single 0 says that it is over, nothing says nothing.
Without that 0 one could not tell what has ended from what a restart hides for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llmtrain_exporter.knowledge.alerting import times
from llmtrain_exporter.knowledge.alerting.entry import Alert, Scope
from llmtrain_exporter.knowledge.alerting.guarded import GAVE_UP, STOPPED
from llmtrain_exporter.knowledge.alerting.history import HISTORY_BEHIND, HISTORY_REFUSED
from llmtrain_exporter.knowledge.alerting.operation import (
    DOWN,
    ERRORS,
    LIMITED,
    NO_RUNS,
    NOT_READY,
    OLD_SETTINGS,
    ROOT_STUCK,
    SKIPPED,
)
from llmtrain_exporter.knowledge.alerting.runs import FAILED, FINISHED, INCIDENT
from llmtrain_exporter.knowledge.jobs import HISTORY_JOB, SCRAPE_JOB

GUARD_STATE = "llmtrain_guard_state"

RUN = "on (job, instance, run)"
SIGNAL = "on (job, instance, run, signal, severity)"
INCIDENT_OF = "on (job, instance, run, incident)"
NUMBER = "count_values without ()"
FACTS = "run:llmtrain_run:facts"
INFO = f"* {RUN} group_left (profile, team) {FACTS}"

GROWN = "run_signal:llmtrain_signal_records:increase5m"
RESET = "run:llmtrain_records:resets5m"
RECENT = "run:llmtrain_run:recent"
MISSING = "run:llmtrain_run:missing"
ALIVE = "run:llmtrain_run:alive"
AHEAD = "run_state:llmtrain_run:ahead"
SIGNAL_ACTIVE = "run_signal:llmtrain_signal:active"
SIGNAL_LIVE = "run_signal:llmtrain_signal:live"
BEGUN = "run:llmtrain_incident:begun"
ONGOING = "run:llmtrain_incident:ongoing"
TROUBLE = "run:llmtrain_run:trouble"
HEALTH_WEIGHT = "1e10"
"""What one step of health counts in it: later than any time."""
WASTED = "instance:llmtrain_wasted_gpus:sum"
INCIDENT_LIVE = "run_incident:llmtrain_incident:live"


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A recording rule, and why it is there. `labels`: what it adds to those of its series."""

    name: str
    expr: str
    why: str
    labels: Mapping[str, str] = field(default_factory=dict)


RECORDS = (
    RecordingRule(
        FACTS,
        "topk by (job, instance, run) (1, max by (job, instance, run, profile, team) (llmtrain_run_info))",
        "What alerts say of a run, looked up once. Of several series one: a label that somebody adds, or a\n"
        "second exporter behind the same instance, would otherwise end rules with an error, and all alerts.",
    ),
    RecordingRule(
        RESET,
        f'max without (kind) (resets(llmtrain_records_total{{kind="train"}}[{times.GROWTH}])) > 0',
        "Runs whose counters fell: the log was replaced while the exporter was away. What increase() says\n"
        "of them is no growth.",
    ),
    RecordingRule(
        RECENT,
        f"""time() - llmtrain_last_record_timestamp_seconds < {times.ENDED_SECONDS}
or
  time() - llmtrain_last_record_timestamp_seconds < {times.SILENCE_SECONDS}
and {RUN}
  llmtrain_run_state{{state=~"running|stalled"}} == 1""",
        "Seconds since the last record of runs that are still worth a word. A run that was killed is given\n"
        "up after some hours, so that nobody is reminded of it for a week.",
    ),
    RecordingRule(
        MISSING,
        f"""last_over_time({RECENT}[{times.BRIDGE}])
unless {RUN}
  llmtrain_last_record_timestamp_seconds""",
        "Runs that were there a moment ago and are not now: the exporter is started again, and reads.",
    ),
    RecordingRule(
        ALIVE,
        f"""max without (kind) (
  (increase(llmtrain_records_total{{kind="train"}}[{times.GROWTH}]) > bool 0) == 1
)
  unless {RUN} {RESET}
or {RUN}
  last_over_time({ALIVE}[{times.BRIDGE}])
    and {RUN} (
      llmtrain_run_state{{state=~"running|stalled"}} == 1
      or {RUN} {MISSING}
    )""",
        "Runs that were seen to train, until they end. Others cannot stall: their logs were there before.",
    ),
    RecordingRule(
        AHEAD,
        'llmtrain_run_state{state=~"failed|finished"} == 0',
        "Ends that are ahead of runs. A run that has ended and was not here lately was found so.",
    ),
    RecordingRule(
        GROWN,
        f"""(
  (
    increase(llmtrain_signal_records_total[{times.GROWTH}]) > 0
    or
      llmtrain_signal_records_total > 0
      and (
        count_over_time(llmtrain_signal_records_total[{times.GROWTH}])
        < {RUN} group_left ()
        max by (job, instance, run) (count_over_time(llmtrain_records_total{{kind="train"}}[{times.GROWTH}]))
      )
  )
    and {RUN} {RECENT}
    unless {RUN} {RESET}
)
{INFO}""",
        "Records at which a signal was there, among those just written; others have no series. A signal\n"
        "that never came up is not exposed: a counter that the run was scraped without is new, it has grown.",
    ),
    RecordingRule(
        SIGNAL_ACTIVE,
        f'llmtrain_signal_active{{job!="{HISTORY_JOB}"}} == 1',
        "Signals that are there at the moment, seen to come up or not: only those have a series. What is\n"
        "written of each record says it once more.",
    ),
    RecordingRule(
        SIGNAL_LIVE,
        f"""({GROWN} > bool 0)
or {SIGNAL}
  (
    {SIGNAL_ACTIVE}{{signal="stalled"}}
      and {RUN} {RECENT}
      and {RUN} {ALIVE}
  )
  {INFO}
or {SIGNAL}
  (last_over_time({SIGNAL_LIVE}[{times.BRIDGE}]) == 1)
    and {SIGNAL} {SIGNAL_ACTIVE}
    and {RUN} {RECENT}
or {SIGNAL}
  (last_over_time({SIGNAL_LIVE}[{times.BRIDGE}]) == 1)
    and {RUN} {MISSING}
or {SIGNAL}
  0 * (last_over_time({SIGNAL_LIVE}[{times.BRIDGE}]) == 1)""",
        "1 for a signal that was seen to come up and is not over; a single 0 once it is over.",
    ),
    RecordingRule(
        BEGUN,
        f"""(
  increase(llmtrain_incidents_total[{times.GROWTH}]) > 0
  or
    llmtrain_incident_active == 1
    and {RUN} (
      increase(llmtrain_incidents_total[{times.BRIDGE}]) > 0
      or {RUN} ({SIGNAL_LIVE} == 1)
    )
)
  and {RUN} {RECENT}
  unless {RUN} resets(llmtrain_incidents_total[{times.BRIDGE}]) > 0""",
        "Runs in which an incident was seen to begin; or to be there, with signals that were seen to come\n"
        "up, because it began while nobody was looking.",
    ),
    RecordingRule(
        ONGOING,
        f"""{BEGUN}
or {RUN}
  (llmtrain_incident_active == 1 and {RUN} {RECENT})""",
        "Runs whose incident goes on.",
    ),
    RecordingRule(
        INCIDENT_LIVE,
        f"""{NUMBER} (
  "incident", llmtrain_incidents_total and {RUN} {BEGUN}
)
{INFO}
or {INCIDENT_OF}
  (last_over_time({INCIDENT_LIVE}[{times.BRIDGE}]) == 1)
    and {INCIDENT_OF} {NUMBER} (
      "incident", llmtrain_incidents_total and {RUN} {ONGOING}
    )
or {INCIDENT_OF}
  (last_over_time({INCIDENT_LIVE}[{times.BRIDGE}]) == 1)
    and {INCIDENT_OF} {NUMBER} (
      "incident", llmtrain_incidents_total and {RUN} last_over_time({ONGOING}[{times.AFTERMATH}])
    )
    and {RUN} ({SIGNAL_LIVE} == 1)
or {INCIDENT_OF}
  (last_over_time({INCIDENT_LIVE}[{times.BRIDGE}]) == 1)
    and {RUN} {MISSING}
or {INCIDENT_OF}
  0 * (last_over_time({INCIDENT_LIVE}[{times.BRIDGE}]) == 1)""",
        "1 for an incident, by its number in the run, from its beginning until nothing of it is left; a\n"
        "single 0 once it is over. The number makes the second incident of a run an alert of its own.",
    ),
)
"""Recording rules of the runs, each built on those before it."""


def _health(value: int, name: str) -> RecordingRule:
    return RecordingRule(
        "instance_health:llmtrain_runs:count",
        f"count by (job, instance) (llmtrain_run_health == {value})",
        f"Runs that are {name}.",
        {"health": name},
    )


FLEET = (
    RecordingRule(
        "instance_state:llmtrain_runs:count",
        "count by (job, instance, state) (llmtrain_run_state == 1)",
        "Runs by what they are doing.",
    ),
    *(_health(value, name) for value, name in enumerate(("healthy", "watch", "broken"))),
    RecordingRule(
        "instance_profile:llmtrain_runs:count",
        "count by (job, instance, profile) (llmtrain_run_info)",
        "Runs by kind of training.",
    ),
    RecordingRule(
        "instance:llmtrain_broken_runs:count",
        f"""count by (job, instance) (
  llmtrain_run_health == 2 and {RUN} llmtrain_run_state{{state=~"running|stalled"}} == 1
)""",
        "Runs that are broken and hold their GPUs all the same.",
    ),
    RecordingRule(
        WASTED,
        f"""sum without (run) (
  llmtrain_gpus
    and {RUN} llmtrain_run_health == 2
    and {RUN} llmtrain_run_state{{state=~"running|stalled"}} == 1
)
or 0 * sum without (run) (llmtrain_gpus)""",
        "GPUs that broken runs hold, as far as the runs' arguments tell.",
    ),
    RecordingRule(
        "instance:llmtrain_wasted_gpu_hours:sum1d",
        f"sum_over_time({WASTED}[1d:1m]) / 60",
        "GPU hours that broken runs have held in the last day, by the clock. From the onset on, by steps: "
        "llmtrain_lost_gpu_seconds.",
    ),
    RecordingRule(
        TROUBLE,
        f"""(
  {HEALTH_WEIGHT} * llmtrain_run_health{{job!="{HISTORY_JOB}"}}
  + {RUN} group_left () max by (job, instance, run) (llmtrain_last_record_timestamp_seconds)
)
* {RUN} group_left (state) topk by (job, instance, run) (1, llmtrain_run_state == 1)
{INFO}""",
        "The order in which runs are listed: those in trouble, then those that wrote last (1e10 is later).",
    ),
    RecordingRule(
        "instance:llmtrain_records:rate5m",
        f"sum without (run, kind) (rate(llmtrain_records_total[{times.GROWTH}]))",
        "Records per second.",
    ),
    RecordingRule(
        "instance:llmtrain_incidents:increase1h",
        "sum without (run) (increase(llmtrain_incidents_total[1h]))",
        "Incidents in the last hour.",
    ),
)
"""Recording rules for dashboards of many runs."""


WITHOUT_INCIDENT = f"unless {RUN}\n  last_over_time({INCIDENT_LIVE}[{times.EVENT}])"
"""How a run ends over which an incident is, the incident's own last message tells."""


def _became(state: str, metric: str = "llmtrain_run_state") -> str:
    """Runs that were seen otherwise lately; or are so from the first scrape on, and were seen to train."""
    flag = f'{{state="{state}"}}'
    before = (
        f"last_over_time({AHEAD}{flag}[{times.EVENT}])"
        if metric == "llmtrain_run_state"
        else f"min_over_time({metric}{flag}[{times.EVENT}]) == 0"
    )
    return f"""max without (state) (
  {metric}{flag} == 1
    and {RUN} ({before} or {RUN} {ALIVE})
)
{INFO}"""


def _new(counter: str) -> str:
    """What was counted lately, from the first scrape on."""
    return f"""increase({counter}[{times.BRIDGE}]) > 0
or
({counter} unless {counter} offset {times.BRIDGE}) > 0"""


_REFUSED = "llmtrain_exporter_history_dropped_records_total"

READ_SELECTOR = 'kind=~"train|eval"'
"""Of the other kinds a run has one record at most: they are more series than these, and change nothing."""

SKIPPED_SELECTOR = f'reason!~"{"|".join(times.WORDLESS)}"'

_OF_THE_REST = {
    INCIDENT.name: f"{INCIDENT_LIVE} == 1",
    FAILED.name: f"{_became('failed')}\n{WITHOUT_INCIDENT}",
    FINISHED.name: _became("finished"),
    STOPPED.name: _became("stopped", GUARD_STATE),
    GAVE_UP.name: _became("gave_up", GUARD_STATE),
    DOWN.name: f'up{{job="{SCRAPE_JOB}"}} == 0 or absent(up{{job="{SCRAPE_JOB}"}})',
    ROOT_STUCK.name: f"""llmtrain_exporter_root_stuck == 1
or
time() - llmtrain_exporter_root_looked_at_timestamp_seconds > {times.UNSEEN_SECONDS}
  and on (job, instance) llmtrain_exporter_ready == 1""",
    ERRORS.name: f"sum without (kind) (\n{_new('llmtrain_exporter_errors_total')}\n)",
    SKIPPED.name: f"""sum without (run, reason) (
  increase(llmtrain_skipped_lines_total{{{SKIPPED_SELECTOR}}}[{times.BRIDGE}])
)
> {times.SKIPPED_SHARE} * sum without (run, kind) (
  increase(llmtrain_records_total{{{READ_SELECTOR}}}[{times.BRIDGE}])
)
> {times.SKIPPED_LINES}""",
    LIMITED.name: f"""sum without (reason) (llmtrain_exporter_left_out_files{{reason="max_runs"}}) > 0
or
sum without (run) (
  llmtrain_dropped_series_total and {RUN} llmtrain_run_state{{state="running"}} == 1
) > 0""",
    NOT_READY.name: "llmtrain_exporter_ready == 0",
    OLD_SETTINGS.name: "llmtrain_exporter_config_last_reload_successful == 0",
    HISTORY_BEHIND.name: f"llmtrain_exporter_history_behind_seconds > {times.HISTORY_BEHIND_SECONDS}",
    HISTORY_REFUSED.name: f"sum without (reason) (\n{_new(_REFUSED)}\n)",
    NO_RUNS.name: "llmtrain_exporter_runs == 0 and llmtrain_exporter_ready == 1",
}
"""The conditions of alerts that are not on a signal, by their names."""


def condition(alert: Alert) -> str:
    """The expression of an alert, in PromQL."""
    if alert.signal is None:
        return _OF_THE_REST[alert.name]
    return f'{SIGNAL_LIVE}{{signal="{alert.signal.name}",severity="{alert.severity.value}"}} == 1'


def of_runs(alerts: Iterable[Alert]) -> list[Alert]:
    """Those on runs, the incident last: what it keeps quiet is over before it is."""
    on_runs = [alert for alert in alerts if alert.scope is Scope.RUN]
    return sorted(on_runs, key=lambda alert: alert is INCIDENT)
