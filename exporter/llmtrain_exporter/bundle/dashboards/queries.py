"""PromQL that all dashboards share: which series, a run's limits, its baseline."""

from __future__ import annotations

from llmtrain_exporter.bundle.dashboards.board import Look, Query
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge.jobs import HISTORY_JOB
from llmtrain_exporter.knowledge.metric import PREFIX, Metric
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import LIMITS
from llmtrain_exporter.knowledge.text import Text

TARGET = f'job=~"$job", job!="{HISTORY_JOB}", instance=~"$instance"'
"""What is scraped."""
ONE_RUN = f'{TARGET}, run="$run"'
"""The run of a dashboard that shows one at a time: its variable is not multiple, so it is not escaped."""
RUNS = f'{TARGET}, run=~"$run"'
"""The chosen runs of a dashboard that shows several."""

HISTORY = 'job=~"$job", job="$history", instance=~"$instance|"'
"""Every record, unless the dashboard is to show what was scraped. Files of records may lack an instance."""
_SOURCE = 'job=~"$job", job=~"$source", instance=~"$instance|"'
RECORDED = f'{_SOURCE}, run="$run"'
"""The same run record by record where there is such a history of it, else as it was scraped."""
RECORDED_RUNS = f'{_SOURCE}, run=~"$run"'
"""The same of the chosen runs."""

BY_RUN = "on (job, instance, run)"
KNOWN_EXPORTERS = f"last_over_time({PREFIX}exporter_build_info{{{TARGET}}}[1h])"
"""The exporters that were there within the last hour, those that are down now too."""

DOTTED: tuple[tuple[str, object], ...] = (("custom.lineStyle", {"fill": "dot", "dash": [2, 6]}),)

_LOOKS = {Severity.INFO: Look.INFO, Severity.WARNING: Look.WARNING, Severity.CRITICAL: Look.CRITICAL}


def name(metric: Metric) -> str:
    """The metric's name as it is scraped."""
    return metric.sample_name


def series(metric: Metric, *also: str, of: str = ONE_RUN) -> str:
    """Selector of the run's series; `also` are more matchers, such as 'split="train"'."""
    return f"{name(metric)}{{{', '.join((of, *also))}}}"


def recorded(metric: Metric, *also: str, of: str = RECORDED) -> str:
    """Selector of series of which each record of a log has a value."""
    return series(metric, *also, of=of)


def train(metric: Metric, *also: str, of: str = RECORDED) -> str:
    """Selector of the series of training."""
    return series(metric, 'split="train"', *also, of=of)


def evaluation(metric: Metric, *also: str, of: str = RECORDED) -> str:
    """Selector of the series of evaluations."""
    return series(metric, 'split="eval"', *also, of=of)


def limit(signal: str, severity: Severity, of: str = ONE_RUN) -> str:
    """The limit of a signal in the profile of the run, without labels; nothing where it has none."""
    limits = f'{a.LIMIT.name}{{{TARGET}, signal="{signal}", severity="{severity.value}"}}'
    return f"max({limits} and on (job, instance, profile) {series(c.RUN, of=of)})"


def limit_line(
    signal: str, severity: Severity, scale: str = "{}", legend: Text | None = None, of: str = ONE_RUN
) -> Query:
    """The limit as a dashed line. `scale`: what turns it into the panel's unit, with {} for the limit."""
    expr = scale.replace("{}", limit(signal, severity, of))
    return Query(expr, legend or texts.LIMITS[severity], _LOOKS[severity])


def limit_lines(signal: str, profile: str, of: str = ONE_RUN) -> tuple[Query, ...]:
    """All limits that a signal has in a built-in profile, from the least severe to the most."""
    return tuple(limit_line(signal, severity, of=of) for severity in LIMITS[profile][signal])


def own_limit_line(signal: str, severity: Severity, level: str, profile: str, legend: Text) -> Query:
    """A limit that is so many times the run's own level: dotted, at least at the signal's floor."""
    floor = LIMITS[profile][signal][severity].floor
    limited = f"({level}) * {limit(signal, severity)}"
    expr = f"clamp_min({limited}, {floor:g})" if floor else limited
    return Query(expr, legend, _LOOKS[severity], properties=DOTTED)


def baseline(metric: str) -> str:
    """The run's own level of a metric, without labels."""
    matcher = f'metric="{metric}"'
    return f"max({recorded(a.BASELINE, matcher)})"


def baseline_line(metric: str) -> Query:
    """The run's own level as a dashed line."""
    return Query(baseline(metric), texts.BASELINE, Look.BASELINE)
