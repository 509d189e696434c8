"""Runs as JSON, as programs and pages ask for them."""

from __future__ import annotations

import errno
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from llmtrain_exporter.config import Settings as Configured
from llmtrain_exporter.ingest import follow
from llmtrain_exporter.ingest.discover import Found, SearchOptions, discover
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Episode, Health, Layout, NoRun, Record, RowKind, Series, State, series
from llmtrain_exporter.printable import label_value
from llmtrain_exporter.publish.demo import BUNDLED
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.serve.listed_metrics import LISTED
from llmtrain_exporter.serve.pages import histories
from llmtrain_exporter.serve.pages.histories import Histories
from llmtrain_exporter.serve.pages.language import preferred
from llmtrain_exporter.serve.pages.listing import LONGEST_PAGE, PAGE, Listing, ListQuery, ListSlice, query
from llmtrain_exporter.serve.sparkline import POINTS, Sparkline
from llmtrain_exporter.serve.watchers import Watchers
from llmtrain_exporter.story.blocks import Mark, Part, Table, blocks_of, plain
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.tree_json import to_object
from llmtrain_exporter.watching.history.columns import History
from llmtrain_exporter.watching.history.recorded import RecordedLog

from tests.rounds import search_and_read
from tests.servers import HANGS_SECONDS
from tests.serving import LOSS, NOW, RUN, Site, running
from tests.training import append, swift, swift_eval


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    """A server."""
    with running(Site()) as site:
        yield site


@pytest.fixture
def site(server: Site) -> Iterator[Site]:
    """That server with one run."""
    server.fleet.publish(RUN)
    yield server
    for snapshot in server.fleet.snapshots():
        server.fleet.remove(snapshot.run)


def watched(site: Site, folder: Path) -> Site:
    """The site with the runs below that folder, read to their end."""
    settings = Configured(paths=(str(folder),), ignore_older=None)
    for watcher in Watchers(settings, site.fleet, site.telemetry).all:
        search_and_read(watcher, NOW, NOW)
    return site


def asked(site: Site, path: str, **parameters: str | int) -> Any:
    """The answer's content."""
    return site.get(path, params={key: str(value) for key, value in parameters.items()}).json()


def listed(site: Site, **parameters: str | int) -> list[str]:
    """The names in an answer of the list."""
    return [run["run"] for run in asked(site, "/api/v1/list", **parameters)["runs"]]


# All runs.


def test_runs_as_json(site: Site) -> None:
    """Each run by name with all that is known of it; NaN becomes null, and so does what is unknown."""
    site.fleet.publish(
        replace(
            RUN,
            run="a\udcff",
            file="/logs/a\udcff",
            state=State.WAITING,
            health=Health.BROKEN,
            records={},
            last_step=None,
            max_steps=0,
            resumes=(),
            skipped={},
            last_record=None,
            best=(float("nan"), None),
        )
    )
    answer = site.get("/api/v1/runs")
    assert answer.headers["Content-Type"] == "application/json"
    waiting, running_run = answer.json()["runs"]
    assert answer.json()["ready"] is False
    assert running_run == {
        "run": "qwen/v1",
        "file": "/logs/qwen/v1/logging.jsonl",
        "dialect": "swift",
        "profile": "grpo",
        "state": "running",
        "health": "healthy",
        "verdict": "healthy",
        "labels": {},
        "note": "",
        "records": {"train": 30, "eval": 2},
        "first_step": 1,
        "last_step": 50,
        "max_steps": 200,
        "step_is_record": False,
        "progress": 0.25,
        "resumes": [{"from": 20, "to": 10}],
        "last_record_timestamp": NOW - 90,
        "best": {"eval_loss": 0.25, "step": 40},
        "skipped_lines": {"no_json": 3},
    }
    assert waiting["run"] == re.search('run="(a[^"]*)"', site.get("/metrics").text).group(1)  # type: ignore[union-attr]
    assert waiting["file"] == "/logs/a\ufffd"
    assert waiting["best"] == {"eval_loss": None, "step": None}
    assert (waiting["progress"], waiting["last_record_timestamp"]) == (None, None)


