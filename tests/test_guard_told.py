"""What a guard has done is told: in the story, as JSON, on charts, as metrics, whatever its file holds."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.guarded import guard_samples, rescue_of, stopped_at
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.draw.from_history import marks
from llmtrain_exporter.guard.guard_file import guard_path, write_guard_file
from llmtrain_exporter.guard.inside.rates import CannotBeChangedError
from llmtrain_exporter.guard.launch.past import PastRun, read_past
from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.ingest.guard_file import LONGEST, read_told
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import guard_metrics as g
from llmtrain_exporter.knowledge import guard_story_words as words
from llmtrain_exporter.knowledge import refusal_words, rescue_words, story_words
from llmtrain_exporter.knowledge.said_again import said_again
from llmtrain_exporter.knowledge.text import PATTERN, Lang, Text, fill
from llmtrain_exporter.model import Incident, Resume, Snapshot, State, series
from llmtrain_exporter.model.guarded import Attempt, GuardEvent, GuardFile, SettingChange, StopReason
from llmtrain_exporter.serve.pages.run_page import chart_marks
from llmtrain_exporter.story.blocks import Part, blocks_of, lines_in, plain
from llmtrain_exporter.story.events import ending, incident_line
from llmtrain_exporter.story.facts import fact_lines, remaining, settings_section, state_text
from llmtrain_exporter.story.news import news
from llmtrain_exporter.story.run_object import full_object, run_object
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.watching.observer import unobserved
from llmtrain_exporter.watching.on_demand import open_log, read_each, read_log, read_to_end
from llmtrain_exporter.watching.rules import RunRules

from tests.conftest import ROOT
from tests.serving import RUN

TIME = 1_700_000_000.0
COLLAPSE = "step 43: collapse (critical): kl = 12.5"
NEXT = (
    "Go back to a checkpoint from before step 36, from when reward and loss were still good, with --beta 0.1."
)
CHANGES = {"learning_rate": SettingChange(3e-3, 3e-4), "beta": SettingChange(None, 0.025)}

STOPPED = GuardFile("stopped", StopReason("collapse", "critical", 43, "kl", 12.5), NEXT).with_event(
    GuardEvent(TIME, 43, "stop", COLLAPSE, {"signal": "collapse", "metric": "kl"})
)
RESCUED = replace(
    STOPPED.with_event(
        GuardEvent(TIME + 5, 43, "rescue", "the training was stopped for an incident")
    ).with_event(GuardEvent(TIME + 60, 25, "go_on", "rescue 1", {"from_step": 25, "wasted_steps": 18})),
    state="watching",
    next="",
    attempts=(Attempt(1, 25, "/out/checkpoint-25", CHANGES, 18),),
)
GAVE_UP = replace(
    RESCUED.with_event(GuardEvent(TIME + 90, 31, "stop", "step 31: kl_high (critical): kl = nan")).with_event(
        GuardEvent(TIME + 99, 31, "give_up", "it broke again after the last of 2")
    ),
    state="gave_up",
    next="Look at the run with llmtrain-exporter report /out, and go on by hand from a good checkpoint.",
)
INCIDENT = Incident(36, 43, 26, (("kl", 36),), ("collapse",), False, True)
LASTING = INCIDENT._replace(recovery_step=None, active=True)
GUARDED = replace(
    RUN,
    last_step=60,
    max_steps=120,
    resumes=(Resume(43, 26),),
    incidents=(INCIDENT,),
    samples={**RUN.samples, series(c.GPUS): 8.0, series(c.RECENT_SECONDS_PER_STEP): 30.0},
    guard=RESCUED,
)


def told(run: Snapshot, lang: Lang = Lang.EN, part: Part = Part.GUARD) -> list[str]:
    """The lines of a part of a run's story."""
    return [plain(line) for line in lines_in(blocks_of(run_story(run, lang).sections, part))]


