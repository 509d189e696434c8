"""`check`: its golden outputs, how several runs are told, exit codes, terminals, progress."""

from __future__ import annotations

import io
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any

import click
import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.dialect import Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, Incident, NoRun, Resume, RowKind, Snapshot, State
from llmtrain_exporter.publish import check_courses, demo
from llmtrain_exporter.publish.check import (
    CheckOutput,
    as_json,
    exit_code,
    run_check,
)
from llmtrain_exporter.publish.check_courses import CoursesKept
from llmtrain_exporter.publish.check_progress import CheckProgress
from llmtrain_exporter.publish.check_text import SCREEN, as_text
from llmtrain_exporter.story.metrics import Courses
from llmtrain_exporter.story.run_story import ACTIONS_TOLD
from llmtrain_exporter.story.shorten import MOST_INCIDENTS
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.write.columns import columns, padded, shortened_name, wrapped
from llmtrain_exporter.write.courses import course, thinned
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal_table import LONGEST_COURSE

from tests.serving import RUN
from tests.training import append, printed, swift, trainer_state

NOW = 1_800_000_000.0
GOLDEN = Path(__file__).with_name("golden") / "check"
FIXTURES = Path(__file__).with_name("fixtures")
LOGS = {
    **{f"demo-{name}": demo.BUNDLED / name for name in (demo.COLLAPSE, demo.HEALTHY)},
    **{folder.name: folder for folder in sorted(FIXTURES.iterdir())},
}
"""The runs with golden outputs. A new folder below `fixtures` needs no code: UPDATE_GOLDEN=1 writes them."""

RULES = RunRules(Settings(stdout_log=("*.log",)), RunOptions())
EN, ZH = (Style(lang, 80) for lang in Lang)
CLOSING = "，。；：、！？）」》"


def checked(name: str, folder: Path) -> Snapshot:
    """One of the runs, at a fixed time in a folder of that name: nothing depends on clock and place."""
    shutil.copytree(LOGS[name], folder / name)
    for file in (folder / name).iterdir():
        os.utime(file, (NOW, NOW))
    (run,) = read_each(read_log, [str(folder / name)], RULES, NOW)
    assert isinstance(run, Snapshot)
    return replace(run, file=str(Path(run.file).relative_to(folder)))


def drawn(name: str, folder: Path) -> dict[str, Courses]:
    """The courses of one that was `checked` there."""
    kept = CoursesKept()
    assert len(list(read_each(kept.read, [str(folder / name)], RULES, NOW))) == 1
    return kept.courses


