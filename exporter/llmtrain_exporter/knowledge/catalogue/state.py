"""What a run is, what was read of it, and the numbers that nobody knows."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry
from llmtrain_exporter.knowledge.metric import Group, Type

_S = Group.STATE

RUN = entry(
    "run",
    _S,
    "Static facts of a run: who wrote its log, what is trained, with which settings.",
    type=Type.INFO,
)
RUN_STATE = entry("run_state", _S, "1 for the state that a run is in, 0 for the others.", label="state")
RUN_HEALTH = entry("run_health", _S, "How the run is at its last record: 0 healthy, 1 watch, 2 broken.")
GPUS = entry("gpus", _S, "Processes of the training, one for each GPU, as its arguments tell.")
LAST_RECORD = entry("last_record_timestamp_seconds", _S, "When the last record was written.")
RESUMES = entry(
    "resumes_total", _S, "Times that the steps of a run went back because it was resumed.", type=Type.COUNTER
)
RECORDS = entry("records_total", _S, "Log rows read, by kind.", type=Type.COUNTER, label="kind")
SKIPPED = entry(
    "skipped_lines_total",
    _S,
    "Skipped lines, by reason.",
    type=Type.COUNTER,
    label="reason",
)
DROPPED_SERIES = entry(
    "dropped_series_total",
    _S,
    "Keys of a run that are not exposed because its limit of series is reached.",
    type=Type.COUNTER,
)
HISTORY_TIME_SOURCE = entry(
    "history_time_source",
    _S,
    "1 at each record that is kept with its own time, by how that time is known; not in a scrape.",
    label="source",
)

OTHER = entry(
    "other",
    Group.OTHER,
    "Numbers of the log that the catalogue has no name for, by their log key.",
    label="key",
    split=True,
)

METRICS = (
    *(RUN, RUN_STATE, RUN_HEALTH, GPUS, LAST_RECORD, RESUMES, RECORDS, SKIPPED, DROPPED_SERIES),
    *(HISTORY_TIME_SOURCE, OTHER),
)
