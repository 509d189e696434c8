"""Stores of trackers: what the real packages wrote is read as it was logged, live, whatever else is there.

`scripts/tracker-stores` makes the stores, with `tests/tracker_lab.py`. `LLMTRAIN_TRACKERS` names a Python
that has the packages: then the laboratory runs, and its stores are read while they are written.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.dialects import wandb
from llmtrain_exporter.ingest.discover import ALONE, Found, SearchMemory, SearchOptions, discover
from llmtrain_exporter.ingest.framed import last_frames
from llmtrain_exporter.ingest.leveldb_log import BLOCK
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Reading, Source
from llmtrain_exporter.ingest.source import open_source, read_run_hyper_parameters
from llmtrain_exporter.ingest.stated import in_common_words, producer_of
from llmtrain_exporter.ingest.store import first_rows
from llmtrain_exporter.ingest.tracked_rows import TrackedRow, TrackedRun
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import TRANSFORMERS, VERL
from llmtrain_exporter.knowledge.skips import REASONS
from llmtrain_exporter.model import Record, RowKind
from llmtrain_exporter.serve.pages.histories import Histories
from llmtrain_exporter.watching.arrivals import arrivals
from llmtrain_exporter.watching.rules import rules_for_reading

from tests.tracker_files import framed
from tests.tracker_lab import RUNS, SETTINGS, SEVERAL, TRACKERS, Logged, rows

STORES = Path(__file__).with_name("stores")
ROWS = 120  # training rows of each store's first run
NOW = 1_900_000_000.0
METRICS: Mapping[str, Metric] = {
    "loss": c.LOSS,
    "grad_norm": c.GRAD_NORM,
    "learning_rate": c.LEARNING_RATE,
    "epoch": c.EPOCH,
    "eval_loss": c.LOSS,
    "eval_runtime": c.EVAL_RUNTIME,
}
KINDS = {"loss": RowKind.TRAIN, "eval_loss": RowKind.EVAL}
EACH = pytest.mark.parametrize("tracker", TRACKERS)


class Read(NamedTuple):
    """All that a source gave."""

    records: list[Record]
    times: list[float | None]
    skipped: dict[str, int]


def unpacked(tracker: str, folder: Path) -> Path:
    """The store that a tracker made, below a folder."""
    with tarfile.open(STORES / f"{tracker}.tar.gz") as archive:
        for member in archive.getmembers():
            target = folder / member.name
            content = archive.extractfile(member)
            assert content is not None
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
    return folder


def search(*paths: Path) -> list[Found]:
    """The runs that are found, by their names."""
    found = discover(list(map(str, paths)), SearchOptions(ignore_older=None), NOW)
    assert found.errors == {}
    return list(found.found)


def drain(source: Source, read: Read, now: float) -> float:
    """Take in all that there is at a time; the time after the last look."""
    while (reading := source.poll(now)) is not None:
        if reading.restarted or reading.again:
            read.records.clear()
            read.times.clear()
        read.records.extend(reading.records)
        read.times.extend(reading.times)
        for reason, count in reading.skipped.items():
            read.skipped[reason] = read.skipped.get(reason, 0) + count
        now += 0.01
    return now


def read_run(found: Found, patient: bool = False) -> Read:
    """One run, to its end."""
    source, read = open_source(found, Readers(), patient), Read([], [], {})
    drain(source, read, 0.0)
    read.records.extend(source.rest()[0])
    source.close()
    return read


def stored(tracker: str, count: int = ROWS) -> Iterator[Logged]:
    """The rows that a tracker keeps of those that were logged."""
    known: set[tuple[int, str]] = set()
    for row in rows(count):
        if not tracker.startswith("swanlab"):
            yield row
            continue
        kept = {key: cell for key, cell in row.prefixed.items() if (row.step, key) not in known}
        known.update((row.step, key) for key in row.prefixed)
        cells = {key: cell for key, cell in row.cells.items() if _kept(key, kept)}
        if cells:  # of a step that comes again it keeps what was logged first
            yield Logged(row.step, cells)


def _kept(key: str, kept: Mapping[str, float]) -> bool:
    return f"eval/{key[5:]}" in kept if key.startswith("eval_") else f"train/{key}" in kept


def expect(found: Read, logged: Sequence[Logged]) -> None:
    """Each number that was logged was read, in that order and to the last digit."""
    wanted = [row for row in logged if KINDS.keys() & row.cells.keys()]
    got = [record for record in found.records if record.kind in KINDS.values()]
    assert [(record.kind, record.step) for record in got] == [(_kind(row), row.step) for row in wanted]
    for record, row in zip(got, wanted, strict=True):
        for key, value in row.cells.items():
            read = record.get(METRICS[key])
            assert read == value or (read is not None and math.isnan(read) and math.isnan(value)), (row, key)


def _kind(row: Logged) -> RowKind:
    return next(kind for key, kind in KINDS.items() if key in row.cells)


# What the real packages wrote


@EACH
def test_what_was_logged_is_read_number_by_number(tracker: str, tmp_path: Path) -> None:
    """NaN, infinity, evaluations, a process that went on from an earlier step; of each run in the store."""
    runs = {found.run.rpartition("/")[2]: found for found in search(unpacked(tracker, tmp_path))}
    assert len(runs) == (2 if tracker in SEVERAL else 1)
    first = runs[RUNS[0]] if tracker in SEVERAL else next(iter(runs.values()))
    read = read_run(first)
    expect(read, list(stored(tracker)))
    assert read.records[-1].kind is RowKind.FINAL
    assert set(read.skipped) <= {"no_training_row"}
    if tracker in SEVERAL:
        expect(read_run(runs[RUNS[1]]), list(rows(5)))


@EACH
def test_rows_have_the_times_at_which_they_were_logged(tracker: str, tmp_path: Path) -> None:
    """Those that the tracker noted, which never go back, within the minutes that the laboratory ran."""
    for found in search(unpacked(tracker, tmp_path)):
        times = [time for time in read_run(found).times if time is not None]
        assert len(times) >= 5
        assert times == sorted(times)
        assert 1_700_000_000 < times[0] <= times[-1] < times[0] + 600


@EACH
def test_settings_come_through_the_white_list(tracker: str, tmp_path: Path) -> None:
    """What the store keeps of the settings is known, and no more of it than of an argument file."""
    for found in search(unpacked(tracker, tmp_path)):
        known = read_run_hyper_parameters(found)
        assert known.numbers["learning_rate"] == SETTINGS["learning_rate"]
        assert known.numbers["warmup_ratio"] == SETTINGS["warmup_ratio"]
        assert known.numbers["bf16"] == 1.0
        assert known.info == {"lr_scheduler_type": "cosine"}
        assert "hf_" not in repr(known)


NESTED = Producer(
    name="nested",
    flags={
        "learning_rate": "actor.optim.lr",
        "beta": "actor.kl",
        "num_generations": "rollout.n",
        "bf16": "bf16",
    },
)


@pytest.mark.parametrize(
    "stated",
    [
        {"actor": {"optim": {"lr": 1e-06}, "kl": 0.001}, "rollout": {"n": 8}},
        {"actor/optim/lr": 1e-06, "actor/kl": 0.001, "rollout/n": 8},
        {"actor.optim.lr": 1e-06, "actor.kl": 0.001, "rollout.n": 8},
    ],
)
def test_nested_settings_show_their_trainer(stated: Mapping[str, object]) -> None:
    """They are known under the names that all share, whichever way a tracker keeps them nested."""
    assert producer_of(stated, (TRANSFORMERS, NESTED)) is NESTED
    known = in_common_words(stated, (TRANSFORMERS, NESTED))
    assert {key: known[key] for key in ("learning_rate", "beta", "num_generations")} == {
        "learning_rate": 1e-06,
        "beta": 0.001,
        "num_generations": 8,
    }


def test_settings_of_verl_show_it() -> None:
    """As its trackers keep them."""
    actor = {"optim": {"lr": 1e-06}, "grad_clip": 1.0}
    stated = {"actor_rollout_ref": {"actor": actor, "rollout": {"n": 8}}}
    assert producer_of(stated) is VERL
    assert in_common_words(stated)["learning_rate"] == 1e-06


def test_settings_that_may_be_anybodys_show_no_trainer() -> None:
    """Nor does an endless nest of them."""
    nest: dict[str, object] = {}
    nest["actor"] = nest
    for stated in ({}, SETTINGS, {"actor": {"optim": {"lr": 1e-06}}}, nest):
        assert producer_of(stated, (TRANSFORMERS, NESTED)) is None
        assert in_common_words(stated, (TRANSFORMERS, NESTED)) is stated


@pytest.mark.parametrize(
    ("tracker", "names"),
    [
        ("mlflow", ["lab/second", "lab/tiny"]),
        ("mlflow_files", ["mlruns/lab/second", "mlruns/lab/tiny"]),
        ("trackio", ["lab/second", "lab/tiny"]),
    ],
)
def test_runs_of_one_store_have_names_of_their_own(tracker: str, names: list[str], tmp_path: Path) -> None:
    """Those that people gave them, behind the experiment or project; paths that no other run has."""
    found = search(unpacked(tracker, tmp_path))
    assert [run.run for run in found] == names
    assert len({run.path for run in found}) == len(found)


@pytest.mark.parametrize("tracker", SEVERAL)
def test_the_first_rows_of_a_run_are_known_without_reading_it(tracker: str, tmp_path: Path) -> None:
    """What two logs are compared by: whole rows, as they were logged."""
    for found in search(unpacked(tracker, tmp_path)):
        store = found.dialect.store and found.dialect.store(found.file)
        assert store
        run = TrackedRun(found.dialect.normaliser())
        records = [read for row in first_rows(store, found.key) for read in run.read(row)]
        whole = [read for read in records if isinstance(read, Record)]
        count = ROWS if found.run.endswith(RUNS[0]) else 5
        expect(Read(whole, [], {}), list(rows(count))[: len(whole)])
        assert len(whole) >= 5


def test_a_store_can_be_named_by_hand(tmp_path: Path) -> None:
    """Whatever it is called."""
    store = unpacked("trackio", tmp_path) / "lab.db"
    assert [found.run for found in search(store)] == ["lab/second", "lab/tiny"]
    os.rename(store, tmp_path / "odd")
    assert [found.run for found in search(tmp_path / "odd")] == ["odd/second", "odd/tiny"]


# Live


@pytest.mark.parametrize("tracker", ["wandb", "swanlab", "swanlab_json"])
def test_frames_are_read_while_they_are_written(tracker: str, tmp_path: Path) -> None:
    """Whatever the pieces in which they come; nothing twice, nothing torn."""
    (found,) = search(unpacked(tracker, tmp_path))
    content, chance = Path(found.path).read_bytes(), random.Random(4)
    Path(found.path).write_bytes(b"")
    source, read, now, at, seen = open_source(found, Readers()), Read([], [], {}), 0.0, 0, 0
    while at < len(content):
        size = chance.choice((1, 7, 300, 5000))
        with open(found.path, "ab") as file:
            file.write(content[at : at + size])
        at, now = at + size, drain(source, read, now + 1.0)
        seen += len(read.records) > 0
    assert seen > 10
    expect(read, list(stored(tracker)))
    assert set(read.skipped) <= {"no_training_row"}


def test_settings_that_are_stated_later_are_known_after_all(tmp_path: Path) -> None:
    """The run is then folded anew, with what is known by now, once."""
    (found,) = search(unpacked("wandb", tmp_path))
    content = Path(found.path).read_bytes()
    Path(found.path).write_bytes(content[:7])
    source = open_source(found, Readers())
    Path(found.path).write_bytes(content)
    readings = []
    while (reading := source.poll(0.0)) is not None:
        readings.append(reading.again)
    assert readings[0]
    assert not any(readings[1:])


def test_another_file_in_its_place_is_another_log(tmp_path: Path) -> None:
    """Shorter or longer: what was read is void, and what there is now is history."""
    (found,) = search(unpacked("wandb", tmp_path))
    content = Path(found.path).read_bytes()
    source, read = open_source(found, Readers()), Read([], [], {})
    drain(source, read, 0.0)
    Path(found.path).write_bytes(content[: len(content) // 2])
    reading = source.poll(1.0)
    assert reading is not None
    assert (reading.restarted, reading.past) == (True, True)
    expect(Read(list(reading.records), [], {}), list(stored("wandb"))[: len(reading.records)])


class Writer:
    """Writes a tracker's database again, row by row, as the tracker's own connection does."""

    def __init__(self, tracker: str, folder: Path, journal: str) -> None:
        store = unpacked(tracker, folder / "made")
        made = next(store.glob("*.db"))
        self.path = folder / "live" / made.name
        self.path.parent.mkdir()
        shutil.copy(made, self.path)
        # Without patience: whoever holds it up is an error at once.
        self.connection = sqlite3.connect(self.path, timeout=0.0, isolation_level=None)
        self.connection.execute(f"PRAGMA journal_mode = {journal}")
        self.rows = self.connection.execute("SELECT rowid, * FROM metrics ORDER BY rowid").fetchall()
        names = [name for (name,) in self.connection.execute("SELECT name FROM pragma_table_info('metrics')")]
        self.connection.execute("DELETE FROM metrics")
        marks = ", ".join("?" * (len(names) + 1))
        columns = ", ".join(f'"{name}"' for name in names)
        self._insert = f"INSERT INTO metrics (rowid, {columns}) VALUES ({marks})"

        if tracker == "mlflow":
            self.connection.execute("UPDATE runs SET status = 'RUNNING'")

    def write(self, row: Sequence[object]) -> None:
        """One row, in a transaction of its own."""
        self.connection.execute(self._insert, row)


def first_run(writer: Writer) -> Found:
    """The run with the most rows, in the database that a writer writes."""
    made = search(writer.path.parent.parent / "made")
    found = next(run for run in made if run.run.endswith(RUNS[0]))
    return replace(found, path=str(writer.path / found.key))


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("tracker", ["mlflow", "trackio"])
def test_a_database_is_read_while_it_is_written(tracker: str, journal: str, tmp_path: Path) -> None:
    """A writer that waits for nobody is never held up, and each row is read once it is whole."""
    writer = Writer(tracker, tmp_path, journal)
    source, read, now, seen = open_source(first_run(writer), Readers()), Read([], [], {}), 0.0, 0
    for row in writer.rows:
        writer.write(row)
        before = len(read.records)
        now = drain(source, read, now + 0.1)
        seen += len(read.records) > before
    drain(source, read, now + 100.0)
    assert seen > ROWS // 2
    expect(read, list(rows(ROWS)))
    writer.connection.close()


def test_a_run_ends_when_its_store_says_so_and_goes_on_if_it_does(tmp_path: Path) -> None:
    """A process that takes up a run of MLflow again makes it a running one."""
    writer = Writer("mlflow", tmp_path, "wal")
    source, kinds = open_source(first_run(writer), Readers()), []
    for at, status in enumerate(("FINISHED", "RUNNING", "FAILED")):
        for row in writer.rows[at * 40 : at * 40 + 40]:
            writer.write(row)
        writer.connection.execute("UPDATE runs SET status = ?", (status,))
        read = Read([], [], {})
        drain(source, read, 100.0 * at)
        drain(source, read, 100.0 * at + 50)
        kinds.append(read.records[-1].kind)
    assert kinds == [RowKind.FINAL, RowKind.TRAIN, RowKind.FAILURE]
    writer.connection.close()


@pytest.mark.parametrize("tracker", ["mlflow", "trackio"])
def test_a_database_that_is_being_written_is_waited_for(tracker: str, tmp_path: Path) -> None:
    """That is no error, and what comes then is read."""
    writer = Writer(tracker, tmp_path, "delete")
    source, read = open_source(first_run(writer), Readers()), Read([], [], {})
    writer.connection.execute("BEGIN EXCLUSIVE")
    for row in writer.rows:
        writer.write(row)
    drain(source, read, 0.0)
    assert (read.records, source.error) == ([], None)
    writer.connection.execute("COMMIT")
    drain(source, read, 10.0)
    drain(source, read, 20.0)
    expect(read, list(rows(ROWS)))
    writer.connection.close()


@pytest.mark.parametrize("tracker", ["mlflow", "trackio"])
def test_nothing_is_written_beside_a_database(tracker: str, tmp_path: Path) -> None:
    """No write-ahead log, no shared memory, no journal; and the file stays as it is."""
    (path,) = unpacked(tracker, tmp_path).glob("*.db")
    before = path.read_bytes(), path.stat().st_mtime_ns
    for found in search(tmp_path):
        read_run(found)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("tracker", ["mlflow", "trackio"])
def test_a_write_ahead_log_without_its_memory_is_read_as_well(tracker: str, tmp_path: Path) -> None:
    """As somebody copies it, or a writer keeps it for itself; and nothing is made beside it."""
    writer, copied = Writer(tracker, tmp_path, "wal"), tmp_path / "copied"
    writer.connection.execute("PRAGMA wal_autocheckpoint = 0")
    for row in writer.rows:
        writer.write(row)
    copied.mkdir()
    for path in (writer.path, Path(f"{writer.path}-wal")):
        shutil.copy(path, copied)
    writer.connection.close()
    before = sorted(os.listdir(copied))
    (found,) = [run for run in search(copied) if run.run.endswith(RUNS[0])]
    expect(read_run(found), list(rows(ROWS)))
    assert len(before) == 2
    assert sorted(os.listdir(copied)) == before


def test_a_run_is_asked_for_only_when_it_was_written_to(tmp_path: Path) -> None:
    """Of many runs in a database those that are over cost two stats, however busy the others are."""
    writer = Writer("trackio", tmp_path, "wal")
    for row in writer.rows[:-1]:
        writer.write(row)
    runs = {run.run.rpartition("/")[2]: run for run in search(writer.path)}
    readers = Readers()
    sources = {name: open_source(run, readers) for name, run in runs.items()}
    for source in sources.values():
        drain(source, Read([], [], {}), 0.0)
    assert [name for name, source in sources.items() if source.grown()] == []
    writer.write(writer.rows[-1])
    assert [name for name, source in sources.items() if source.grown()] == [RUNS[1]]
    writer.connection.close()


def test_files_of_metrics_are_read_while_they_are_written(tmp_path: Path) -> None:
    """Each value is a line in a file of its own; a row is what was logged at one step."""
    found = next(run for run in search(unpacked("mlflow_files", tmp_path)) if run.run.endswith(RUNS[0]))
    metrics = sorted((Path(found.path).parent / "metrics").iterdir())
    lines = {path: path.read_bytes().splitlines(keepends=True) for path in metrics}
    for path in metrics:
        path.write_bytes(b"")
    meta = Path(found.path).read_text()
    Path(found.path).write_text(meta.replace("status: 3", "status: 1"))
    # As they were logged: by time, and at each time one file after the other.
    order = sorted(
        (int(line.split()[0]), at, path, line) for path in metrics for at, line in enumerate(lines[path])
    )
    source, read, now, seen = open_source(found, Readers()), Read([], [], {}), 0.0, 0
    for _, _, path, line in order:
        with path.open("ab") as file:
            file.write(line)
        before = len(read.records)
        now = drain(source, read, now + 0.1)
        seen += len(read.records) > before
    drain(source, read, now + 100.0)
    assert seen > ROWS // 2
    expect(read, list(rows(ROWS)))


def test_a_chart_goes_on_with_the_files_of_metrics(tmp_path: Path) -> None:
    """The file that says whose they are is not written to meanwhile."""
    found = next(run for run in search(unpacked("mlflow_files", tmp_path)) if run.run.endswith(RUNS[0]))
    histories = Histories(Settings(), lambda: 2e9, lambda: 0.0)
    known = histories.signature(found)
    before = histories.look(found, lambda history: len(history.train))
    assert isinstance(before, int)
    loss = Path(found.path).parent / "metrics/loss"
    *_, (time, _, step) = [line.split() for line in loss.read_text().splitlines()]
    with loss.open("a") as file:
        file.writelines(f"{int(time) + later} 0.5 {int(step) + later}\n" for later in (1, 2))
    assert histories.signature(found) != known
    assert histories.look(found, lambda history: len(history.train)) == before + 2


# Whatever is in the file


@pytest.mark.parametrize("tracker", ["wandb", "swanlab"])
def test_a_frame_that_is_broken_costs_its_block_alone(tracker: str, tmp_path: Path) -> None:
    """Rows before it and in later blocks are read, and it is counted."""
    (found,) = search(unpacked(tracker, tmp_path))
    content = bytearray(Path(found.path).read_bytes())
    content[40_000 if len(content) > 70_000 else 20_000] ^= 0xFF
    Path(found.path).write_bytes(content)
    read = read_run(found)
    assert read.skipped["broken_frame"] >= 1
    assert 10 < len(read.records) < len(list(rows(ROWS)))


@pytest.mark.parametrize("tracker", ["wandb", "swanlab", "swanlab_json"])
def test_hostile_frames_are_counted(tracker: str, tmp_path: Path) -> None:
    """Cut anywhere, with bytes of their own, with lengths beyond the file: skips, no crash, no wrong step."""
    (found,) = search(unpacked(tracker, tmp_path))
    content, chance = Path(found.path).read_bytes(), random.Random(7)
    for _ in range(60):
        damaged = bytearray(content[: chance.randrange(len(content))])
        for _ in range(chance.randrange(20)):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        Path(found.path).write_bytes(damaged)
        read = read_run(found)
        assert set(read.skipped) <= set(REASONS)
        known = {row.step for row in rows(ROWS)}
        assert {record.step for record in read.records if record.step is not None} <= known


@pytest.mark.parametrize(
    "content", [b"", b"none at all", b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_no_run(content: bytes, tmp_path: Path) -> None:
    """Other programs call their files *.db too: they are passed over, or told to be broken."""
    (tmp_path / "thumbs.db").write_bytes(content)
    scan = discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW)
    assert scan.found == ()
    assert all("SQLite" in error for error in scan.errors.values())


def test_a_database_of_another_program_is_no_run(tmp_path: Path) -> None:
    """Whatever its tables are called."""
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE metrics (id INTEGER, value FLOAT)")
        other.execute("CREATE VIEW runs AS SELECT 1 AS run_uuid")
    other.close()
    assert search(tmp_path) == []


@pytest.mark.parametrize("tracker", ["mlflow", "trackio"])
def test_a_damaged_database_says_so(tracker: str, tmp_path: Path) -> None:
    """An error for people, or fewer rows; never a crash."""
    (path,) = unpacked(tracker, tmp_path).glob("*.db")
    runs, content, chance = search(tmp_path), path.read_bytes(), random.Random(3)
    for _ in range(25):
        damaged = bytearray(content[: chance.randrange(len(content))] if chance.random() < 0.5 else content)
        for _ in range(200):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        scan = discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW)
        assert all("SQLite" in error for error in scan.errors.values())
        for found in runs:
            source, read = open_source(found, Readers(), patient=False), Read([], [], {})
            drain(source, read, 0.0)
            assert source.error is None or "SQLite" in source.error
            assert set(read.skipped) <= set(REASONS)


def test_names_in_a_database_are_data(tmp_path: Path) -> None:
    """Quotes, slashes, control characters: nothing of that is SQL, or leads out of the store."""
    (path,) = unpacked("trackio", tmp_path).glob("*.db")
    odd = "../../x'; DROP TABLE metrics; --\n\x1b[2J"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE metrics SET run_name = ?, run_id = ? WHERE run_name = 'tiny'", (odd, odd))
    database.close()
    runs = search(tmp_path)
    assert len(runs) == 2
    found = next(run for run in runs if run.key == odd)
    assert found.run.isprintable()
    assert found.file == str(path)
    expect(read_run(found), list(rows(ROWS)))


@pytest.mark.parametrize(
    "line", [b"x y z\n", b"1 2\n", b"9" * 400 + b" nan 5\n", b"1 1 -5\n", b"\xff\0\n", b"1 1 1 1\n"]
)
def test_odd_lines_of_a_metric_are_passed_over(line: bytes, tmp_path: Path) -> None:
    """The rows around them are read."""
    found = next(run for run in search(unpacked("mlflow_files", tmp_path)) if run.run.endswith(RUNS[1]))
    metric = Path(found.path).parent / "metrics" / "loss"
    metric.write_bytes(line + metric.read_bytes())
    steps = {record.step for record in read_run(found).records}
    assert {row.step for row in rows(5)} <= steps


def test_a_payload_may_be_larger_than_a_block() -> None:
    """It comes in parts, each with a checksum of its own; also byte by byte."""
    payloads = [b"a" * 10, b"b" * 100_000, b"", b"c" * 32_700, b"d" * 32_761]
    log = framed(*payloads)
    frames, used = wandb.framing().take(log, True)
    assert (frames, used) == (payloads, len(log))
    framing, found, rest = wandb.framing(), [], b""
    for at in range(0, len(log), 997):
        rest += log[at : at + 997]
        frames, used = framing.take(rest, False)
        found += frames
        rest = rest[used:]
    assert found == payloads


@pytest.mark.parametrize("most", [1, 7, 1000, BLOCK, BLOCK + 1, 5 * BLOCK, 1 << 20])
def test_the_last_payloads_are_read_without_those_before(tmp_path: Path, most: int) -> None:
    """From the block on in which they begin: what goes on from the one before is dropped."""
    payloads = [bytes([65 + at % 26]) * (7 + 1931 * at % 5000) for at in range(100)]
    payloads[60] = b"!" * 3 * BLOCK
    path = tmp_path / "run.wandb"
    path.write_bytes(framed(*payloads))
    found = last_frames(str(path), wandb.framing(), most)
    assert found
    assert found == payloads[-len(found) :]
    assert sum(map(len, found)) <= most + BLOCK
    assert (len(found) == len(payloads)) is (most >= path.stat().st_size)


@pytest.mark.parametrize(
    ("times", "arrived", "seen", "expected"),
    [
        ((), 100.0, True, []),
        ((None, None), 100.0, True, []),
        ((90.0, 95.0), 100.0, True, [90.0, 95.0]),
        ((90.0, None), 100.0, True, [90.0, 100.0]),
        (
            (-900.0, -890.0),
            100.0,
            True,
            [90.0, 100.0],
        ),  # minutes late before our eyes: a clock that is behind
        ((-900.0, -890.0), 100.0, False, [-900.0, -890.0]),  # history, which may be as old as that
        ((700.0, 705.0), 100.0, False, [95.0, 100.0]),  # nobody writes in the future
    ],
)
def test_times_that_a_log_states_are_believed_within_reason(
    times: tuple[float | None, ...], arrived: float, seen: bool, expected: list[float]
) -> None:
    """Rows keep the time between them, whatever the writer's clock says."""
    reading = Reading([], {}, arrived, False, False, 1, times=times)
    assert list(arrivals(reading, arrived, 101.0, seen)) == expected


