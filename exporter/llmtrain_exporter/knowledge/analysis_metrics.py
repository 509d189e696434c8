"""The metrics that the analysis adds to what a log says: spikes, signals and incidents."""

from __future__ import annotations

from llmtrain_exporter.knowledge.metric import PREFIX, Group, Metric, Type


def _gauge(name: str, group: Group, text: str, label: str = "") -> Metric:
    return Metric(PREFIX + name, group, text, label=label)


def _counter(name: str, group: Group, text: str, label: str = "") -> Metric:
    return Metric(PREFIX + name, group, text, type=Type.COUNTER, label=label)


_K, _S, _I = Group.SPIKES, Group.SIGNALS, Group.INCIDENTS

BASELINE = _gauge("baseline", _K, "Median of the run's own last records.", "metric")
BASELINE_RATIO = _gauge("baseline_ratio", _K, "Last value over the baseline.", "metric")
SPIKE_SCORE = _gauge(
    "spike_score",
    _K,
    "Distance of the last value from its baseline, in robust standard deviations.",
    "metric",
)
SPIKE = _gauge("spike", _K, "1 while the last value is a spike, 7 robust standard deviations out.", "metric")
SPIKES = _counter("spikes_total", _K, "Training records whose value was a spike.", "metric")
SPIKE_RECORDS = _gauge(
    "spike_records_ratio", _K, "Share of all training records whose value was a spike.", "metric"
)

SIGNAL_ACTIVE = _gauge(
    "signal_active",
    _S,
    "1 while a signal is there with this severity, 0 while it is not; nothing before it came up.",
    "signal",
)
SIGNAL_RECORDS = _counter(
    "signal_records_total",
    _S,
    "Records at which a signal was there, by the severity it had; nothing before.",
    "signal",
)
SIGNAL_PEAK = _gauge(
    "signal_peak", _S, "Worst value in the last episode of a signal, in the unit of its metric.", "signal"
)
SIGNAL_STEP = _gauge("signal_step", _S, "Step at which the last episode of a signal began.", "signal")
HEADLINE = _gauge(
    "run_headline",
    _S,
    "1, with the worst signal that lasts, the best proved cause and the first remedy as labels; nothing "
    "while no signal speaks against the run.",
    "signal",
)
RUN_CHECK = _gauge(
    "run_check",
    _S,
    "Answer to a question of the checklists, where yes is well: 1 yes, 0.5 not always, 0 no; -1 not known, "
    "so that a gap means that nobody was there to answer.",
    "check",
)
LIMIT = _gauge(
    "limit",
    _S,
    "Limit of a signal in a profile, in the signal's own measure; without the label run.",
    "signal",
)

INCIDENT_ACTIVE = _gauge("incident_active", _I, "1 while an incident lasts.")
INCIDENTS = _counter("incidents_total", _I, "Incidents of a run.")
INCIDENT_STAGE = _gauge(
    "incident_stage",
    _I,
    "Place in the order in which parts of the run broke in the last incident, from 1; 0: it did not; "
    "nothing before the first incident.",
    "stage",
)
INCIDENT_STAGE_STEP = _gauge(
    "incident_stage_step", _I, "Step at which a part of the run broke in the last incident.", "stage"
)
INCIDENT_ONSET = _gauge("incident_onset_step", _I, "Step at which the last incident began.")
INCIDENT_ONSET_TIME = _gauge(
    "incident_onset_timestamp_seconds", _I, "When the record that gave the last incident away was written."
)
LOST_GPU_TIME = _gauge(
    "lost_gpu_seconds",
    _I,
    "GPU time of the steps in incidents, each from its onset until the run had recovered, or is now.",
)

METRICS: tuple[Metric, ...] = (
    *(BASELINE, BASELINE_RATIO, SPIKE_SCORE, SPIKE, SPIKES, SPIKE_RECORDS),
    *(SIGNAL_ACTIVE, SIGNAL_RECORDS, SIGNAL_PEAK, SIGNAL_STEP, HEADLINE, RUN_CHECK, LIMIT),
    *(INCIDENT_ACTIVE, INCIDENTS, INCIDENT_STAGE, INCIDENT_STAGE_STEP, INCIDENT_ONSET),
    *(INCIDENT_ONSET_TIME, LOST_GPU_TIME),
)
"""All of the above, in the order in which they are exposed."""
