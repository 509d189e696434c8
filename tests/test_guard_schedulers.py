"""The examples for Slurm and Kubernetes, run as far as they go without them; the guard as a first process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml
from llmtrain_exporter.guard.guard_file import guard_path
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.knowledge.guard_limits import STOPPED_EXIT_CODE
from llmtrain_exporter.model.guarded import GuardFile

from tests.conftest import leave_out
from tests.project import IMPORTED_FROM, ROOT
from tests.servers import HANGS_SECONDS

TRAIN = ROOT / "tests" / "toy_training" / "train.py"
EXAMPLES = ROOT / "docs" / "guard"

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
export SLURM_STEP_NUM_TASKS=1 SLURM_PROCID=0
exec "$@"
"""
TORCHRUN = f"""#!/bin/bash
while [[ $1 != train.py ]]; do shift; done
shift
exec '{sys.executable}' '{TRAIN}' "$@" $TOY_FLAGS
"""
EXPORTER = f"""#!/bin/bash
exec '{sys.executable}' -m llmtrain_exporter "$@"
"""

SEVERAL_TRAININGS = 5
"""That one job may start, with programs in between."""


class Cluster:
    """A machine on which the programs of the examples are there; whatever they start is the toy training."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        programs = folder / "bin"
        programs.mkdir()
        for name, text in (("srun", SRUN), ("torchrun", TORCHRUN), ("llmtrain-exporter", EXPORTER)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(IMPORTED_FROM),
            "OUTPUT": str(self.out),
            "SLURM_JOB_NAME": "grpo",
        }

    def run(self, command: Sequence[str], toy_flags: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A job, to its end."""
        environment: Mapping[str, str] = {**self.environment, "TOY_FLAGS": toy_flags, **more}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
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


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """One for each test."""
    return Cluster(tmp_path)


def slurm() -> list[str]:
    """The batch script, as Slurm starts it."""
    return ["bash", str(EXAMPLES / "slurm.sbatch")]


def kubernetes(out: Path) -> list[str]:
    """The command of the container, with the claim mounted elsewhere."""
    job = yaml.safe_load((EXAMPLES / "kubernetes-job.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    words = [*container["command"], *container["args"]]
    return [word.replace("/output/grpo", str(out)) for word in words]


@pytest.mark.parametrize("scheduler", ["slurm", "kubernetes"])
def test_a_rescue_goes_on_when_the_job_is_started_once_more(cluster: Cluster, scheduler: str) -> None:
    """Its node goes down in the midst of a rescue: the same command takes it up."""
    command = slurm() if scheduler == "slurm" else kubernetes(cluster.out)
    flags = "--breaks_above 5e-7 --save_steps 5 --kill_both_at 50"
    first = cluster.run(command, flags)
    assert first.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert len(cluster.file.attempts) == 1
    again = cluster.run(command, flags, SLURM_RESTART_COUNT="1")
    assert "goes on with rescue 1" in again.stderr
    assert (again.returncode, cluster.file.state) == (0, "rescued")
    assert len(cluster.file.attempts) == 1


@pytest.mark.parametrize("scheduler", ["slurm", "kubernetes"])
def test_what_was_stopped_for_good_is_not_started_once_more(cluster: Cluster, scheduler: str) -> None:
    """The same command would break again; the exit code is the one that fails a Job."""
    command = slurm() if scheduler == "slurm" else kubernetes(cluster.out)
    first = cluster.run(command, "--breaks_above 0 --save_steps 5")
    assert (first.returncode, cluster.file.state) == (STOPPED_EXIT_CODE, "gave_up")
    again = cluster.run(command, "--breaks_above 0 --save_steps 5")
    assert (again.returncode, again.stdout) == (STOPPED_EXIT_CODE, "")
    assert "not started again: it was stopped at step" in again.stderr
    (guard_path(cluster.out)).unlink()
    assert "resumed from" in cluster.run(command, "--breaks_above 0 --save_steps 5").stdout


def test_a_job_fails_with_the_exit_code_of_the_guard() -> None:
    """The number in the example is the one that the guard ends with."""
    job = yaml.safe_load((EXAMPLES / "kubernetes-job.yaml").read_text())
    (failing, _) = job["spec"]["podFailurePolicy"]["rules"]
    assert failing["onExitCodes"]["values"] == [STOPPED_EXIT_CODE]
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"  # a policy asks for that


def test_the_first_process_of_a_container_passes_sigterm_on(cluster: Cluster) -> None:
    """It would not end by a signal itself: its exit code says what has happened."""
    alone = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        leave_out("needs unshare with a process namespace of its own")
    asks = "import os, signal; assert os.getppid() == 1; print('ready', flush=True); signal.pause()"
    shell = 'exec llmtrain-exporter guard -- "$PYTHON" -c "$PROGRAM"'
    process = subprocess.Popen(
        [*alone, "sh", "-c", shell],
        env={**cluster.environment, "PYTHON": sys.executable, "PROGRAM": asks},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    (first,) = children(process.pid)
    os.kill(first, signal.SIGTERM)
    assert process.wait(HANGS_SECONDS) == 128 + signal.SIGTERM
    process.stdout.close()


def children(pid: int) -> list[int]:
    """The processes that it has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
