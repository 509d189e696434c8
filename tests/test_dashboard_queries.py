"""What each query of each dashboard answers on a real Prometheus that has seen real runs being written."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.knowledge.catalogue import METRICS
from llmtrain_exporter.knowledge.jobs import HISTORY_JOB
from llmtrain_exporter.knowledge.log_keys import keys_of
from llmtrain_exporter.knowledge.metric import Key, Unit
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.telemetry import RelayTelemetry

from tests import dashboard_rules as rules
from tests import promql
from tests.conftest import ROOT
from tests.servers import ExporterProcess, Prometheus, eventually
from tests.training import append

RULES = ROOT / "alerts/rules"
ENGLISH = rules.load(Lang.EN)  # the Chinese ones ask the same

VARIABLES = {
    "job": ".+",
    "instance": ".+",
    "profile": ".+",
    "exporter": "http://localhost:9848",
    "history": HISTORY_JOB,
    "source": "llmtrain",  # there is no history here
    "__rate_interval": "12s",
    "__interval": "2s",
    "__range": "5m",
}
STEP = 2  # seconds
RUNS_OF = {
    "llmtrain-grpo": ("grpo/collapse", "grpo/healthy", "grpo/older", "every/key"),
    "llmtrain-sft": (
        "sft/healthy",
        "sft/overfit",
        "sft/nan",
        "sft/resumed",
        "sft/printed/stdout",
        "every/key",
    ),
    "llmtrain-preference": ("dpo/pairs", "every/key"),
    "llmtrain-fleet": (".+",),
    "llmtrain-compare": ("grpo/collapse|grpo/healthy|sft/healthy|sft/overfit|sft/resumed|dpo/pairs",),
    "llmtrain-exporter": ("",),
}
LOGS = {  # by the folder that they are written to, which names the run; a printed log adds its own name
    "grpo/collapse": "exporter/llmtrain_exporter/demo/collapse/logging.jsonl",
    "grpo/healthy": "exporter/llmtrain_exporter/demo/healthy/logging.jsonl",
    "sft/healthy": "tests/fixtures/swift-sft/logging.jsonl",
    "sft/nan": "tests/fixtures/swift-sft-nan/logging.jsonl",
    "sft/printed": "tests/fixtures/trl-sft-stdout/stdout.log",
    "dpo/pairs": "tests/fixtures/swift-dpo/logging.jsonl",
}
REAL_LOGS = {
    "sft/overfit": "public/llamafactory/hiyouga__LLaMA-Factory__glm2-2023-07-29-17-08-49/trainer_log.jsonl",
    "sft/resumed": "produced/swift310-sft-resume/output/logging.jsonl",
    "grpo/older": "produced/swift310-grpo/output/v0-20261120-102503/logging.jsonl",
}
PRINTED = "sft/printed"
"""Its text around the rows is no line that counts."""
GO_ON = ("grpo/healthy", "sft/resumed", "dpo/pairs")
"""The last third of their logs is never written, so that they go on."""
MAY_BE_EMPTY = {
    ("llmtrain-fleet", "Runs by state"): "none of these runs stalls or waits",
    ("llmtrain-grpo", "Records and skipped lines per minute"): "no line of these logs is skipped",
    ("llmtrain-preference", "Records and skipped lines per minute"): "no line of this log is skipped",
    ("llmtrain-exporter", "Cards by result"): "no relay is scraped here",
    ("llmtrain-exporter", "Messages that failed"): "no relay is scraped here",
    ("llmtrain-exporter", "Cards that wait"): "no relay is scraped here",
    ("llmtrain-exporter", "Time to deliver"): "no relay is scraped here",
    ("llmtrain-grpo", "annotation Resumes"): "none of these runs was resumed; SFT has one",
    ("llmtrain-preference", "annotation Resumes"): "the run was not resumed; SFT has one",
    ("llmtrain-preference", "annotation Incidents"): "the run is healthy; GRPO and SFT have some",
    ("llmtrain-preference", "annotation Critical signals"): "the run is healthy; GRPO and SFT have some",
    ("llmtrain-preference", "annotation Warnings"): "the run is healthy; GRPO and SFT have some",
    ("llmtrain-preference", "Signals over time"): "the run is healthy; GRPO and SFT have some",
    ("llmtrain-preference", "What to do, and why"): "the run is healthy; GRPO and SFT have something",
    **{
        (uid, f"annotation {title}"): "no guard stands in these runs"
        for uid in ("llmtrain-grpo", "llmtrain-preference", "llmtrain-sft", "llmtrain-compare")
        for title in (
            *("Rescues by the guard", "Stops by the guard"),
            *("Changes by the guard", "Updates skipped by the guard"),
        )
    },
}
"""Where a query has nothing to show after these replays, and why."""

ALWAYS = {"job", "instance"}
GIVEN_BY_PROMETHEUS: dict[str, set[str]] = {
    "up": set(),
    "scrape_duration_seconds": set(),
    "ALERTS": {"alertname", "alertstate", "severity", "run", "signal"},
    "ALERTS_FOR_STATE": {"alertname", "severity", "run"},
}


@dataclass(frozen=True)
class Asked:
    """A query as it is sent: of which panel, variable or annotation, and for one moment or many."""

    where: str
    place: int  # among the queries there
    query: str
    instant: bool


@dataclass(frozen=True)
class Stand:
    """Servers that have seen the replays, between two unix times."""

    exporter: ExporterProcess
    prometheus: Prometheus
    began: float
    ended: float

    def answer(self, asked: Asked) -> list[dict[str, Any]]:
        """The series that have a number to show."""
        if asked.instant:
            found = self.prometheus.query(asked.query)
            return [one for one in found if any(value != "NaN" for _, value in samples_of(one))]
        start = self.ended - STEP * ceil((self.ended - self.began) / STEP)  # so that the end is a step too
        found = self.prometheus.query_range(asked.query, start, self.ended, f"{STEP}s")
        return [one for one in found if any(value != "NaN" for _, value in one["values"])]


def samples_of(series: dict[str, Any]) -> list[tuple[float, str]]:
    """The samples of a vector's or a matrix' series."""
    return series["values"] if "values" in series else [series["value"]]


@pytest.fixture(scope="module", params=["prometheus", "prometheus3"])
def stand(
    corpus: Path,
    real_tool: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Stand]:
    """An exporter and a Prometheus with the shipped rules, which have seen all runs being written."""
    binary = real_tool(request.param)
    watched = tmp_path_factory.mktemp("watched")
    logs = {run: ROOT / log for run, log in LOGS.items()}
    logs |= {run: corpus / log for run, log in REAL_LOGS.items()}
    logs["every/key"] = every_key(tmp_path_factory.mktemp("every_key"))
    append(watched / "old/logging.jsonl", "{}", modified=time.time() - 1e8)
    began = time.time()
    with ExporterProcess([watched, "--scan-interval", "1s", "--stdout-log", "*.log"]) as exporter:
        folder = tmp_path_factory.mktemp("prometheus")
        files = sorted(RULES.glob("*.yml"))
        assert files, f"no rules in {RULES}"
        with Prometheus(folder, exporter.address, binary=binary, rule_files=files) as prometheus:
            write(logs, watched, lambda lines: see(prometheus, lines))
            eventually(lambda: prometheus.query('ALERTS{alertstate="firing"}'))
            eventually(lambda: prometheus.query('instance_state:llmtrain_runs:count{state="failed"}'))
            eventually(lambda: len(prometheus.query("instance_health:llmtrain_runs:count")) == 3)
            yield Stand(exporter, prometheus, began, time.time())


def every_key(folder: Path) -> Path:
    """A log with one key of each metric, each in a row of its own: what some trainers alone write."""
    log = folder / "logging.jsonl"
    logged = [Key("nobody/knows"), *(keys[0] for metric in METRICS if (keys := keys_of(metric)))]
    for step, key in enumerate(logged, 1):
        place = {"global_step/max_steps": f"{step}/{len(logged)}"}
        beside = {"loss": 0.5, **dict.fromkeys(key.beside[:1], 0.5), **place}
        append(log, json.dumps({**beside, key.pattern.replace("{}", "x"): _cell(key)}))
    return log


def _cell(key: Key) -> str | float:
    return "5s" if key.unit is Unit.DURATION else 0.5


def write(logs: dict[str, Path], watched: Path, see: Callable[[dict[str, int]], object]) -> None:
    """The logs in portions; Prometheus has to `see` so many lines of each run before the next one comes."""
    rows = {run: log.read_text().splitlines() for run, log in logs.items()}
    for run, log in logs.items():
        if (log.parent / "args.json").is_file():
            (watched / run).mkdir(parents=True)
            shutil.copy(log.parent / "args.json", watched / run)
    lines = dict.fromkeys(rows, 0)
    for share in (0.1, 0.4, 0.7, 1.0):
        until = {run: int(len(all_) * min(share, 0.7 if run in GO_ON else 1.0)) for run, all_ in rows.items()}
        for run, log in logs.items():
            append(watched / run / log.name, *rows[run][lines[run] : until[run]])
        append(watched / "notes/printed.log", "nothing of a training")
        append(watched / "sft/nan/logging.jsonl", "not a row")
        lines = until
        see(lines)


def see(prometheus: Prometheus, lines: dict[str, int]) -> None:
    """Wait until Prometheus knows of so many lines of each run whose log counts them all."""
    counted = 'sum by (run) ({__name__=~"llmtrain_(records|skipped_lines)_total"})'

    def seen() -> bool:
        counts = {one["metric"]["run"]: float(one["value"][1]) for one in prometheus.query(counted)}
        return all(counts.get(run, 0) >= count for run, count in lines.items() if run != PRINTED)

    eventually(seen)


def asked(uid: str) -> list[Asked]:
    """All queries of a dashboard, once for each run that it is to show."""
    return list(chain.from_iterable(_asked(uid, VARIABLES | {"run": run}) for run in RUNS_OF[uid]))


def _asked(uid: str, values: dict[str, str]) -> Iterator[Asked]:
    board = ENGLISH[uid]
    for panel in rules.panels(board):
        for place, target in enumerate(rules.targets(panel)):
            query = promql.filled(target["expr"], values)
            yield Asked(panel["title"], place, query, bool(target.get("instant")))
    for variable in rules.template(board, "query"):
        inner = re.fullmatch(
            r"label_values\((.+), *\w+\)|query_result\((.+)\)", rules.variable_query(variable)
        )
        assert inner
        query = promql.filled(inner[1] or inner[2], values)
        yield Asked(f"variable {variable['name']}", 0, query, True)
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield Asked(
                f"annotation {annotation['name']}", 0, promql.filled(annotation["expr"], values), False
            )


def without_data(stand: Stand, questions: Iterable[Asked]) -> list[Asked]:
    """The queries that have nothing to show for any of the runs that they were asked for."""
    by_place: dict[tuple[str, int], list[Asked]] = {}
    for one in questions:
        by_place.setdefault((one.where, one.place), []).append(one)
    with ThreadPoolExecutor(4) as pool:
        shown = pool.map(lambda same: any(stand.answer(one) for one in same), by_place.values())
        return [same[0] for same, any_data in zip(by_place.values(), shown, strict=True) if not any_data]


@pytest.mark.parametrize("uid", sorted(ENGLISH))
def test_every_query_has_an_answer(stand: Stand, uid: str) -> None:
    """On a real Prometheus no query fails, and each has data but for those that may have none."""
    empty = without_data(stand, asked(uid))
    wrong = [f"{one.where}: {one.query}" for one in empty if (uid, one.where) not in MAY_BE_EMPTY]
    assert not wrong, "\n".join(["nothing to show in", *wrong])
    assert {one.where for one in empty} >= {where for dashboard, where in MAY_BE_EMPTY if dashboard == uid}


def test_the_fleet_names_the_worst_that_the_list_names(stand: Stand) -> None:
    """The table has the signal of each run that the exporter's own list has, and no other."""
    listed = stand.exporter.get("/api/v1/list").json()["runs"]
    own = {run["run"]: run["signal"]["name"] for run in listed if run["signal"]}
    table = next(panel for panel in rules.panels(ENGLISH["llmtrain-fleet"]) if panel["title"] == "All runs")
    queries = [promql.filled(one["expr"], VARIABLES | {"run": ".*"}) for one in table["targets"]]
    (asked,) = (query for query in queries if "llmtrain_run_headline" in query)
    found = {one["metric"]["run"]: one["metric"]["signal"] for one in stand.prometheus.query(asked)}
    assert len(set(own.values())) > 1
    assert found == own