def text(
    runs: Iterable[Snapshot],
    style: Style = EN,
    verbose: bool = False,
    courses: Mapping[str, Courses] | None = None,
) -> str:
    """The verdict as a person reads it."""
    return "".join(as_text(list(runs), [], style, verbose, courses or {}))


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("ending", ["en.txt", "zh.txt", "json"])
def test_a_run_is_told_as_its_golden_file_says(name: str, ending: str, tmp_path: Path) -> None:
    """Both languages and JSON, for each run of our own. UPDATE_GOLDEN=1 writes the files anew."""
    run = checked(name, tmp_path)
    styles = {"en.txt": EN, "zh.txt": ZH}
    courses = drawn(name, tmp_path)
    told = text([run], styles[ending], courses=courses) if ending in styles else as_json([run], [])
    golden = GOLDEN / f"{name}.{ending}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    """Each belongs to a run."""
    assert {file.name.partition(".")[0] for file in GOLDEN.iterdir()} == set(LOGS)


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("width", [40, 57, 80, 110])
def test_lines_keep_to_the_terminal_and_break_where_they_may(name: str, width: int, tmp_path: Path) -> None:
    """No line is wider, none is only blanks, none begins with closing punctuation; no colours in a pipe."""
    run = checked(name, tmp_path)
    for lang, courses in product(Lang, (drawn(name, tmp_path), {})):
        lines = text([run], Style(lang, width), courses=courses).splitlines()
        assert [line for line in lines if columns(line) > width] == []
        assert [line for line in lines if line != line.rstrip()] == []
        assert [line for line in lines if line.strip()[:1] in (*CLOSING,)] == []
        assert "\x1b" not in "".join(lines)


# JSON

DESIGN = {
    *("run", "file", "dialect", "profile", "records", "first_step", "last_step", "step_is_record"),
    *(
        "max_steps",
        "resumes",
        "state",
        "health",
        "signals",
        "incidents",
        "diagnosis",
        "checks",
        "best",
        "skipped_lines",
    ),
}
SIGNAL = {"signal", "severity", "first_step", "last_step", "records", "peak", "peak_step", "limit", "metric"}


def test_json_has_the_documented_fields(tmp_path: Path) -> None:
    """No more and no less, in every object; NaN is null."""
    collapse, nan = (checked(name, tmp_path) for name in ("demo-collapse", "swift-sft-nan"))
    resumed = checked("llamafactory-sft", tmp_path)
    first, second, third = json.loads(as_json([collapse, nan, resumed], []))["runs"]
    assert set(first) == set(second) == DESIGN
    assert set(first["records"]) == {"train", "eval"}
    assert all(set(signal) == SIGNAL for signal in first["signals"])
    assert set(first["incidents"][0]) == {"onset_step", "peak_step", "recovery_step", "stages", "signals"}
    assert set(first["incidents"][0]["stages"][0]) == {"stage", "step"}
    assert set(first["best"]) == {"eval_loss", "step"}
    assert third["resumes"] == [{"from": 60, "to": 45}]
    assert [one["peak"] for one in second["signals"] if one["signal"] == "non_finite"] == [None]


def test_signals_come_in_the_order_of_their_first_step(tmp_path: Path) -> None:
    """One entry per episode."""
    (run,) = json.loads(as_json([checked("demo-collapse", tmp_path)], []))["runs"]
    steps = [signal["first_step"] for signal in run["signals"]]
    assert steps == sorted(steps)
    assert len(steps) > 3


def test_json_is_valid_whatever_a_run_is_called() -> None:
    """A name on disk need not be text."""
    strange = replace(RUN, run="a\udcff\n", file="/a\udcff")
    (run,) = json.loads(as_json([strange], [NoRun("/b\udcfe", NoRunReason.EMPTY)]))["runs"]
    assert run["run"] == "a\ufffd\ufffd"


# Several runs

HEALTHY, WATCH, BROKEN = (
    replace(RUN, run=f"runs/{health.name.lower()}", health=health, verdict=health, episodes=())
    for health in (Health.HEALTHY, Health.WATCH, Health.BROKEN)
)


def test_several_runs_have_a_line_each_the_worst_first() -> None:
    """And only those that are not healthy are told in full."""
    told = text([HEALTHY, WATCH, BROKEN]).splitlines()
    assert told[0] == "3 runs: 1 broken, 1 watch, 1 healthy"
    assert [line.split()[0] for line in told[1:4]] == ["broken", "watch", "healthy"]
    assert [line for line in told if line.startswith("runs/")] == ["runs/broken: broken", "runs/watch: watch"]
    assert "runs/healthy: healthy" in text([HEALTHY, WATCH, BROKEN], verbose=True)


def test_one_run_is_told_in_full_at_once() -> None:
    """Healthy or not."""
    assert text([HEALTHY]).splitlines()[0] == "runs/healthy: healthy"


def test_the_line_of_a_run_says_the_worst_and_how_much_else(tmp_path: Path) -> None:
    """The collapse before what it consists of, and the name in full."""
    name = "a" * 150
    told = text([replace(checked("demo-collapse", tmp_path), run=name), HEALTHY]).splitlines()
    assert re.fullmatch(rf"  broken   Policy collapse and \d+ more  35 of 120  {name}", told[1])


def test_files_that_are_no_runs_are_told_with_the_reason() -> None:
    """In the language that was asked for, with lines by reason."""
    others = [
        NoRun("/a/b.log", NoRunReason.NO_RECORD, {"text": 3}),
        NoRun("/c", NoRunReason.UNREADABLE, detail="Permission denied"),
    ]
    assert list(as_text([], others, EN, False)) == [
        "/a/b.log: no run: no training record in it (3 other lines)\n",
        "/c: no run: Permission denied\n",
    ]
    assert (
        next(as_text([], others, ZH, False)) == "/a/b.log: 不是训练日志：其中没有训练记录（3 行其他文本）\n"
    )


# One run


def test_a_healthy_run_is_told_so_and_counted_right(tmp_path: Path) -> None:
    """One sentence that nothing came up; none where the log ended otherwise or has no record."""
    run = checked("demo-healthy", tmp_path)
    assert "All well: none of the" in text([run])
    assert "告警信号均未出现" in text([run], ZH)
    assert "All well" not in text([replace(run, state=State.STALLED)])
    unknown = replace(run, verdict=Health.UNKNOWN, records={})
    waiting = replace(unknown, last_step=None, first_step=None, max_steps=None)
    assert "No training record yet: nothing to judge." in text([waiting])
    assert "None" not in text([waiting])


def test_numbers_of_things_are_grammatical(tmp_path: Path) -> None:
    """One evaluation, two evaluations."""
    run = checked("demo-collapse", tmp_path)
    assert "35 training records, 1 evaluation\n" in text([run])
    one = replace(run, records={RowKind.TRAIN: 1})
    assert "1 training record, 0 evaluations\n" in text([one])


def test_an_own_profile_is_told_with_its_base() -> None:
    """The name says nothing to others."""
    assert "swift, mine (from grpo), " in text([replace(RUN, profile="mine")])
    assert "mine（继承自 grpo）" in text([replace(RUN, profile="mine")], ZH)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (None, "Incident from step 7, worst at step 9, not recovered: KL (7) -> length (8)"),
        (30, "Incident from step 7, worst at step 9, recovered at step 30: KL (7) -> length (8)"),
        (5, "Incident from step 7, worst at step 9, ended by going back to step 5: KL (7) ->"),
    ],
)
def test_an_incident_is_told_with_its_order_and_end(end: int | None, told: str) -> None:
    """Recovered, not recovered, or undone by a resume."""
    incident = Incident(7, 9, end, (("kl", 7), ("length", 8)), ("kl_spike",), end is None, True)
    run = replace(BROKEN, incidents=(incident,), resumes=(Resume(9, 5),))
    assert told in " ".join(text([run], Style(Lang.EN, 110)).split())


def test_the_checkpoint_before_an_incident_is_told() -> None:
    """The last one that is still there and from before it."""
    incident = Incident(120, 120, None, (("kl", 120),), ("kl_spike",), True, False)
    run = replace(BROKEN, incidents=(incident,), checkpoints=(50, 100, 150))
    assert (
        "Incident from step 120, not recovered: KL\n      last checkpoint before it: checkpoint-100\n"
        in text([run])
    )


def test_of_many_incidents_the_first_and_the_last_are_told() -> None:
    """A run that spikes on and on does not fill the screen."""
    many = tuple(Incident(at, at, at + 1, (("kl", at),), (), False, False) for at in range(100, 120))
    told = text([replace(BROKEN, incidents=many)])
    assert told.count("Incident from") == MOST_INCIDENTS
    assert f"... and {20 - MOST_INCIDENTS} more incidents in between" in told
    assert "step 100," in told
    assert "step 119," in told


# The course of each metric


def test_the_course_of_a_metric_stands_beside_it(tmp_path: Path) -> None:
    """Over the whole run, as long as there is room; where there is too little it is left out."""
    run, courses = checked("demo-collapse", tmp_path), drawn("demo-collapse", tmp_path)
    lines = {
        width: text([run], Style(Lang.EN, width), verbose=True, courses=courses).splitlines()
        for width in (40, 80, 110)
    }
    assert [
        line
        for line in lines[80]
        if re.fullmatch(r"  kl +3\.022 +usual 0\.01 +critical +▁{1,3}\S{3,7}█", line)
    ]
    (kl,) = (line for line in lines[110] if line.startswith("  kl "))
    assert len(kl.rpartition(" ")[2]) == LONGEST_COURSE
    assert not any("▁" in line or "trend" in line for line in lines[40])


def test_a_course_tells_nan_from_a_record_without_the_metric(tmp_path: Path) -> None:
    """An x for the first, nothing for the second."""
    log = tmp_path / "logging.jsonl"
    rows = [swift(1), swift(2, grad_norm=math.nan), '{"loss": 0.3, "global_step/max_steps": "3/9"}', swift(4)]
    append(log, *rows, modified=NOW)
    kept = CoursesKept()
    assert len(list(read_each(kept.read, [str(log)], RULES, NOW))) == 1
    (courses,) = kept.courses.values()
    told = {one.metric.name: course(values) for one, values in courses.items()}
    assert told["llmtrain_grad_norm"] == "▁x█"
    assert len(told["llmtrain_loss"]) == 4


def test_a_huge_log_is_told_without_courses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its values at once would take more memory than a verdict is worth."""
    monkeypatch.setattr(check_courses, "LARGEST_DRAWN", 1000)
    assert checked("demo-healthy", tmp_path).run == "demo-healthy"
    assert drawn("demo-healthy", tmp_path) == {"demo-healthy": {}}


