"""The whole exporter before a real Prometheus: real finished logs, and logs that are being written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.config import Settings
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watchers import Watchers

from tests.progress import Progress
from tests.rounds import search_and_read
from tests.servers import HANGS_SECONDS, ExporterProcess, Prometheus, Server, eventually, series
from tests.training import append, swift, swift_eval

Tool = Callable[[str], Path]


def vector(answer: list[dict[str, Any]]) -> dict[str, float]:
    """The values of an instant query by the label run."""
    return {item["metric"]["run"]: float(item["value"][1]) for item in answer}


def lint(promtool: Path, exporter: Server) -> str:
    """What promtool has to say of a scrape; its exit code must be 0."""
    text = exporter.get("/metrics", {"Accept": "text/plain"}).text
    said = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout + said.stderr


# Finished logs.


@pytest.fixture(scope="module")
def labels(corpus: Path) -> list[dict[str, Any]]:
    """What a careful reader says of the real logs."""
    labelled: list[dict[str, Any]] = yaml.safe_load((corpus / "labels.yaml").read_text())
    assert len(labelled) > 30
    return labelled


FOR_EVER = ("--stdout-log", "*.log", "--ignore-older", "never", "--settle", "never")
"""Logs of any age are watched, and all of their series are exposed."""


@pytest.fixture(scope="module")
def exporter(corpus: Path) -> Iterator[ExporterProcess]:
    """An exporter that serves all real logs."""
    with ExporterProcess([corpus, *FOR_EVER]) as process:
        yield process


@pytest.fixture(scope="module")
def prometheus(
    exporter: ExporterProcess, real_tool: Tool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A real Prometheus that has scraped it."""
    folder = tmp_path_factory.mktemp("prometheus")
    with Prometheus(folder, exporter.address, binary=real_tool("prometheus")) as process:
        eventually(lambda: process.query("llmtrain_step"))
        yield process


@pytest.fixture(scope="module")
def names(corpus: Path, exporter: ExporterProcess) -> dict[str, str]:
    """The runs by their file, relative to the folder of real logs."""
    runs = exporter.get("/api/v1/runs").json()["runs"]
    return {os.path.relpath(run["file"], corpus): run["run"] for run in runs}


def test_prometheus_scrapes_the_real_logs(exporter: ExporterProcess, prometheus: Prometheus) -> None:
    """up is 1, nothing is wrong with the scrape, and every run of the exporter is there."""
    assert [item["value"][1] for item in prometheus.query("up")] == ["1"]
    assert [target["lastError"] for target in prometheus.targets()] == [""]
    runs = exporter.get("/api/v1/runs").json()["runs"]
    assert set(vector(prometheus.query("llmtrain_run_info"))) == {run["run"] for run in runs}
    errors = prometheus.query("llmtrain_exporter_errors_total > 0")
    assert errors == []
    assert "Traceback" not in exporter.log


@pytest.mark.parametrize("kind", ["train", "eval"])
def test_prometheus_counts_the_records_of_every_labelled_log(
    kind: str, labels: list[dict[str, Any]], names: dict[str, str], prometheus: Prometheus
) -> None:
    """records_total is what a careful reader counted, for each file that the labels give a count of."""
    counted = vector(prometheus.query(f'llmtrain_records_total{{kind="{kind}"}}'))
    expected = {entry["file"]: entry[kind] for entry in labels if kind in entry and "*" not in entry["file"]}
    assert len(expected) > 30
    assert {file: counted.get(names.get(file, "")) for file in expected} == expected


def test_prometheus_knows_the_last_steps(
    labels: list[dict[str, Any]], names: dict[str, str], prometheus: Prometheus
) -> None:
    """step and max_steps are those of the labels."""
    for key, metric in (("last_step", "llmtrain_step"), ("max_steps", "llmtrain_max_steps")):
        known = vector(prometheus.query(metric))
        expected = {entry["file"]: entry[key] for entry in labels if key in entry}
        assert expected
        assert {file: known.get(names.get(file, "")) for file in expected} == expected


def test_prometheus_counts_the_resumes(
    labels: list[dict[str, Any]], names: dict[str, str], prometheus: Prometheus
) -> None:
    """resumes_total is the number of resumes of the labels, 0 where they name none."""
    counted = vector(prometheus.query("llmtrain_resumes_total"))
    files = [entry for entry in labels if "last_step" in entry]
    expected = {entry["file"]: len(entry.get("resumes", ())) for entry in files}
    assert {file: counted.get(names.get(file, "")) for file in expected} == expected