def test_what_a_rescue_in_vain_has_cost_is_counted_until_it_was_given_up() -> None:
    """It was trained until it broke again: that is wasted too, and not spared."""
    lines = told(replace(GUARDED, guard=GAVE_UP))
    assert "In all 24 steps trained in vain, about 1.6 GPU hours." in lines
    spared = (
        "Spared: the 89 steps planned after step 31 were not trained on a broken model, about 5.9 GPU hours."
    )
    assert spared in lines


def test_a_rescue_is_told_with_its_steps_settings_and_cost() -> None:
    """When it was stopped and why, from where it went on, with what, what that wasted and spared."""
    assert told(GUARDED) == [
        "step 43, 2023-11-14 22:13:20 UTC: stopped the training: Policy collapse (kl = 12.5)",
        "step 25, 2023-11-14 22:14:20 UTC: rescue 1: went on from step 25 (checkpoint-25)",
        "changed: learning_rate 0.003 -> 0.0003, beta ? -> 0.025",
        "18 steps trained in vain, about 1.2 GPU hours",
        "Spared: the 77 steps planned after step 43 were not trained on a broken model, about 5.1 GPU hours.",
    ]
    assert "guard: the training goes on after a rescue" in [
        plain(line) for line in fact_lines(GUARDED, Lang.EN)
    ]


@pytest.mark.parametrize("cut_off", [False, True])
def test_of_a_run_that_its_guard_has_stopped_nobody_asks_why_it_is_silent(cut_off: bool) -> None:
    """It neither hangs nor was it ended by who knows whom, however long ago."""
    silent = replace(
        GUARDED, state=State.STALLED, cut_off=cut_off, episodes=(), incidents=(), last_record=TIME
    )
    for guard, cause in ((STOPPED, None), (None, "cut_off" if cut_off else "hung_process")):
        run = replace(silent, guard=guard)
        found = diagnose(run)
        assert [each.cause for each in found.causes] == ([] if cause is None else [cause])
        assert bool(found.remedies) is (cause is not None)


def test_settings_are_told_as_rescues_have_left_them(tmp_path: Path) -> None:
    """What to do, and how it is now; the rate that was logged before a rescue is none to go down from."""
    folder = tmp_path / "run"
    shutil.copytree(ROOT / "exporter/llmtrain_exporter/demo/collapse", folder)
    changes = {"learning_rate": SettingChange(0.01, 1e-6), "skip_bad_updates": SettingChange("false", "true")}
    again = {"max_grad_norm": SettingChange(1.0, 0.5), "beta": SettingChange(0.04, None)}
    attempts = (Attempt(1, 6, "/out/checkpoint-6", changes, 18), Attempt(2, 4, "/out/checkpoint-4", again, 2))
    write_guard_file(guard_path(folder), replace(GAVE_UP, attempts=attempts))
    (run,) = read_each(read_log, [str(folder)], RunRules(Settings(), RunOptions()), TIME)
    assert isinstance(run, Snapshot)
    actions = " ".join(told(run, part=Part.ACTIONS))
    assert "--learning_rate 1e-7 (now 1e-6)" in actions
    assert "--max_grad_norm 0.5 (now 1)" not in actions  # that is so already
    assert "(now 0.04)" in actions  # nobody knows what beta was set to
    assert story_words.SETTINGS_SINCE_RESCUE.en in repr(settings_section(run, Lang.EN))
    assert full_object(run, Lang.EN)["settings"]["learning_rate"] == 1e-6  # type: ignore[index]
    (info,) = (dict(key.labels) for key in run.samples if key.metric is c.RUN)
    assert (info["learning_rate"], info["max_grad_norm"], info["beta"]) == ("1e-6", "0.5", "0.04")
    assert "skip_bad_updates" not in info
    rules = RunRules(Settings(), RunOptions())
    (found,) = discover([str(folder)], SearchOptions(ignore_older=None), TIME).found
    live = open_log(found, RunOptions(), rules.readers, unobserved)
    read_to_end(live, 0.0, TIME)
    assert dict(live.info.labels) == info  # which history files and databases get
    live.source.close()
    (past,) = read_past(str(folder), RunRules(Settings(), RunOptions()), TIME)
    assert isinstance(past, PastRun)
    assert past.snapshot.hyper_parameters.numbers["learning_rate"] == 0.01


