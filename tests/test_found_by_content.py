"""Printed logs that nobody named: found by the rows in them, at the price of 64 KB of reading."""

from __future__ import annotations

import fnmatch
import json
import math
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest import glimpses
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import ALONE, Basis, Scan, SearchMemory, SearchOptions, discover
from llmtrain_exporter.ingest.recognise import FileNames, NameEnds, NamePatterns, recognise
from llmtrain_exporter.watching.rules import rules_for_reading

from tests.growth import processor_seconds
from tests.training import append, printed, swift

NOW = 1_800_000_000.0
OPTIONS = SearchOptions(ignore_older=None)
TEXT = "Loading checkpoint shards\n"
ROW = "{'loss': '5.647', 'grad_norm': '1.5', 'epoch': '0.96'}\n"
NAMES = (
    "train.log",
    "nohup.out",
    "slurm-4711.out",
    "output.log",
    "0.log",
    "3f2a-json.log",
)


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class Searches:
    """Searches of one folder that remember, and the bytes that they read."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, options: SearchOptions = OPTIONS
    ) -> None:
        self._folder = folder
        self._options = options
        self._memory = SearchMemory(options)
        self.read = 0
        pread = os.pread

        def counted(descriptor: int, size: int, offset: int) -> bytes:
            data = pread(descriptor, size, offset)
            self.read += len(data)
            return data

        monkeypatch.setattr(os, "pread", counted)

    def __call__(self) -> Scan:
        """Search once more."""
        return discover([str(self._folder)], self._options, NOW, ALONE, self._memory)

    def names(self) -> list[str]:
        """What the runs of one more search are called."""
        return [found.run for found in self().found]


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Searches:
    return Searches(tmp_path, monkeypatch)


# --- what is found


def test_rows_that_a_program_prints_as_json_are_found_as_well(tmp_path: Path, search: Searches) -> None:
    """In a file of data the same rows are those of the dialect that logs data so."""
    row = {"loss": 1.99, "grad_norm": 0.5, "learning_rate": 1e-05, "epoch": 0.05, "step": 5}
    log = put(tmp_path / "train.log", json.dumps(row) + "\n")
    assert [(found.run, found.dialect.name) for found in search().found] == [("train", "printed")]
    assert recognise(log.read_bytes(), registered().values()).name == "swift"


@pytest.mark.parametrize("name", NAMES)
def test_a_printed_log_is_found_by_its_content(tmp_path: Path, search: Searches, name: str) -> None:
    """Under all names that people and their tools give to what a program prints."""
    log = put(tmp_path / "job" / name, TEXT + ROW)
    (found,) = search().found
    assert (found.path, found.basis, found.dialect.live) == (str(log), Basis.CONTENT, True)
    assert found.run == f"job/{name.rpartition('.')[0]}"


DOCKER = json.dumps({"log": ROW, "stream": "stdout", "time": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    "content",
    [
        (TEXT + ROW).encode("utf-8-sig"),
        (TEXT + ROW).encode("utf-16"),
        b"\xfe\xff" + (TEXT + ROW).encode("utf-16-be"),
        (TEXT + ROW).replace("\n", "\r\n").encode(),
        f"{TEXT}\x1b[32m{ROW}".encode(),
        f"[rank0]: {ROW}".encode(),
        f"(TaskRunner pid=4711) {ROW}".encode(),
        f"2026-01-01T00:00:00.123456789Z stdout F {ROW}".encode(),
        f"{DOCKER}\n".encode(),
        f" 10%|#  | 1/10 [00:01<00:09]\r{' ' * 40}\r{ROW}".encode(),
    ],
    ids=["utf-8 bom", "utf-16", "utf-16-be", "crlf", "colours", "rank", "ray", "cri", "docker", "bar"],
)
def test_whatever_is_around_its_text(tmp_path: Path, search: Searches, content: bytes) -> None:
    """Encodings and prefixes hide no row."""
    put(tmp_path / "train.log", content)
    assert search.names() == ["train"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT,
        '{"time": "12:00", "level": "INFO", "message": "epoch 1 done"}\n',
        "{'step': 0, 'agent_id': 'a', 'reward': 1.0}\n",
        json.dumps({"log": TEXT, "stream": "stdout"}) + "\n",
        "epoch 1 loss 0.5\n" * 100,
        "\0" * 5000,
    ],
    ids=["empty", "text", "json", "other dict", "docker", "words", "nul"],
)
def test_a_log_of_something_else_is_no_run(tmp_path: Path, search: Searches, text: str) -> None:
    """It is named where somebody asks why there is no run, and counted nowhere: nobody expected a run."""
    path = put(tmp_path / "server.log", text)
    scan = search()
    assert (scan.found, scan.left_out) == ((), {})
    assert [left.path for left in scan.passed] == [str(path)]


def test_text_files_are_none_unless_they_are_called_so(tmp_path: Path, search: Searches) -> None:
    """Notes and data sets are full of rows."""
    put(tmp_path / "notes.txt", ROW)
    put(tmp_path / "train.log.txt", ROW)
    assert search() == Scan((), {}, {})


def test_a_dialect_names_its_own_printed_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a pattern that is looked for, and never believed without a row."""
    printer = recognise(ROW.encode(), OPTIONS.consoles)
    options = replace(OPTIONS, dialects=(replace(printer, files=("log_[0-9]*.txt",)),))
    put(tmp_path / "a" / "log_1700000000.txt", ROW)
    put(tmp_path / "b" / "log_1700000001.txt", TEXT)
    assert Searches(tmp_path, monkeypatch, options).names() == ["a/log_1700000000"]
    names = FileNames(registered().values(), printed=("*.out",))
    assert [names.may_be_printed(name) for name in ("a.out", "a.log", "a.outer")] == [True, False, False]


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*.log",
        "*.l[ao]g",
        "run-*.wandb",
        "log_[0-9]*.txt",
        "train?",
        "events.*",
        "[!a]b",
        "a[]x]*",
        "x[",
        "b",
    ],
)
def test_what_a_pattern_fits_is_not_passed_by(pattern: str) -> None:
    """Though only the ends of names are compared at first."""
    names = [
        "a.log",
        "train1",
        "run-1.wandb",
        "log_17.txt",
        "events.1.x",
        "cb",
        "ab",
        "a]",
        "x[",
        ".log",
        "",
        "b",
    ]
    fitting = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    assert [name for name in names if NamePatterns([pattern]).fit(name)] == fitting
    begins, ends = NameEnds.of([pattern, "*.zz"])
    assert [name for name in fitting if not (name.startswith(begins) or name.endswith(ends))] == []