def test_the_profiles_are_those_of_the_labels(
    labels: list[dict[str, Any]], names: dict[str, str], prometheus: Prometheus
) -> None:
    """Every labelled log is a run, of the labelled dialect and profile."""
    facts = {item["metric"]["run"]: item["metric"] for item in prometheus.query("llmtrain_run_info")}
    for key in ("dialect", "profile"):
        expected = {entry["file"]: entry[key] for entry in labels if key in entry}
        assert {file: facts.get(names.get(file, ""), {}).get(key) for file in expected} == expected


def test_promtool_finds_nothing_to_say(exporter: ExporterProcess, real_tool: Tool) -> None:
    """The scrape of all real logs passes promtool's lint without a word."""
    assert lint(real_tool("promtool"), exporter) == ""


def test_what_is_no_training_log_is_no_run(names: dict[str, str], prometheus: Prometheus) -> None:
    """No file below negative/ is a run; their lines are counted by reason."""
    assert not [file for file in names if "negative" in file.split("/")]
    reasons = prometheus.query("llmtrain_exporter_skipped_lines_total > 0")
    assert {item["metric"]["reason"] for item in reasons} >= {"not_json", "no_training_row", "text"}


def test_each_file_that_is_no_training_log_has_its_reason(corpus: Path) -> None:
    """Watched alone, each such file is no log by its name or has its lines counted; none is an error."""
    counted = {path: judged(path) for path in sorted((corpus / "public/negative").iterdir())}
    assert len(counted) >= 10
    for path, (runs, errors, skipped) in counted.items():
        is_log = any("log" in name.name or "tfevents" in name.name for name in path.iterdir())
        assert (runs, errors, skipped > 0) == (0, 0.0, is_log), path


def judged(folder: Path) -> tuple[int, float, float]:
    """Runs, errors and skipped lines of a folder."""
    exposition = Exposition()
    fleet = Fleet(exposition, (str(folder),))
    telemetry = Telemetry("0", fleet, exposition)
    settings = Settings(paths=(str(folder),), stdout_log=("*.log",), ignore_older=None)
    for watcher in Watchers(settings, fleet, telemetry).all:
        search_and_read(watcher, 0.0, time.time())
    lines = [line.split() for line in telemetry.render(False).decode().splitlines()]
    sums: dict[str, float] = defaultdict(float)
    for line in lines:
        if line[0] != "#":
            sums[line[0].partition("{")[0]] += float(line[1])
    return (
        len(fleet),
        sums["llmtrain_exporter_errors_total"],
        sums["llmtrain_exporter_skipped_lines_total"],
    )


# Logs that are being written.

RECORDS = "llmtrain_records_total"

REPLAYED = {
    "plain": "produced/swift-grpo-healthy/output/v0-20261120-101051/logging.jsonl",
    "torn": "produced/swift310-sft-resume/output/logging.jsonl",
    "factory": "produced/llamafactory-sft/out/trainer_log.jsonl",
    "state": "produced/trl-sft/out/trainer_state.json",
    "printed/stdout": "produced/trl-sft/stdout.log",
}
OPTIONS = {
    "plain": ("--speed", "25", "--append"),
    "torn": ("--speed", "4", "--append", "--torn"),
    "factory": ("--speed", "4", "--append", "--torn", "--keep-open"),
    "state": ("--speed", "8", "--torn"),
    "printed/stdout": ("--speed", "60", "--torn"),
}
EMPTY_FIRST = ("plain", "torn", "factory", "own")
EVERYTHING = "[1d]"


class Trainer:
    """A trainer that this test plays itself; it knows what it has written. `step`: waits after each row."""

    def __init__(self, log: Path, step: Callable[[], object]) -> None:
        self.log = append(log)
        self.train = self.eval = 0
        self._attempt = 1
        self._step = step

    def write(self, first: int, last: int) -> None:
        """Rows of these steps; an evaluation with each tenth."""
        for step in range(first, last + 1):
            append(self.log, self._row(step))
            if step % 10 == 0:
                append(self.log, swift_eval(step))
                self.eval += 1
            self._step()

    def rotate(self, late: range) -> None:
        """Move the log away; some rows still go into the old file."""
        with self.log.open("a") as old:
            self.log.rename(f"{self.log}.1")
            old.writelines(f"{self._row(step)}\n" for step in late)
        append(self.log)

    def rewrite(self, rows: int, in_place: bool) -> None:
        """Another attempt: begin the log anew with so many rows, in the same file or another of its name."""
        self._attempt += 1
        text = "".join(f"{self._row(step)}\n" for step in range(1, rows + 1))
        target = self.log if in_place else self.log.with_name("next")
        target.write_text(text)
        target.replace(self.log)

    def _row(self, step: int) -> str:
        self.train += 1
        return swift(step, loss=self._attempt / step)