def test_it_is_told_in_chinese_too() -> None:
    """Sentences that the file has in English as well."""
    assert told(replace(GUARDED, guard=STOPPED), Lang.ZH)[-3:] == [
        "省下：第 43 步之后计划的 77 步，没有在已损坏的模型上继续训练，约 5.1 GPU 小时。",
        "训练停在这里。",
        "接下来：请回到第 36 步之前、奖励和损失都还良好的 checkpoint，并改用 --beta 0.1。",
    ]
    assert "第 31 步，2023-11-14 22:14:59 UTC：放弃救援：最多 2 次救援，最后一次之后仍再次崩溃" in told(
        replace(GUARDED, guard=GAVE_UP), Lang.ZH
    )


@pytest.mark.parametrize("state", [State.RUNNING, State.STALLED])
@pytest.mark.parametrize("guard", [STOPPED, GAVE_UP])
def test_a_run_that_its_guard_has_stopped_is_not_told_as_running(state: State, guard: GuardFile) -> None:
    """Its log has no end of its own; nothing is left to wait for."""
    run = replace(GUARDED, guard=guard, state=state)
    assert next(fact_lines(run, Lang.EN)) == ("swift, grpo, stopped by its guard at step 60 of 120",)
    assert remaining(run) is None
    assert remaining(replace(run, state=State.RUNNING, guard=RESCUED)) == 60 * 30.0


@pytest.mark.parametrize("why", refusal_words.TOLD, ids=lambda why: why.en[:40])
def test_why_a_setting_is_left_alone_is_told_in_both_languages(why: Text) -> None:
    """Its values stay as they stand in the file."""
    said = str(CannotBeChangedError(why, **dict.fromkeys(PATTERN.findall(why.en), "7 MiB")))
    in_chinese = said_again(said, words.SAID_BY_GUARD, Lang.ZH)
    assert in_chinese == fill(why, Lang.ZH, dict.fromkeys(PATTERN.findall(why.zh), "7 MiB"))
    assert said_again(in_chinese, words.SAID_BY_GUARD, Lang.EN) == said
    refused = STOPPED.with_event(GuardEvent(TIME, 40, "refuse", said, {"setting": "beta"}))
    assert any(in_chinese in line for line in told(replace(GUARDED, guard=refused), Lang.ZH))


def test_a_run_that_ends_by_itself_after_a_stop_is_told_by_its_log() -> None:
    """Its trainer has closed it."""
    run = replace(GUARDED, guard=STOPPED, state=State.FAILED)
    assert state_text(run, Lang.EN) == "failed"


def test_without_pace_or_plan_no_hours_are_told() -> None:
    """Nothing that nobody knows."""
    run = replace(GUARDED, samples={}, max_steps=None)
    assert "18 steps trained in vain" in told(run)
    assert not any("hours" in line or "Spared" in line for line in told(run))


def test_a_rescued_incident_ends_as_such() -> None:
    """In its line, and in the headline of the card that says it is over."""
    assert "rescued at step 43 by going back to step 25" in plain(incident_line(GUARDED, INCIDENT, Lang.EN))
    over = ending(GUARDED, Lang.EN)
    assert over is not None
    assert plain(over.line) == "Rescued at step 43, back to step 25"
    assert rescue_of(replace(GUARDED, guard=STOPPED), INCIDENT) is None
    recovered = INCIDENT._replace(recovery_step=50)
    assert rescue_of(GUARDED, recovered) is None


@pytest.mark.parametrize(
    ("guard", "said", "step"),
    [
        (STOPPED, "Stopped by the guard at step 43", 43),
        (GAVE_UP, "Stopped at step 31, the guard has given up", 31),
    ],
)
def test_a_stop_is_how_an_incident_ends_that_was_not_rescued(guard: GuardFile, said: str, step: int) -> None:
    """And what is next stands in the last line."""
    run = replace(GUARDED, guard=guard, incidents=(LASTING,), state=State.FINISHED)
    over = ending(run, Lang.EN)
    assert over is not None
    assert plain(over.line) == said
    assert stopped_at(run) == step
    assert told(run)[-1] == f"Next: {guard.next}"
    assert f"stopped by the guard at step {step}" in plain(incident_line(run, LASTING, Lang.EN))


