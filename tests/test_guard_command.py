"""`guard` as a program around trainings that break, die, are killed and begun again."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from llmtrain_exporter.guard.guard_file import guard_path
from llmtrain_exporter.guard.launch.shown_command import identity_of_command
from llmtrain_exporter.guard.launch.state_file import StateFile
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.knowledge.guard_limits import STOPPED_EXIT_CODE
from llmtrain_exporter.model.guarded import GuardFile

from tests.project import IMPORTED_FROM, ROOT
from tests.servers import HANGS_SECONDS, eventually

TRAIN = ROOT / "tests" / "toy_training" / "train.py"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(IMPORTED_FROM)}
BREAKS_ALWAYS = ("--breaks_above", "0")

SEVERAL_TRAININGS = 5
"""That one command may start, with programs in between."""


class Guarding:
    """A folder in which guarded trainings run, all of them into `out`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"

    def line(self, options: Sequence[str], flags: Sequence[str]) -> list[str]:
        """The command line."""
        train = [sys.executable, str(TRAIN), "--output_dir", "out", *flags]
        return [sys.executable, "-m", "llmtrain_exporter", "guard", *options, "--", *train]

    def run(
        self,
        *flags: str,
        options: Sequence[str] = ("--on-incident", "rescue"),
        more: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """A guarded training, to its end."""
        return self.run_words(self.line(options, flags), more)

    def run_words(
        self, words: Sequence[str], more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Any command, to its end."""
        return subprocess.run(
            words,
            cwd=self.folder,
            env={**ENVIRONMENT, **(more or {})},
            capture_output=True,
            text=True,
            timeout=SEVERAL_TRAININGS * HANGS_SECONDS,
            check=False,
        )

    @property
    def file(self) -> GuardFile:
        """What the guard has written down."""
        found = read_guard_file(guard_path(self.out))
        assert found is not None
        return found

    @property
    def rows(self) -> list[dict[str, object]]:
        """The rows that it has recorded."""
        lines = (self.out / "llmtrain.jsonl").read_text().splitlines()
        return [row for row in map(json.loads, lines) if "loss" in row]

    @property
    def weights(self) -> list[int]:
        """The steps of all checkpoints that are left, wherever they are; each with its own weights, whole."""
        steps = []
        for path in self.out.rglob("model.safetensors"):
            step = int(path.parent.name.removeprefix("checkpoint-"))
            assert path.read_text() == f"weights of step {step}"
            assert json.loads((path.parent / "trainer_state.json").read_text())["global_step"] == step
            steps.append(step)
        return sorted(steps)


@pytest.fixture
def guarding(tmp_path: Path) -> Guarding:
    """An empty folder to train in."""
    return Guarding(tmp_path)


def test_a_training_that_breaks_is_rescued(guarding: Guarding) -> None:
    """It goes on from where rewards were good, at a tenth of the rate, and comes to its end."""
    done = guarding.run("--learning_rate", "3e-3")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "done")
    (attempt,) = guarding.file.attempts
    assert guarding.file.state == "rescued"
    assert attempt.from_step in (15, 20, 25, 30)
    assert f"resumed from {attempt.checkpoint} " in done.stdout
    assert guarding.rows[-1]["learning_rate"] == pytest.approx(3e-4)
    assert set(guarding.weights) == set(range(5, 65, 5))
    aside = guarding.out / "llmtrain-kept" / "aside-1"
    later = [f"checkpoint-{step}" for step in range(attempt.from_step + 5, 36, 5)]
    assert sorted(path.name for path in aside.glob("checkpoint-*")) == later


def test_a_rescue_says_what_it_does(guarding: Guarding) -> None:
    """Why it was stopped, from where it goes on, what is changed and what is not, where the rest is."""
    said = guarding.run("--learning_rate", "3e-3").stderr
    for text in (
        "step 36: kl_high (critical)",
        "rescue 1 of 2: back to step",
        "changed: learning_rate 0.003 -> 0.0003; max_grad_norm 1 -> 0.5; the data goes on where it was",
        "set inside the training, since the command has no flag for it: max_grad_norm",
        "llmtrain-kept/aside-1",
        "runs: ",
        "--learning_rate 0.0003",
    ):
        assert text in said
    assert "Traceback" not in said


def test_the_second_rescue_is_further_back_and_gentler(guarding: Guarding) -> None:
    """Where the first was not enough; rotation has left what it goes back to."""
    done = guarding.run("--learning_rate", "3e-3", "--breaks_above", "1e-4", "--save_total_limit", "2")
    assert done.returncode == 0
    first, second = guarding.file.attempts
    assert guarding.file.state == "rescued"
    assert second.from_step < first.from_step
    assert guarding.rows[-1]["learning_rate"] == pytest.approx(3e-5)
    assert {path.name for path in (guarding.out / "llmtrain-kept").glob("aside-*")} == {"aside-1", "aside-2"}


def test_a_script_whose_settings_stand_in_itself_is_rescued_from_inside(guarding: Guarding) -> None:
    """No flag can be changed: the rate is scaled and the checkpoint given there."""
    done = guarding.run()
    assert done.returncode == 0
    assert "set inside the training, since the command has no flag for it: learning_rate" in done.stderr
    assert guarding.rows[-1]["learning_rate"] == pytest.approx(3e-4)
    assert "resumed from" in done.stdout


def test_it_gives_up_with_a_clear_word(guarding: Guarding) -> None:
    """After as many rescues as were allowed; the exit code is the training's own."""
    done = guarding.run("--learning_rate", "3e-3", *BREAKS_ALWAYS)
    assert done.returncode == STOPPED_EXIT_CODE
    assert len(guarding.file.attempts) == 2
    assert (guarding.file.state, guarding.file.events[-1].action) == ("gave_up", "give_up")
    assert "gives up: it broke again after the last of 2" in done.stderr.splitlines()[-1]


def test_no_checkpoint_is_no_rescue(guarding: Guarding) -> None:
    """Nothing is begun from scratch by itself."""
    done = guarding.run("--save_steps", "1000")
    assert done.returncode == STOPPED_EXIT_CODE
    assert "gives up: there is no complete checkpoint" in done.stderr.splitlines()[-1]
    assert guarding.file.attempts == ()


def test_a_folder_that_cannot_be_made_ends_the_rescue_and_changes_nothing(guarding: Guarding) -> None:
    """A file lies where later checkpoints would go."""
    guarding.out.mkdir()
    (guarding.out / "llmtrain-kept").write_text("the user's own")
    done = guarding.run("--learning_rate", "3e-3")
    assert "gives up: later checkpoints cannot be moved away" in done.stderr
    assert guarding.weights == [5, 10, 15, 20, 25, 30, 35]
    assert (guarding.out / "llmtrain-kept").read_text() == "the user's own"


def test_a_training_that_is_stopped_says_why_in_its_last_lines(guarding: Guarding) -> None:
    """And what to do next; it is not started again."""
    done = guarding.run(options=("--on-incident", "stop"))
    assert done.returncode == STOPPED_EXIT_CODE
    assert guarding.file.state == "stopped"
    assert "stopped at step 36: kl_high (critical)" in done.stderr.splitlines()[-1]
    assert "Go back to a checkpoint from before step" in done.stderr.splitlines()[-1]
    assert "done" not in done.stdout


def test_its_last_lines_are_in_the_language_that_was_asked_for(guarding: Guarding) -> None:
    """Those that the training prints too; the file is for programs, and in English."""
    done = guarding.run(options=("--on-incident", "stop", "--lang", "zh"))
    said = [line for line in done.stderr.splitlines() if line.startswith("llmtrain-exporter guard: ")]
    assert len(said) == 3
    assert all(re.search("[\u4e00-\u9fff]", line) for line in said)
    assert not any("Go back" in line for line in said)
    assert sum("请回到第 " in line for line in said) == 2
    assert guarding.file.next.startswith("Go back to a checkpoint")


@pytest.mark.parametrize("action", ["notify", "protect"])
def test_a_training_that_is_not_to_be_stopped_comes_to_its_end(guarding: Guarding, action: str) -> None:
    """It is told of, and recorded."""
    done = guarding.run(options=("--on-incident", action))
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "kl_high" in done.stderr
    assert len(guarding.rows) == 60


def test_a_training_without_an_incident_is_as_without_a_guard(guarding: Guarding) -> None:
    """The same checkpoints, the same output, nothing said; some are kept, in case that."""
    done = guarding.run("--learning_rate", "1e-4")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    saved = sorted(int(path.name.partition("-")[2]) for path in guarding.out.glob("checkpoint-*"))
    assert saved == list(range(5, 65, 5))
    assert set(guarding.weights) == set(saved)
    assert guarding.file.state == "ended"


def test_a_training_that_dies_of_itself_is_not_begun_again(guarding: Guarding) -> None:
    """Killed for memory, say: that is no incident of what it learns."""
    done = guarding.run("--kill_at", "20")
    assert done.returncode == -signal.SIGKILL
    assert (guarding.file.state, guarding.file.attempts) == ("watching", ())


def test_one_of_several_is_stopped_and_not_begun_again(guarding: Guarding) -> None:
    """Two guards must not start one training, each for itself."""
    done = guarding.run(more={"SLURM_STEP_NUM_TASKS": "2"})
    assert done.returncode == STOPPED_EXIT_CODE
    assert "one part of a training on several machines" in done.stderr.splitlines()[0]
    assert guarding.file.attempts == ()


def test_a_guard_that_cannot_get_in_says_so(guarding: Guarding) -> None:
    """Before and after; the training runs as without."""
    line = guarding.line(("--on-incident", "rescue"), ())
    line[line.index("--") + 2 : line.index("--") + 2] = ["-I"]
    line += ["--save_steps", "1000"]
    done = guarding.run_words(line)
    assert "does not look at PYTHONPATH" in done.stderr.splitlines()[0]


FIRST_TO_DIE = [(20, "both"), (28, "both"), (41, "both"), (50, "both"), (33, "trainer"), (55, "trainer")]


@pytest.mark.parametrize(("step", "who"), FIRST_TO_DIE)
def test_whoever_is_killed_nothing_is_lost_and_the_same_command_goes_on(
    guarding: Guarding, step: int, who: str
) -> None:
    """A node goes down, a pod is moved: a rescue that was begun is taken up where it was."""
    flag = {"both": "--kill_both_at", "trainer": "--kill_at"}[who]
    flags = ("--learning_rate", "3e-3", flag, str(step))
    first = guarding.run(*flags)
    assert first.returncode == -signal.SIGKILL
    eventually(lambda: not running(guarding))
    before, interrupted = guarding.weights, bool(guarding.file.attempts)
    again = guarding.run(*flags)
    assert (again.returncode, guarding.file.state) == (0, "rescued")
    assert ("goes on with rescue 1, which was interrupted" in again.stderr) is interrupted
    assert not set(before) - set(guarding.weights)
    assert guarding.rows[-1]["learning_rate"] == pytest.approx(3e-4)
    assert len(guarding.file.attempts) == 1


def running(guarding: Guarding) -> bool:
    """Whether a training is still there."""
    return any(is_in(process, guarding.folder) for process in Path("/proc").glob("[0-9]*"))


def is_in(process: Path, folder: Path) -> bool:
    """Whether that process works in a folder; one that has ended does not."""
    with suppress(OSError):
        return os.readlink(process / "cwd") == str(folder)
    return False


def test_another_command_in_the_folder_begins_anew(guarding: Guarding) -> None:
    """What was interrupted was another training."""
    guarding.run("--learning_rate", "3e-3", "--kill_both_at", "50")
    assert guarding.file.attempts
    eventually(lambda: not running(guarding))
    done = guarding.run("--learning_rate", "1e-4")
    assert (done.returncode, done.stderr) == (0, "")
    assert (guarding.file.state, guarding.file.attempts) == ("ended", ())


def test_a_signal_to_end_ends_a_rescue_too(guarding: Guarding) -> None:
    """The machine is wanted back: nothing is started again, and the same command takes it up later."""
    line = guarding.line(("--on-incident", "rescue"), ("--learning_rate", "3e-3", "--wait_at", "50"))
    process = subprocess.Popen(
        line,
        cwd=guarding.folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() != "waiting\n":
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=HANGS_SECONDS)
    assert process.returncode == -signal.SIGTERM
    assert guarding.file.state == "watching"
    again = guarding.run("--learning_rate", "3e-3", "--wait_at", "50")
    assert (again.returncode, guarding.file.state) == (0, "rescued")


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_it_never_loses_a_checkpoint(guarding: Guarding, seed: int) -> None:
    """Time and again: what was saved is there to the end, whole, wherever it lies."""
    draw = random.Random(seed)
    saved: set[int] = set()
    for _ in range(4):
        flag = draw.choice(["--kill_at", "--kill_both_at"])
        (guarding.folder / "died").unlink(missing_ok=True)
        guarding.run(
            "--learning_rate", "3e-3", flag, str(draw.randrange(1, 60)), *draw.choice([(), BREAKS_ALWAYS])
        )
        eventually(lambda: not running(guarding))
        assert not saved - set(guarding.weights)
        saved |= set(guarding.weights)


def test_a_dry_run_says_what_it_would_do_and_starts_nothing(guarding: Guarding, corpus: Path) -> None:
    """Of a log of the past, with the command that would run."""
    log = corpus / "produced" / "trl-grpo-lr3e-3"
    options = ("--on-incident", "rescue", "--dry-run", str(log))
    done = guarding.run("--learning_rate", "3e-3", options=options)
    assert (done.returncode, done.stderr) == (0, "")
    first, *more = done.stdout.splitlines()
    assert "would have been stopped at step 43" in first
    assert any("learning_rate 0.003 -> 0.0003" in line for line in more)
    assert "--learning_rate 0.0003" in more[-1]
    assert not guarding.out.exists()


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (None, "would have been told of, and gone on with --on-incident protect: step 43"),
        ("notify", "would have been told of, and gone on with --on-incident notify: step 43"),
        ("stop", "would have been stopped at step 43"),
    ],
)
def test_a_dry_run_says_no_more_than_was_asked_for(
    guarding: Guarding, corpus: Path, action: str | None, told: str
) -> None:
    """What goes on with its training stops nothing, and what stops it starts nothing again."""
    log = corpus / "produced" / "trl-grpo-lr3e-3"
    chosen = ("--on-incident", action) if action else ()
    done = guarding.run("--learning_rate", "3e-3", options=(*chosen, "--dry-run", str(log)))
    [line] = done.stdout.splitlines()
    assert told in line


