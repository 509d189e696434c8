"""How a launcher and the training that it starts find each other: environment, and who writes where."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from llmtrain_exporter.guard.guard_file import guard_path
from llmtrain_exporter.guard.launch.command_lines import TrainingCommand
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.guard.told import RUN_VARIABLE
from llmtrain_exporter.knowledge.guarding import GUARD_FILE

SEVERAL = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE", "NNODES")
"""Environment variables that say how many programs like this one were started together."""

HOOK = Path(__file__).parent.parent / "hook"
"""The one folder that a training's Python finds modules in besides its own: there is nothing but the hook."""


@contextmanager
def told_in() -> Iterator[Path]:
    """A file in which each training that is started with its name writes its output folder.

    Where there is no room for one the training is started all the same, and its folder guessed.
    """
    name = os.devnull
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="llmtrain-guard-")
        os.close(descriptor)
    try:
        yield Path(name)
    finally:
        if name != os.devnull:
            with suppress(OSError):
                os.unlink(name)


def environment_for(base: Mapping[str, str], options: GuardOptions, told: Path) -> dict[str, str]:
    """The environment of a training: as it is, but for the hook in front and what the guard is to do."""
    paths = [str(HOOK), *filter(None, [base.get("PYTHONPATH")])]  # an empty part would be the working folder
    return {**base, "PYTHONPATH": os.pathsep.join(paths), **options.to_env(), RUN_VARIABLE: str(told)}


def folders_told(told: Path) -> tuple[Path, ...]:
    """The output folders that trainings have written down, one after the other, each once."""
    try:
        lines = told.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ()
    return tuple(dict.fromkeys(map(Path, lines)))


class FolderKnown:
    """Where the same command has trained, by what the guard left there: looked up now, and once more later.

    ms-swift makes a folder for each start below the one that it is given; of several the newest counts.
    """

    def __init__(self, command: TrainingCommand, folder: Path) -> None:
        """`folder`: from where the command is started."""
        named = command.setting("output_dir")
        self._above = None if named is None else folder / named
        self._changed_at, self.folder = self._newest()

    def changed(self) -> tuple[Path, ...]:
        """Where a guard has written since, if anywhere: one that could not tell, as on another machine."""
        changed_at, folder = self._newest()
        return (folder,) if folder is not None and changed_at != self._changed_at else ()

    def _newest(self) -> tuple[int, Path | None]:
        above = self._above
        files = () if above is None else (guard_path(above), *above.glob(f"v*-*/{GUARD_FILE}"))
        return max(_times(files), default=(0, None))


def _times(files: Iterable[Path]) -> Iterator[tuple[int, Path]]:
    for file in files:
        with suppress(OSError):
            yield file.stat().st_mtime_ns, file.parent.absolute()


def is_one_of_several(environment: Mapping[str, str]) -> bool:
    """Whether this program itself was started on several machines at once, each with its part of a training.

    By what Slurm's srun, MPI, Kubeflow and ms-swift's own variables say of how many there are.
    """
    return any(environment.get(name, "").isdecimal() and int(environment[name]) > 1 for name in SEVERAL)