def test_an_answer_that_is_known_is_not_sent_again(site: Site) -> None:
    """Whoever has the last answer gets 304 until something changes; the body comes compressed when asked."""
    for path in ("/api/v1/runs", "/api/v1/list", "/api/v1/run?run=qwen/v1"):
        first = site.get(path, headers={"Accept-Encoding": "gzip"})
        known = {"If-None-Match": first.headers["ETag"]}
        again = site.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert first.json() == site.get(path).json()
        assert first.headers["Cache-Control"] == "no-cache"
    site.fleet.publish(replace(RUN, last_step=51))
    for path in ("/api/v1/runs", "/api/v1/list", "/api/v1/run?run=qwen/v1"):
        assert site.get(path, headers=known).status_code == 200


def test_all_runs_are_told_once_to_all_who_ask() -> None:
    """Within a second nothing is looked through anew: many who ask hold no scrape up."""
    fleet, seconds = Fleet(Exposition(), ()), [0.0]
    fleet.publish(RUN)
    listing = Listing(fleet, lambda: seconds[0])
    told: list[int] = []

    def tell(runs: Iterable[Shown], ready: bool) -> bytes:
        told.append(len(list(runs)))
        return b"%d" % ready

    assert [listing.everything(tell) for _ in range(3)] == [b"0"] * 3
    fleet.publish(replace(RUN, run="b"))
    fleet.ready = True
    seconds[0] = 0.5
    assert listing.everything(tell) == b"0"
    seconds[0] = 1.0
    assert listing.everything(tell) == b"1"
    assert told == [1, 2]


def test_why_there_is_no_history_is_told_in_both_languages(site: Site, tmp_path: Path) -> None:
    """A log without a record yet."""
    append(tmp_path / "a/logging.jsonl")
    watched(site, tmp_path)
    empty = words.NO_RUN_REASONS[NoRunReason.EMPTY]
    assert asked(site, "/api/v1/history", run="a")["error"] == empty.en
    assert asked(site, "/api/v1/history", run="a", lang="zh")["error"] == empty.zh


# A page of the list.


def test_runs_are_found_and_grouped_by_labels_ordered_by_metrics_and_pinned(site: Site) -> None:
    """Labels are searched as names are; groups stand together, no value is behind all, pins come first."""
    losses = {"a": 3.0, "b": 1.0, "c": 2.0, "d": float("nan")}
    teams = {"a": "vision", "b": "text", "c": "vision"}
    site.fleet.remove(RUN.run)
    for run, loss in losses.items():
        labels = {"team": teams[run], "cluster": "west"} if run in teams else {}
        site.fleet.publish(replace(RUN, run=run, labels=labels, samples={LISTED["loss"]: loss}))
    assert listed(site, search="team=vision") == ["a", "c"]
    assert listed(site, search="TEXT west") == ["b"]
    assert listed(site, sort="loss") == ["b", "c", "a", "d"]
    assert listed(site, sort="loss", order="desc") == ["a", "c", "b", "d"]
    assert listed(site, sort="loss", group="team") == ["b", "c", "a", "d"]
    assert listed(site, sort="loss", group="team", order="desc") == ["b", "a", "c", "d"]
    assert listed(site, search="vision", pin="b") == ["b", "a", "c"]
    assert listed(site, pin="no such run", group="no such label", sort="name") == ["a", "b", "c", "d"]
    assert asked(site, "/api/v1/run", run="a")["labels"] == {"team": "vision", "cluster": "west"}


def test_labels_of_the_settings_are_told_of_a_run(site: Site, tmp_path: Path) -> None:
    """Those of all runs, and those of rules for some."""
    append(tmp_path / "a/logging.jsonl", swift(1))
    settings = Configured(paths=(str(tmp_path),), ignore_older=None, labels={"team": "vision"})
    for watcher in Watchers(settings, site.fleet, site.telemetry).all:
        search_and_read(watcher, NOW, NOW)
    assert asked(site, "/api/v1/list", search="a")["runs"][0]["labels"] == {"team": "vision"}


