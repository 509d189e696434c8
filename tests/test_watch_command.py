"""`watch`: what it tells line by line and draws, how it follows, which run it shows, how it ends."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge import finding_words, story_words, watch_words
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Incident, NoRun, Snapshot, State
from llmtrain_exporter.publish import demo
from llmtrain_exporter.publish.watch.folder import SCANS_PER_SURVEY, WatchedFolder
from llmtrain_exporter.publish.watch.loop import Clock, WatchRequest, run_watch
from llmtrain_exporter.publish.watch.plain import LineView
from llmtrain_exporter.publish.watch.screen import picture
from llmtrain_exporter.publish.watch.status import FolderStatus, RunStatus
from llmtrain_exporter.publish.watch.terminal import Terminal
from llmtrain_exporter.publish.watch.whole_run import MOST_KEPT
from llmtrain_exporter.story.blocks import plain
from llmtrain_exporter.story.no_run import details
from llmtrain_exporter.story.numbers import duration
from llmtrain_exporter.story.several import why_no_run
from llmtrain_exporter.story.verdict import verdict_line
from llmtrain_exporter.watching.live import OVER_SECONDS
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.write.columns import columns
from llmtrain_exporter.write.courses import BARS, NO_NUMBER, course
from llmtrain_exporter.write.style import Style
from rich.cells import cell_len

from tests.servers import HANGS_SECONDS, free_port
from tests.serving import RUN
from tests.training import (
    append,
    printed,
    save_checkpoint,
    swift,
    swift_eval,
    swift_summary,
    touch,
    trainer_state,
)

NOW = 1_800_000_000.0
GOLDEN = Path(__file__).with_name("golden") / "watch"
FIXTURES = Path(__file__).with_name("fixtures")
LOGS = {
    "demo-collapse": demo.BUNDLED / demo.COLLAPSE,
    "llamafactory-sft": FIXTURES / "llamafactory-sft",
}
"""The runs with golden outputs: one that breaks, and one with evaluations and a resume."""

LOG = "logging.jsonl"
STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
SIZES = [(20, 10), (40, 24), (57, 40), (80, 24), (110, 50), (124, 24), (160, 45), (200, 60)]


@pytest.fixture(autouse=True)
def _greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is told at a time is told at the same time everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Stage:
    """A path under watch, and a clock that is turned by hand."""

    def __init__(
        self, path: Path, lang: Lang = Lang.EN, wanted: str | None = None, **settings: object
    ) -> None:
        self.folder = WatchedFolder(str(path), Settings.model_validate(settings), None, wanted)
        self.out = io.StringIO()
        self.view = LineView(self.out, Style(lang, 80))
        self.now = NOW
        self._monotonic = 0.0

    def look(self, seconds: float = 1.0) -> list[str]:
        """What is told after so much time, without the time of day."""
        self.now += seconds
        self._monotonic += seconds
        while self.folder.look(self._monotonic, self.now):
            self._monotonic += 0.01
        said = len(self.out.getvalue())
        self.view.show(self.scene)
        return [STAMP.sub("", line) for line in self.out.getvalue()[said:].splitlines()]

    def write(self, path: Path, *lines: str) -> None:
        """Write lines to a log, now."""
        append(path, *lines, modified=self.now)

    @property
    def scene(self) -> FolderStatus:
        return self.folder.status(self.now)

    @property
    def chosen(self) -> str:
        """The run that is shown in full."""
        assert self.scene.chosen is not None
        return self.scene.chosen.run.run

    @property
    def over(self) -> bool:
        return self.folder.is_over(self.now)

    @property
    def code(self) -> int:
        return self.folder.exit_code(self.now)


def replayed(name: str, folder: Path, lang: Lang, lines: int | None = None) -> Stage:
    """One of the runs, watched from before its first line until after its last, a line every 5 seconds."""
    (source,) = (file for file in LOGS[name].iterdir() if file.suffix == ".jsonl")
    folder = folder / name
    folder.mkdir(parents=True)
    for other in LOGS[name].iterdir():
        if other != source and not other.name.startswith("trainer_state"):
            shutil.copy(other, folder)
    stage = Stage(folder / source.name, lang)
    stage.look()
    for line in source.read_text(encoding="utf-8").splitlines()[:lines]:
        stage.write(folder / source.name, line)
        stage.look(5)
    return stage


def golden(name: str, told: str) -> str:
    """What the golden file says; UPDATE_GOLDEN=1 writes it anew."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(told, encoding="utf-8")
    return file.read_text(encoding="utf-8")


def screen(
    scene: FolderStatus, width: int, height: int, lang: Lang = Lang.EN, coloured: bool = False
) -> list[str]:
    return picture(scene, Style(lang, width, coloured), height)


# Line by line


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("lang", Lang)
def test_a_pipe_gets_a_line_for_each_thing_that_happens(name: str, lang: Lang, tmp_path: Path) -> None:
    """A whole run, from before its log is there until it is over, in both languages."""
    stage = replayed(name, tmp_path, lang)
    stage.look(OVER_SECONDS)
    stage.view.end(stage.scene)
    told = stage.out.getvalue().replace(str(tmp_path), "/logs")
    assert told == golden(f"{name}.{lang.value}.txt", told)
    assert "\x1b" not in told


def test_what_was_before_the_watch_is_told_once(tmp_path: Path) -> None:
    """A run that is met in the middle: where it stands, then what happened, in the words of `check`."""
    log = tmp_path / LOG
    shutil.copytree(LOGS["demo-collapse"], tmp_path, dirs_exist_ok=True)
    touch(log, NOW)
    stage = Stage(log)
    first = stage.look()
    assert first[0].endswith(": swift, grpo, failed at step 35 of 120: broken")
    assert "Incident from step 7, worst at step 32, not recovered: KL (7) -> reward (12)" in first[1]
    assert any("critical: KL spike. kl jumped to 5.233 at step 32" in line for line in first)
    assert stage.look() == []


def test_nothing_is_told_twice(tmp_path: Path) -> None:
    """Records in which nothing happens make no lines."""
    stage = Stage(tmp_path / LOG)
    stage.write(tmp_path / LOG, *(swift(step) for step in range(1, 20)))
    stage.look()
    for step in range(20, 40):
        stage.write(tmp_path / LOG, swift(step, loss=0.05, grad_norm=2.4))
        assert stage.look() == []


