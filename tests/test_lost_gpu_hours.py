"""GPU hours that incidents have cost: how many, where they are told, and that nothing is told of a guess."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.analyse.diagnosis import lost_gpu_hours
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.signals.collapse import INCIDENT_QUIET
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import HyperParameters, Snapshot, series
from llmtrain_exporter.notify.card import PlainText, body_text
from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.publish.report.document import document
from llmtrain_exporter.story.blocks import plain
from llmtrain_exporter.story.lost import lost_line
from llmtrain_exporter.story.run_object import full_object, run_object
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.write.style import Style

from tests import test_relay_cards, test_report
from tests.analysing import changed, grpo
from tests.relaying import alert
from tests.serving import NOW, Site, running
from tests.test_run import folded, snapshot
from tests.test_run import records as records_of
from tests.training import append

PACE, GPUS, ONSET = 41, 8, 31
EIGHT = {"global_world_size": GPUS}
SENTENCE = {
    Lang.EN: "GPU hours lost since step 31: about 2.6 (8 GPUs, 41 s a step)",
    Lang.ZH: "自第 31 步起损失约 2.6 GPU 小时（8 张 GPU，每步 41 秒）",
}
LAST = 59
"""28 steps after the onset: 28 * 41 s * 8 = 2.55 h."""

Row = dict[str, object]


def broken(last: int, healthy_from: int | None = None) -> list[Row]:
    """Rows of a run whose KL leaves its bounds at the onset, up to a step."""
    end = last if healthy_from is None else healthy_from - 1
    return changed(grpo(last), ONSET - 1, end, kl=12.0)


def timed(
    rows: Iterable[Row], first: int = 1, pace: float = PACE, pause: Mapping[int, int] = {}
) -> list[Row]:
    """The rows as those of one process: with their steps, and the seconds since it started."""
    placed, clock = [], 0.0
    for step, row in enumerate(rows, first):
        clock += pace + pause.get(step, 0)
        placed.append({**row, "global_step/max_steps": f"{step}/2000", "elapsed_time": f"{clock:.0f}s"})
    return placed


def run_of(rows: Iterable[Row], **arguments: float) -> Snapshot:
    """What is known of a run with these arguments."""
    numbers = arguments or {"global_world_size": float(GPUS)}
    return snapshot(folded(rows, settings=HyperParameters(numbers=numbers)))


def hours(steps: int, pace: float = PACE, gpus: int = GPUS) -> Any:
    """What so many steps take."""
    return pytest.approx(steps * pace * gpus / 3600)


def logged(folder: Path, rows: Iterable[Row], arguments: Mapping[str, object] | None) -> Path:
    """A folder as ms-swift leaves it."""
    append(folder / "logging.jsonl", *map(json.dumps, rows), modified=NOW)
    if arguments is not None:
        append(folder / "args.json", json.dumps({"rlhf_type": "grpo", **arguments}))
    return folder


def read(folder: Path) -> Snapshot:
    """The run in a folder."""
    rules = RunRules(Settings(stdout_log=("*.log",)), RunOptions())
    (run,) = read_each(read_log, [str(folder)], rules, NOW)
    assert isinstance(run, Snapshot)
    return run


# How many


@pytest.mark.parametrize("last", [ONSET, ONSET + 1, LAST])
def test_steps_since_the_onset_count_by_pace_and_gpus(last: int) -> None:
    """While it runs, and where it ended: to the newest record."""
    rows = timed(broken(last))
    assert lost_gpu_hours(run_of(rows)) == hours(last - ONSET)
    assert lost_gpu_hours(run_of(rows, global_world_size=1.0)) == hours(last - ONSET, gpus=1)


def test_a_healthy_run_has_lost_nothing() -> None:
    """0 in JSON and metric, and no word of it."""
    run = run_of(timed(grpo(LAST)))
    assert (lost_gpu_hours(run), run.samples[series(m.LOST_GPU_TIME)]) == (0, 0)
    assert lost_line(run, Lang.EN) == ()


def test_a_run_that_recovered_has_lost_what_lies_between() -> None:
    """To the first record without a sign; what is trained after that is of use."""
    run = run_of(timed(broken(ONSET + 12 + 2 * INCIDENT_QUIET, healthy_from=ONSET + 12)))
    assert run.incidents[-1].recovery_step == ONSET + 12
    assert lost_gpu_hours(run) == hours(12)
    assert (
        plain(lost_line(run, Lang.EN)) == "GPU hours lost until it was over: about 1.1 (8 GPUs, 41 s a step)"
    )


def test_what_a_resume_does_again_was_lost() -> None:
    """To the last step before it, however far back it goes; and what breaks afterwards adds to it."""
    before = timed(broken(50))
    again = timed(grpo(60), first=ONSET - 10)
    run = run_of([*before, *again])
    assert run.incidents[-1].recovery_step == ONSET - 10
    assert lost_gpu_hours(run) == hours(50 - ONSET)
    second = timed(changed(grpo(60), 40, 60, kl=12.0), first=ONSET - 10)
    run = run_of([*before, *second])
    onset, last = run.incidents[-1].onset_step, run.last_step or 0
    assert (onset, last) == (ONSET + 30, ONSET + 49)
    assert lost_gpu_hours(run) == hours(50 - ONSET + last - onset)
    assert plain(lost_line(run, Lang.EN)).startswith("GPU hours lost in all incidents: about 3.5 (")


def test_the_first_record_after_a_resume_has_the_pace_from_before() -> None:
    """What is lost does not become unknown with it."""
    run = run_of([*timed(broken(50)), *timed(grpo(1), first=ONSET)])
    assert run.samples[series(c.RECENT_SECONDS_PER_STEP)] == PACE
    assert lost_gpu_hours(run) == hours(50 - ONSET)


def test_a_pause_makes_no_step_slower() -> None:
    """A machine that slept for a night, and a checkpoint that took minutes to write, are not its pace."""
    run = run_of(timed(broken(LAST), pause={LAST - 5: 36_000, LAST - 2: 900}))
    assert run.samples[series(c.RECENT_SECONDS_PER_STEP)] == PACE
    assert lost_gpu_hours(run) == hours(LAST - ONSET)


def test_steps_count_and_not_rows() -> None:
    """One row for ten steps."""
    rows = [
        {**row, "global_step/max_steps": f"{10 * at}/2000"} for at, row in enumerate(timed(broken(LAST)), 1)
    ]
    assert lost_gpu_hours(run_of(rows)) == hours(10 * (LAST - ONSET), pace=PACE / 10)


def test_rows_that_arrive_at_once_tell_no_pace_among_them() -> None:
    """A log without a clock that is read later has one time; from then on each row has its own."""
    run = folded([], settings=HyperParameters(numbers={"global_world_size": 8.0}))
    rows = [{**row, "global_step/max_steps": f"{step}/2000"} for step, row in enumerate(broken(LAST), 1)]
    records = list(records_of(rows))
    for record in records[:-2]:
        run.fold(record, NOW)
    assert lost_gpu_hours(snapshot(run)) is None
    for place, record in enumerate(records[-2:], 1):
        run.fold(record, NOW + place * PACE)
        assert lost_gpu_hours(snapshot(run)) == hours(LAST - 2 + place - ONSET)


# Unknown


@pytest.mark.parametrize(
    "arguments",
    [
        None,
        {},
        {"global_world_size": None},
        {"global_world_size": "8"},
        {"global_world_size": 0},
        {"global_world_size": -1},
        {"global_world_size": 1e308},
        {"global_world_size": 8, "use_cpu": True},
        {"global_world_size": 8, "no_cuda": True},
    ],
)
def test_gpus_that_are_not_known_are_not_guessed(arguments: Any, tmp_path: Path) -> None:
    """Neither number nor word of it, in any place."""
    run = read(logged(tmp_path / "run", timed(broken(LAST)), arguments))
    assert run.incidents
    told: Any = run_object(run)["diagnosis"]
    assert told["lost_gpu_hours"] is None
    assert series(m.LOST_GPU_TIME) not in run.samples
    assert [lost_line(run, lang) for lang in Lang] == [(), ()]


def test_a_log_without_a_clock_has_no_pace(tmp_path: Path) -> None:
    """One that is read later, all at once."""
    rows = [{**row, "global_step/max_steps": f"{step}/2000"} for step, row in enumerate(broken(LAST), 1)]
    run = read(logged(tmp_path / "run", rows, EIGHT))
    told: Any = run_object(run)["diagnosis"]
    assert told["lost_gpu_hours"] is None
    assert series(m.LOST_GPU_TIME) not in run.samples
    assert lost_line(run, Lang.EN) == ()


def test_seconds_are_not_worth_a_sentence() -> None:
    """A tiny model's."""
    run = run_of(timed(broken(LAST), pace=1), global_world_size=1.0)
    assert lost_gpu_hours(run) == hours(LAST - ONSET, pace=1, gpus=1)
    assert lost_line(run, Lang.EN) == ()


