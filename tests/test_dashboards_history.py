"""Panels over the step on real servers that were given every record: each is drawn at its step, none else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from llmtrain_exporter.knowledge.catalogue import METRICS
from llmtrain_exporter.knowledge.jobs import HISTORY_JOB
from llmtrain_exporter.knowledge.text import Lang

from tests import dashboard_rules as rules
from tests import promql
from tests.dashboard_rules import Json
from tests.servers import HANGS_SECONDS, Server, VictoriaMetrics, backfilled

RUNS = ("kept/one", "kept/two")
BOARDS = ("llmtrain-compare", "llmtrain-grpo", "llmtrain-sft", "llmtrain-preference")
ENGLISH = rules.load(Lang.EN)
RANGE = "2h"
VARIABLES = {"job": ".+", "instance": ".+", "profile": ".+", "history": HISTORY_JOB, "__range": RANGE}
RESUMED_AT, RESUMED_FROM = 120, 100
"""The run stood at that step when it was resumed from that one."""
SPIKE = 77
EVALUATED = 50
"""Every so many steps."""

SPLIT = {metric.name for metric in METRICS if metric.split}
OF_EVERY_RECORD = ("llmtrain_step", "llmtrain_resumes_total", "llmtrain_elapsed_seconds")

Labels = tuple[tuple[str, str], ...]
Result = list[dict[str, Any]]


@dataclass(frozen=True)
class Written:
    """A record of the history: when, in which try, at which step, of which kind."""

    milliseconds: int
    resumes: int
    step: int
    split: str


def records(began: float) -> Iterator[Written]:
    """Two seconds apart, as no scrape would see them; some of the steps are there twice."""
    now = round(began * 1000)
    tries = [(0, range(1, RESUMED_AT + 1)), (1, range(RESUMED_FROM + 1, 251))]
    for resumes, steps in tries:
        for step in steps:
            now += 2003
            yield Written(now, resumes, step, "train")
            if step % EVALUATED == 0:
                now += 701
                yield Written(now, resumes, step, "eval")


def against(board: Json) -> list[Json]:
    """The panels of a dashboard that draw points over a number."""
    return [panel for panel in rules.panels(board) if panel["type"] == "xychart"]


def selected() -> set[tuple[str, Labels]]:
    """The series that these panels ask for, by name and by the labels that they want besides the run's."""
    queries = (
        target["expr"] for uid in BOARDS for panel in against(ENGLISH[uid]) for target in panel["targets"]
    )
    held = ("job", "instance", "run")
    return {
        (each.metric, tuple((m.label, m.value) for m in each.matchers if m.label not in held))
        for query in queries
        for each in promql.selectors(query)
    }


def samples(began: float) -> Mapping[str, Mapping[Labels, Mapping[int, float]]]:
    """What is asked for of either run, by metric, series and time in milliseconds."""
    found: dict[str, dict[Labels, dict[int, float]]] = {}
    for metric, labels in sorted(selected()):
        for run in RUNS:
            for written in records(began):
                if is_said(metric, dict(labels), written):
                    split = {"split": written.split} if metric in SPLIT else {}
                    named = {**dict(labels), **split, "job": HISTORY_JOB, "run": run}
                    of_series = found.setdefault(metric, {}).setdefault(tuple(sorted(named.items())), {})
                    of_series[written.milliseconds] = value(metric, written, run)
    return found


def is_said(metric: str, labels: Mapping[str, str], written: Written) -> bool:
    """Whether a record of that kind has such a series."""
    if metric in SPLIT:
        return labels.get("split", written.split) == written.split
    return written.split == "train" or metric in OF_EVERY_RECORD


def value(metric: str, written: Written, run: str) -> float:
    """What the series says of a record: another value at each."""
    if metric == "llmtrain_step":
        return float(written.step)
    if metric == "llmtrain_resumes_total":
        return float(written.resumes)
    if metric == "llmtrain_spike":
        return float(written.step == SPIKE)
    number = written.step / 8 + written.resumes / 1000 + (written.split == "eval") / 100 + RUNS.index(run)
    return round(number, 6)  # as trainers log them; VictoriaMetrics keeps 12 digits