def test_what_counts_rollouts_stands_where_the_training_is() -> None:
    """slime logs a row of each rollout and of each update, with their own steps; the tracker counts both."""
    run, calls, found = TrackedRun(Normaliser()), itertools.count(), []
    for rollout in range(3):
        logged = [{"rollout/raw_reward": 0.5, "rollout/step": rollout}]
        logged += [{"train/loss": 1.0, "train/step": 2 * rollout + update} for update in range(2)]
        found += [read for cells in logged for read in run.read(TrackedRow(next(calls), None, cells))]
    records = [read for read in found if isinstance(read, Record)]
    assert [record.step for record in records] == [0, 0, 1, 1, 2, 3, 3, 4, 5]
    assert {series.metric for record in records for series in record.layout.series} == {c.REWARD, c.LOSS}


def test_a_folder_of_runs_is_not_taken_for_one(tmp_path: Path) -> None:
    """A meta.yaml of an experiment, and anybody's, is no run."""
    (tmp_path / "meta.yaml").write_text("name: lab\nexperiment_id: '1'\n")
    assert search(tmp_path) == []


@EACH
def test_nothing_of_a_store_is_told_as_a_file_that_is_not_read(tracker: str, tmp_path: Path) -> None:
    """Where it consists of many files neither; settings beside it are read, too."""
    unpacked(tracker, tmp_path)
    rules = rules_for_reading(Settings())
    left = rules.survey(str(tmp_path), rules.search([str(tmp_path)], NOW, None, 8))
    experiments = {"2 *.yaml"} if tracker == "mlflow_files" else set()
    assert {each.detail for each in left} == experiments