def test_a_long_course_is_told_by_means() -> None:
    """Of stretches of the same length; a stretch with a NaN is one, and a short course stays as it is."""
    assert list(thinned([1, 3, 5, 7], 2)) == [2, 6]
    assert list(thinned([1, 3], 2)) == [1, 3]
    assert course(thinned([1.0, math.nan, 5.0, 7.0, 1.0, 1.0], 3)) == "x█▁"


def test_no_course_is_drawn_where_it_cannot_be_shown() -> None:
    """A terminal without Unicode gets the table as it is elsewhere, without bars."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", write_through=True)
    assert shown(demo.BUNDLED / demo.COLLAPSE, out) == ""
    assert b"critical\n" in out.buffer.getvalue()


# Terminals


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def shown(path: Path, out: io.StringIO | io.TextIOWrapper) -> str:
    """What `check` writes there, if that keeps it."""
    run_check([str(path)], Settings(), None, CheckOutput("text", "en", False), out, io.StringIO())
    return out.getvalue() if isinstance(out, io.StringIO) else ""


def test_colours_are_for_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts are coloured, nothing else changes, and NO_COLOR is respected."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "90")
    log = demo.BUNDLED / demo.COLLAPSE
    plain, coloured = shown(log, io.StringIO()), shown(log, Terminal())
    assert "\x1b" not in plain
    assert click.unstyle(coloured) == plain
    assert coloured.startswith("collapse: \x1b[31mbroken\x1b[0m\n")
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown(log, Terminal()) == plain


def test_progress_is_shown_once_it_takes_long_and_leaves_no_trace() -> None:
    """A folder with 1,000 runs says how far it is, on one line that is cleared at the end."""
    err, clock = Terminal(), count(step=0.05)
    everything: Iterator[Snapshot | NoRun] = iter([RUN] * 1000 + [NoRun("a", NoRunReason.EMPTY)])
    told = list(CheckProgress(err, lambda: next(clock), Lang.EN).follow(everything))
    assert len(told) == 1001
    assert "\r500 logs read, 500 of them runs" in re.sub(r"\b(49\d|50\d)\b", "500", err.getvalue())
    assert "\n" not in err.getvalue()
    assert err.getvalue().endswith(" \r")


def test_a_long_search_says_how_far_it_is() -> None:
    """A folder may hold a whole disk."""
    err, clock = Terminal(), count(step=0.05)
    progress = CheckProgress(err, lambda: next(clock), Lang.EN)
    for number in range(100):
        progress.visit(f"folder/{number}")
    assert list(progress.follow(iter([RUN]))) == [RUN]
    assert "folders and files looked at" in err.getvalue()
    assert err.getvalue().endswith(" \r")


def test_progress_is_for_terminals_and_in_the_language_that_was_asked_for() -> None:
    """A file that takes the errors holds none of it."""
    pipe, chinese = io.StringIO(), Terminal()
    for err in (pipe, chinese):
        clock = count(step=0.5)
        list(CheckProgress(err, partial(next, clock), Lang.ZH).follow(iter([RUN] * 2)))
    assert pipe.getvalue() == ""
    assert chinese.getvalue().startswith("\r已读取 1 个日志")


def test_a_quick_check_shows_no_progress() -> None:
    """Nor does it clear a line."""
    err = Terminal()
    assert list(CheckProgress(err, lambda: 0.0, Lang.EN).follow(iter([RUN]))) == [RUN]
    assert err.getvalue() == ""


# The command


@pytest.mark.parametrize(
    ("name", "code"),
    [("demo-healthy", 0), ("demo-collapse", 2), ("swift-sft-nan", 2), ("llamafactory-sft", 0)],
)
def test_the_exit_code_is_the_health(name: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """0 healthy, 2 broken; nothing on standard error."""
    assert run_cli(commands, ["check", str(LOGS[name])]) == code
    assert capsys.readouterr().err == ""


def test_the_worst_run_gives_the_exit_code() -> None:
    """Unless a path that was named cannot be read, or there is no run at all."""
    assert exit_code([], [HEALTHY, WATCH], []) == 1
    assert exit_code(["/x"], [HEALTHY, WATCH], [NoRun("/y/z", NoRunReason.EMPTY)]) == 1
    assert exit_code(["/x"], [BROKEN], [NoRun("/x", NoRunReason.EMPTY)]) == 3
    assert exit_code([], [], []) == 3


def test_own_profiles_and_rules_apply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file of `serve` serves here too; --profile goes before its rules."""
    file = tmp_path / "llmtrain.yml"
    file.write_text(
        "profiles: {mine: {inherits: sft}, other: {inherits: generic}}\nlisten: ':1'\n"
        "runs: [{match: swift-sft, name: renamed, profile: mine}]"
    )
    command = ["check", str(LOGS["swift-sft"]), "--config", str(file)]
    run_cli(commands, command)
    assert "renamed: healthy\n  swift, mine (from sft), " in capsys.readouterr().out
    run_cli(commands, [*command, "--profile", "other"])
    assert "swift, other (from generic), " in capsys.readouterr().out
    assert run_cli(commands, [*command, "--profile", "nope"]) == 64
    assert "must be one of grpo, ppo, sft, dpo, reward_model, generic, mine, other" in capsys.readouterr().err