def test_never_switches_the_search_off(tmp_path: Path) -> None:
    """Whoever writes other things into thousands of logs says so; named files are read all the same."""
    put(tmp_path / "train.log", ROW)
    settings = Settings.model_validate({"stdout_log": "never"})
    assert rules_for_reading(settings).search([str(tmp_path)], NOW) == Scan((), {}, {})
    assert len(rules_for_reading(settings).search([str(tmp_path / "train.log")], NOW).found) == 1
    assert len(rules_for_reading(Settings()).search([str(tmp_path)], NOW).found) == 1


def test_a_log_that_is_too_old_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor counted: nobody knows what it is."""
    os.utime(put(tmp_path / "train.log", ROW), (1.0, 1.0))
    search = Searches(tmp_path, monkeypatch, SearchOptions())
    assert (search(), search.read) == (Scan((), {}, {}), 0)


def test_a_folder_called_images_is_searched_but_for_that_of_an_output(
    tmp_path: Path, search: Searches
) -> None:
    """People keep their trainings in such a folder; below an output it holds pictures.

    One called `runs` is searched anywhere: event files are there.
    """
    append(tmp_path / "out" / "logging.jsonl", swift(1))
    put(tmp_path / "out" / "images" / "x.log", ROW)
    put(tmp_path / "images" / "exp1" / "train.log", ROW.replace("5.647", "3.1"))
    put(tmp_path / "out" / "runs" / "x.log", ROW.replace("5.647", "4.2"))
    assert search.names() == ["images/exp1/train", "out", "out/runs/x"]


# --- what it costs


def test_a_log_of_something_else_costs_64_kb_once(tmp_path: Path, search: Searches) -> None:
    """However large it is, however often it is searched for, and however it grows."""
    log = put(tmp_path / "server.log", "GET /epoch 200\n" * 100_000)
    for _ in range(5):
        assert search.names() == []
        with log.open("a") as file:
            file.write("GET / 200\n" * 300_000)
    assert 0 < search.read <= 64 << 10


def test_a_second_search_reads_nothing(tmp_path: Path, search: Searches) -> None:
    """Where nothing has changed, nor of a training that goes on."""
    put(tmp_path / "other.log", TEXT)
    log = put(tmp_path / "train.log", ROW)
    assert search.names() == ["train"]
    read = search.read
    assert search.names() == ["train"]
    append(log, ROW)
    assert search.names() == ["train"]
    assert search.read == read


def test_a_small_log_is_asked_again_when_it_grows(tmp_path: Path, search: Searches) -> None:
    """A training prints a lot before its first row, and that comes at any time."""
    log = put(tmp_path / "train.log", TEXT)
    for _ in range(20):
        assert search.names() == []
        append(log, "Loading, 1%")
    with log.open("a") as file:
        file.write(ROW[:20])
    assert search.names() == []
    with log.open("a") as file:
        file.write(ROW[20:])
    assert search.names() == ["train"]
    assert search.read < 8 << 10


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("before", [40_000, 300_000, 3_000_000])
def test_rows_behind_a_long_begin_are_found(
    tmp_path: Path, search: Searches, before: int, encoding: str
) -> None:
    """At the end of the file, where they stand once there are any: at once, or when it has doubled."""
    log = put(tmp_path / "whole" / "train.log", ("x" * 79 + "\n") * (before // 80) + ROW * 300)
    log.write_text(log.read_text(), encoding=encoding)
    assert search.names() == ["whole/train"]
    assert search.read <= 64 << 10


def test_rows_that_come_late_are_found_in_a_log_that_grows(tmp_path: Path, search: Searches) -> None:
    """While it is searched for every few seconds, without more than 64 KB read of it."""
    log, sizes = put(tmp_path / "train.log", ""), []
    for size in range(4_000, 160_000, 4_000):
        with log.open("a") as file:
            file.write(("y" * 99 + "\n") * 40 if size < 80_000 else ROW * 70)
        if search.names():
            sizes.append(size)
    assert sizes
    assert search.read <= 64 << 10


@pytest.mark.parametrize("before", [60_000, 700_000, 1_500_000])
def test_rows_behind_a_start_that_grows_slowly_are_found(
    tmp_path: Path, search: Searches, before: int
) -> None:
    """However often it was looked for in vain: some of the 64 KB is left for what comes late."""
    log = put(tmp_path / "train.log", "")
    for text, size in ((("Loading the shards" * 5 + "\n") * 130, before), (ROW * 200, 2 * before)):
        while log.stat().st_size < size and not search.names():
            with log.open("a") as file:
                file.write(text)
    assert search.names() == ["train"]
    assert search.read <= 64 << 10


@pytest.mark.parametrize("minutes", [1, 10, 40])
def test_rows_behind_a_long_start_are_found_while_they_grow(
    tmp_path: Path, search: Searches, minutes: int
) -> None:
    """700 KB of other text, then a row each few seconds: before as much time has passed once more."""
    log, began = put(tmp_path / "train.log", ""), 1_700_000_000
    texts = ["Loading the shards\n" * (700_000 // 19 // minutes // 6)] * (6 * minutes) + [ROW * 2] * 2400
    for number, text in enumerate(texts):  # 10 s apart
        with log.open("a") as file:
            file.write(text)
        os.utime(log, (began + 10 * number, began + 10 * number))
        if search.names():
            break
    assert 6 * minutes <= number <= 10 * minutes + 2
    assert search.read <= 64 << 10


def test_the_log_of_a_server_costs_64_kb_however_long_it_is_written(tmp_path: Path, search: Searches) -> None:
    log = put(tmp_path / "server.log", "")
    for number in range(3000):
        with log.open("a") as file:
            file.write("GET /epoch 200\n" * 30)
        os.utime(log, (1_700_000_000 + 10 * number,) * 2)
        assert search.names() == []
    assert 40 << 10 < search.read <= 64 << 10


def test_a_training_that_ends_with_much_other_text_is_found(tmp_path: Path, search: Searches) -> None:
    """Where its rows are most of the log, as they are where each process prints its traceback behind them."""
    trace = '  File "train.py", line 3, in main\n' * 3000
    put(tmp_path / "train.log", TEXT * 4000 + ROW * 4000 + trace)
    assert search.names() == ["train"]
    assert search.read <= 64 << 10


def test_a_row_that_is_longer_than_a_look_is_found(tmp_path: Path, search: Searches) -> None:
    """verl's have some kilobytes, and nothing else is printed meanwhile."""
    log = put(tmp_path / "verl.log", "")
    row = "step:{} - " + " - ".join(f"actor/metric_number_{at}:0.12345678" for at in range(120)) + "\n"
    for number in range(40):
        with log.open("a") as file:
            file.write("Loading the shards\n" * 4000 if number < 20 else row.format(number))
        os.utime(log, (1_700_000_000 + 30 * number,) * 2)
        if search.names():
            break
    assert 20 <= number <= 36
    assert search.read <= 64 << 10


