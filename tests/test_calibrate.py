"""`calibrate`: limits of one's own, from runs with known noise; what must not be lost; the file it writes."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import EXPORTER, Settings, configure
from llmtrain_exporter.config.profiles import CONFIGURED
from llmtrain_exporter.knowledge.calibrating import NEVER_MOVED
from llmtrain_exporter.knowledge.signal import Bound, Measure, Severity
from llmtrain_exporter.knowledge.signals import BUILT_IN, SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.printable import UNPRINTABLE
from llmtrain_exporter.publish.calibrate import profile_file as files
from llmtrain_exporter.publish.calibrate.broken_run import broken_run
from llmtrain_exporter.publish.calibrate.judging import Court
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog, keep_log
from llmtrain_exporter.publish.calibrate.learned import Learned, learned
from llmtrain_exporter.publish.calibrate.moves import (
    NO_MOVES,
    Move,
    can_move,
    looser,
    tighter,
)
from llmtrain_exporter.publish.calibrate.run import CalibrateWanted, run_calibrate
from llmtrain_exporter.publish.calibrate.telling import told
from llmtrain_exporter.watching.on_demand import read_each
from llmtrain_exporter.watching.rules import rules_for_reading
from llmtrain_exporter.write.style import Style

from tests.analysing import changed, grpo, sft

NOW = 1_800_000_000.0
RECORDS = 300
ODD = (120, 170, 220)
"""Records of the noisy runs in which kl is 33 times as usual, and nothing else is odd."""

GRPO = BUILT_IN["grpo"]


def noisy(seed: int, kl: float = 1.0) -> list[dict[str, object]]:
    """A healthy run with three odd records, of which the built-in limits warn."""
    rows = grpo(RECORDS, seed)
    for at in ODD:
        rows = changed(rows, at, at + 1, kl=kl)
    return rows


def dying(seed: int, start: int = 200) -> list[dict[str, object]]:
    """A run whose kl climbs until completions grow and rewards are lost."""
    rows = grpo(RECORDS, seed)
    for at in range(start, RECORDS):
        rows = changed(rows, at, at + 1, kl=min(0.03 * 1.6 ** (at - start + 1), 30.0))
    rows = changed(rows, start + 8, RECORDS, completions__mean_length=480.0, completions__clipped_ratio=0.8)
    return changed(
        rows, start + 9, RECORDS, reward=0.1, rewards__Format__mean=0.02, rewards__Accuracy__mean=0.02
    )


def write(folder: Path, rows: Sequence[Mapping[str, object]], planned: int | None = None) -> Path:
    """A log of ms-swift; it has ended where no other plan is given."""
    folder.mkdir(parents=True)
    total = planned or len(rows)
    lines = (json.dumps({**row, "global_step/max_steps": f"{at}/{total}"}) for at, row in enumerate(rows, 1))
    (folder / "logging.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """Four noisy healthy runs and two that die."""
    for number in range(4):
        write(tmp_path / "runs" / f"good-{number}", noisy(number))
    for number in range(2):
        write(tmp_path / "runs" / f"bad-{number}", dying(10 + number))
    return tmp_path / "runs"


def kept(folder: Path, profile: str | None = None) -> dict[str, KeptLog]:
    """The logs below a folder by the last part of their names."""
    found = list(read_each(keep_log, [str(folder)], rules_for_reading(Settings(), profile), NOW))
    assert not [each for each in found if isinstance(each, NoRun)]
    return {each.run.run.rpartition("/")[2]: each for each in found if isinstance(each, KeptLog)}


def lesson(folder: Path, budget: float = 1.0) -> Learned:
    """What is learned of the runs of a folder whose names begin with good and bad."""
    logs = kept(folder)
    healthy, broken = (
        [log for name, log in logs.items() if name.startswith(kind)] for kind in ("good", "bad")
    )
    return learned(GRPO, healthy, broken, budget)


def calibrate(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The command: exit code, standard output, standard error."""
    code = run_cli(commands, ["calibrate", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def warnings_of(
    folder: Path, config: Path | None, capsys: pytest.CaptureFixture[str]
) -> dict[str, tuple[str, int]]:
    """By run, what `check` calls it and how often something speaks against it."""
    more = () if config is None else ("--config", str(config))
    run_cli(commands, ["check", "--format", "json", *more, str(folder)])
    runs = json.loads(capsys.readouterr().out)["runs"]
    return {
        run["run"].rpartition("/")[2]: (
            run["health"],
            sum(each["severity"] != Severity.INFO.value for each in run["signals"]),
        )
        for run in runs
    }


def test_false_alarms_of_known_noise_go_and_broken_runs_stay(
    team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is loaded by check as it is, and gives the verdicts that were promised."""
    before = warnings_of(team, None, capsys)
    assert all(before[f"good-{number}"][1] == len(ODD) for number in range(4))
    assert [before[f"bad-{number}"][0] for number in range(2)] == ["broken", "broken"]
    out = tmp_path / "profile.yml"
    code, text, _ = calibrate(team, "-o", out, capsys=capsys)
    assert code == 0, text
    after = warnings_of(team, out, capsys)
    assert [after[f"good-{number}"] for number in range(4)] == [("healthy", 0)] * 4
    assert [after[f"bad-{number}"][0] for number in range(2)] == ["broken", "broken"]
    assert run_cli(commands, ["config", "--check", str(out)]) == 0


def test_only_what_cries_is_moved_and_no_more_than_needed(team: Path) -> None:
    """One signal cries: one bound moves."""
    found = lesson(team)
    assert [(move.signal, move.severity) for move in found.lesson.moves] == [("kl_spike", Severity.WARNING)]
    assert found.alarms == (4 * len(ODD), found.lesson.alarms)
    assert found.lesson.alarms <= found.lesson.most == 1
    assert found.found == (2, 2)


def test_of_the_changes_that_are_enough_the_smallest_is_taken(tmp_path: Path) -> None:
    """The first rung above the noise, and not the next, which is silent as well."""
    for number in range(2):
        write(tmp_path / f"good-{number}", noisy(number, kl=0.45))
    found = lesson(tmp_path)
    court = Court(found.healthy, GRPO)
    rungs = list(looser("kl_spike", GRPO.limits["kl_spike"], critical=False))
    silent = [step for step in rungs if not any(court.hear(at, step).alarms for at in range(2))]
    assert len(silent) > 1
    assert found.lesson.moves == silent[0]


def test_a_run_that_was_left_out_is_judged_by_what_the_others_teach(tmp_path: Path) -> None:
    """Only one run is noisy: the others do not teach that, and its alarms count as unseen."""
    write(tmp_path / "good-0", noisy(0))
    for number in range(1, 4):
        write(tmp_path / f"good-{number}", grpo(RECORDS, number))
    write(tmp_path / "bad-0", dying(10))
    found = lesson(tmp_path, budget=0.0)
    assert found.alarms == (len(ODD), 0)
    assert found.unseen is not None
    assert (found.unseen.alarms, found.unseen.found) == (len(ODD), 1)


def test_within_the_budget_nothing_moves(team: Path) -> None:
    """10 per 1,000 records are put up with."""
    assert lesson(team, budget=10.0).lesson.moves == NO_MOVES


def test_a_broken_run_is_told_when_it_was(team: Path) -> None:
    """With the learned limits it is critical at the same record, and what spoke by then speaks."""
    found = lesson(team, budget=0.0)
    court = Court(found.broken, GRPO)
    for at, log in enumerate(found.broken):
        end = broken_run(log, court.hear(at, NO_MOVES))
        assert end.moments
        assert end.lost(court.hear(at, found.lesson.moves)) is None


def test_a_limit_that_would_lose_a_broken_run_does_not_move(tmp_path: Path) -> None:
    """A run died of what looks like the noise: the budget cannot be met, and the run is named."""
    for number in range(2):
        write(tmp_path / f"good-{number}", changed(grpo(RECORDS, number), 150, 153, kl=6.0))
    rows = changed(grpo(RECORDS, 7), 200, RECORDS, kl=6.0)
    write(tmp_path / "bad-0", rows)
    found = lesson(tmp_path)
    assert not found.within_budget
    assert {found.broken[at - len(found.healthy)].run.run for at in found.lesson.held.values()} == {
        found.broken[0].run.run
    }
    told_why = " ".join(told(found, Style(Lang.EN, 110)))
    assert any(f"{name} cannot be silenced" in told_why for name in found.lesson.held)
    court = Court(found.broken, GRPO)
    end = broken_run(found.broken[0], court.hear(0, NO_MOVES))
    assert end.lost(court.hear(0, found.lesson.moves)) is None


def test_a_run_that_nothing_told_of_is_found(tmp_path: Path) -> None:
    """A broken run whose kl was eight times as usual: a tighter limit tells it, where that costs nothing."""
    for number in range(3):
        write(tmp_path / f"good-{number}", grpo(RECORDS, number))
    write(tmp_path / "bad-0", changed(grpo(RECORDS, 7), 200, RECORDS, kl=0.24))
    found = lesson(tmp_path)
    assert found.alarms == (0, 0)
    [move] = found.lesson.moves
    assert (move.signal, move.severity) == ("kl_spike", Severity.WARNING)
    assert move.limit < GRPO.limits["kl_spike"][Severity.WARNING].limit
    court = Court(found.broken, GRPO)
    assert (court.hear(0, NO_MOVES).alarms, court.hear(0, found.lesson.moves).alarms) == (0, 1)


def test_a_budget_out_of_reach_is_told_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """NaN is an alarm that no limit silences: exit code 1, why, and no file."""
    rows = changed(grpo(RECORDS, 1), 150, 152, loss="NaN", grad_norm="NaN")
    folder = write(tmp_path / "runs" / "good-0", rows)
    log = folder / "logging.jsonl"
    log.write_text(log.read_text().replace('"NaN"', "NaN"))
    code, text, _ = calibrate(tmp_path / "runs", "-o", tmp_path / "p.yml", "--healthy", "*", capsys=capsys)
    assert code == 1
    assert "non_finite has no limit that may move." in text
    assert not (tmp_path / "p.yml").exists()


HOSTILE = "a: b # c\n- {match: '*'}\x1b[2J *[x] 🚀\ufffe\uffff"


@pytest.mark.skipif(os.name == "nt", reason="names that no file may have there")
def test_names_of_runs_cannot_break_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Line ends, comments, quotes, globs and escapes in a name change nothing of what the file says."""
    write(tmp_path / "runs" / f"good-0 {HOSTILE}", noisy(0))
    write(tmp_path / "runs" / f"good-1 {HOSTILE}", sft(RECORDS, 1))
    write(tmp_path / "runs" / f"bad-0 {HOSTILE}", dying(3))
    out = tmp_path / "p.yml"
    code, _, err = calibrate(tmp_path / "runs", "-o", out, capsys=capsys)
    assert code == 0, err
    text = out.read_text()
    assert "\x1b" not in text
    assert all(line.isprintable() for line in text.splitlines())
    settings = configure(EXPORTER, {}, {}, str(out)).settings
    assert set(settings.profiles) == {"own-grpo", "own-sft"}
    logs = kept(tmp_path / "runs").values()
    assert {settings.assign(log.folder).profile for log in logs} == {"own-grpo", "own-sft"}


def test_runs_are_found_again_by_the_name_before_any_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Patterns go by the folder's name: a run that a rule calls otherwise gets what was learned from it."""
    write(tmp_path / "runs" / "g5", noisy(0))
    write(tmp_path / "runs" / "s1", sft(RECORDS, 1))
    config = tmp_path / "llmtrain.yml"
    config.write_text("runs: [{regex: 'g(\\d+)', name: 'renamed-\\1'}]\n")
    out = tmp_path / "p.yml"
    assert calibrate(tmp_path / "runs", "-o", out, "--config", config, capsys=capsys)[0] == 0
    settings = files.settings_in(out.read_text())
    assert settings.assign("g5").profile == "own-grpo"
    assert settings.assign("s1").profile == "own-sft"


def test_runs_of_another_kind_are_left_alone(
    team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one is among those that were read, the new profile is for the runs that it was learned from."""
    write(team / "other", sft(RECORDS, 1), planned=5000)
    out = tmp_path / "p.yml"
    assert calibrate(team, "-o", out, capsys=capsys)[0] == 0
    settings = configure(EXPORTER, {}, {}, str(out)).settings
    logs = kept(team)
    assert settings.assign(logs.pop("other").folder).profile is None
    assert {settings.assign(log.folder).profile for log in logs.values()} == {"own"}


def test_one_run_is_learned_from_and_its_limits_are_told_to_be_unproved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one run nothing is left to try the limits on, and few records are said to be few."""
    write(tmp_path / "runs" / "good-0", noisy(0))
    code, text, _ = calibrate(tmp_path / "runs", "-o", tmp_path / "p.yml", capsys=capsys)
    said = " ".join(text.split())
    assert code == 0
    assert "in runs they had not seen: not known" in said
    assert "2,700 more records of healthy runs are needed" in said
    assert "No broken run among them" in said


def test_what_broke_where_no_run_of_its_kind_is_healthy_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It teaches nothing, and is among the runs that were not learned from."""
    write(tmp_path / "runs" / "good-0", sft(RECORDS, 1))
    write(tmp_path / "runs" / "bad-0", dying(3))
    code, text, _ = calibrate(tmp_path / "runs", "-o", tmp_path / "p.yml", capsys=capsys)
    said = " ".join(text.split())
    assert code == 0
    assert "sft: healthy runs: 1, with 300 training records; broken runs: 0" in said
    assert re.search(r"Not learned from: \S*bad-0\. .* no run of their kind is healthy", said)
    form = ("-o", "-", "--format", "json")
    _, _, err = calibrate(tmp_path / "runs", *form, capsys=capsys)
    assert [name.rpartition("/")[2] for name in json.loads(err)["not_learned_from"]] == ["bad-0"]


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_without_a_run_there_is_nothing_to_learn(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty folder, or none: exit code 3, which says why."""
    (tmp_path / "empty").mkdir()
    code, _, err = calibrate(tmp_path / name, "-o", tmp_path / "p.yml", "--healthy", "good*", capsys=capsys)
    assert code == 3
    assert str(tmp_path / name) in err
    assert not (tmp_path / "p.yml").exists()


def test_runs_that_have_not_ended_teach_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that goes on may still break; --healthy says otherwise."""
    folder = write(tmp_path / "runs" / "good-0", noisy(0), planned=5000).parent
    code, text, _ = calibrate(folder, "-o", tmp_path / "p.yml", capsys=capsys)
    assert code == 3
    assert "Not learned from:" in text
    assert "good-0" in text
    assert calibrate(folder, "-o", tmp_path / "p.yml", "--healthy", "*good*", capsys=capsys)[0] == 0


@pytest.mark.parametrize("lang", Lang)
def test_what_to_do_about_a_run_that_its_log_does_not_close_is_told(
    lang: Lang, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named as one gives it, in a shell and as a pattern; one that broke is no such run."""
    write(tmp_path / "runs" / "good[0] a", noisy(0), planned=5000)
    write(tmp_path / "runs" / "bad-0", dying(3), planned=5000)
    form = ("-o", tmp_path / "p.yml", "--lang", lang.value)
    code, text, _ = calibrate(tmp_path / "runs", *form, capsys=capsys)
    _, name = shlex.split(re.findall(r"--healthy\s+'[^']+'", text)[0])
    assert (code, text.count("bad-0")) == (3, 1)  # as one that is not learned from
    assert calibrate(tmp_path / "runs", *form, "--healthy", name, capsys=capsys)[0] == 0


def test_a_file_that_is_there_is_kept(team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --force; a log is not replaced even with it."""
    out = tmp_path / "p.yml"
    out.write_text("precious")
    code, _, err = calibrate(team, "-o", out, capsys=capsys)
    assert (code, out.read_text()) == (64, "precious")
    assert "--force" in err
    assert calibrate(team, "-o", out, "--force", capsys=capsys)[0] == 0
    assert out.read_text() != "precious"
    log = team / "good-0" / "logging.jsonl"
    assert calibrate(log, "-o", log, "--force", capsys=capsys)[0] == 64
    assert len(log.read_text().splitlines()) == RECORDS


def test_the_file_goes_to_standard_output(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What people read goes to standard error then."""
    code, text, err = calibrate(team, "-o", "-", capsys=capsys)
    assert code == 0
    assert yaml.safe_load(text)["profiles"]["own"]["inherits"] == "grpo"
    assert "False alarms per 1,000 records" in err


def test_a_program_reads_the_same(team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--format json: one object, whether or not the budget is met; names of runs are whole."""
    code, text, _ = calibrate(team, "-o", tmp_path / "p.yml", "--format", "json", capsys=capsys)
    said = json.loads(text)
    assert code == 0
    assert said["not_learned_from"] == []
    [own] = said["profiles"]
    assert (own["profile"], own["inherits"], own["within_budget"]) == ("own", "grpo", True)
    assert (len(own["healthy"]), len(own["broken"]), own["records"]) == (4, 2, 4 * RECORDS)
    assert own["false_alarms"]["before"] == 4 * len(ODD)
    [spike] = [each for each in own["signals"] if each["changes"]]
    assert spike["signal"] == "kl_spike"
    assert set(spike["steps_before_critical"]["after"]) == set(own["broken"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--healthy", "nobody*"), "--healthy nobody*: no run has such a name"),
        (("--healthy", "*good-0", "--broken", "*good-*"), "is named by --healthy and by --broken"),
        (("--name", "grpo"), "there is such a profile"),
        (("--name", "a\nb"), "must be a name that people can read"),
        (("--budget", "-1"), "--budget"),
        (("--budget", "nan"), "is no number of false alarms"),
    ],
)
def test_what_makes_no_sense_is_told(
    arguments: tuple[str, ...], said: str, team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 64, and nothing is written."""
    code, _, err = calibrate(team, "-o", tmp_path / "p.yml", *arguments, capsys=capsys)
    assert code == 64
    assert said in err
    assert not (tmp_path / "p.yml").exists()


def test_a_profile_of_ones_own_goes_along(
    team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the new profile inherits from stands in the file too: it needs no other one."""
    config = tmp_path / "llmtrain.yml"
    config.write_text(
        "profiles:\n  ours: {inherits: grpo, limits: {reward_drop: {warning: off}}}\n"
        "runs: [{match: '*', profile: ours}]\n"
    )
    out = tmp_path / "p.yml"
    assert calibrate(team, "-o", out, "--config", config, capsys=capsys)[0] == 0
    settings = configure(EXPORTER, {}, {}, str(out)).settings
    assert settings.profiles["own"].inherits == "ours"
    assert Severity.WARNING not in settings.known_profiles["own"].limits["reward_drop"]


def test_chinese_is_written_where_it_is_asked_for(
    team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the terminal and beside the numbers."""
    out = tmp_path / "p.yml"
    code, text, _ = calibrate(team, "-o", out, "--lang", "zh", capsys=capsys)
    assert code == 0
    assert "每 1000 条记录的误报数" in text
    assert "误报" in out.read_text(encoding="utf-8")


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_how_far_it_is_shows_on_a_terminal_and_goes(
    team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs that were read, then how often a run was judged; in the end nothing is left of it."""
    monkeypatch.setattr("llmtrain_exporter.publish.calibrate.run.EVERY_SECONDS", 0.0)
    wanted = CalibrateWanted(tmp_path / "p.yml", 1.0, (), (), "own", None, False, False, Lang.EN)
    err = Terminal()
    assert run_calibrate([str(team)], Settings(), wanted, io.StringIO(), err, NOW) == 0
    shown = err.getvalue().split("\r")
    assert "6 logs read" in [text.rstrip() for text in shown]
    assert "grpo: trying limits, 2 judgements so far" in [text.rstrip() for text in shown]
    assert (shown[-2].strip(), shown[-1]) == ("", "")


def test_a_log_folded_again_says_the_same(team: Path) -> None:
    """What is kept of a log is all that the verdict depends on, however its records came."""
    for log in kept(team).values():
        heard = Court([log], GRPO).hear(0, NO_MOVES)
        said = [each for each in log.run.episodes if each.severity is not Severity.INFO]
        assert list(heard.episodes) == said
        assert heard.verdict is log.run.verdict


def test_what_is_not_folded_again_would_have_said_the_same(team: Path) -> None:
    """A looser limit of a signal that never spoke needs no fold, and a fold with it says no other."""
    logs = list(kept(team).values())
    folds: list[int] = []
    court = Court(logs, GRPO, lambda: folds.append(1))
    moves = frozenset(
        move
        for name, bounds in GRPO.limits.items()
        if can_move(name, bounds)
        for move in list(looser(name, bounds, critical=False))[1]
    )
    for at in range(len(logs)):
        cheap = court.hear(at, moves)
        whole = court.hear_all(at, moves)
        assert (cheap.episodes, cheap.verdict) == (whole.episodes, whole.verdict)


def moved(moves: Iterable[frozenset[Move]]) -> list[Move]:
    """Single moves."""
    return [move for step in moves for move in step]


@pytest.mark.parametrize("profile", BUILT_IN)
def test_every_rung_is_one_that_settings_take(profile: str) -> None:
    """Looser ones are looser, tighter ones tighter; what no run survives never moves."""
    built_in = BUILT_IN[profile]
    for name, bounds in built_in.limits.items():
        if not can_move(name, bounds):
            continue
        assert name not in NEVER_MOVED
        assert SIGNALS[name].measure not in (Measure.TRUTH, Measure.GAPS)
        for steps, is_tighter in (
            (looser(name, bounds, critical=True), False),
            (tighter(name, bounds), True),
        ):
            for step in steps:
                limits: dict[str, Any] = {
                    move.severity.value: {
                        key: value for key in ("limit", "records", "within") if (value := getattr(move, key))
                    }
                    for move in step
                }
                Settings.model_validate(
                    {"profiles": {"own": {"inherits": profile, "limits": {name: limits}}}}
                )
                assert all(move.is_tighter_than(built_in.limits) is is_tighter for move in step)


def test_what_no_run_survives_never_moves() -> None:
    """Not even if it had a limit that says so before it is critical."""
    bounds = {Severity.WARNING: Bound(1.0, CONFIGURED), Severity.CRITICAL: Bound(2.0, CONFIGURED)}
    assert can_move("kl_spike", bounds)
    assert not any(can_move(name, bounds) for name in NEVER_MOVED)


def test_a_comment_stays_one() -> None:
    """Whatever stands in it: what would end its line is replaced."""
    lines = list(files._comment("a\nb: c\x85d\u2028e\x1b[2J", 2))
    assert [line.startswith("  # ") and line.isprintable() for line in lines] == [True]


ODD_NAMES = (
    *(
        "🚀 run",
        "训练",
        'a"b\\c',
        "no",
        "007",
        "{x: y}",
        "a\nb\tc",
        "\x00\x1b\x7f",
        "\x85\u2028\u2029",
        "\ufeff",
    ),
    *("\ufffe", "\uffff", "\udcff", "\ud83d", "\\ud83d", "\U0001fffe\U0010ffff", "\u200b\u202e\ufffd"),
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_yaml_reads_a_name_as_it_was(name: str) -> None:
    """Whatever stands in it, as a key, a value and inside of what is written as one."""
    text = f"{files._name(name)}: {files._quoted({name: [name]})}\n"
    assert not UNPRINTABLE.search(text.rstrip("\n"))
    assert yaml.safe_load(text) == {name: {name: [name]}}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_comment_and_a_pattern_hold_nothing_that_yaml_refuses(name: str) -> None:
    """And the pattern picks the run still."""
    pattern = files._quoted(files._pattern(name))
    text = "\n".join([*files._comment(name, 0), f"match: {pattern}"])
    assert fnmatchcase(name, yaml.safe_load(text)["match"])


def test_what_is_critical_is_never_tightened() -> None:
    """A guard stops a training by it."""
    for name, bounds in GRPO.limits.items():
        if can_move(name, bounds):
            assert {move.severity for move in moved(tighter(name, bounds))} <= {Severity.WARNING}


def test_ctrl_c_leaves_nothing(team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done at that moment: exit code 130, and no file."""

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("llmtrain_exporter.publish.calibrate.run.profile_file", interrupted)
    assert run_cli(commands, ["calibrate", str(team), "-o", str(tmp_path / "p.yml")]) == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]