def test_a_dry_run_finds_checkpoints_where_only_they_have_the_log(guarding: Guarding, corpus: Path) -> None:
    """As Transformers leaves them; what is kept is gone on from, and never trained into."""
    history = corpus / "produced" / "trl-grpo-lr3e-3" / "trainer_state.json"
    out = guarding.folder / "past"
    for folder in (out / "checkpoint-120", out / "checkpoint-20"):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
        (folder / "optimizer.pt").write_bytes(b"state")
        state = json.loads(history.read_text())
        state["global_step"] = int(folder.name.removeprefix("checkpoint-"))
        (folder / "trainer_state.json").write_text(json.dumps(state))
    done = guarding.run("--learning_rate", "3e-3", options=("--on-incident", "rescue", "--dry-run", str(out)))
    assert f"back to step 20 ({out / 'checkpoint-20'})" in done.stdout


def test_a_dry_run_of_what_is_no_log_says_so(guarding: Guarding) -> None:
    """Exit code 3, as of `check`."""
    done = guarding.run(options=("--dry-run", "nowhere"))
    assert done.returncode == 3
    assert "nowhere" in done.stdout


def test_a_rescue_that_cannot_be_taken_up_does_not_hinder_the_command(guarding: Guarding) -> None:
    """What it would go on from is gone: the training begins as it was asked for, and is rescued anew."""
    flags = ("--learning_rate", "3e-3", "--kill_both_at", "50")
    guarding.run(*flags)
    eventually(lambda: not running(guarding))
    found = guarding.file
    broken = json.loads(guard_path(guarding.out).read_text())
    broken["events"][-2]["details"]["grace_until_step"] = "soon"
    broken["attempts"][0]["from_step"] = 10**9
    broken["attempts"][0]["checkpoint"] = str(guarding.folder / "gone")
    guard_path(guarding.out).write_text(json.dumps(broken))
    done = guarding.run(*flags)
    assert found.attempts
    assert done.returncode == 0
    assert guarding.file.state == "rescued"