def test_wrong_settings_are_told_and_end_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As everywhere else."""
    file = tmp_path / "llmtrain.yml"
    file.write_text("profiles: {a: {inherits: b}}")
    assert run_cli(commands, ["check", str(LOGS["swift-sft"]), "--config", str(file)]) == 64
    assert "line 1: profiles.a.inherits: must be one of" in capsys.readouterr().err


def test_a_log_that_breaks_the_analysis_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told by the kind of its error, and is as good as one that cannot be read."""
    for name in ("a", "b", "c"):
        shutil.copytree(LOGS["swift-sft"], tmp_path / name)
    snapshot = Run.snapshot

    def broken(self: Run, name: str, *rest: Any) -> Snapshot:
        if name == "b":
            raise ZeroDivisionError
        return snapshot(self, name, *rest)

    monkeypatch.setattr(Run, "snapshot", broken)
    assert run_cli(commands, ["check", str(tmp_path), "--format", "json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert [run["run"] for run in report["runs"]] == ["a", "c"]
    assert [one["reason"] for one in report["no_runs"]] == ["cannot be analysed: ZeroDivisionError"]


def test_runs_that_a_rule_calls_the_same_stay_apart(tmp_path: Path) -> None:
    """As they do where they are watched."""
    for name in ("a", "b"):
        shutil.copytree(LOGS["swift-sft"], tmp_path / name)
    settings = Settings.model_validate({"runs": [{"match": "*", "name": "same"}]})
    told = read_each(read_log, [str(tmp_path)], RunRules(settings, RunOptions()), NOW)
    assert [one.run for one in told if isinstance(one, Snapshot)] == ["same", "same (b)"]


def test_a_folder_without_a_log_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Though another one has a run; a folder whose run is told under another path is not empty."""
    shutil.copytree(LOGS["swift-sft"], tmp_path / "full" / "run")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "full")
    full = ["check", str(tmp_path / "full"), str(tmp_path / "full" / "run"), str(tmp_path / "link")]
    assert run_cli(commands, full) == 0
    capsys.readouterr()
    assert run_cli(commands, [*full, str(tmp_path / "empty")]) == 3
    out = capsys.readouterr().out
    assert f"{tmp_path / 'empty'}: no run: no training log below it" in " ".join(out.split())
    assert run_cli(commands, [*full, str(tmp_path / "empty"), "--lang", "zh"]) == 3
    assert "该目录下没有找到训练日志" in "".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        ("Train:  10%|#  | 1/10 [00:01<00:09]", "no training record in it"),
        ('{"los', "no training"),
    ],
)
def test_a_log_with_half_a_line_is_not_called_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, reason: str
) -> None:
    """Bars are drawn over each other, without an end of line until the last."""
    log = tmp_path / "train.log"
    log.write_text(content)
    assert run_cli(commands, ["check", str(log), "--stdout-log", "*.log"]) == 3
    assert f"no run: {reason}" in " ".join(capsys.readouterr().out.split())


# What stands in files that are no log


def whole(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What `check` prints, on one line."""
    assert run_cli(commands, ["check", *map(str, arguments)]) == 3
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("name", "content", "told", "zh"),
    [
        ("train.log", b"Loading\nReady\n", "one row", "训练要到第"),
        ("train.log", b"", "python -u", "PYTHONUNBUFFERED"),
        ("logging.jsonl", b'{"user": "hello"}\n', "another program's file", "其他程序的同名文件"),
        (
            "trainer_log.jsonl",
            b"version https://git-lfs.github.com/spec/v1\n",
            "git lfs pull",
            "git lfs pull",
        ),
        ("train.log.gz", b"\x1f\x8b\x08\x00\x01", "unpack it", "解压"),
        ("events.out", b"\x18\0\0\0brain.Event:2", "It has no row of a training yet", "还没有训练记录"),
        ("model.out", b"\x18\0\0\0weights", "It is no text", "不是文本"),
        ("mixed.log", b"starting\n" + "{'loss': 1.9}\n".encode("utf-16-le") * 9, "UTF-16", "UTF-16"),
    ],
)
def test_a_file_without_a_row_says_what_it_is_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, told: str, zh: str
) -> None:
    """In both languages, with the formats that were tried."""
    (tmp_path / name).write_bytes(content)
    text = whole(capsys, tmp_path / name)
    assert told in text
    assert "Read as" in text
    assert zh in whole(capsys, tmp_path / name, "--lang", "zh")