def test_a_training_stays_a_run_while_its_log_begins_anew(tmp_path: Path, search: Searches) -> None:
    """A restart cuts the file, and prints a lot before its first row."""
    log = put(tmp_path / "train.log", TEXT + ROW)
    assert search.names() == ["train"]
    put(log, TEXT)
    assert search.names() == ["train"]


def test_what_is_not_a_file_any_more_is_forgotten(tmp_path: Path) -> None:
    """The memory holds what the last search has met."""
    memory = glimpses.Glimpses(OPTIONS.consoles)
    for name in ("a.log", "b.log"):
        path = put(tmp_path / name, ROW)
        memory.begin_search()
        assert memory.dialect(str(path), path.stat()) is not None
    memory.begin_search()
    assert len(memory._seen._before) == 1


def test_random_cuts_of_a_log_are_read_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever grows, shrinks and comes again: no crash, and what has a row in its first bytes is found."""
    chance = random.Random(7)
    pieces = [TEXT, ROW, "{", "\r", "\xff", "\0" * 9, "x" * 5000, "{'epoch': ", "\n"]
    search, log = Searches(tmp_path, monkeypatch), tmp_path / "train.log"
    for _ in range(200):
        text = "".join(chance.choices(pieces, k=chance.randrange(6)))
        log.write_text(text, encoding=chance.choice(["utf-8", "utf-16", "utf-16-le"]))
        search()
    put(log, ROW)
    assert search.names() == ["train"]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody asks; it is no error of the search, for nobody knows that a training writes it."""
    log = put(tmp_path / "train.log", ROW)

    def refused(path: str) -> tuple[int, os.stat_result]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(glimpses, "open_regular", refused)
    (tmp_path / "debug.log").symlink_to(tmp_path / "gone")
    scan = discover([str(tmp_path)], OPTIONS, NOW)
    assert (scan.found, scan.left_out, scan.errors) == ((), {}, {})
    gone, refusal = scan.passed
    assert gone.detail == "No such file or directory"
    assert (refusal.path, refusal.reason) == (str(log), "unreadable")
    assert refusal.detail.startswith("Permission denied for user")


