"""What a record becomes: what a scrape right after it would have shown of it, and nothing else."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.model import HyperParameters, NoRun, Record, Series, series
from llmtrain_exporter.publish import demo
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.read_history import histories
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.watching.on_demand import open_log, read_once
from llmtrain_exporter.watching.rules import rules_for_reading

from tests.analysing import grpo
from tests.analysing import records as read_rows
from tests.histories import NOW, WRITTEN, logged, records
from tests.training import swift, swift_eval

LOSS = series(c.LOSS, ("split", "train"))
STEP = series(c.STEP)
LOGS = [demo.BUNDLED / name for name in (demo.COLLAPSE, demo.HEALTHY)]


class ScrapeEach:
    """The observer that scrapes a run after each record."""

    reads_state: ClassVar[bool] = True

    def __init__(self, run: Run) -> None:
        self._run = run
        self.scrapes: list[Mapping[Series, float]] = []

    def note(self, _: Record, __: Analysis | None, /) -> None:
        """Scrape it."""
        self.scrapes.append(self._run.snapshot("run", "file", SWIFT, NOW).samples)


def scrapes(path: Path) -> list[Mapping[Series, float]]:
    """What a scrape would have shown after each record of a log."""
    rules = rules_for_reading(Settings())
    (found,) = rules.search([str(path)], NOW).found
    run = open_log(found, rules.options(found), rules.readers, ScrapeEach)
    read_once(run, NOW)
    return run.observer.scrapes


def equal(value: float, other: float | None) -> bool:
    return other is not None and (value == other or (math.isnan(value) and math.isnan(other)))


def unset(key: Series) -> float | None:
    """What a scrape says by not having the series: a signal that has never come up. A history says 0."""
    return 0.0 if key.metric is m.SIGNAL_ACTIVE else None


def names(record: RecordSamples) -> set[str]:
    return {key.metric.name for key in record.values}


def in_log(path: Path) -> Iterator[dict[str, Any]]:
    (file,) = path.rglob("logging.jsonl")
    return map(json.loads, file.read_text().splitlines())


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_each_record_is_what_a_scrape_after_it_would_have_shown(log: Path) -> None:
    """All values of all records, derived ones and judgements too, but for what tells of the time."""
    shown = scrapes(log)
    found = records(log)
    assert len(found) > 30
    told = (c.HISTORY_TIME_SOURCE, c.RUN)
    wrong = [
        (record.record, key.metric.name, value)
        for record in found
        for key, value in record.values.items()
        if key.metric not in told and not equal(value, shown[record.record - 1].get(key, unset(key)))
    ]
    assert wrong == []
    gauges = {
        *map(id, (m.BASELINE, m.SPIKE_SCORE, m.SIGNAL_ACTIVE, m.INCIDENT_ACTIVE, c.STEP, c.GRAD_NORM_CLIP))
    }
    assert gauges <= {id(key.metric) for record in found for key in record.values}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_each_value_and_step_is_the_log_s(log: Path) -> None:
    """Independent of any reader of ours: what stands in the lines is what the records have."""
    rows = [row for row in in_log(log) if "loss" in row]
    found = [record for record in records(log) if LOSS in record.values]
    steps = [int(str(row["global_step/max_steps"]).split("/")[0]) for row in rows]
    assert [value_of(record, c.STEP.name) for record in found] == steps
    assert [record.values[LOSS] for record in found] == [row["loss"] for row in rows]
    assert [value_of(record, c.GRAD_NORM.name) for record in found] == [row["grad_norm"] for row in rows]


def value_of(record: RecordSamples, name: str, **labels: str) -> float:
    """The value of one of its series."""
    (value,) = [
        value
        for key, value in record.values.items()
        if key.metric.name == name and labels.items() <= dict(key.labels).items()
    ]
    return value


def test_each_record_of_a_calm_run_has_its_own_judgement(tmp_path: Path) -> None:
    """Where whoever asks for less has whole blocks taken in together: as if each had come alone."""
    rows = [{**row, **position(step)} for step, row in enumerate(grpo(400), 1)]
    run, shown = Run(RunOptions(), HyperParameters()), []
    for row in read_rows(rows):
        run.fold(row, NOW)
        shown.append(run.snapshot("run", "file", SWIFT, NOW).samples)
    judged = {STEP, series(m.BASELINE, ("metric", "kl")), series(m.SPIKE_SCORE, ("metric", "reward"))}
    found = records(logged(tmp_path, *map(json.dumps, rows)))
    assert [record.values[STEP] for record in found] == list(range(1, 401))
    told = (c.HISTORY_TIME_SOURCE, c.RUN)
    for record, scrape in zip(found, shown, strict=True):
        values = {key: value for key, value in record.values.items() if key.metric not in told}
        assert values == {key: scrape.get(key, unset(key)) for key in values}
        assert record.record <= 100 or judged <= values.keys()


def position(step: int) -> dict[str, object]:
    """How far a row is, and by the trainer's clock."""
    return {"global_step/max_steps": f"{step}/2000", "elapsed_time": f"{step}s"}