def _begun(database: sqlite3.Connection, key: str, began: int) -> None:
    """Let another run of the same name begin, at so many milliseconds."""
    columns = [name for (name,) in database.execute("SELECT name FROM pragma_table_info('runs')")]
    given = {"run_uuid": repr(key), "start_time": str(began), "name": "'train'"}
    cells = ", ".join(given.get(name, f'"{name}"') for name in columns)
    database.execute(f"INSERT INTO runs SELECT {cells} FROM runs LIMIT 1")
    columns = [name for (name,) in database.execute("SELECT name FROM pragma_table_info('latest_metrics')")]
    given = {"run_uuid": repr(key), "key": "'loss'"}
    cells = ", ".join(given.get(name, "0") for name in columns)
    database.execute(f"INSERT INTO latest_metrics SELECT {cells}")


def test_of_runs_of_one_name_that_which_began_first_keeps_it(tmp_path: Path) -> None:
    """However their keys are sorted, and however often they are searched for."""
    writer = Writer("mlflow", tmp_path, "DELETE")
    options, folder = SearchOptions(ignore_older=None), str(writer.path.parent)
    memory, expected = SearchMemory(options), "f"
    writer.connection.execute("UPDATE runs SET name = 'other'")
    for began, key in ((9_000, "f"), (9_500, "a"), (9_700, "0"), (8_000, "z")):
        _begun(writer.connection, key, began)
        for remembering in (memory, SearchMemory(options)):
            found = discover([folder], options, NOW, ALONE, remembering).found
            first = {run.key for run in found if run.run.endswith("/train")}
            assert first == {"z" if began == 8_000 and remembering is not memory else expected}
    writer.connection.close()