def openmetrics(began: float) -> str:
    """The same as a file for promtool."""
    lines: list[str] = []
    for metric, of_metric in samples(began).items():
        family = metric.removesuffix("_total")
        lines.append(f"# TYPE {family} {'gauge' if metric == family else 'counter'}")
        for labels, at in of_metric.items():
            inside = ",".join(f'{name}="{text}"' for name, text in labels)
            lines += (f"{metric}{{{inside}}} {number!r} {time_ / 1000:.3f}" for time_, number in at.items())
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module", params=["prometheus", "prometheus3", "victoria-metrics3"])
def kept(
    real_tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Server, float]]:
    """A real server with the records, and when they began (Unix time)."""
    began = time.time() - 3600
    folder = tmp_path_factory.mktemp("kept")
    program, text = real_tool(request.param), openmetrics(began)
    if request.param.startswith("victoria"):
        started: AbstractContextManager[Server] = victoria(program, folder, text)
    else:
        started = backfilled(folder, text.encode(), binary=program, promtool=real_tool("promtool"))
    with started as server:
        yield server, began


@contextmanager
def victoria(program: Path, folder: Path, text: str) -> Iterator[Server]:
    """A VictoriaMetrics that was sent the same, where times are in milliseconds."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    body = "".join(f"{sample} {round(float(seconds) * 1000)}\n" for sample, _, seconds in lines)
    with VictoriaMetrics(folder / "data", program, "-memory.allowedBytes=64MB") as server:
        requests.post(
            f"{server.url}/api/v1/import/prometheus", body, timeout=HANGS_SECONDS
        ).raise_for_status()
        server.get("/internal/force_flush").raise_for_status()
        yield server


def result(server: Server, query: str) -> Result:
    """The matrix that an instant query answers with."""
    answer = server.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", answer
    assert answer["data"]["resultType"] == "matrix"
    found: Result = answer["data"]["result"]
    return found


@dataclass(frozen=True)
class Point:
    """A point as it is drawn: in which curve, where."""

    curve: Labels
    x: float
    y: float


def points(server: Server, panel: Json, run: str) -> Iterator[list[Point]]:
    """What a panel draws, the curves first and then the marks, by its own queries and transformations."""
    steps = [change for change in panel["transformations"] if change["id"] != "organize"]
    answers = [result(server, filled(target["expr"], run)) for target in panel["targets"]]
    joins = [change for change in steps if change["id"] == "merge"]
    assert [join["filter"]["options"] for join in joins] == [
        f"/^(?:{'|'.join(refs)})$/" for refs in ("ABC", "DEF")
    ][: len(answers) // 3]
    [parted] = [change["options"]["fields"] for change in steps if change["id"] == "partitionByValues"]
    for at in range(0, len(answers), 3):
        yield [
            Point((*((name, row.get(name, "")) for name in parted[:-1]), ("resumes", str(other))), x, y)
            for row, y, other, x in joined(*answers[at : at + 3])
            if not at or other > 0
        ]


def joined(
    values: Result, others: Result, xs: Result
) -> Iterator[tuple[dict[str, str], float, float, float]]:
    """Rows that have a value and an x at the same time, as Grafana merges them; `others` may lack some."""
    of_x, of_other = by_row(xs), by_row(others)
    for series in values:
        for at, text in series["values"]:
            key = row_key(series, at)
            if key in of_x:
                yield series["metric"], float(text), of_other.get(key, 0.0), of_x[key]


def by_row(result: Result) -> dict[tuple[str, str, float], float]:
    """Values by what is the same in the answers of all queries: job, run and time."""
    return {row_key(series, at): float(text) for series in result for at, text in series["values"]}


def row_key(series: Mapping[str, Any], at: float) -> tuple[str, str, float]:
    """What a row of one answer has in common with those of the others."""
    return series["metric"]["job"], series["metric"]["run"], at


def filled(query: str, run: str) -> str:
    """The query as Grafana sends it where there is a history."""
    return promql.filled(query, {**VARIABLES, "source": HISTORY_JOB, "run": run})


@pytest.mark.parametrize("uid", BOARDS)
def test_every_record_stands_at_its_step(kept: tuple[Server, float], uid: str) -> None:
    """Each panel has every record of the log with its value and no other; a resume is another curve."""
    server, began = kept
    run = "|".join(RUNS) if uid == "llmtrain-compare" else RUNS[1]
    panels = against(ENGLISH[uid])
    assert len(panels) >= 3
    for panel in panels:
        drawn, *marked = points(server, panel, run)
        assert sorted(map(place, drawn)) == sorted(wanted(panel, run, began)), panel["title"]
        assert {curve.curve[-1] for curve in drawn} == {("resumes", "0.0"), ("resumes", "1.0")}
        for marks in marked:
            assert [mark.x for mark in marks] == [SPIKE], panel["title"]


def place(point: Point) -> tuple[float, float]:
    return point.x, point.y


def wanted(panel: Json, run: str, began: float) -> Iterator[tuple[float, float]]:
    """The points that the log has for a panel."""
    [shown], _, [axis] = (list(promql.selectors(target["expr"])) for target in panel["targets"][:3])
    labels = {matcher.label: matcher.value for matcher in shown.matchers if matcher.operator == "="}
    for name in run.split("|"):
        for written in records(began):
            if is_said(shown.metric, labels, written):
                yield value(axis.metric, written, name), value(shown.metric, written, name)


@pytest.mark.parametrize("uid", BOARDS)
def test_curves_by_the_clock_are_those_of_the_records(kept: tuple[Server, float], uid: str) -> None:
    """A range query, too, answers with what the log says, of a run that nobody has ever scraped."""
    server, began = kept
    logged = {value("llmtrain_loss", written, RUNS[0]) for written in records(began)}
    asked = [query for _, query in rules.queries(ENGLISH[uid]) if is_curve_of_the_loss(query)]
    assert asked
    for query in asked:
        during = {"start": began + 60, "end": began + 400, "step": "15"}
        parameters = {"query": filled(query, RUNS[0]), **during}
        [curve] = server.get("/api/v1/query_range", params=parameters).json()["data"]["result"]
        assert len(curve["values"]) > 10
        assert {float(text) for _, text in curve["values"]} <= logged


def is_curve_of_the_loss(query: str) -> bool:
    """Whether a query is for the training loss over time, record by record."""
    found = list(promql.selectors(query))
    kinds = {
        (each.metric, each.has("split", "=", "train"), each.has("job", "=~", "$source")) for each in found
    }
    return kinds == {("llmtrain_loss", True, True)} and not any(each.range for each in found)


def source_of(server: Server, uid: str, run: str, history: str) -> list[str]:
    """The jobs that the dashboard's variable finds."""
    [variable] = (one for one in rules.template(ENGLISH[uid], "query") if one["name"] == "source")
    query = rules.variable_query(variable).removeprefix("query_result(").removesuffix(")")
    asked = promql.filled(query, {**VARIABLES, "history": history, "run": run})
    found = server.get("/api/v1/query", params={"query": asked}).json()["data"]["result"]
    return [one["metric"]["job"] for one in found]


@pytest.mark.parametrize("uid", BOARDS)
def test_curves_come_from_the_history_where_there_is_one(kept: tuple[Server, float], uid: str) -> None:
    """By itself; not of a run that has none, and not where only what was scraped is to be shown."""
    server, _ = kept
    assert source_of(server, uid, RUNS[0], HISTORY_JOB) == [HISTORY_JOB]
    assert source_of(server, uid, "nobody", HISTORY_JOB) == []
    assert source_of(server, uid, RUNS[0], "none") == []


@pytest.mark.parametrize("uid", BOARDS)
def test_a_run_that_was_never_scraped_can_be_chosen(kept: tuple[Server, float], uid: str) -> None:
    """The variable of the runs finds those whose records were imported."""
    server, began = kept
    [variable] = (one for one in rules.template(ENGLISH[uid], "query") if one["name"] == "run")
    query = rules.variable_query(variable).removeprefix("label_values(").removesuffix(", run)")
    match = promql.filled(query, {**VARIABLES, "profile": ".*"})
    asked = {"match[]": match, "start": began, "end": time.time()}
    assert server.get("/api/v1/label/run/values", params=asked).json()["data"] == list(RUNS)