def test_a_file_that_can_be_read_later_is_found_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody has written to it since: its rights were changed."""
    put(tmp_path / "train.log", ROW)
    memory = SearchMemory(OPTIONS)
    with monkeypatch.context() as refusing:
        refusing.setattr(glimpses, "open_regular", lambda path: os.stat(f"{path}/no"))
        assert discover([str(tmp_path)], OPTIONS, NOW, ALONE, memory).found == ()
    assert len(discover([str(tmp_path)], OPTIONS, NOW, ALONE, memory).found) == 1


def test_files_of_other_kinds_cost_less_than_two_plain_walks(tmp_path: Path) -> None:
    """100 folders with 10 files each: their names are looked at, and nothing else of them.

    In turns, until it holds or fifty rounds have shown that it does not: other work only makes both slower.
    """
    for number in range(1000):
        kind = ("bin", "json", "txt", "png", "py", "safetensors", "md", "csv", "jsonl", "yaml")[number % 10]
        put(tmp_path / f"{number // 100}" / f"{number // 10 % 10}" / f"file{number % 10}.{kind}", "x")
    memory = SearchMemory(OPTIONS)

    def plain_walk() -> object:
        return [len(files) for _, _, files in os.walk(tmp_path)]

    def whole_search() -> object:
        return discover([str(tmp_path)], OPTIONS, NOW, ALONE, memory)

    walk = search = math.inf
    for rounds in range(50):
        walk = min(walk, processor_seconds(plain_walk))
        search = min(search, processor_seconds(whole_search))
        if rounds >= 10 and search < 2 * walk:
            break
    assert search < 2 * walk


def test_the_real_printed_logs_are_found_by_themselves(corpus: Path) -> None:
    """Every one of the corpus, and none of those that are no training's."""
    found = discover([str(corpus / "public")], OPTIONS, NOW).found
    logs = {run.path for run in found if run.basis is Basis.CONTENT}
    assert logs == {str(path) for path in (corpus / "public").rglob("*.log") if "negative" not in path.parts}


def test_a_row_as_any_trainer_prints_it_makes_a_run(tmp_path: Path, search: Searches) -> None:
    """Of ms-swift, an evaluation, the last row of a training."""
    for number, row in enumerate(
        [
            printed(3),
            "{'loss': 1.5, 'global_step/max_steps': '1/10'}",
            "{'eval_loss': 1.5, 'epoch': 1.0}",
            "{'train_runtime': 5.5, 'train_loss': 1.25}",
        ]
    ):
        append(tmp_path / f"{number}.log", row)
    assert search.names() == ["0", "1", "2", "3"]