def is_counter(name: str) -> bool:
    """Whether a series is a counter."""
    return name.partition("{")[0].endswith("_total")


class Scraper:
    """Scrapes ten times a second at most, beside Prometheus."""

    def __init__(self, exporter: ExporterProcess) -> None:
        self.scrapes: list[dict[str, float]] = []
        self._exporter = exporter
        self._progress = Progress()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Scraper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._stop.wait(0.1):
                self.scrapes.append(self._exporter.metrics())
                self._progress.step()
        finally:
            self._progress.end()

    def wait(self) -> None:
        """Until the next scrape is over."""
        assert self._progress.grow(1)

    def falls(self) -> list[str]:
        """The counters that were lower at one scrape than at the one before, or gone."""
        return [
            f"{name}: {value} -> {later.get(name)}"
            for earlier, later in pairwise(self.scrapes)
            for name, value in earlier.items()
            if is_counter(name) and not later.get(name, -1.0) >= value
        ]


@contextmanager
def replays(corpus: Path, watched: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that write real logs once more."""
    started = []
    try:
        for name, log in REPLAYED.items():
            folder = watched / name.partition("/")[0]
            replay = [sys.executable, "-m", "llmtrain_exporter", "replay", *OPTIONS[name]]
            started.append(subprocess.Popen([*replay, str(corpus / log), str(folder)]))
        yield started
    finally:
        for process in started:
            process.terminate()
            process.wait(HANGS_SECONDS)


def play(trainer: Trainer, seen: Callable[[], bool], step: Callable[[], float | None]) -> None:
    """All that can happen to a log. What is thrown away has to be seen before: nobody can read it later.

    Logs that are met with a few rows are runs that have just begun; what others have by then is history.
    """
    trainer.write(1, 21)
    trainer.rotate(late=range(22, 25))
    trainer.write(1, 2)
    eventually(seen)
    trainer.write(3, 12)
    trainer.write(8, 14)
    eventually(seen)
    trainer.rewrite(2, in_place=True)
    eventually(seen)
    trainer.write(3, 6)
    eventually(seen)
    for rows, in_place in ((60, True), (66, False)):
        trainer.rewrite(rows, in_place)
        trainer.train -= rows
        eventually(lambda rows=rows: step() == rows and seen())  # type: ignore[misc]
        trainer.write(rows + 1, rows + 5)
        eventually(seen)


def last_row(log: Path) -> dict[str, Any]:
    """The last training row of a log of JSON lines."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    return [row for row in rows if "loss" in row and "log_history" not in row][-1]


def counts(values: dict[str, float], run: str) -> tuple[float | None, ...]:
    """The records of a run, train and eval."""
    return tuple(values.get(series(RECORDS, {"run": run, "kind": kind})) for kind in ("train", "eval"))


@pytest.fixture(scope="module")
def show(
    corpus: Path, real_tool: Tool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ExporterProcess, Prometheus, Scraper, Trainer]]:
    """Writers of all kinds, an exporter and a Prometheus that watch them, when all is written and seen."""
    watched = tmp_path_factory.mktemp("watched")
    for name in EMPTY_FIRST[:-1]:
        append(watched / name / Path(REPLAYED[name]).name)
    append(watched / "own/logging.jsonl")
    flags = ["--stdout-log", "*.log", "--scan-interval", "1s"]
    with ExporterProcess([watched, *flags]) as exporter:
        folder = tmp_path_factory.mktemp("live")
        with (
            Prometheus(folder, exporter.address, binary=real_tool("prometheus")) as prometheus,
            Scraper(exporter) as scraper,
        ):
            eventually(lambda: len(prometheus.query(f'{RECORDS}{{kind="train"}}')) == len(EMPTY_FIRST))
            trainer = Trainer(watched / "own/logging.jsonl", scraper.wait)
            with replays(corpus, watched) as processes:
                play(
                    trainer,
                    lambda: counts(scraper.scrapes[-1], "own") == (trainer.train, trainer.eval),
                    lambda: scraper.scrapes[-1].get(series("llmtrain_step", {"run": "own"})),
                )
                codes = [process.wait(HANGS_SECONDS) for process in processes]
            assert codes == [0] * len(codes)
            exporter.search_again()
            exporter.read_again()
            for _ in range(2):  # in the second nothing may change any more
                prometheus.scrape_again()
            yield exporter, prometheus, scraper, trainer