# Where it is told


@pytest.fixture
def run(tmp_path: Path) -> Snapshot:
    """A run that ended broken, of eight processes."""
    arguments = {**EIGHT, "use_cpu": False, "no_cuda": None}
    return read(logged(tmp_path / "run", timed(broken(LAST)), arguments))


@pytest.mark.parametrize("lang", Lang)
def test_check_page_and_metric_tell_it(run: Snapshot, lang: Lang) -> None:
    """The same sentence; JSON and metric the number."""
    assert plain(lost_line(run, lang)) == SENTENCE[lang]
    told = "".join(as_text([run], [], Style(lang, 120), verbose=False))
    assert SENTENCE[lang] in told
    assert len(told.splitlines()) <= 50
    with running(Site()) as site:
        site.fleet.ready = True
        site.fleet.publish(run)
        assert SENTENCE[lang] in site.get(f"/run?run={run.run}&lang={lang.value}").text
        assert f'llmtrain_lost_gpu_seconds{{run="{run.run}"}} {28 * 41 * 8}' in site.get("/metrics").text


@pytest.mark.parametrize("lang", Lang)
def test_the_report_tells_it(run: Snapshot, lang: Lang) -> None:
    """Among what it says in short."""
    whole = document(test_report.materials(Path(run.file).parent), [], lang)
    assert SENTENCE[lang] in test_report.plain(test_report.as_markdown(whole))


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("firing", [True, False])
def test_the_card_tells_it(run: Snapshot, lang: Lang, firing: bool) -> None:
    """While it fires, and when it is over."""
    answer: Any = full_object(run, lang)
    card = test_relay_cards.card(alert(run=run.run, firing=firing), said=answer, lang=lang)
    assert SENTENCE[lang] in body_text(card, PlainText())


def test_records_are_called_so_where_nothing_tells_steps(run: Snapshot) -> None:
    """Their pace as well."""
    line = lost_line(replace(run, step_is_record=True), Lang.EN)
    assert plain(line) == "GPU hours lost since record 31: about 2.6 (8 GPUs, 41 s a record)"
    line = lost_line(replace(run, step_is_record=True), Lang.ZH)
    assert plain(line) == "自第 31 条记录起损失约 2.6 GPU 小时（8 张 GPU，每条记录 41 秒）"