def test_a_row_of_the_list(site: Site) -> None:
    """A run tells how it is, how far, how long it will take, what is worst and how its reward went."""
    line = Sparkline()
    show(line, training(*({c.REWARD: value} for value in (0.1, 0.25))))
    pace = {series(c.RECENT_SECONDS_PER_STEP): 2.0, LISTED["loss"]: 0.5}
    worse = replace(
        RUN,
        labels={"team": "vision"},
        health=Health.BROKEN,
        verdict=Health.BROKEN,
        episodes=(KL_SPIKE,),
        samples=pace,
    )
    site.fleet.publish(worse, sparkline=line)
    page = asked(site, "/api/v1/list", lang="zh")
    assert page["runs"] == [
        {
            "run": "qwen/v1",
            "health": "broken",
            "verdict": "broken",
            "state": "running",
            "profile": "grpo",
            "last_step": 50,
            "max_steps": 200,
            "step_is_record": False,
            "progress": 0.25,
            "remaining_seconds": 300.0,
            "last_record_timestamp": NOW - 90,
            "labels": {"team": "vision"},
            "note": "",
            "metrics": {"loss": 0.5},
            "signal": {"name": "kl_spike", "severity": "critical", "title": "KL 尖峰"},
            "earlier": None,
            "sparkline": {"metric": "reward", "values": [0.1, 0.25]},
        }
    ]
    assert (page["total"], page["matching"], page["offset"]) == (1, 1, 0)
    assert page["counts"]["health"] == {"healthy": 0, "watch": 0, "broken": 1}


def test_what_is_over_is_told_as_such(site: Site) -> None:
    """A run that has recovered says what it was that had been wrong; a silent one that it is stalled."""
    site.fleet.publish(replace(RUN, verdict=Health.BROKEN, episodes=(KL_SPIKE._replace(active=False),)))
    (row,) = asked(site, "/api/v1/list")["runs"]
    assert (row["signal"], row["earlier"]) == (None, "KL spike")
    site.fleet.publish(replace(RUN, state=State.STALLED, health=Health.WATCH))
    (row,) = asked(site, "/api/v1/list")["runs"]
    assert (row["signal"]["name"], row["signal"]["severity"]) == ("stalled", "warning")


KL_SPIKE = Episode(
    "kl_spike",
    Severity.CRITICAL,
    10,
    20,
    5,
    3.0,
    12,
    0.2,
    series(c.KL, ("split", "train")),
    0.1,
    10,
    True,
)


def many(site: Site) -> None:
    """Runs of all kinds."""
    kinds = [
        ("a", Health.HEALTHY, State.RUNNING, "grpo", 10),
        ("b", Health.BROKEN, State.FAILED, "sft", 20),
        ("C", Health.BROKEN, State.RUNNING, "grpo", None),
        ("d", Health.WATCH, State.FINISHED, "sft", 200),
    ]
    site.fleet.remove(RUN.run)
    for name, health, state, profile, step in kinds:
        site.fleet.publish(
            replace(RUN, run=f"team/{name}", health=health, state=state, profile=profile, last_step=step)
        )


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, "C b d a"),
        ({"order": "desc"}, "a d b C"),
        ({"sort": "name"}, "C a b d"),
        ({"sort": "progress"}, "a b d C"),
        ({"sort": "progress", "order": "desc"}, "d b a C"),
        ({"sort": "nonsense"}, "C b d a"),
        ({"health": "broken"}, "C b"),
        ({"health": "broken,watch", "state": "failed,finished"}, "b d"),
        ({"profile": "grpo", "sort": "name"}, "C a"),
        ({"search": "TEAM/c"}, "C"),
        ({"search": "c am"}, "C"),
        ({"search": "nothing"}, ""),
        ({"state": "nonsense"}, ""),
        ({"limit": "2", "offset": "2"}, "d a"),
        ({"limit": "3", "offset": "99"}, "a"),
        ({"limit": "-1", "offset": "x"}, "C b d a"),
        ({"limit": "0"}, "C"),
    ],
)
def test_the_list_is_searched_filtered_sorted_and_cut(
    site: Site, parameters: dict[str, str], names: str
) -> None:
    """Trouble comes first; what a run does not know puts it last; what makes no sense is ignored."""
    many(site)
    assert [run.removeprefix("team/") for run in listed(site, **parameters)] == names.split()