def test_a_guard_that_dies_before_it_starts_again_is_followed_by_one_that_does(guarding: Guarding) -> None:
    """Between the end of the training and the next start lie seconds in which a node can go down as well."""
    flags = ("--learning_rate", "3e-3")
    guarding.run(*flags, options=("--on-incident", "stop"))
    line = guarding.line((), flags)
    StateFile(guarding.out, lambda: 0.0).begins_rescue(identity_of_command(line[line.index("--") + 1 :]))
    done = guarding.run(*flags)
    assert (done.returncode, guarding.file.state) == (0, "rescued")
    assert done.stdout.startswith("resumed from")
    assert len(guarding.file.attempts) == 1


def test_a_library_that_aborts_while_python_ends_does_not_hinder_the_rescue(guarding: Guarding) -> None:
    """The training was stopped before; the signal is its own, and not of who wants the machine back."""
    done = guarding.run("--learning_rate", "3e-3", "--abort_at_exit")
    assert (done.returncode, guarding.file.state) == (0, "rescued")


@pytest.mark.parametrize("failure", [("--fail_first",), ("--fail_at", "40")])
def test_a_rescue_that_breaks_by_itself_is_told_and_the_same_command_goes_on(
    guarding: Guarding, failure: tuple[str, ...]
) -> None:
    """Out of memory, say: whatever the guard has changed, nobody may believe that the training goes on."""
    flags = ("--learning_rate", "3e-3", *failure)
    done = guarding.run(*flags)
    assert done.returncode == 1
    told = "gives up: rescue 1 ended with exit code 1, and not for an incident"
    assert told in done.stderr.splitlines()[-1]
    assert guarding.file.state == "gave_up"
    assert "The same command goes on with this rescue" in guarding.file.next
    (guarding.folder / "mended").touch()
    again = guarding.run(*flags)
    assert "goes on with rescue 1, which was interrupted" in again.stderr
    assert (again.returncode, guarding.file.state) == (0, "rescued")