def test_a_better_evaluation_is_told(tmp_path: Path) -> None:
    """Not each evaluation, only the best so far."""
    stage = Stage(tmp_path / LOG)
    stage.write(tmp_path / LOG, swift(1), swift(2))
    stage.look()
    said = []
    for step in (2, 4, 3):  # the evaluation loss is 2 / step
        stage.write(tmp_path / LOG, swift_eval(step))
        said += stage.look()
    assert [line.partition(": ")[2] for line in said] == [
        "step 2: best evaluation so far, loss 1",
        "step 4: best evaluation so far, loss 0.5",
    ]


def test_a_signal_begins_gets_worse_eases_and_is_over(tmp_path: Path) -> None:
    """Each of them is a line with its step."""
    stage = Stage(tmp_path / LOG)
    said = []
    for step in range(1, 120):
        kl = 0.02 if step < 40 or step > 80 else 50.0 if 44 <= step < 47 else 0.5
        row = swift(step, 500, loss=0.5, grad_norm=1.0, kl=kl, reward=1.0, reward_std=0.4)
        stage.write(tmp_path / LOG, row)
        said += [line.partition(": ")[2] for line in stage.look(5)]
    about = [line for line in said if "KL spike" in line]
    assert re.match(r"from step 4\d on, warning: KL spike\. kl jumped to ", about[0])
    assert re.match(r"step 4\d, now critical: KL spike\. kl jumped to 50 ", about[1])
    assert re.match(r"step \d+, eased to warning: KL spike$", about[2])
    assert re.match(r"step \d+, over: KL spike \(steps 4\d to \d+\)$", about[3])
    assert len(about) == 4
    assert any(line.startswith("Incident from step 4") and "recovered at step" in line for line in said)


def test_an_incident_comes_with_what_to_do_and_where_to_go_back_to(tmp_path: Path) -> None:
    """The last checkpoint before it that is still there, and the first remedies with their flags."""
    save_checkpoint(tmp_path / "demo-collapse", 4)
    shutil.copytree(LOGS["demo-collapse"], tmp_path / "demo-collapse", dirs_exist_ok=True)
    log = tmp_path / "demo-collapse" / LOG
    rows = log.read_text().splitlines()
    log.write_text("")
    stage = Stage(log)
    said = []
    for row in rows[:14]:
        stage.write(log, row)
        said += stage.look(5)
    (at,) = (at for at, line in enumerate(said) if "Incident" in line)
    assert said[at].endswith("KL (7) -> reward (12); last checkpoint before it: checkpoint-4")
    assert "What to do: 1. Lower the learning rate: --learning_rate 1e-5 (now 0.01); 2. " in said[at + 1]
    assert "3. Go back to the last checkpoint before the onset: --resume_from_checkpoint " in said[at + 1]
    assert "checkpoint-4 (" in said[at + 1] or said[at + 1].endswith("checkpoint-4")


@pytest.mark.parametrize("lang", Lang)
def test_a_run_that_was_over_when_it_was_met_comes_with_what_to_do(tmp_path: Path, lang: Lang) -> None:
    """Once, behind what has happened to it; of one that is well there is nothing to do."""
    shutil.copytree(LOGS["demo-collapse"], tmp_path / "demo-collapse")
    stage = Stage(tmp_path / "demo-collapse", lang)
    said = stage.look(OVER_SECONDS)
    told = [line for line in said if watch_words.DO.of(lang).partition("{")[0] in line]
    assert told == said[-1:]
    assert "--learning_rate 1e-5" in told[0]
    append(tmp_path / "well" / LOG, *(swift(step, 20) for step in range(1, 21)), modified=NOW)
    (line,) = Stage(tmp_path / "well", lang).look(OVER_SECONDS)
    assert ": swift, sft" in line


def test_silence_is_told_and_its_end(tmp_path: Path) -> None:
    """A run that writes nothing for much longer than its own pace has stalled."""
    log = tmp_path / LOG
    stage = Stage(log)
    stage.write(log, *(swift(step) for step in range(1, 20)))
    stage.look()
    assert stage.look(200) == []
    (line,) = stage.look(200)
    assert line.endswith(": stalled: no record for 6 min 41 s")
    stage.write(log, swift(20))
    assert [line.partition(": ")[2] for line in stage.look()] == ["goes on after its silence"]


def test_a_run_is_over_some_seconds_after_it_says_so(tmp_path: Path) -> None:
    """What still comes is still told: the verdict on a run is the last line."""
    log = tmp_path / LOG
    stage = Stage(log)
    stage.write(log, *(swift(step, 20) for step in range(1, 20)))
    stage.look()
    stage.write(log, swift(20, 20))
    assert stage.look() == []
    stage.write(log, swift_eval(20, 20))
    assert "best evaluation" in stage.look()[0]
    assert not stage.over
    assert stage.look(OVER_SECONDS)[0].endswith(": swift, sft, finished at step 20 of 20: healthy")
    assert stage.over
    assert stage.code == 0


def test_a_watch_that_is_ended_early_tells_the_verdict_so_far(tmp_path: Path) -> None:
    """And no run that was over before is told again."""
    for name, last in (("a", 20), ("b", 15)):
        append(tmp_path / name / LOG, *(swift(step, 20) for step in range(1, last + 1)), modified=NOW)
    stage = Stage(tmp_path)
    stage.look(OVER_SECONDS)
    before = len(stage.out.getvalue())
    stage.view.end(stage.scene)
    assert (
        STAMP.sub("", stage.out.getvalue()[before:]) == "b: swift, sft, running at step 15 of 20: healthy\n"
    )


# Following


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """It is said once; so is a folder without a log, and a log without a record."""
    log = tmp_path / "later" / LOG
    stage = Stage(log)
    assert stage.look() == [f"waiting for {log}: no such file or folder (yet)"]
    assert stage.look() == []
    assert (stage.over, stage.code) == (False, 3)
    log.parent.mkdir()
    stage.write(log)
    assert stage.look() == ["later: waiting for the first record"]
    stage.write(log, swift(1))
    assert stage.look() == ["later: swift, sft, running at step 1 of 10000: healthy"]
    words = append(tmp_path / "train.log", "loading the model")
    assert Stage(words, Lang.ZH).look() == [f"等待 {words}：其中没有训练记录（1 行其他文本）"]


@pytest.mark.parametrize("lang", list(Lang))
def test_a_pipe_tells_the_verdict_that_check_tells(tmp_path: Path, lang: Lang) -> None:
    """Of a log that nobody writes any more, too."""
    log = append(tmp_path / "run" / LOG, *map(swift, range(1, 30)), modified=NOW - 86400)
    (run,) = read_each(read_log, [str(log)], RunRules(Settings(), RunOptions()), NOW)
    assert isinstance(run, Snapshot)
    line, advice = Stage(log, lang).look()
    assert watch_words.DO.of(lang).partition("{")[0] in advice
    assert line.endswith(plain(verdict_line(run, lang)))
    assert story_words.NO_LONGER_WRITTEN.of(lang) in line