def test_counts_are_of_all_runs(site: Site) -> None:
    """The numbers beside the filters do not depend on the filters."""
    many(site)
    page = asked(site, "/api/v1/list", health="watch")
    assert (page["total"], page["matching"]) == (4, 1)
    assert page["counts"]["state"] == {"waiting": 0, "running": 2, "stalled": 0, "finished": 1, "failed": 1}
    assert page["counts"]["profile"] == {"grpo": 2, "sft": 2}


def test_questions_are_read_with_care() -> None:
    """Numbers stay within bounds, and a search stays short."""
    assert query([]) == ListQuery(limit=PAGE)
    assert query([("limit", "9999"), ("offset", "9" * 50)]) == ListQuery(limit=LONGEST_PAGE)
    assert len(query([("search", "x" * 999)]).search) == 200


def test_the_list_is_looked_through_once_a_second_at_most(site: Site) -> None:
    """A change shows within a second; until then all who ask share one answer."""
    seconds = [0.0]
    listing, made = Listing(site.fleet, lambda: seconds[0]), []

    def answer() -> bytes:
        return listing.answer(ListQuery(), "steps", write)

    def write(found: ListSlice) -> bytes:
        made.append(found)
        return str([shown.snapshot.last_step for shown in found.runs]).encode()

    assert [answer(), answer()] == [b"[50]"] * 2
    site.fleet.publish(replace(RUN, last_step=51))
    seconds[0] = 0.9
    assert answer() == b"[50]"
    seconds[0] = 1.0
    assert answer() == b"[51]"
    assert len(made) == 2


# The sparkline.


def training(*rows: dict[Any, float]) -> list[Record]:
    """Training records of these metrics."""
    return [Record(RowKind.TRAIN, None, None, layout_of(tuple(row)), tuple(row.values())) for row in rows]


def show(line: Sparkline, records: Iterable[Record]) -> None:
    """Let the line of a run see records."""
    for record in records:
        line.note(record, None)


def layout_of(metrics: tuple[Any, ...]) -> Layout:
    """A layout with one column for each metric."""
    columns = tuple(series(metric) for metric in metrics)
    return Layout(RowKind.TRAIN, columns, {metric: at for at, metric in enumerate(metrics)}, ())


def test_a_sparkline_keeps_its_shape_in_few_points() -> None:
    """However long the run, the line has at most 32 points, from its first record to its last ones."""
    line = Sparkline()
    show(line, training(*({c.LOSS: float(number)} for number in range(10_000))))
    values = line.values.tolist()
    assert POINTS / 2 <= len(values) < POINTS
    assert values == sorted(values)
    assert values[0] < 500
    assert values[-1] > 9000


def test_a_sparkline_shows_rewards_where_there_are_some() -> None:
    """The loss says little of a run with rewards; numbers that are none, or too large, are left out."""
    line = Sparkline()
    show(line, training({c.LOSS: 9.0}))
    assert (line.metric, line.values.tolist()) == ("loss", [9.0])
    rewards = [0.5, float("nan"), float("inf"), 1e300, 1.0]
    show(line, training(*({c.LOSS: 9.0, c.REWARD: reward} for reward in rewards)))
    assert (line.metric, line.values.tolist()) == ("reward", [0.5, 1.0])


# One run in words.


def test_a_run_in_words(site: Site) -> None:
    """The numbers that `check` prints, and the story of the run in the language that was asked for."""
    watched(site, BUNDLED)
    answer = asked(site, "/api/v1/run", run="collapse", lang="zh")
    assert (answer["run"], answer["health"], answer["story"]["lang"]) == ("collapse", "broken", "zh")
    assert answer["story"]["title"] == "policy 崩溃"
    snapshot = site.fleet.get("collapse")
    assert snapshot is not None
    told = run_story(site.fleet.with_samples(snapshot), Lang.ZH)
    assert answer["story"] == orjson.loads(orjson.dumps(to_object(told)))
    (table,) = blocks_of(told.sections, Part.METRICS)
    assert isinstance(table, Table)
    row = next(at for at, cells in enumerate(table.rows) if cells[0] == ("kl",))
    assert table.rows[row] == (("kl",), ("3.022",), ("平时 0.01",), (Mark("critical", "严重"),))
    assert "reference model" in plain(table.notes[row])
    assert "--beta 0.1" in str(blocks_of(told.sections, Part.FLAGS))