def test_the_first_lines_are_printable_and_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without colours, however many there are, however long, whatever stands in them."""
    log = tmp_path / "odd.txt"
    lines = ["\x1b[31mred\x1b[0m\x07", "x" * 3000, "", *(f"line {number}" for number in range(500))]
    log.write_text("\n".join(lines))
    assert run_cli(commands, ["check", str(log)]) == 3
    told = capsys.readouterr().out
    assert "    red\ufffd\n" in told
    assert "x" * 50 in told
    assert "x" * 101 not in told.replace("\n    ", "")
    assert "\x1b" not in told
    assert ("line 2" in told, "line 3" in told) == (True, False)


def test_the_formats_that_were_tried_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All in which text can be where the name says nothing, else the one that it says."""
    text = whole(capsys, append(tmp_path / "a.txt", "words"))
    of_text = {name: dialect.shape in (Shape.LINES, Shape.DOCUMENT) for name, dialect in registered().items()}
    assert [name for name in of_text if f" {name}" in text] == [name for name in of_text if of_text[name]]
    text = whole(capsys, append(tmp_path / "logging.jsonl", "words"))
    assert "as its name says" in text


def test_a_folder_without_a_log_says_what_lies_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what would be read under another name, first."""
    append(tmp_path / "train.log", "Loading the model")
    append(tmp_path / "console.txt", printed(1), printed(2))
    append(tmp_path / "old.json", trainer_state([1, 2]))
    (tmp_path / "checkpoint-60").mkdir()
    append(tmp_path / "weights.bin", "x")
    text = whole(capsys, tmp_path)
    wanted = [
        "console.txt: rows of a training stand in it, under an odd name: read with "
        "--stdout-log 'console.txt'",
        "old.json: a log of trainer_state under another name: name the file itself",
        "checkpoint-60: a checkpoint in which no trainer_state.json stands",
        "train.log: text without a row of a training",
        "1 *.bin",
    ]
    places = [text.find(part) for part in wanted]
    assert -1 not in places
    assert places == sorted(places)
    assert "检查点，其中没有 trainer_state.json" in whole(capsys, tmp_path, "--lang", "zh")


def test_json_has_what_was_tried_and_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For a program that decides what to do next."""
    named, log = (append(tmp_path / name / "train.log", "Loading") for name in ("a", "b"))
    assert run_cli(commands, ["check", "--format", "json", str(named), str(log.parent)]) == 3
    folder, file = json.loads(capsys.readouterr().out)["no_runs"]
    assert file["first_lines"] == ["Loading"]
    assert sorted(file["tried"]) == sorted(registered())
    assert file["what_to_do"].startswith("A training prints its first row")
    assert folder["seen"] == [{"path": str(log), "why": "text without a row of a training"}]


