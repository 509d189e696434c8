"""A tracker's SQLite database as a store of runs, by the tracker's own queries."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from llmtrain_exporter.ingest.sqlite_file import State, ask, is_database, state_of
from llmtrain_exporter.ingest.store import Portion, StoredRun
from llmtrain_exporter.ingest.tracked_rows import TrackedRow, makes_record

MOST_ROWS = 20_000
"""Rows of a database that are read at once: a query is to be over before anybody waits for it."""

FIRST_ROWS = 500
"""Rows of a database by which a run is known."""

MOST_RUNS = 100_000
"""In one database."""

MOST_SETTINGS = 10_000
"""Of one run."""


class Queries(NamedTuple):
    """How a tracker's database is asked; `:run`, `:after` and `:most` are given.

    `tables`: it is that tracker's where all of them are there, with these columns. `runs`: key, name, Unix
    times of the last row and of the start, and where anybody logs anything the keys, a line each;
    `named_by_file`: the file's own name belongs to that name.
    `states`: key, and what `finished` takes. `touched`: the keys of the runs with rows behind `:after`.
    `newest`: the number of the last row. `rows`: number, step, Unix time, and what `cells` takes; `news`: the
    same, where that is another query for the few rows behind the last one. `settings`: what `read_settings`
    takes.
    """

    tables: Mapping[str, frozenset[str]]
    runs: str
    states: str
    touched: str
    newest: str
    rows: str
    settings: str
    cells: Callable[[Sequence[object]], Mapping[str, object]]
    read_settings: Callable[[Sequence[Sequence[object]]], Mapping[str, object]]
    finished: Callable[[object], bool | None]
    by_key: bool
    named_by_file: bool = False
    news: str = ""


class SqliteStore:
    """Asks one database, for all of its runs; see `Store`. For one thread at a time."""

    def __init__(self, path: str, variants: Sequence[Queries]) -> None:
        """`variants`: the queries for each layout that the tracker's versions have had, the newest first."""
        self._path = path
        self._variants = variants
        self._queries: Queries | None = None  # those of its layout
        self._state: State | None = None  # at the last look
        self._newest = 0  # number of the last row that was looked at
        self._stamps: dict[str, int] = {}
        self._looks = 0
        self._states: dict[str, object] = {}  # of each run, as the database calls it
        self.generation = 0

    @property
    def by_key(self) -> bool:
        """Whether it keeps rows value by value."""
        return self._variants[0].by_key

    def runs(self) -> Sequence[StoredRun] | None:
        """The runs in it; None where it is no store of this tracker."""
        if not is_database(self._path):
            return None
        return ask(self._path, self._list)

    def settings(self, key: str) -> Mapping[str, object]:
        """What a run was started with."""
        return ask(self._path, lambda database: self._settings(database, key))

    def stamp(self, key: str) -> int:
        """Another number when that run may have logged more: one or two stats where nothing was written."""
        if state_of(self._path) != self._state:
            self._look()
        return self._stamps.get(key, 0)

    def read(self, key: str, after: int) -> Portion:
        """What a run has logged behind the row of number `after`."""
        return ask(self._path, lambda database: self._portion(database, key, after, MOST_ROWS))

    def first(self, key: str) -> Sequence[TrackedRow]:
        """Some of what a run has logged first."""
        return ask(self._path, lambda database: self._portion(database, key, 0, FIRST_ROWS)).rows

    def _look(self) -> None:
        """Find the runs that were written to since the last look."""
        state = state_of(self._path)
        if self._state is not None and state[0][0] != self._state[0][0]:  # another file
            self._begin()
        touched, newest, states = ask(self._path, self._touched)
        if newest < self._newest:
            self._begin()
            touched, newest, states = ask(self._path, self._touched)
        self._state, self._newest = state, newest
        self._looks += 1
        touched |= {key for key, said in states.items() if self._states.get(key) != said}
        self._stamps.update(dict.fromkeys(touched, self._looks))
        self._states = states

    def _begin(self) -> None:
        """Its rows are numbered anew."""
        self.generation += 1
        self._newest, self._queries = 0, None
        self._stamps.clear()

    def _layout(self, database: sqlite3.Connection) -> Queries | None:
        if self._queries is None:
            self._queries = next((each for each in self._variants if _fits(database, each)), None)
        return self._queries

    def _list(self, database: sqlite3.Connection) -> Sequence[StoredRun] | None:
        queries = self._layout(database)
        if queries is None:
            return None
        found = database.execute(queries.runs, {"most": MOST_RUNS}).fetchall()
        within = os.path.splitext(os.path.basename(self._path))[0] + "/" if queries.named_by_file else ""
        return [
            StoredRun(str(key), f"{within}{name}", _seconds(last), _seconds(began))
            for key, name, last, began, *keys in found
            if not keys or makes_record(frozenset(str(keys[0]).split("\n")))
        ]

    def _touched(self, database: sqlite3.Connection) -> tuple[set[str], int, dict[str, object]]:
        queries = self._layout(database)
        if queries is None:
            return set(), 0, {}
        newest = database.execute(queries.newest).fetchone()[0] or 0
        touched = {str(key) for (key,) in database.execute(queries.touched, {"after": self._newest})}
        states = database.execute(queries.states, {"most": MOST_RUNS}).fetchall()
        return touched, newest, {str(key): state for key, state in states}

    def _portion(self, database: sqlite3.Connection, key: str, after: int, most: int) -> Portion:
        queries = self._layout(database)
        if queries is None:
            return Portion((), after, False, None, {})
        given = {"run": key, "after": after, "most": most}
        found = database.execute((after and queries.news) or queries.rows, given).fetchall()
        more = len(found) == most
        rows = [TrackedRow(_count(step), _seconds(at), queries.cells(cells)) for _, step, at, *cells in found]
        return Portion(
            rows,
            found[-1][0] if found else after,
            more,
            None if more else queries.finished(self._states.get(key)),
            self._settings(database, key),
        )

    def _settings(self, database: sqlite3.Connection, key: str) -> Mapping[str, object]:
        queries = self._layout(database)
        if queries is None:
            return {}
        stated = database.execute(queries.settings, {"run": key, "most": MOST_SETTINGS}).fetchall()
        return queries.read_settings(stated)


def _fits(database: sqlite3.Connection, queries: Queries) -> bool:
    """Whether the tables of a layout are there."""
    return all(wanted <= _columns(database, table) for table, wanted in queries.tables.items())


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {str(name) for (name,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _seconds(time: object) -> float:
    return float(time) if isinstance(time, int | float) else 0.0


def _count(step: object) -> int | None:
    return step if type(step) is int and step >= 0 else None