def test_skipped_updates_and_changes_are_told_together() -> None:
    """How often, and the last of each; those of a rescue are told with it."""
    file = GuardFile()
    for step in (12, 14):
        change: Mapping[str, float | str] = {"setting": "learning_rate_share", "from": 1.0, "to": 0.5}
        file = file.with_event(GuardEvent(TIME, step, "set", "kl 0.05, target 0.01", change))
    file = file.with_event(GuardEvent(TIME, 20, "skip", "", {"grad_norm": "nan", "usual": 0.5}))
    file = file.with_event(GuardEvent(TIME, 21, "set", "after a rescue", {"setting": "beta"}))
    file = file.with_event(GuardEvent(TIME, 22, "refuse", "DeepSpeed clips by itself", {"setting": "beta"}))
    assert [line.partition("UTC: ")[2] for line in told(replace(RUN, guard=file))] == [
        "changed the share of the learning rate from 1 to 0.5 while it trained (kl 0.05, target 0.01); "
        "2 such changes in all, the first at step 12",
        "skipped an update: gradient norm nan (usual 0.5)",
        "not possible here (beta): DeepSpeed clips by itself",
    ]


def test_a_guard_that_had_nothing_to_do_has_no_section() -> None:
    """It is only said that there is one; of runs without, nothing."""
    run = replace(RUN, guard=GuardFile())
    assert told(run) == []
    assert "guard: watches" in [plain(line) for line in fact_lines(run, Lang.EN)]
    assert "guard" not in run_object(RUN)


def test_programs_are_told_the_same() -> None:
    """One object with what was done, what it cost, and the events."""
    found: Any = run_object(GUARDED)["guard"]
    assert found["rescues"] == [
        {
            "attempt": 1,
            "stopped_at": 43,
            "from_step": 25,
            "checkpoint": "/out/checkpoint-25",
            "changes": {"learning_rate": {"from": 3e-3, "to": 3e-4}, "beta": {"from": None, "to": 0.025}},
            "wasted_steps": 18,
        }
    ]
    assert (found["state"], found["stops"], found["wasted"]) == (
        "watching",
        1,
        {"steps": 18, "gpu_hours": 1.2},
    )
    assert (
        json.loads(json.dumps(full_object(GUARDED, Lang.EN), default=str))["guard"]["spared"]["steps"] == 77
    )


def test_charts_mark_what_the_guard_did() -> None:
    """On pages and in pictures."""
    assert chart_marks(GUARDED)["guard"] == [25, 43]
    assert marks(run_object(GUARDED)).guard == [25, 43]
    assert (chart_marks(RUN)["guard"], marks(run_object(RUN)).guard) == ([], [])


def test_metrics_count_what_the_guard_did() -> None:
    """Stops, rescues, wasted steps; where and when the last rescue went on; one state is 1."""
    samples = guard_samples(RESCUED)
    found = {key.metric.name: value for key, value in samples.items() if not key.labels}
    assert (found[g.STOPS.name], found[g.RESCUES.name], found[g.WASTED_STEPS.name]) == (1, 1, 18)
    assert (found[g.RESCUE_STEP.name], found[g.RESCUE_TIME.name]) == (25, TIME + 60)
    assert [key.labels[0][1] for key, value in samples.items() if key.labels and value] == ["watching"]


def test_watchers_hear_of_it_once() -> None:
    """What was told before is not told again."""
    before = replace(GUARDED, guard=STOPPED)
    lines = [plain(line) for line in news(before, GUARDED, TIME, Lang.EN)]
    assert any("rescue 1: went on from step 25" in line for line in lines)
    assert not any("stopped the training" in line for line in lines)
    assert list(news(GUARDED, GUARDED, TIME, Lang.EN)) == []