def test_a_record_has_only_what_it_logs(tmp_path: Path) -> None:
    """An evaluation repeats no training value: a curve has no steps that nobody took."""
    first, evaluation, last = records(logged(tmp_path, swift(1), swift_eval(1), swift(2)))
    assert (c.LOSS.name in names(first), c.GRAD_NORM.name in names(last)) == (True, True)
    assert c.GRAD_NORM.name not in names(evaluation)
    assert {key.labels for key in evaluation.values if key.metric is c.LOSS} == {(("split", "eval"),)}
    assert {c.EVAL_TRAIN_LOSS.name, c.BEST_EVAL_LOSS.name} <= names(evaluation) - names(last)
    assert [record.record for record in (first, evaluation, last)] == [1, 2, 3]
    clock = [value_of(record, c.ELAPSED.name) for record in (first, evaluation, last)]
    assert clock == [1.0, 1.0, 2.0]  # an evaluation is drawn over the time as well
    assert {record.run for record in (first, evaluation, last)} == {"v0-20260921-101010"}


def test_the_static_facts_go_with_the_first_record(tmp_path: Path) -> None:
    """Profile and the operator's labels are those of run_info, as in a scrape, and are not told each time."""
    found = records(logged(tmp_path, *map(swift, range(1, 5))), labels={"team": "nlp"})
    facts = [dict(key.labels) for record in found for key in record.values if key.metric is c.RUN]
    assert [(told["team"], told["profile"], told["dialect"]) for told in facts] == [("nlp", "sft", "swift")]
    assert c.RUN in {key.metric for key in found[0].values}


def test_flags_are_those_of_signals_that_have_come_up(tmp_path: Path) -> None:
    """A run that was never troubled has no series of zeros for each signal that there is."""
    calm = records(logged(tmp_path / "a", *map(swift, range(1, 40))))
    assert m.SIGNAL_ACTIVE.name not in names(calm[-1])
    rows = [*map(swift, range(1, 40)), swift(40, loss=math.nan), *map(swift, range(41, 60))]
    ill = records(logged(tmp_path / "b", *rows))
    flags = [
        {key.labels: value for key, value in record.values.items() if key.metric is m.SIGNAL_ACTIVE}
        for record in (ill[38], ill[39], ill[-1])
    ]
    label = (("signal", "non_finite"), ("severity", "critical"))
    assert [told.get(label) for told in flags] == [None, 1.0, 0.0]
    assert math.isnan(ill[39].values[LOSS])


def test_the_steps_of_a_resumed_run_stand_at_times_that_ascend(tmp_path: Path) -> None:
    """Steps go back where the run did; times never do."""
    log = logged(tmp_path, *map(swift, (1, 2, 3, 4)), *(swift(step, loss=0.9) for step in (3, 4, 5)))
    found = records(log)
    assert [value_of(record, c.STEP.name) for record in found] == [1, 2, 3, 4, 3, 4, 5]
    assert [value_of(record, c.RESUMES.name) for record in found] == [0, 0, 0, 0, 1, 1, 1]
    times = [record.time_ms for record in found]
    assert times == sorted(set(times))


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_spikes_are_marked_at_their_very_records(log: Path) -> None:
    """As many records are marked as the run's counter counts, of each metric."""
    found = records(log)
    marked: dict[str, float] = defaultdict(float)
    for record in found:
        for key, value in record.values.items():
            if key.metric is m.SPIKE:
                marked[dict(key.labels)["metric"]] += value
    last = scrapes(log)[-1]
    counted = {dict(key.labels)["metric"]: value for key, value in last.items() if key.metric is m.SPIKES}
    assert {name: value for name, value in counted.items() if value} == {
        name: value for name, value in marked.items() if value
    }