def test_the_last_values_survive_a_scrape(site: Site) -> None:
    """What is kept as text alone is read back exactly, whatever labels and values look like."""
    odd = {
        LOSS: float("nan"),
        Series(c.STEP): float("inf"),
        series(c.OTHER, ("key", 'a",b="c\\n'), ("split", "train")): -0.1,
        series(c.REWARD_FUNCTION_MEAN, ("function", "线\n}"), ("split", "train")): 1e-300,
        series(METRICS[-1]): 3.0,
    }
    for number in range(300):
        site.fleet.publish(replace(RUN, run=f"{number}", samples=odd))
    before = site.exposition.samples("280")
    site.get("/metrics")
    after = site.exposition.samples("280")
    for read in (before, after):
        assert {(one.metric, str(value)) for one, value in read.items()} == {
            (one.metric, str(value)) for one, value in odd.items()
        }
    assert series(c.OTHER, ("key", 'a",b="c\\n'), ("split", "train")) in after
    assert site.exposition.samples("nothing") == {}


def test_an_odd_name_is_found_by_what_stands_in_its_label(site: Site) -> None:
    """A run whose name cannot be shown is asked for by the name that is shown, until it is gone."""
    name = "a\udcff\n" + "x" * 300
    site.fleet.publish(replace(RUN, run=name))
    shown = label_value(name)
    assert shown in listed(site)
    assert asked(site, "/api/v1/run", run=shown)["run"] == shown
    site.fleet.remove(name)
    assert site.get("/api/v1/run", params={"run": shown}).status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/run", "/api/v1/history"])
def test_a_run_that_is_not_there(site: Site, path: str) -> None:
    """404 names what was asked for, printably."""
    answer = site.get(path, params={"run": "no\u202esuch"})
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no run 'no\ufffdsuch'"})
    assert site.get(path).status_code == 404


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", Lang.EN),
        ("zh-CN,zh;q=0.9,en;q=0.8", Lang.ZH),
        ("en-US,en;q=0.9,zh;q=0.8", Lang.EN),
        ("fr, zh-Hant;q=0.3", Lang.ZH),
        ("fr", Lang.EN),
        ("en;q=0, zh;q=0.1", Lang.ZH),
        ("zh;q=0", Lang.EN),
        ("zh;q=nonsense,,;;", Lang.EN),
    ],
)
def test_the_language_that_a_client_prefers(header: str, lang: Lang) -> None:
    """The first of our languages by the client's own order, else English."""
    assert preferred(header) is lang


# One run with its history.


def test_what_a_run_can_be_drawn_over(site: Site, tmp_path: Path) -> None:
    """What its log counts beside steps, and the name of the series that does."""
    append(tmp_path / "a/logging.jsonl", *(swift(step) for step in range(1, 9)))
    append(
        tmp_path / "b/logging.jsonl", *(swift(step, epoch=step, num_tokens=9 * step) for step in range(1, 9))
    )
    watched(site, tmp_path)
    assert asked(site, "/api/v1/history", run="a")["axes"] == {}
    assert asked(site, "/api/v1/history", run="b")["axes"] == {"epoch": "epoch", "tokens": "tokens"}