@pytest.mark.parametrize("lang", list(Lang))
def test_of_a_folder_without_a_log_is_told_what_check_tells(tmp_path: Path, lang: Lang) -> None:
    """What lies there, what is looked for, and that it is waited for; once, until a file can be named."""
    (tmp_path / "notes.txt").write_text("nothing of a training\n")
    stage = Stage(tmp_path, lang)
    [outcome] = read_each(read_log, [str(tmp_path)], RunRules(Settings(), RunOptions()), NOW)
    assert isinstance(outcome, NoRun)
    why = watch_words.WAITING.of(lang).format(path=tmp_path, reason=why_no_run(outcome, lang))
    *same, waits = details(outcome, lang)
    assert waits == finding_words.WATCH_WAITS.of(lang)
    told = [why, *(f"  {line}" for line in same), f"  {finding_words.SHOWN_WHEN_BEGUN.of(lang)}"]
    assert stage.look() == told
    assert any("*.jsonl" in line and "*.out" in line for line in told)
    drawn = "".join(line.strip() for line in picture(stage.scene, Style(lang, 80), 40))
    assert all(line.replace(" ", "") in drawn.replace(" ", "") for line in told)
    append(tmp_path / "more.txt", "nothing of a training")
    assert [line for _ in range(2 * SCANS_PER_SURVEY) for line in stage.look()] == []
    append(tmp_path / "console.txt", *(str({"loss": 2.0, "epoch": step / 9}) for step in range(1, 5)))
    later = [line for _ in range(SCANS_PER_SURVEY) for line in stage.look()]
    assert any("--stdout-log 'console.txt'" in line for line in later)
    assert (stage.over, stage.code) == (False, 3)


@pytest.mark.parametrize("lang", list(Lang))
def test_a_log_without_a_record_is_told_as_check_tells_it(tmp_path: Path, lang: Lang) -> None:
    """Once all of it is read, with what stands in it instead; more of the same is no news."""
    log = append(tmp_path / LOG, *("no record" for _ in range(200_000)), modified=NOW)
    stage = Stage(log, lang)
    assert stage.folder.look(0.0, NOW)
    stage.view.show(stage.scene)
    assert stage.out.getvalue() == ""
    [outcome] = read_each(read_log, [str(log)], RunRules(Settings(), RunOptions()), NOW)
    assert isinstance(outcome, NoRun)
    assert outcome.skipped
    why = why_no_run(outcome, lang)
    assert stage.look() == [watch_words.WAITING.of(lang).format(path=log, reason=why)]
    stage.write(log, "no record either")
    assert stage.look() == []


@pytest.mark.parametrize(
    ("lang", "why"),
    [
        (Lang.EN, "no training record in it (1 line that is not JSON)"),
        (Lang.ZH, "其中没有训练记录（1 行不是 JSON）"),
    ],
)
def test_what_is_known_of_a_binary_file_is_told_while_its_nuls_are_waited_for(
    tmp_path: Path, lang: Lang, why: str
) -> None:
    """They may be data on the way: nobody looks again at once, and nobody is left without a word."""
    log = append(tmp_path / LOG, "no record", modified=NOW)
    with log.open("ab") as file:
        file.write(b"\x00\xff\n" * 100)
    stage = Stage(log, lang)
    assert stage.look() == [watch_words.WAITING.of(lang).format(path=log, reason=why)]
    assert not stage.folder.look(1.01, NOW + 1.01)
    assert [line for _ in range(400) for line in stage.look()] == []
    assert stage.scene.no_run is not None
    assert stage.scene.no_run.skipped["nul"] == 100


def test_a_half_line_waits_for_its_end(tmp_path: Path) -> None:
    """A record counts once its line is whole."""
    log, row = append(tmp_path / LOG, swift(1), modified=NOW), swift(2).encode()
    stage = Stage(log)
    stage.look()
    for piece in (row[:20], row[20:40], row[40:]):
        with log.open("ab") as file:
            file.write(piece)
        stage.look()
        assert stage.scene.runs[0].run.last_step == 1
    with log.open("ab") as file:
        file.write(b"\n")
    stage.look()
    assert stage.scene.runs[0].run.last_step == 2


def test_a_log_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    """What came from the old one is void, and that is said."""
    log = append(tmp_path / LOG, *(swift(step) for step in range(1, 30)), modified=NOW)
    stage = Stage(log)
    stage.look()
    log.write_text("")
    stage.write(log, swift(1), swift(2))
    assert stage.look() == []  # it has the begin of what was read: a copy may be on its way
    said = [line.partition(": ")[2] for line in stage.look(5)]
    assert said == [
        "the log was rewritten and is read anew",
        "swift, sft, running at step 2 of 10000: healthy",
    ]
    assert [len(values) for values in stage.scene.courses.values()] == [2] * len(stage.scene.courses)


def test_a_resumed_run_is_told(tmp_path: Path) -> None:
    """Steps that go back are a checkpoint that was loaded."""
    log = append(tmp_path / LOG, *(swift(step) for step in range(1, 30)), modified=NOW)
    stage = Stage(log)
    stage.look()
    stage.write(log, swift(21), swift(22))
    assert [line.partition(": ")[2] for line in stage.look()] == ["resumed: from step 29 back to 21"]


def test_a_log_that_goes_is_told_and_may_come_back(tmp_path: Path) -> None:
    """Some searches later, for a path can vanish for a moment."""
    log = append(tmp_path / "run" / LOG, swift(1), modified=NOW)
    stage = Stage(log)
    stage.look()
    log.unlink()
    assert [line for _ in range(4) for line in stage.look(10)] == [
        f"run: {log}: No such file or directory",
        "run: the log is gone",
        f"waiting for {log}: no such file or folder (yet)",
    ]
    stage.write(log, swift(1), swift(2))
    assert stage.look(10) == ["run: swift, sft, running at step 2 of 10000: healthy"]


