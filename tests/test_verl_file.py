"""verl's file logger: known by its content, truncated at each start, one log for each experiment."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest import contents, parts
from llmtrain_exporter.ingest.contents import LOOKED_AT, MOST_LOOKS, SEARCHES_APART
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import ALONE, SearchMemory, SearchOptions, discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Source
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Record, RowKind, series
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import unobserved

from tests import training, verl_lab

DIALECT = registered()["verl_file"]
NOW = 1_800_000_000.0


def logged(step: int, **more: object) -> str:
    """A row as verl writes it."""
    cells = {"actor/entropy": 0.3, "actor/grad_norm": step / 8, "critic/score/mean": 0.5, **more}
    return json.dumps({"step": step, "data": cells}, separators=(",", ":"))


OPTIONS = SearchOptions(ignore_older=None)
POLICY = {"critic/rewards/mean": 0.5, "actor/kl_loss": 0.01, "response_length/mean": 25.0}


def search(folder: Path, known: SearchMemory | None = None) -> dict[str, str]:
    """Run to dialect, of what is found."""
    found = discover([str(folder)], OPTIONS, NOW, ALONE, known).found
    return {each.run: each.dialect.name for each in found}


def test_experiments_of_a_project_are_runs_of_their_own(tmp_path: Path) -> None:
    """They lie in one folder, under any name, among other files of JSON lines."""
    training.append(tmp_path / "project" / "exp1.jsonl", logged(1))
    training.append(tmp_path / "project" / "exp2.jsonl", logged(1))
    for other in ('{"messages": []}', '{"step": 1, "loss": 0.5}', '{"step":1,"data":"text"}', "", "[1]"):
        training.append(tmp_path / "project" / f"{len(other)}.jsonl", other)
    assert search(tmp_path) == {"project/exp1": "verl_file", "project/exp2": "verl_file"}


def test_a_file_becomes_a_log_with_its_first_row(tmp_path: Path) -> None:
    """An empty one is none yet; a torn row is enough."""
    path, known = training.append(tmp_path / "exp.jsonl"), SearchMemory(OPTIONS)
    assert search(tmp_path, known) == {}
    with path.open("a") as file:
        file.write(logged(1)[:60])
    assert search(tmp_path, known) == {"exp": "verl_file"}


@pytest.mark.parametrize("name", ["old.jsonl", "metrics.jsonl"])
def test_a_file_that_is_named_by_hand_is_what_its_content_says(tmp_path: Path, name: str) -> None:
    """Whatever its name promises of others."""
    assert list(search(training.append(tmp_path / name, training.swift(1))).values()) == ["swift"]
    assert list(search(training.append(tmp_path / "b" / name, logged(1))).values()) == ["verl_file"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are looked into."""
    seen: list[str] = []
    read: Callable[[str, int], bytes] = parts.read_part

    def noted(path: str, size: int) -> bytes:
        seen.append(os.path.basename(path))
        return read(path, size)

    monkeypatch.setattr(contents, "read_part", noted)
    return seen


def test_a_data_set_is_looked_into_once(tmp_path: Path, looks: list[str]) -> None:
    """However often it is met, and though it grows; a file that is written anew is looked into again."""
    known = SearchMemory(OPTIONS)
    data = training.append(tmp_path / "data.jsonl", "x" * LOOKED_AT)
    for _ in range(3):
        assert search(tmp_path, known) == {}
        training.append(data, "more")
    assert looks == ["data.jsonl"]
    data.write_text(logged(1))
    found = [search(tmp_path, known) for _ in range(SEARCHES_APART)]
    assert found[-1] == {"data": "verl_file"}
    assert looks == ["data.jsonl"] * 2


def test_a_file_in_the_place_of_another_is_looked_into_at_once(tmp_path: Path) -> None:
    """Whatever stood there was no log; what comes beside it is seen as well."""
    known = SearchMemory(OPTIONS)
    data = training.append(tmp_path / "data.jsonl", '{"messages": []}')
    assert search(tmp_path, known) == {}
    training.append(tmp_path / "exp.jsonl", logged(1))
    assert search(tmp_path, known) == {"exp": "verl_file"}
    data.unlink()
    training.append(data, logged(1))
    assert search(tmp_path, known) == {"data": "verl_file", "exp": "verl_file"}


def test_a_search_looks_into_so_many_files_and_no_more(tmp_path: Path, looks: list[str]) -> None:
    """Whatever is left has its turn with the next ones, and no log is lost meanwhile."""
    known = SearchMemory(OPTIONS)
    logs = [tmp_path / "a" / "first.jsonl", tmp_path / "c" / "last.jsonl"]
    for number in range(MOST_LOOKS):
        training.append(tmp_path / "b" / f"{number}.jsonl", '{"messages": []}')
    for log in logs:
        training.append(log, logged(1))
    assert search(tmp_path, known) == {"a/first": "verl_file"}
    assert len(looks) == MOST_LOOKS
    for _ in range(3):
        assert search(tmp_path, known) == {"a/first": "verl_file", "c/last": "verl_file"}
    assert len(looks) == MOST_LOOKS + 2