def test_of_many_paths_without_a_run_only_the_reasons_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless somebody asks for all."""
    logs = [append(tmp_path / f"{number}.txt", "words") for number in range(5)]
    assert "It begins with" not in whole(capsys, *logs)
    assert whole(capsys, *logs, "-v").count("It begins with") == 5


def test_every_real_file_that_is_no_log_is_told_so(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its first lines, or what it is. One of them has the first row of a training of verl."""
    for path in sorted((corpus / "public" / "negative").glob("*/*")):
        if path.parent.name == "volcengine__verl__output-txt-a":
            continue
        text = whole(capsys, path)
        assert "no training record in it" in text
        parts = ("It begins with:", "It is no text", "It has no row of a training yet")
        assert any(part in text for part in parts)


# Wrapping


@pytest.mark.parametrize(
    ("line", "width", "lines"),
    [
        ("  - one two three four", 12, ["  - one two", "    three", "    four"]),
        ("  1. one two three", 12, ["  1. one two", "     three"]),
        ("one two", 80, ["one two"]),
        ("", 80, [""]),
        ("  - 学习率降低，再试一次。", 16, ["  - 学习率降低，", "    再试一次。"]),
        ("  - 学习率降低，再试一次。", 15, ["  - 学习率降", "    低，再试一", "    次。"]),
        ("步子大（learning_rate\xa0=\xa00.01）时", 28, ["步子大", "（learning_rate = 0.01）时"]),
        ("上一次，第 12 步，警告", 12, ["上一次，", "第 12 步，警", "告"]),
        ("it is at step 12 or so", 14, ["it is at", "step 12 or so"]),
        ("aaaaaaaaaaaa bb", 5, ["aaaaa", "aaaaa", "aa bb"]),
    ],
)
def test_text_is_wrapped_like_print(line: str, width: int, lines: list[str]) -> None:
    """Indented like its text, no closing punctuation in front, what belongs together on one line."""
    assert list(wrapped(line, width)) == lines