def test_every_metric_and_label_exists(stand: Stand) -> None:
    """What queries select is exposed, recorded by a rule or given by Prometheus, with these very labels."""
    known = labels_by_metric(stand)
    every = {*arguments.TEXTS, *arguments.NUMBERS}.union(*known.values())
    for board in ENGLISH.values():
        for where, query in rules.queries(board):
            for selector in promql.selectors(query):
                assert selector.metric in known, f"{board['uid']}, {where}: {selector.metric}"
                used = {matcher.label for matcher in selector.matchers}
                assert used <= known[selector.metric], f"{board['uid']}, {where}: {selector}"
            grouped = promql.grouped_labels(query) - promql.made_labels(query)
            assert grouped <= every, f"{board['uid']}, {where}: {grouped - every}"


def labels_by_metric(stand: Stand) -> dict[str, set[str]]:
    """The labels of everything that a query can select."""
    known = {name: ALWAYS | labels for name, labels in GIVEN_BY_PROMETHEUS.items()}
    scrape = stand.exporter.get("/metrics", {"Accept": "text/plain"}).text
    for name, inside in re.findall(r"^([\w:]+)(?:\{(.*)\})? ", scrape + relay_scrape(), re.MULTILINE):
        known.setdefault(name, set(ALWAYS)).update(re.findall(r'(\w+)="', inside))
    for name in recorded():
        found = stand.prometheus.query(f"last_over_time({name}[10m])")
        known[name] = ALWAYS.union(*(one["metric"] for one in found))
    return known


def relay_scrape() -> str:
    """What a relay with one bot tells of itself after a card that was not taken."""
    telemetry = RelayTelemetry("0", ["bot"])
    telemetry.failed("bot", "refused")
    telemetry.watch("bot", lambda: 0.0, lambda: 1.0)
    return telemetry.render().decode()


def recorded() -> set[str]:
    """The names of all recording rules."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in RULES.glob("*.yml")]
    groups = chain.from_iterable(file["groups"] for file in files)
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