def test_a_run_with_its_history(site: Site, tmp_path: Path) -> None:
    """Every value by step as the log has it, evaluations beside it, and the charts in their groups."""
    rows = [swift(step, reward=step / 10, **{"completions/mean_length": 100}) for step in range(1, 31)]
    append(tmp_path / "a/logging.jsonl", *rows, swift_eval(30))
    watched(site, tmp_path)
    history = asked(site, "/api/v1/history", run="a")
    assert (history["run"], history["records"], history["exact"]) == ("a", 30, True)
    assert history["steps"] == list(range(1, 31))
    reward = next(one for one in history["series"] if one["name"] == "reward")
    assert reward["values"] == [step / 10 for step in range(1, 31)]
    assert (reward["metric"], reward["labels"]) == ("llmtrain_reward", {"split": "train"})
    assert history["evaluations"]["steps"] == [30]
    groups = {group["group"]: group for group in history["groups"]}
    assert list(groups) == ["optimisation", "reward", "length", "progress"]
    charts = groups["optimisation"]["charts"]
    assert [chart["series"] for chart in charts] == [["loss", "loss (eval)"], ["grad_norm"]]
    assert groups["progress"]["folded"] is True
    assert asked(site, "/api/v1/history", run="a", lang="zh")["groups"][1]["title"] == "奖励"


def test_a_part_of_a_history(site: Site, tmp_path: Path) -> None:
    """Points and borders can be chosen; what is no number is as if it were not there."""
    append(tmp_path / "a/logging.jsonl", *(swift(step) for step in range(1, 501)))
    watched(site, tmp_path)
    part = asked(site, "/api/v1/history", run="a", **{"from": "100", "to": "120.5"})
    assert part["steps"] == list(range(100, 121))
    few = asked(site, "/api/v1/history", run="a", points=1)
    assert few["exact"] is False
    assert len(few["steps"]) < 500
    assert (
        asked(site, "/api/v1/history", run="a", points="x", **{"from": "nan", "to": "1e999"})["exact"] is True
    )


def test_a_history_is_as_fresh_as_its_log(site: Site, tmp_path: Path) -> None:
    """Asked again, an unchanged log is not read; one that has grown is."""
    log = append(tmp_path / "a/logging.jsonl", *(swift(step) for step in range(1, 5)))
    watched(site, tmp_path)
    first = site.get("/api/v1/history", params={"run": "a"})
    known = {"If-None-Match": first.headers["ETag"]}
    assert site.get("/api/v1/history", params={"run": "a"}, headers=known).status_code == 304
    append(log, swift(5))
    again = site.get("/api/v1/history", params={"run": "a"}, headers=known)
    assert (again.status_code, again.json()["records"]) == (200, 5)


def test_a_log_that_has_gone_is_told(site: Site, tmp_path: Path) -> None:
    """A run whose log was deleted still has its last state, and its history says why there is none."""
    append(tmp_path / "a/logging.jsonl", swift(1))
    watched(site, tmp_path)
    shutil.rmtree(tmp_path / "a")
    answer = site.get("/api/v1/history", params={"run": "a"})
    assert answer.status_code == 404
    assert "No such file" in answer.json()["error"]
    assert site.get("/api/v1/run", params={"run": "a"}).status_code == 200


def test_readers_of_long_logs_hold_nobody_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait for histories, scrapes and all other answers have threads of their own."""
    append(tmp_path / "a/logging.jsonl", swift(1))
    watched(site, tmp_path)
    going_on = threading.Event()
    monkeypatch.setattr(
        Histories, "answer", lambda *_: going_on.wait(HANGS_SECONDS) and NoRun("a", NoRunReason.EMPTY)
    )
    with ThreadPoolExecutor(60) as crowd:
        waiting = [crowd.submit(site.get, "/api/v1/history", params={"run": "a"}) for _ in range(60)]
        assert site.get("/metrics").status_code == 200
        assert site.get("/api/v1/list").status_code == 200
        assert not any(answer.done() for answer in waiting)
        going_on.set()
        assert {answer.result().status_code for answer in waiting} == {404}


def test_few_histories_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those asked for last stay, the large and the old ones go; no log is read twice for nothing."""
    for name in "abc":
        append(tmp_path / name / "logging.jsonl", *(swift(step) for step in range(1, 20)))
    found = {run.run: run for run in discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW).found}
    read: list[str] = []

    class Counted(RecordedLog):
        def __init__(self, log: Found, *rest: Any) -> None:
            read.append(log.run)
            super().__init__(log, *rest)

    monkeypatch.setattr(histories, "RecordedLog", Counted)
    monkeypatch.setattr(histories, "MOST_RUNS", 2)
    seconds = [0.0]
    kept = Histories(Configured(), lambda: NOW, lambda: seconds[0])
    for name in "aabacab":
        kept.answer(found[name], "", last_step)
    assert "".join(read) == "abcb"
    seconds[0] = histories.KEPT_SECONDS + 1
    kept.answer(found["c"], "", last_step)
    kept.answer(found["b"], "", last_step)
    assert "".join(read) == "abcbcb"
    monkeypatch.setattr(histories, "MOST_VALUES", 1)
    kept.answer(found["b"], "", last_step)
    kept.answer(found["c"], "", last_step)
    kept.answer(found["c"], "", last_step)
    assert "".join(read) == "abcbcbc"