def test_printed_logs_and_documents_are_followed_too(tmp_path: Path) -> None:
    """By the names that the operator gives, and under the trainer's own."""
    append(tmp_path / "a" / "out.log", "loading", printed(1), printed(2), modified=NOW)
    (tmp_path / "b").mkdir()
    touch_at = tmp_path / "b" / "trainer_state.json"
    touch_at.write_text(trainer_state(range(1, 5), 100))
    touch(touch_at, NOW)
    stage = Stage(tmp_path, stdout_log=("*.log",))
    assert len(stage.look()) == 2
    touch_at.write_text(trainer_state(range(1, 9), 100))
    touch(touch_at, stage.now)
    stage.look()
    assert {look.run.run: look.run.last_step for look in stage.scene.runs}["b"] == 8


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """With the reason; it is looked at again."""
    log = append(tmp_path / LOG, swift(1), modified=NOW)
    stage = Stage(log)
    stage.look()
    log.unlink()
    log.mkdir()
    said = [line for _ in range(3) for line in stage.look(4)]
    assert [line for line in said if "is a folder, not a regular file" in line] != []


def test_a_log_that_breaks_the_analysis_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told by the kind of its error, and ends the watch as one that cannot be read."""
    for name in ("a", "b"):
        append(tmp_path / name / LOG, *(swift(step, 9) for step in range(1, 10)), modified=NOW)
    snapshot = Run.snapshot

    def broken(self: Run, name: str, file: str, producer: Producer, now: float) -> Snapshot:
        if name == "b":
            raise ZeroDivisionError
        return snapshot(self, name, file, producer, now)

    monkeypatch.setattr(Run, "snapshot", broken)
    stage = Stage(tmp_path)
    said = stage.look(OVER_SECONDS)
    assert said == [
        "b: cannot be analysed: ZeroDivisionError",
        "a: swift, sft, finished at step 9 of 9: healthy",
    ]
    assert stage.chosen == "a"
    assert "b: cannot be analysed: ZeroDivisionError" in screen(stage.scene, 80, 24)
    alone = Stage(tmp_path / "b" / LOG)
    alone.look()
    assert (alone.over, alone.code) == (True, 3)


# A folder with several runs


def trained(folder: Path, name: str, last: int, planned: int, modified: float = NOW) -> Path:
    """A run so far."""
    rows = [swift(step, planned) for step in range(1, last + 1)]
    return append(folder / name / LOG, *rows, modified=modified)


def test_the_newest_live_run_is_shown_in_full(tmp_path: Path) -> None:
    """Neither one that has ended since, nor one that was silent before anybody looked."""
    trained(tmp_path, "ended", 20, 20, NOW + 1)
    trained(tmp_path, "older", 5, 20, NOW - 60)
    trained(tmp_path, "newer", 5, 20, NOW - 30)
    trained(tmp_path, "killed", 5, 20, NOW - 86400)
    stage = Stage(tmp_path)
    stage.look()
    assert stage.chosen == "newer"


def test_what_is_shown_does_not_change_with_each_line(tmp_path: Path) -> None:
    """Two live runs write in turns; the first that is shown stays until it is over."""
    logs = [trained(tmp_path, name, 5, 20, NOW - 10) for name in ("a", "b")]
    stage = Stage(tmp_path)
    stage.look()
    first = stage.chosen
    for step in range(6, 20):
        stage.write(logs[step % 2], swift(step, 20))
        stage.look(10)
        assert stage.chosen == first
    stage.write(next(log for log in logs if log.parent.name == first), swift(20, 20))
    stage.look()
    assert stage.chosen != first


def test_a_run_that_begins_while_it_is_watched_takes_over(tmp_path: Path) -> None:
    """With its first record: before that there is nothing to see."""
    trained(tmp_path, "first", 5, 20)
    stage = Stage(tmp_path)
    stage.look()
    stage.write(tmp_path / "second" / LOG)
    stage.look(10)
    assert stage.chosen == "first"
    stage.write(tmp_path / "second" / LOG, swift(1, 20))
    stage.look()
    assert stage.chosen == "second"


def test_the_worst_of_the_live_runs_is_shown(tmp_path: Path) -> None:
    """Until it is over; one that broke before anybody looked is not."""
    rows = LOGS["demo-collapse"] / LOG
    shutil.copytree(LOGS["demo-collapse"], tmp_path / "long ago")
    touch(tmp_path / "long ago" / LOG, NOW - 86400)
    trained(tmp_path, "newest", 5, 20, NOW - 10)
    stage = Stage(tmp_path)
    stage.look()
    assert stage.chosen == "newest"
    lines = rows.read_text(encoding="utf-8").splitlines()
    stage.write(tmp_path / "breaks" / LOG, *lines[:3])
    stage.look(10)
    stage.write(tmp_path / "newest yet" / LOG, swift(1, 20))
    stage.look(10)
    assert stage.chosen == "newest yet"
    stage.write(tmp_path / "breaks" / LOG, *lines[3:28])
    stage.look()
    assert stage.chosen == "breaks"


def test_keys_show_another_run(tmp_path: Path) -> None:
    """Down and up the overview, whose ends are ends, whatever begins meanwhile; a goes back to the worst."""
    for name in ("a", "b", "c"):
        trained(tmp_path, name, 5, 20, NOW - 10)
    stage = Stage(tmp_path)
    stage.look()
    seen = []
    for by in (-1, -1, -1, 1, 1, 1):
        stage.folder.go(by, stage.now)
        stage.look()
        seen.append(stage.chosen)
    assert seen[2:] == ["a", "b", "c", "c"]
    stage.write(tmp_path / "d" / LOG, swift(1, 20))
    stage.look(10)
    assert stage.chosen == "c"
    stage.folder.go_to_worst(stage.now)
    assert stage.chosen == "d"


def test_a_run_that_keys_led_to_has_a_line_on_a_low_screen(tmp_path: Path) -> None:
    """Though it is the last of many."""
    for number in range(40):
        trained(tmp_path, f"run-{number:02}", 5, 20, NOW - 10)
    stage = Stage(tmp_path)
    stage.look()
    stage.folder.go(40, stage.now)
    lines = screen(replace(stage.scene, has_keys=True), 80, 24)
    assert [line.split()[-1] for line in lines if line.startswith(">")] == ["run-39"]
    assert "Up, Down: another run." in lines[-1]


def test_the_run_that_was_asked_for_is_shown(tmp_path: Path) -> None:
    """Whatever the others do; its end is the end, its health the exit code."""
    shutil.copytree(LOGS["demo-collapse"], tmp_path / "bad")
    touch(tmp_path / "bad" / LOG, NOW)
    trained(tmp_path, "good", 5, 20)
    stage = Stage(tmp_path, wanted="bad")
    stage.look(OVER_SECONDS)
    assert (stage.chosen, stage.over, stage.code) == ("bad", True, 2)
    missing = Stage(tmp_path, wanted="other")
    assert f"waiting for {tmp_path}: no run of that name (yet)" in missing.look()
    assert (missing.over, missing.code) == (False, 3)


def test_a_folder_is_over_with_its_last_live_run(tmp_path: Path) -> None:
    """Runs that had ended before count for nothing, those that were seen training by their health."""
    shutil.copytree(LOGS["demo-collapse"], tmp_path / "long ago")
    touch(tmp_path / "long ago" / LOG, NOW - 86400)
    logs = [trained(tmp_path, name, 18, 20) for name in ("a", "b")]
    stage = Stage(tmp_path)
    stage.look()
    for log in logs:
        assert not stage.over
        stage.write(log, swift(19, 20), swift(20, 20))
        stage.look(OVER_SECONDS)
        stage.look(OVER_SECONDS)
    assert (stage.over, stage.code) == (True, 0)


def test_a_folder_in_which_all_is_over_tells_so_and_ends(tmp_path: Path) -> None:
    """The newest run gives the exit code."""
    shutil.copytree(LOGS["demo-collapse"], tmp_path / "bad")
    touch(tmp_path / "bad" / LOG, NOW - 100)
    trained(tmp_path, "good", 20, 20, NOW - 50)
    stage = Stage(tmp_path)
    said = stage.look()
    assert len(said) == 2
    assert (stage.over, stage.chosen, stage.code) == (True, "good", 0)


def test_old_runs_are_watched_without_holding_them_open(tmp_path: Path) -> None:
    """A folder may hold more of them than files can be open; one that goes on is followed again."""
    logs = [trained(tmp_path, f"{number}", 5, 20, NOW - 86400) for number in range(20)]
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    stage = Stage(tmp_path)
    stage.look()
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == before
    stage.write(logs[7], swift(6, 20))
    stage.look()
    assert (stage.chosen, stage.scene.runs[0].live) == ("7", False)


# On a terminal


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FolderStatus]:
    """What there may be to draw, by what it is."""
    folder = tmp_path_factory.mktemp("scenes")
    collapse = replayed("demo-collapse", folder, Lang.EN, lines=28).scene
    resumed = replayed("llamafactory-sft", folder, Lang.EN).scene
    looks = [*collapse.runs, *resumed.runs]
    looks += [replace(resumed.runs[0], run=replace(RUN, run=f"runs/{at}")) for at in range(30)]
    waits = Stage(folder / "nothing" / LOG)
    waits.look()
    return {
        "collapse": collapse,
        "resumed": resumed,
        "folder": replace(collapse, runs=looks),
        "waiting": waits.scene,
        "reading": replace(collapse, unread=0.25, failed={"x": "KeyError"}),
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", Lang)
def test_the_picture_fits_the_terminal(
    size: tuple[int, int], lang: Lang, scenes: dict[str, FolderStatus]
) -> None:
    """No line wider, not one more than the height, by our own measure and by the terminal library's."""
    width, height = size
    for name, scene in scenes.items():
        lines = screen(scene, width, height, lang)
        assert len(lines) <= height, name
        assert [line for line in lines if max(columns(line), cell_len(line)) > width] == [], name
        assert lines[-1].strip(), name


