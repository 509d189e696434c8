"""MLflow's tracking database: SQLite, as `mlflow.db` or under any name that ends so.

Read against mlflow 3.17.2; the tables are those of 1.0 and later. Values stand one by one, with their times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role, Shape
from llmtrain_exporter.ingest.settings_text import scalar
from llmtrain_exporter.ingest.sqlite_file import MAGIC
from llmtrain_exporter.ingest.sqlite_store import Queries, SqliteStore
from llmtrain_exporter.ingest.store import Unread
from llmtrain_exporter.knowledge.producers import TRANSFORMERS

LARGEST = 1.797e308
"""MLflow writes the largest number there is for infinity."""

QUERIES = Queries(
    tables={
        "metrics": frozenset(("key", "value", "timestamp", "run_uuid", "step", "is_nan")),
        "runs": frozenset(("run_uuid", "name", "status", "start_time", "experiment_id", "lifecycle_stage")),
        "experiments": frozenset(("experiment_id", "name")),
        "params": frozenset(("key", "value", "run_uuid")),
        "latest_metrics": frozenset(("timestamp", "run_uuid", "key")),
    },
    runs="""
        SELECT runs.run_uuid, experiments.name || '/' || coalesce(nullif(runs.name, ''), runs.run_uuid),
            coalesce(max(latest_metrics.timestamp), runs.start_time, 0) / 1000.0, runs.start_time / 1000.0,
            coalesce(group_concat(latest_metrics.key, char(10)), '')
        FROM runs JOIN experiments USING (experiment_id) LEFT JOIN latest_metrics USING (run_uuid)
        WHERE runs.lifecycle_stage = 'active' GROUP BY runs.run_uuid LIMIT :most
    """,
    states="SELECT run_uuid, status FROM runs LIMIT :most",
    touched="SELECT DISTINCT run_uuid FROM metrics NOT INDEXED WHERE rowid > :after",
    newest="SELECT max(rowid) FROM metrics",
    rows="""
        SELECT rowid, step, timestamp / 1000.0, key, value, is_nan FROM metrics
        WHERE run_uuid = :run AND rowid > :after ORDER BY rowid LIMIT :most
    """,
    settings="SELECT key, value FROM params WHERE run_uuid = :run LIMIT :most",
    cells=lambda cells: _cells(cells),
    read_settings=lambda found: {str(key): scalar(str(value)) for key, value in found},
    finished=lambda status: finished(status),
    by_key=True,
)


def _cells(cells: Sequence[object]) -> Mapping[str, object]:
    key, value, is_nan = cells
    if is_nan:
        return {str(key): math.nan}
    if isinstance(value, float) and abs(value) > LARGEST:
        value = math.copysign(math.inf, value)
    return {str(key): value}


def finished(status: object) -> bool | None:
    """Whether a run ended well, by its status; None: it goes on."""
    return {"FINISHED": True, "FAILED": False, "KILLED": False}.get(str(status))


def sniff(head: Head) -> Confidence:
    """Any SQLite database may be one; its tables tell, which are not among its first bytes."""
    return Confidence.LIKELY if head.text.startswith(MAGIC[:-1]) else Confidence.NO


DIALECT = Dialect(
    name="mlflow",
    producer=TRANSFORMERS,
    reader=lambda *_: Unread(),
    sniff=sniff,
    files=("mlflow.db", "*.db", "*.sqlite", "*.sqlite3"),
    shape=Shape.STORE,
    role=Role.FILE,
    store=lambda path: SqliteStore(path, (QUERIES,)),
    kept_by_tracker=True,
)