def last_step(history: History) -> bytes:
    """The last step of a history, as an answer."""
    return b"%d" % history.train.steps[-1]


def test_a_log_that_grows_is_read_on(tmp_path: Path) -> None:
    """Of a history that somebody looks on at only the new lines are read, and a rewritten log begins anew."""
    log = append(tmp_path / "logging.jsonl", *(swift(step) for step in range(1, 20)))
    found = discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW).found[0]
    seen: list[History] = []

    def tell(history: History) -> bytes:
        seen.append(history)
        return last_step(history)

    kept = Histories(Configured(), lambda: NOW, lambda: 0.0)
    assert kept.answer(found, "", tell) == b"19"
    folded = kept._open[found.path].log.recorder
    append(log, swift(20), swift(21))
    assert kept.answer(found, "", tell) == b"21"
    assert kept._open[found.path].log.recorder is folded
    assert [len(history.train) for history in seen] == [21, 21]  # the same one, grown
    log.unlink()
    append(log, swift(7))
    assert kept.answer(found, "", tell) == b"7"
    assert seen[-1].run.records[RowKind.TRAIN] == 1


def test_many_who_look_at_a_run_share_an_answer(tmp_path: Path) -> None:
    """An answer is made once for as long as the log stays as it is, and for each question of its own."""
    log = append(tmp_path / "logging.jsonl", swift(1))
    found = discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW).found[0]
    made: list[int] = []

    def tell(history: History) -> bytes:
        made.append(len(history.train))
        return b"x" * histories.MOST_ANSWERED if len(made) == 4 else b"x"

    kept = Histories(Configured(), lambda: NOW, lambda: 0.0)
    for what in ("one", "other", "one", "other"):
        kept.answer(found, what, tell)
    assert made == [1, 1]
    append(log, swift(2))
    for what in ("one", "large", "one", "one"):
        kept.answer(found, what, tell)
    assert made == [1, 1, 2, 2, 2]


def test_a_log_that_could_not_be_read_is_looked_at_again(tmp_path: Path) -> None:
    """What kept a log from being read may be over without a change of the log."""
    append(tmp_path / "logging.jsonl", swift(1))
    found = discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW).found[0]
    seconds = [0.0]
    kept = Histories(Configured(), lambda: NOW, lambda: seconds[0])
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(follow, "open_regular", refuse)
        assert isinstance(kept.answer(found, "", last_step), NoRun)
    seconds[0] = 1.0
    assert kept.answer(found, "", last_step) == b"1"


def refuse(path: str) -> None:
    """A file that cannot be opened by now."""
    raise PermissionError(errno.EACCES, "Permission denied", path)


def test_an_answer_of_another_process_is_not_known(site: Site, tmp_path: Path) -> None:
    """A browser's copy of a history from before a restart, with other limits perhaps, is fetched anew."""
    append(tmp_path / "a/logging.jsonl", swift(1))
    known = {"If-None-Match": site_tag(watched(site, tmp_path))}
    assert site.get("/api/v1/history", params={"run": "a"}, headers=known).status_code == 304
    with running(Site(now=NOW + 1)) as restarted:
        watched(restarted, tmp_path)
        assert restarted.get("/api/v1/history", params={"run": "a"}, headers=known).status_code == 200


def site_tag(site: Site) -> str:
    """The entity tag of the history of run a."""
    return site.get("/api/v1/history", params={"run": "a"}).headers["ETag"]