def test_colours_change_nothing_but_the_colour(scenes: dict[str, FolderStatus]) -> None:
    """So nothing depends on them."""
    for width, height in SIZES:
        plain, coloured = (screen(scenes["collapse"], width, height, coloured=c) for c in (False, True))
        assert [click.unstyle(line) for line in coloured] == plain
        assert "\x1b[31m" in "".join(coloured)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 44), (150, 30)])
@pytest.mark.parametrize("lang", Lang)
def test_the_picture_of_a_run_that_breaks(
    width: int, height: int, lang: Lang, scenes: dict[str, FolderStatus]
) -> None:
    """As the golden file has it: on a small screen, a tall one and a wide one."""
    told = "\n".join(line.rstrip() for line in screen(scenes["collapse"], width, height, lang)) + "\n"
    assert told == golden(f"screen-{width}x{height}.{lang.value}.txt", told)


def test_no_golden_file_is_left_over() -> None:
    """Each belongs to a test."""
    assert len(list(GOLDEN.iterdir())) == (len(LOGS) + 3) * len(Lang)


def test_what_matters_most_has_a_place_on_every_screen(scenes: dict[str, FolderStatus]) -> None:
    """The verdict, the critical metric, the incident and the first remedy."""
    for width, height in ((57, 24), (80, 24), (124, 24)):
        told = "\n".join(screen(scenes["collapse"], width, height))
        assert "demo-collapse: broken" in told
        assert re.search(r"kl +1\.897 .*critical", told)
        assert "Incident from step 7" in told
        assert "1. Lower the learning rate" in told


def test_the_bar_and_the_time_left_are_told(scenes: dict[str, FolderStatus]) -> None:
    """By the run's own pace: a trainer that logs its time is believed."""
    told = "\n".join(screen(scenes["collapse"], 80, 40))
    assert re.search(r"━{9}─{31} 23%\s+[^\n]* left, [\d.]+ s per step", told)
    assert "running at step 28 of 120" in told
    assert "last record 5 s ago" in " ".join(told.split())


def test_the_overview_has_the_worst_first(scenes: dict[str, FolderStatus]) -> None:
    """A line each, as many as a quarter of the screen takes, the one that is shown marked."""
    lines = screen(scenes["folder"], 110, 60)
    assert lines[0] == "32 runs: 1 broken, 31 healthy"
    assert re.fullmatch(
        r"> broken   running +28 of 120 +Policy collapse and \d+ more +demo-collapse", lines[1]
    )
    assert "... and 19 more runs" in lines
    assert "demo-collapse: broken" in lines


@pytest.mark.parametrize("lang", Lang)
def test_a_narrow_screen_has_every_key_and_no_heading_alone(
    lang: Lang, scenes: dict[str, FolderStatus]
) -> None:
    """How it is ended stands there in full; what there is no room for has no heading, and no note of it."""
    lines = screen(replace(scenes["folder"], has_keys=True), 40, 20, lang)
    assert watch_words.KEYS.of(lang).replace(" ", "") in "".join(lines).replace(" ", "")
    assert max(map(columns, lines)) <= 40
    for height in range(12, 40):
        lines = [line.strip() for line in screen(scenes["collapse"], 40, height, lang)]
        heading = story_words.WHAT_HAPPENED.of(lang)
        told = lines[lines.index(heading) + 1] if heading in lines else ""
        assert not told.startswith(("...", "……"))
        assert story_words.WHAT_TO_DO.of(lang) != lines[-3]