def test_a_rescue_that_runs_is_not_begun_a_second_time(guarding: Guarding) -> None:
    """Its guard may be dead: two trainings in one folder would spoil each other."""
    flags = ("--learning_rate", "3e-3", "--wait_at", "50")
    with subprocess.Popen(
        guarding.line(("--on-incident", "rescue"), flags),
        cwd=guarding.folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as first:
        assert first.stdout is not None
        while first.stdout.readline() != "waiting\n":
            pass
        first.kill()
        before = guarding.weights
        again = guarding.run(*flags)
        assert again.returncode == STOPPED_EXIT_CODE
        assert "nothing is started: a rescue is running in" in again.stderr
        assert guarding.weights == before
        os.killpg(first.pid, signal.SIGKILL)
    eventually(lambda: not running(guarding))


def test_of_two_guards_around_a_training_the_outer_one_sees_to_it(guarding: Guarding) -> None:
    """A script that is guarded may have a guard in one of its lines."""
    flags = ("--learning_rate", "3e-3", *BREAKS_ALWAYS)
    outer = guarding.line(("--on-incident", "rescue"), ())
    within = [*outer[: outer.index("--") + 1], *guarding.line(("--on-incident", "stop"), flags)]
    done = guarding.run_words(within)
    assert "another guard has started this one" in done.stderr
    assert "gives up: it broke again after the last of 2" in done.stderr
    assert len(guarding.file.attempts) == 2


def test_a_training_that_ms_swift_gives_another_folder_goes_on_there(guarding: Guarding) -> None:
    """A script starts it: nobody can have it stay in its folder."""
    done = guarding.run("--learning_rate", "3e-3", "--folder_of_its_own", "v{}-20260131")
    assert done.returncode == 0
    first, second = (read_guard_file(guard_path(guarding.out / f"v{at}-20260131")) for at in range(2))
    assert first is not None
    assert second is not None
    (attempt,) = second.attempts
    assert f"resumed from {attempt.checkpoint} " in done.stdout
    assert (first.state, second.state, first.attempts) == ("rescued", "rescued", second.attempts)
    assert first.next == f"It went on in {guarding.out / 'v1-20260131'}."


def test_a_training_that_begins_anew_elsewhere_is_no_rescue_and_begun_once(guarding: Guarding) -> None:
    """A folder with the time in its name, say: each would have a count of its own."""
    done = guarding.run("--learning_rate", "3e-3", "--folder_of_its_own", "at-{}", *BREAKS_ALWAYS)
    assert "gives up: what was started again has begun anew in" in done.stderr.splitlines()[-1]
    first = read_guard_file(guard_path(guarding.out / "at-0"))
    assert first is not None
    assert (first.state, len(first.attempts)) == ("gave_up", 1)
    assert not (guarding.out / "at-2").exists()


def test_a_command_that_trains_twice_is_not_begun_anew(guarding: Guarding) -> None:
    """Its first training is over, and its checkpoints would be written over."""
    train = " && ".join(
        shlex.join([sys.executable, str(TRAIN), "--output_dir", name, "--learning_rate", rate])
        for name, rate in (("first", "1e-4"), ("second", "3e-3"))
    )
    line = guarding.line(("--on-incident", "rescue"), ())
    line[line.index("--") + 1 :] = ["sh", "-c", train]
    done = guarding.run_words(line)
    assert "gives up: the command trains several times" in done.stderr.splitlines()[-1]
    second = read_guard_file(guard_path(guarding.folder / "second"))
    assert second is not None
    assert (second.state, second.attempts) == ("gave_up", ())


def test_what_others_have_written_into_the_file_becomes_no_flag(guarding: Guarding) -> None:
    """A rescue changes numbers of a few settings, and nothing else."""
    flags = ("--learning_rate", "3e-3", "--kill_both_at", "50")
    guarding.run(*flags)
    eventually(lambda: not running(guarding))
    file = json.loads(guard_path(guarding.out).read_text())
    file["attempts"][0]["changes"] |= {
        "bf16": {"from": "false", "to": "--external_plugins=evil.py"},
        "max_grad_norm": {"from": 1.0, "to": "--external_plugins=evil.py"},
    }
    guard_path(guarding.out).write_text(json.dumps(file))
    done = guarding.run(*flags)
    assert (done.returncode, guarding.file.state) == (0, "rescued")
    assert "evil" not in done.stderr


def test_no_secret_of_the_command_is_written_or_said(guarding: Guarding) -> None:
    """The output folder may be uploaded, and the terminal is a scheduler's log."""
    done = guarding.run("--learning_rate", "3e-3", "--hub_token", "hf_very_secret")
    assert guarding.file.state == "rescued"
    assert "--hub_token '***'" in done.stderr
    texts = [path.read_bytes() for path in guarding.out.rglob("*") if path.is_file()]
    assert not any(b"very_secret" in text for text in (*texts, done.stderr.encode()))


def test_checkpoints_of_another_training_in_the_folder_are_not_gone_back_to(guarding: Guarding) -> None:
    """They lie there from before this one began, and this one never came from them."""
    subprocess.run(
        [sys.executable, str(TRAIN), "--output_dir", "out", "--save_steps", "7", "--max_steps", "28"],
        cwd=guarding.folder,
        env={**ENVIRONMENT, "PYTHONPATH": f"{TRAIN.parent}:{ENVIRONMENT['PYTHONPATH']}"},
        check=True,
    )
    old = {f"checkpoint-{step}" for step in (7, 14, 21, 28)}
    for name in old:
        for path in (guarding.out / name).iterdir():
            os.utime(path, (1e9, 1e9))
    guarding.run("--learning_rate", "3e-3", "--save_steps", "10")
    (attempt,) = guarding.file.attempts
    assert attempt.from_step in (10, 20, 30)
    kept = {path.name for path in (guarding.out / "llmtrain-kept").glob("checkpoint-*") if path.is_dir()}
    assert not kept & old


def test_what_lies_behind_a_link_in_the_place_of_the_kept_is_left_alone(guarding: Guarding) -> None:
    """It is somebody else's, whatever it is called."""
    elsewhere = guarding.folder / "elsewhere" / "checkpoint-99"
    elsewhere.mkdir(parents=True)
    (elsewhere / "model.safetensors").write_text("precious")
    guarding.out.mkdir()
    (guarding.out / "llmtrain-kept").symlink_to(elsewhere.parent)
    done = guarding.run("--learning_rate", "3e-3")
    assert "gives up: later checkpoints cannot be moved away" in done.stderr
    assert [str(path.relative_to(elsewhere.parent)) for path in elsewhere.parent.rglob("*")] == [
        "checkpoint-99",
        "checkpoint-99/model.safetensors",
    ]