ROWS = [
    {"llmtrain": 1, "time": TIME, "producer": "transformers", "settings": {}},
    *(
        {"step": at, "max_steps": 120, "loss": 1.0, "epoch": at / 10, "time": TIME + at}
        for at in range(1, 31)
    ),
]


def training(folder: Path) -> Path:
    """A recorded log in a folder."""
    log = folder / "llmtrain.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return log


def read(folder: Path) -> Snapshot:
    """The run of a folder, as `check` reads it."""
    (outcome,) = read_each(read_log, [str(folder)], RunRules(Settings(), RunOptions()), TIME)
    assert isinstance(outcome, Snapshot)
    return outcome


HOSTILE: Mapping[str, object] = {
    "no JSON": "{",
    "another state": {"state": "flying"},
    "a list as state": {"state": []},
    "deep": "[" * 100_000,
    "bytes": "\udcff",
    "a huge number": '{"state": "stopped", "reason": {"step": 1' + "0" * 5000 + "}}",
}
BROKEN = {
    "state": "gave_up",
    "next": "<b>\x1b[31m" + "x" * 10_000,
    "reason": {"signal": "a", "severity": 1, "step": 10**400},
    "attempts": [1, {"attempt": 1, "from_step": -5, "wasted_steps": 2, "checkpoint": "c"}, *[{}] * 500],
    "events": [{"action": "stop", "time": 1e300, "step": 1, "because": ""}, None, {"action": ["stop"]}],
    "counts": {"stop": 10**30, "skip": -1, "fly": 4, "set": True},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_read_is_told_as_such(tmp_path: Path, name: str) -> None:
    """The run is judged all the same."""
    training(tmp_path)
    content = HOSTILE[name]
    text = content if isinstance(content, str) else json.dumps(content)
    guard_path(tmp_path).write_bytes(text.encode("utf-8", "surrogateescape"))
    run = read(tmp_path)
    assert run.guard == GuardFile("unknown", unread=1)
    assert told(run) == ["1 entry of llmtrain-guard.json cannot be read."]
    assert run_story(run, Lang.ZH).sections


def test_what_is_broken_in_a_file_is_bounded_and_counted(tmp_path: Path) -> None:
    """Texts are short and printable, numbers have bounds, entries that cannot be read are counted."""
    training(tmp_path)
    guard_path(tmp_path).write_text(json.dumps(BROKEN))
    run = read(tmp_path)
    assert run.guard is not None
    assert (run.guard.reason, run.guard.attempts, run.guard.events, run.guard.counts) == (None, (), (), {})
    assert run.guard.unread == 502 + 3 + 1
    assert len(run.guard.next) <= LONGEST
    assert run.guard.next.isprintable()
    for lang in Lang:
        assert any("506" in line for line in told(run, lang))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody writes to it."""
    os.mkfifo(guard_path(tmp_path))
    assert read_told(guard_path(tmp_path)) == GuardFile("unknown", unread=1)


def test_the_command_is_not_told(tmp_path: Path) -> None:
    """It may hold a password."""
    event = GuardEvent(TIME, 43, "rescue", "stopped", {"command": "train --token secret", "setting": "beta"})
    write_guard_file(guard_path(tmp_path), STOPPED.with_event(event))
    assert read_told(guard_path(tmp_path)).events[-1].details == {"setting": "beta"}


def test_sentences_of_the_guard_are_said_in_the_other_language() -> None:
    """All that it writes, with its values; a long one of a stranger is left as it is, soon."""
    said = rescue_words.NONE_GOOD.en.replace("{steps}", "5, 10")
    assert "5, 10" in said_again(said, words.SAID_BY_GUARD, Lang.ZH)
    assert said_again(said, words.SAID_BY_GUARD, Lang.EN) == said
    assert said_again(said_again(said, words.SAID_BY_GUARD, Lang.ZH), words.SAID_BY_GUARD, Lang.EN) == said
    strange = "step 1: " + "a (b): c = " * 60
    assert said_again(strange, words.SAID_BY_GUARD, Lang.ZH) == strange