Show = tuple[ExporterProcess, Prometheus, Scraper, Trainer]


def test_no_line_is_lost_or_doubled(show: Show, labels: list[dict[str, Any]]) -> None:
    """After replays, torn lines, rotation, truncation and resume the records are those that were written."""
    _, prometheus, _, trainer = show
    expected = {
        (name, kind): entry[kind]
        for name, file in REPLAYED.items()
        for entry in labels
        if entry["file"] == file
        for kind in ("train", "eval")
    }
    expected |= {("own", "train"): trainer.train, ("own", "eval"): trainer.eval}
    counted = {
        (item["metric"]["run"], item["metric"]["kind"]): float(item["value"][1])
        for item in prometheus.query(f'{RECORDS}{{kind=~"train|eval"}}')
    }
    assert counted == expected
    resumes = vector(prometheus.query("llmtrain_resumes_total"))
    assert resumes == {"torn": 1, "factory": 1, "own": 1, "plain": 0, "state": 0, "printed/stdout": 0}


def test_counters_never_fall(show: Show) -> None:
    """No counter of any run falls or vanishes, neither in Prometheus' scrapes nor in faster ones."""
    _, prometheus, scraper, _ = show
    assert len(scraper.scrapes) > 30
    assert scraper.falls() == []
    counters = {name.partition("{")[0] for name in scraper.scrapes[-1] if is_counter(name)}
    assert len(counters) > 5
    assert [name for name in counters if prometheus.query(f"resets({name}{EVERYTHING}) > 0")] == []


def test_no_increase_is_false(show: Show) -> None:
    """What was watched from its first line grows from 0 to the number of its lines."""
    _, prometheus, _, trainer = show
    grown = {}
    for item in prometheus.query(f'{RECORDS}{{kind="train"}}{EVERYTHING}'):
        samples = [float(value) for _, value in item["values"]]
        grown[item["metric"]["run"]] = samples[-1] - samples[0]
        assert samples == sorted(samples)
    assert {name: grown[name] for name in EMPTY_FIRST} == {
        "plain": 200,
        "torn": 25,
        "factory": 24,
        "own": trainer.train,
    }


def test_prometheus_is_served_all_the_time(show: Show) -> None:
    """Every scrape succeeds, no run's series is gone for one scrape, and the exporter has nothing to tell."""
    exporter, prometheus, scraper, _ = show
    assert vector_of(prometheus.query(f"min_over_time(up{EVERYTHING})")) == [1.0]
    for earlier, later in pairwise(scraper.scrapes):
        assert runs_of(earlier) <= runs_of(later)
    assert exporter.log == ""


def test_gauges_show_the_last_line(show: Show, corpus: Path) -> None:
    """Through Prometheus, a run's gauges are the very numbers of its last row."""
    _, prometheus, _, trainer = show
    logs = {name: corpus / REPLAYED[name] for name in ("plain", "torn", "factory")} | {"own": trainer.log}
    keys = {
        "loss": 'llmtrain_loss{split="train"}',
        "grad_norm": "llmtrain_grad_norm",
        "learning_rate": "llmtrain_learning_rate",
        "lr": "llmtrain_learning_rate",
        "kl": 'llmtrain_kl{split="train"}',
        "reward": 'llmtrain_reward{split="train"}',
        "completions/mean_length": 'llmtrain_completion_length_tokens{stat="mean",split="train"}',
        "epoch": "llmtrain_epoch",
    }
    for key, metric in keys.items():
        shown = vector(prometheus.query(metric))
        rows = {name: row for name, log in logs.items() if key in (row := last_row(log))}
        assert rows
        assert {name: shown.get(name) for name in rows} == {name: row[key] for name, row in rows.items()}
    assert vector(prometheus.query("llmtrain_run_state == 1")).keys() == {*REPLAYED, "own"}


def runs_of(values: dict[str, float]) -> set[str]:
    """The series that each run has from its first scrape to its last."""
    return {name for name in values if name.startswith((RECORDS, "llmtrain_run_state"))}


def vector_of(answer: list[dict[str, Any]]) -> list[float]:
    """The values of an instant query."""
    return [float(item["value"][1]) for item in answer]