def test_what_another_writer_says_again_is_no_record(tmp_path: Path) -> None:
    """Two ranks on one file: each record once."""
    found = records(logged(tmp_path, *(line for step in (1, 2, 3) for line in (swift(step), swift(step)))))
    assert [value_of(record, c.STEP.name) for record in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        (("loss",), {"loss", "step"}),
        (("llmtrain_grad_norm", "lo*"), {"loss", "grad_norm", "step"}),
        (("!*", "loss"), {"loss", "step"}),
        (("*", "!loss"), {"grad_norm", "epoch", "step"}),
    ],
)
def test_metrics_are_chosen_by_name(tmp_path: Path, patterns: tuple[str, ...], kept: set[str]) -> None:
    """Of the patterns that fit the last decides; the step is always there."""
    log = logged(tmp_path, swift(1, epoch=0.1))
    (record,) = records(log, history_metrics=patterns)
    found = {name.removeprefix("llmtrain_") for name in names(record)} & {
        "loss",
        "grad_norm",
        "epoch",
        "step",
    }
    assert found == kept


def test_leaving_out_alone_keeps_all_others() -> None:
    """Where the first pattern leaves out, what fits none is wanted."""
    assert c.LOSS in ChosenMetrics(("!other",))
    assert c.OTHER not in ChosenMetrics(("!other",))
    assert c.LOSS not in ChosenMetrics(())


def test_too_many_keys_are_not_all_taken_in(tmp_path: Path) -> None:
    """The limits of a scrape hold for the history too."""
    rows = [swift(step, **{f"odd_{step}_{at}": 1.0 for at in range(50)}) for step in (1, 2, 3, 4)]
    found = records(logged(tmp_path, *rows))
    others = {key for record in found for key in record.values if key.metric is c.OTHER}
    assert len(others) == 100


def test_a_log_without_a_record_says_why(tmp_path: Path) -> None:
    """No sample, no error, and a reason."""
    (history,) = histories([str(logged(tmp_path, ""))], Settings(), None, NOW)
    assert isinstance(history, RunHistory)
    assert (list(history.samples(0.0, NOW)), history.records) == ([], 0)
    assert isinstance(history.why_none(), NoRun)


ODD: tuple[object, ...] = (0.5, 1e300, -1.0, math.nan, math.inf, "1e400", None, "x", [], {}, True)
KEYS = st.sampled_from(("loss", "grad_norm", "reward", "kl", "eval_loss", "epoch", "odd key", "lr"))
POSITIONS = st.sampled_from(("1/9", "5/9", "5/3", "-1/9", "0/0", "99999999999999999999/1", "x/y", ""))
CLOCKS = st.sampled_from(("1s", "2h 3m", "-5s", "99999999999d", "NaN", "0s", "x"))
CELLS = st.dictionaries(KEYS, st.sampled_from(ODD), max_size=5)


def odd_row(cells: Mapping[str, object], position: str, clock: str) -> str:
    """A row as ms-swift would write it, if it went mad."""
    return json.dumps({**cells, "global_step/max_steps": position, "elapsed_time": clock})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(odd_row, CELLS, POSITIONS, CLOCKS) | st.text(max_size=40), max_size=25))
def test_whatever_stands_in_a_log_gives_samples_or_none(tmp_path: Path, lines: list[str]) -> None:
    """Never an error; numbers and times ascend, each value is a number, and only the log's own."""
    log = tmp_path / "v0-20260921-101010" / "logging.jsonl"
    log.parent.mkdir(exist_ok=True)
    log.write_text("\n".join(lines), encoding="utf-8", errors="surrogateescape")
    os.utime(log, (WRITTEN, WRITTEN))
    for history in histories([str(log)], Settings(), None, NOW):
        found = [] if isinstance(history, NoRun) else list(history.samples(0.0, NOW))
        times, numbers = [record.time_ms for record in found], [record.record for record in found]
        assert (times, numbers) == (sorted(set(times)), sorted(set(numbers)))
        assert all(type(value) is float for record in found for value in record.values.values())
        assert all(0 < time <= WRITTEN * 1000 + len(lines) for time in times)


def test_who_reads_a_long_log_can_do_something_else_meanwhile(tmp_path: Path) -> None:
    """There are pauses before the first record too, while only the times are read."""
    log = logged(tmp_path, *map(swift, range(1, 8001)))
    (history,) = histories([str(log)], Settings(), None, NOW)
    assert isinstance(history, RunHistory)
    found = list(history.with_pauses(0.0, NOW))
    first = next(at for at, each in enumerate(found) if each is not None)
    assert first > 2
    assert found.count(None) >= 2 * first
    assert [each for each in found if each is not None] == records(log)