def test_widths_are_those_of_a_terminal() -> None:
    """Chinese characters take two columns, combining marks and colours none."""
    assert columns("学ab") == 4
    assert columns("e\u0301") == 1
    assert columns(click.style("ab", fg="red")) == 2
    assert padded("学", 4) == "学  "


@pytest.mark.parametrize(
    ("name", "short"), [("abc", "abc"), ("abcdefghij", "ab…ij"), ("学习率降低", "学…低")]
)
def test_a_long_name_loses_its_middle(name: str, short: str) -> None:
    """Both ends of a name tell more."""
    assert shortened_name(name, 5) == short


def test_not_a_number_does_not_reach_json() -> None:
    """JSON has none."""
    strange = replace(RUN, best=(math.nan, 3))
    assert json.loads(as_json([strange], []))["runs"][0]["best"] == {"eval_loss": None, "step": 3}


def test_verbose_tells_every_remedy(tmp_path: Path) -> None:
    """Without it a run has those that come first."""
    run = checked("policy-drift", tmp_path)
    wanted = len(diagnose(run).remedies)
    assert wanted > ACTIONS_TOLD
    told = text([run], verbose=True)
    assert f"\n    {wanted}. " in told
    assert f"\n    {wanted}. " not in text([run])


def test_the_overview_of_several_runs_counts_as_part_of_the_screen(tmp_path: Path) -> None:
    """One run that is not healthy among many that are still fits."""
    bad = checked("policy-drift", tmp_path)
    runs = [bad, *(replace(RUN, run=f"run-{at}") for at in range(12))]
    for style in (EN, replace(EN, lang=Lang.ZH)):
        assert len(text(runs, style).splitlines()) <= SCREEN