def test_a_live_run_that_hangs_stands_before_the_healthy_ones() -> None:
    """One that was silent before anybody looked does not."""
    hangs = replace(RUN, run="z", state=State.STALLED, health=RUN.health.BROKEN)
    runs = [replace(RUN, run="a"), hangs, replace(hangs, run="old")]
    looks = [RunStatus(run, run.run != "old", False, True, 0, None) for run in runs]
    lines = screen(FolderStatus("/x", NOW, looks, looks[0], {}, {}, None, 0.0), 80, 40)
    assert [line.split()[-1] for line in lines[1:4]] == ["z", "a", "old"]
    assert lines[1].startswith("  healthy  stalled")


def test_a_run_that_has_recovered_is_told_so() -> None:
    """The verdict is on the whole log; beside it stands how the run is now."""
    incident = Incident(3, 4, 9, (("kl", 3),), (), False, False)
    run = replace(RUN, verdict=RUN.health.BROKEN, incidents=(incident,))
    look = RunStatus(run, True, False, True, 0, None)
    assert (
        screen(FolderStatus("/x", NOW, [look], look, {}, {}, None, 0.0), 80, 24)[0]
        == "qwen/v1: broken (now healthy)"
    )


def test_a_run_without_a_record_has_no_verdict(tmp_path: Path) -> None:
    """Neither in its own head nor in the overview."""
    append(tmp_path / "a" / LOG, modified=NOW)
    stage = Stage(tmp_path / "a" / LOG)
    stage.look()
    told = screen(stage.scene, 80, 24)
    assert told[0] == "a"
    assert "healthy" not in "\n".join(told)
    trained(tmp_path, "b", 5, 20)
    folder = Stage(tmp_path)
    folder.look()
    assert screen(folder.scene, 80, 24)[:3] == [
        "1 run: 1 healthy",
        "> healthy  running  5 of 20  b",
        "           waiting           a",
    ]


# The course of values


@given(st.lists(st.floats(), max_size=40))
def test_a_course_has_a_character_for_each_value(values: list[float]) -> None:
    """Whatever the values: huge, tiny, no numbers."""
    drawn = course(values)
    assert len(drawn) == len(values)
    assert set(drawn) <= {*BARS, NO_NUMBER}


def test_a_course_shows_what_rises_and_what_is_no_number() -> None:
    """The lowest value is the lowest bar, the highest the highest, a flat line is in the middle."""
    assert course([0, 1, 2, 3, 4, 5, 6, 7]) == BARS
    assert course([5.0, 5.0]) == "▄▄"
    assert course([1.0, float("nan"), 1e308, -1e308, float("inf")]) == "▅x█▁x"
    assert course([]) == ""


@pytest.mark.parametrize("records", [1, MOST_KEPT - 1, MOST_KEPT, 5 * MOST_KEPT + 3])
def test_a_course_goes_over_the_whole_run(tmp_path: Path, records: int) -> None:
    """In a bounded number of values; what a second writer says once more does not count."""
    log = append(tmp_path / LOG, *(swift(step) for step in range(1, records + 1) for _ in "ab"), modified=NOW)
    stage = Stage(log)
    stage.look()
    (losses,) = (values for one, values in stage.scene.courses.items() if one.metric.name == "llmtrain_loss")
    assert (losses[0], losses[-1]) == (1.0, 1 / records)
    assert min(records, MOST_KEPT // 2) <= len(losses) <= MOST_KEPT
    assert sorted(losses, reverse=True) == list(losses)
    gaps = [round(1 / later - 1 / earlier) for earlier, later in pairwise(losses[:-1])]
    assert max(gaps, default=1) < 2 * min(gaps, default=1)  # losses are logged with five digits


# Strangers' texts

OBEYED = re.compile(r"\x1b\[(?:[\d;]*[mHJK]|\?(?:1049|25|7)[hl])")
"""The escape sequences that a picture is drawn with."""

HOSTILE = "[red]x[/red]\x1b[31m\x1b]0;t\x07\r\n\x9b2J\u202e:smile:\u200f"


@pytest.mark.parametrize("width", [40, 80, 160])
def test_texts_of_strangers_are_shown_and_never_obeyed(width: int, tmp_path: Path) -> None:
    """Names of runs and reward functions: no markup, no escape sequence, no line of their own."""
    folder = tmp_path / HOSTILE.replace("/", "").replace("\n", "")
    rows = [
        swift(step, 100, reward=1.0, reward_std=0.5, kl=0.1, **{f"rewards/{HOSTILE}/mean": 0.5})
        for step in range(1, 30)
    ]
    append(folder / LOG, *rows, modified=NOW)
    stage = Stage(folder / LOG)
    said = stage.look()
    scene = stage.scene
    out = io.StringIO()
    with Terminal(out, Style(Lang.EN, width, True), lambda: (width, 50)) as terminal:
        terminal.show(replace(scene, runs=[*scene.runs, *scene.runs], path=HOSTILE))
    drawn = OBEYED.sub("", out.getvalue())
    assert len(said) == 1
    for told in (*said, *screen(scene, width, 50)):
        assert re.search("[\x00-\x1f\x7f-\x9f\u202e\u200f]", told) is None
    assert "[red]x" in drawn
    assert ":smile:" in drawn or width == 40
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200f]", drawn) is None


# The terminal


def on_terminal(scene: FolderStatus, monkeypatch: pytest.MonkeyPatch, no_color: str = "") -> str:
    """All that is written to a terminal on which that scene is shown, and nothing more."""
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    out = io.StringIO()
    with Terminal(out, Style(Lang.EN, 80, not no_color), lambda: (80, 24)) as terminal:
        terminal.show(scene)
        terminal.end(scene)
    return out.getvalue()