def test_of_runs_in_files_that_which_began_first_keeps_the_name(tmp_path: Path) -> None:
    """By what their meta.yaml says."""
    for key, began in (("b", 5_000), ("a", 7_000), ("c", 9_000)):
        meta = tmp_path / "mlruns" / "1" / key / "meta.yaml"
        meta.parent.mkdir(parents=True)
        meta.write_text(f"experiment_id: '1'\nrun_id: {key}\nrun_name: train\nstart_time: {began}\n")
        (meta.parent / "metrics").mkdir()
        (meta.parent / "metrics" / "loss").write_text(f"{began} 1.5 1\n")
    found = {os.path.basename(os.path.dirname(run.path)): run.run for run in search(tmp_path)}
    assert found["b"].endswith("train")
    assert "~" in found["a"]
    assert "~" in found["c"]


# The laboratory


@pytest.mark.skipif("LLMTRAIN_TRACKERS" not in os.environ, reason="LLMTRAIN_TRACKERS names no Python")
@pytest.mark.parametrize("tracker", [name for name in TRACKERS if name != "swanlab_json"])
def test_the_real_package_is_read_while_it_writes(tracker: str, tmp_path: Path) -> None:
    """300 rows, from the first one on until its process has ended."""
    lab = Path(__file__).with_name("tracker_lab.py")
    command = [os.environ["LLMTRAIN_TRACKERS"], str(lab), tracker, str(tmp_path), "--pause", "0.02"]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sources: dict[str, tuple[Source, Read]] = {}
    readers, now = Readers(), 0.0
    while program.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            program.wait(0.05)
        now += 0.05
        for found in discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW).found:
            if found.path not in sources:
                sources[found.path] = open_source(found, readers), Read([], [], {})
        for source, read in sources.values():
            now = drain(source, read, now)
    assert program.returncode == 0
    for source, read in sources.values():
        drain(source, read, drain(source, read, now + 100.0) + 100.0)
    whole = max((read for _, read in sources.values()), key=lambda read: len(read.records))
    expect(whole, list(stored(tracker, 300)))
    assert len(sources) == (2 if tracker in SEVERAL else 1)