def test_a_restart_that_truncates_the_file_is_news_from_its_checkpoint(tmp_path: Path) -> None:
    """The same file begins anew: counters go on, and the steps are those of the new process."""
    path = training.append(tmp_path / "exp.jsonl", *map(logged, range(1, 41)))
    (found,) = discover([str(tmp_path)], OPTIONS, NOW).found
    live = LiveRun(found, found.run, RunOptions(), open_source(found, Readers()), unobserved)
    with closing(live.source):
        moments = iter(range(100, 1000))

        def look() -> None:
            now = next(moments)
            live.check_path(now)
            while live.read_on(now, NOW + now) is not None:
                pass

        look()
        assert live.folded.position.last_step == 40
        path.write_text("")
        look()
        for step in range(21, 24):
            training.append(path, logged(step))
            look()
            look()
        training.append(path, logged(24))
        for _ in range(4):
            look()
        assert (live.folded.position.first_step, live.folded.position.last_step, live.rewritten) == (
            21,
            24,
            1,
        )


def test_a_number_that_is_none_is_null(tmp_path: Path) -> None:
    """orjson writes NaN so; it is a bad number and no missing one."""
    training.append(tmp_path / "exp.jsonl", logged(1), logged(2, **{"actor/grad_norm": None}))
    (found,) = discover([str(tmp_path)], OPTIONS, NOW).found
    with closing(open_source(found, Readers())) as source:
        reading = source.poll(0.0)
    assert reading is not None
    first, second = reading.records
    assert first.get(c.GRAD_NORM) == 1 / 8
    assert math.isnan(second.get(c.GRAD_NORM) or 0.0)
    assert second.values[second.layout.series.index(series(c.REWARD, ("split", "train")))] == 0.5


def test_the_real_log_is_read_whole(corpus: Path) -> None:
    """30 steps of a real training, one of them with a gradient that is none."""
    folder = corpus / "produced" / "verl-file-logger"
    (found,) = discover([str(folder)], OPTIONS, NOW).found
    with closing(open_source(found, Readers())) as source:
        reading = source.poll(0.0)
    assert reading is not None
    assert [record.step for record in reading.records] == list(range(1, 31))
    assert {record.kind for record in reading.records} == {RowKind.TRAIN}
    rows = [json.loads(line)["data"] for line in (folder / "exp.jsonl").read_text().splitlines()]
    for record, row in zip(reading.records, rows, strict=True):
        norm, expected = record.get(c.GRAD_NORM), row["actor/grad_norm"]
        assert norm == expected or (expected is None and norm is not None and math.isnan(norm))


def test_a_reward_that_stands_there_with_its_penalty_alone_is_one_of_a_policy(tmp_path: Path) -> None:
    """Where the score itself is not logged the run is judged as what it is, all the same."""
    rows = [
        json.dumps({"step": step, "data": {**POLICY, "actor/grad_norm": step / 8}}) for step in range(1, 4)
    ]
    training.append(tmp_path / "exp.jsonl", *rows)
    (found,) = discover([str(tmp_path)], OPTIONS, NOW).found
    live = LiveRun(found, found.run, RunOptions(), open_source(found, Readers()), unobserved)
    with closing(live.source):
        assert live.read_on(1.0, NOW) is not None
    assert live.snapshot(NOW).profile == "grpo"


# The laboratory


def real_verl() -> Path:
    """The folder of LLMTRAIN_TRAINERS that has verl."""
    folders = map(Path, os.environ.get("LLMTRAIN_TRAINERS", "").split(os.pathsep))
    found = next((folder for folder in folders if (folder / "verl/utils/tracking.py").is_file()), None)
    return found or pytest.skip("LLMTRAIN_TRAINERS names no folder with verl")


METRICS = {
    "actor/grad_norm": c.GRAD_NORM,
    "actor/lr": c.LEARNING_RATE,
    "critic/score/mean": c.REWARD,
    "training/epoch": c.EPOCH,
}


class Watched:
    """A log that is read while it is written."""

    def __init__(self, path: Path) -> None:
        self.records: list[Record] = []
        self.looks = 0  # that found something
        self._path = path
        self._source: Source | None = None

    def look(self) -> None:
        """Take in all that there is."""
        if self._source is None:
            found = discover([str(self._path)], OPTIONS, NOW).found if self._path.exists() else ()
            if not found:
                return
            self._source = open_source(found[0], Readers())
        while (reading := self._source.poll(0.0)) is not None:
            self.records += reading.records
            self.looks += bool(reading.records)


@pytest.mark.parametrize("name", ["lab/exp.jsonl", "console.log"])
def test_what_the_real_loggers_write_is_read_live_to_the_last_number(tmp_path: Path, name: str) -> None:
    """300 steps with a NaN, validations, and a process that goes on from an earlier step."""
    packages, read = real_verl(), Watched(tmp_path / name)
    for first, last in ((1, 200), (151, 300)):
        command = [sys.executable, str(Path(verl_lab.__file__)), str(packages), str(tmp_path)]
        with (tmp_path / "console.log").open("a") as output:
            process = subprocess.Popen([*command, str(first), str(last), "--pause", "0.005"], stdout=output)
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
                read.look()
        assert process.returncode == 0
        read.look()
        trained = [record for record in read.records if record.kind is RowKind.TRAIN]
        expected = list(range(first, last + 1))
        assert [record.step for record in trained[-len(expected) :]] == expected
        for record, step in zip(trained[-len(expected) :], expected, strict=True):
            for key, metric in METRICS.items():
                assert record.get(metric) == pytest.approx(verl_lab.row(step)[key], rel=0, abs=0, nan_ok=True)
        tested = [record.step for record in read.records if record.kind is RowKind.EVAL]
        assert tested[-3:] == [step for step in (100, 150, 200, 250, 300) if first <= step <= last][-3:]
    assert read.looks > 2  # while it was written: in more parts than there were processes