def test_the_screen_is_given_back_with_the_verdict_on_it(
    scenes: dict[str, FolderStatus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture on a screen of its own; afterwards what `check` says, where the command was typed."""
    told = on_terminal(scenes["collapse"], monkeypatch)
    drawn, _, left = told.partition("\x1b[?1049l")
    assert drawn.startswith("\x1b[?1049h")
    assert "Incident from step 7" in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")  # the cursor is there again
    assert "demo-collapse: \x1b[31mbroken\x1b[0m\n" in left
    assert "Likely causes" in left


def test_no_colour_is_used_where_none_is_wanted(
    scenes: dict[str, FolderStatus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR leaves the picture and takes the colours (no-color.org)."""
    told = on_terminal(scenes["collapse"], monkeypatch, no_color="1")
    assert "Incident from step 7" in told
    assert re.findall(r"\x1b\[[\d;]*m", told) == []
    assert "\x1b[31m" in on_terminal(scenes["collapse"], monkeypatch)


def test_a_folder_leaves_its_counts_and_the_run_that_was_shown(
    scenes: dict[str, FolderStatus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the verdict on thirty others; nothing where nothing was found."""
    left = on_terminal(scenes["folder"], monkeypatch, "1").partition("\x1b[?1049l")[2]
    assert "32 runs: 1 broken, 31 healthy\n\ndemo-collapse: broken\n" in left
    assert "runs/3" not in left
    assert "no such file or folder" in on_terminal(scenes["waiting"], monkeypatch).replace("\n", " ")


# Time


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0.4, "0 s", "0 秒"),
        (45, "45 s", "45 秒"),
        (200, "3 min 20 s", "3 分 20 秒"),
        (3600, "1 h", "1 小时"),
        (3605, "1 h", "1 小时"),
        (86400 + 4 * 3600 + 59, "1 d 4 h", "1 天 4 小时"),
        (-3, "0 s", "0 秒"),
    ],
)
def test_time_is_told_in_two_units(seconds: float, en: str, zh: str) -> None:
    """Never more, and never a unit without the one above it."""
    assert (duration(seconds, Lang.EN), duration(seconds, Lang.ZH)) == (en, zh)


def test_a_quick_step_is_told_with_a_fraction() -> None:
    """0.47 s is not 0 s."""
    assert [duration(seconds, Lang.EN, digits=2) for seconds in (0.4667, 9.96, 200)] == [
        "0.47 s",
        "10 s",
        "3 min 20 s",
    ]


# The loop and the command


class Sleeper:
    """A clock that stands still but for sleep; something may happen meanwhile."""

    def __init__(self, *happens: Iterator[object]) -> None:
        self.now = NOW
        self.slept: list[float] = []
        self._happens = chain(*happens)

    def wait(self, seconds: float) -> bool:
        self.slept.append(seconds)
        self.now += seconds
        return next(self._happens, "stop") == "stop"

    @property
    def clock(self) -> Clock:
        return Clock(self.wait, lambda: self.now, lambda: self.now)


def watched(path: Path, sleeper: Sleeper, **asked: object) -> tuple[int, list[str]]:
    """The exit code of a whole watch, and what it told."""
    out = io.StringIO()
    code = run_watch(WatchRequest(str(path), "en", **asked), Settings(), out, sleeper.clock)  # type: ignore[arg-type]
    return code, [STAMP.sub("", line) for line in out.getvalue().splitlines()]


def test_it_looks_at_every_interval_until_the_run_is_over(tmp_path: Path) -> None:
    """Without a wait while there is more to read, and not once more after the end."""
    log = tmp_path / "run" / LOG

    def train() -> Iterator[object]:
        for step in range(1, 11):
            yield append(log, swift(step, 10), modified=sleeper.now)
        while True:
            yield None

    sleeper = Sleeper(train())
    code, said = watched(log, sleeper, interval=2.0)
    assert code == 0
    assert said[-1] == "run: swift, sft, finished at step 10 of 10: healthy"
    assert set(sleeper.slept) <= {0.0, 2.0}
    assert sleeper.now - NOW < 10 * 2 + OVER_SECONDS + 4


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """With the verdict so far; one that is never told to and has nothing to watch waits on."""
    log = append(tmp_path / "run" / LOG, swift(1), modified=NOW)
    code, said = watched(log, Sleeper())
    assert (code, said[-1]) == (0, "run: swift, sft, running at step 1 of 10000: healthy")
    code, said = watched(tmp_path / "none", Sleeper())
    assert (code, len(said)) == (3, 1)


def test_a_run_that_failed_is_told_with_what_to_do(tmp_path: Path) -> None:
    """The trainer's last line without its closing row: it left without saying that it came to its end."""
    log = append(tmp_path / "run" / LOG, *(swift(step) for step in range(1, 9)), swift_summary(8))
    code, said = watched(touch(log, NOW - 60), Sleeper())
    assert (code, said) == (0, ["run: swift, sft, failed at step 8 of 10000: healthy"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--profile", "nope"], "must be one of grpo, ppo, sft, dpo, reward_model, generic, not 'nope'"),
        (["--interval", "soon"], 'must be a duration such as "200ms"'),
        (["--lang", "fr"], "'fr' is not one of 'en', 'zh'"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, before anything is watched."""
    assert run_cli(commands, ["watch", str(tmp_path), *arguments]) == 64
    assert told in capsys.readouterr().err


def test_own_profiles_and_rules_apply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file of `serve` serves here too; --profile goes before its rules."""
    file = tmp_path / "llmtrain.yml"
    file.write_text("runs: [{match: '*', name: renamed, profile: dpo}]")
    trained(tmp_path / "logs", "a", 9, 9, time.time() - 3600)
    command = ["watch", str(tmp_path / "logs"), "--config", str(file)]
    assert run_cli(commands, command) == 0
    assert "renamed: swift, dpo, finished" in capsys.readouterr().out
    assert run_cli(commands, [*command, "--profile", "sft", "--lang", "zh"]) == 0
    assert "renamed: swift, sft, 已结束" in capsys.readouterr().out


def in_terminal(*arguments: str | Path, columns: int = 100, rows: int = 40) -> tuple[int, int]:
    """The program on a terminal of its own: its process, and the terminal's other end."""
    unwanted = ("COLUMNS", "LINES", "NO_COLOR")
    environ = {name: value for name, value in os.environ.items() if name not in unwanted}
    command = [sys.executable, "-m", "llmtrain_exporter", *map(str, arguments)]
    process, terminal = pty.fork()
    if process == 0:  # the child: it becomes the program
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execve(sys.executable, command, {**environ, "TERM": "xterm-256color"})
    return process, terminal


def read_until(terminal: int, enough: Callable[[bytes], bool], seconds: float = HANGS_SECONDS) -> bytes:
    """What the program writes until there is enough of it, or it ends."""
    told, deadline = b"", time.monotonic() + seconds
    while not enough(told) and time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        told += part
    return told


def test_a_replay_is_watched_on_a_real_terminal(tmp_path: Path) -> None:
    """From before the log is there until the run has failed; then Ctrl-C, and the verdict is left there."""
    log = tmp_path / "run" / LOG
    process, terminal = in_terminal("watch", log, "--interval", "50ms")
    try:
        waited = read_until(terminal, lambda told: b"waiting for" in told)
        replay = ["replay", str(LOGS["demo-collapse"] / LOG), str(log.parent), "--speed", "200", "--torn"]
        subprocess.run(
            [sys.executable, "-m", "llmtrain_exporter", *replay], check=True, timeout=HANGS_SECONDS
        )
        drawn = read_until(terminal, lambda told: b"failed at step 35" in told.rpartition(b"Ctrl-C")[0])
        os.kill(process, signal.SIGINT)
        left = read_until(terminal, lambda _: False)
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert waited.startswith(b"\x1b[?1049h")
    assert "▁".encode() in drawn
    assert b"Incident from step 7" in drawn
    after = left.partition(b"\x1b[?1049l")[2].decode()
    assert "run: \x1b[31mbroken" in after
    assert "What to do" in after
    assert "Traceback" not in after


def marked(drawn: bytes) -> str:
    """The run that is marked in the overview of a picture."""
    lines = OBEYED.sub("", drawn.decode()).splitlines()
    return next(line.split()[-1] for line in lines if line.startswith("> "))


def test_keys_are_obeyed_at_once_on_a_real_terminal(tmp_path: Path) -> None:
    """Though the next look is an hour away. The terminal is given back, with the verdict on that run."""
    for name in ("a", "b"):
        trained(tmp_path, name, 5, 20, time.time())
    process, terminal = in_terminal("watch", tmp_path, "--interval", "1h")
    before = termios.tcgetattr(terminal)
    try:
        first = read_until(terminal, lambda told: b"another run" in told)
        other = "b" if marked(first) == "a" else "a"
        os.write(terminal, b"zz\x1b[2~" + (b"\x1b[B" if other == "b" else b"k"))
        moved = read_until(terminal, lambda told: b"another run" in told)
        os.write(terminal, b"q")
        left = read_until(terminal, lambda _: False)
        after = termios.tcgetattr(terminal)
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert marked(moved) == other
    assert f"\r\n{other}: " in left.partition(b"\x1b[?1049l")[2].decode()
    assert after == before


def size(told: bytes) -> tuple[int, int]:
    """The columns and the rows of the last whole picture."""
    rows = told.decode(errors="replace").split("\x1b[H")[-2].split("\r\n")
    return max(map(columns, rows)), len(rows)


def test_the_picture_follows_the_size_of_the_terminal(tmp_path: Path) -> None:
    """From one look to the next, without a signal of its own."""
    log = trained(tmp_path, "run", 30, 100, time.time())
    process, terminal = in_terminal("watch", log, "--interval", "50ms", columns=100, rows=40)
    try:
        wide = read_until(terminal, lambda told: told.count(b"Ctrl-C ends this.") > 1)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 40, 0, 0))
        narrow = read_until(terminal, lambda told: told.count(b"\x1b[H") > 1 and size(told)[0] <= 40)
        os.kill(process, signal.SIGTERM)
        read_until(terminal, lambda _: False)
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    (wide_columns, wide_rows), (narrow_columns, narrow_rows) = size(wide), size(narrow)
    assert 90 < wide_columns <= 100
    assert 30 < narrow_columns <= 40
    assert wide_rows <= 40
    assert narrow_rows <= 12


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    """`watch ... | head -1`: the next line finds nobody, and that is no error to tell."""
    log = append(tmp_path / LOG, swift(1), modified=time.time())
    command = [sys.executable, "-m", "llmtrain_exporter", "watch", str(log), "--interval", "50ms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert b"running at step 1" in process.stdout.readline()
        process.stdout.close()
        append(log, swift(1), swift_eval(1))
        assert process.wait(HANGS_SECONDS) == 141
        assert process.stderr.read() == b""


def test_a_dumb_terminal_gets_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As does one that knows no Unicode: a picture would be rubbish there."""
    log = trained(tmp_path, "run", 5, 20)

    class Screen(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    for encoding, term in (("utf-8", "dumb"), ("latin-1", "xterm")):
        monkeypatch.setenv("TERM", term)
        out = Screen(io.BytesIO(), encoding=encoding, write_through=True)
        run_watch(WatchRequest(str(log), "en"), Settings(), out, Sleeper().clock)
        assert b"run: swift, sft, running" in out.buffer.getvalue()  # type: ignore[attr-defined]
        assert b"\x1b[?1049h" not in out.buffer.getvalue()  # type: ignore[attr-defined]


def test_a_log_that_ends_badly_has_its_verdict_in_the_exit_code() -> None:
    """Of a log that is over there is nothing to wait for."""
    program = [sys.executable, "-m", "llmtrain_exporter", "watch", str(LOGS["demo-collapse"])]
    answer = subprocess.run(program, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False)
    assert (answer.returncode, answer.stderr) == (2, "")
    assert "collapse: swift, grpo, failed at step 35 of 120: broken" in answer.stdout


def test_a_picture_is_drawn_over_the_one_before_it(scenes: dict[str, FolderStatus]) -> None:
    """Nothing of a longer one is left, no line breaks at the edge, and the last character of a row stays."""
    out = io.StringIO()
    with Terminal(out, Style(Lang.EN, 80), lambda: (80, 24)) as terminal:
        for name in ("folder", "waiting"):
            terminal.show(scenes[name])
    begin, *shown = out.getvalue().removesuffix("\x1b[?7h\x1b[?25h\x1b[?1049l").split("\x1b[H")
    assert begin == "\x1b[?1049h\x1b[?25l\x1b[?7l"
    for drawn, name in zip(shown, ("folder", "waiting"), strict=True):
        *lines, last = screen(scenes[name], 80, 24)
        assert drawn == "".join(f"\x1b[K{line}\n" for line in lines) + f"\x1b[J{last}"


def test_a_state_is_never_drawn_as_something_else(scenes: dict[str, FolderStatus]) -> None:
    """Each state has its word in the overview, in both languages."""
    look = scenes["collapse"].runs[0]
    for lang, told in (
        (Lang.EN, ("waiting", "running", "stalled", "finished", "failed")),
        (Lang.ZH, ("等待中",)),
    ):
        looks = [replace(look, run=replace(look.run, state=state, run=state.value)) for state in State]
        lines = screen(replace(scenes["collapse"], runs=looks), 110, 60, lang)
        assert all(any(word in line for line in lines) for word in told)


def test_serve_on_a_terminal_says_where_its_pages_are(tmp_path: Path) -> None:
    """Whoever starts it by hand wants to look at runs; Prometheus is told of /metrics elsewhere."""
    port = free_port()
    process, terminal = in_terminal("serve", tmp_path, "--listen", f"127.0.0.1:{port}")
    try:
        told = read_until(terminal, lambda told: b"Ctrl-C ends this." in told).decode()
        assert f"Runs at http://127.0.0.1:{port}/, metrics at http://127.0.0.1:{port}/metrics;" in told
        os.write(terminal, b"\x03")
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    except BaseException:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise
    finally:
        os.close(terminal)
