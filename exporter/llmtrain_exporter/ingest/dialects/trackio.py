"""trackio's database of a project: SQLite with a write-ahead log, as `PROJECT.db` in `TRACKIO_DIR`.

Read against trackio 0.43.0, and the tables of its first versions, which know runs by their names alone. What
a run logs at once stands in one row, as JSON; a run does not say that it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role, Shape
from llmtrain_exporter.ingest.nested import flat_cells
from llmtrain_exporter.ingest.settings_text import parse_json
from llmtrain_exporter.ingest.sqlite_file import MAGIC
from llmtrain_exporter.ingest.sqlite_store import Queries, SqliteStore
from llmtrain_exporter.ingest.store import Unread
from llmtrain_exporter.knowledge.producers import TRANSFORMERS

_ROW = frozenset(("id", "timestamp", "run_name", "step", "metrics"))

NEWEST = Queries(
    tables={"metrics": _ROW | {"run_id"}, "configs": frozenset(("run_id", "config"))},
    runs="""
        SELECT run_id, max(run_name), (julianday(max(timestamp)) - 2440587.5) * 86400.0,
            (julianday(min(timestamp)) - 2440587.5) * 86400.0
        FROM metrics GROUP BY run_id LIMIT :most
    """,
    states="SELECT NULL, NULL LIMIT 0",
    touched="SELECT DISTINCT run_id FROM metrics NOT INDEXED WHERE id > :after",
    newest="SELECT max(id) FROM metrics",
    rows="""
        SELECT id, step, (julianday(timestamp) - 2440587.5) * 86400.0, metrics FROM metrics
        WHERE run_id = :run AND id > :after ORDER BY id LIMIT :most
    """,
    news="""
        SELECT id, step, (julianday(timestamp) - 2440587.5) * 86400.0, metrics FROM metrics NOT INDEXED
        WHERE run_id = :run AND id > :after ORDER BY id LIMIT :most
    """,
    settings="SELECT config FROM configs WHERE run_id = :run LIMIT 1",
    cells=lambda cells: _cells(cells[0]),
    read_settings=lambda found: _object(found[0][0]) if found else {},
    finished=lambda _: None,
    by_key=False,
    named_by_file=True,
)

BY_NAME = NEWEST._replace(
    tables={"metrics": _ROW},
    runs="""
        SELECT run_name, run_name, (julianday(max(timestamp)) - 2440587.5) * 86400.0,
            (julianday(min(timestamp)) - 2440587.5) * 86400.0
        FROM metrics GROUP BY run_name LIMIT :most
    """,
    touched="SELECT DISTINCT run_name FROM metrics NOT INDEXED WHERE id > :after",
    rows="""
        SELECT id, step, (julianday(timestamp) - 2440587.5) * 86400.0, metrics FROM metrics
        WHERE run_name = :run AND id > :after ORDER BY id LIMIT :most
    """,
    news="""
        SELECT id, step, (julianday(timestamp) - 2440587.5) * 86400.0, metrics FROM metrics NOT INDEXED
        WHERE run_name = :run AND id > :after ORDER BY id LIMIT :most
    """,
    settings="SELECT '{}' LIMIT 1",
)
"""Of versions without `run_id`."""


def _cells(text: object) -> Mapping[str, object]:
    found = _object(text)
    return flat_cells(found) if any(type(cell) is dict for cell in found.values()) else found


def _object(text: object) -> Mapping[str, object]:
    """The members of an object in JSON, as text or as bytes."""
    content = text if isinstance(text, bytes) else str(text).encode()
    parsed = parse_json(content)
    return parsed if isinstance(parsed, dict) else {}


def sniff(head: Head) -> Confidence:
    """Any SQLite database may be one; its tables tell, which are not among its first bytes."""
    return Confidence.LIKELY if head.text.startswith(MAGIC[:-1]) else Confidence.NO


DIALECT = Dialect(
    name="trackio",
    producer=TRANSFORMERS,
    reader=lambda *_: Unread(),
    sniff=sniff,
    files=("*.db",),
    shape=Shape.STORE,
    role=Role.FILE,
    store=lambda path: SqliteStore(path, (NEWEST, BY_NAME)),
    kept_by_tracker=True,
)
