"""Which checkpoints of a training can be gone on from: those that are whole, by what lies in them.

A checkpoint that is told to be whole here can still be read by its names, sizes and times alone; that another
process writes into it right now is only seen by what that leaves out of order.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from llmtrain_exporter.guard.no_links import opened_folder
from llmtrain_exporter.ingest.checkpoints import has_weights, step_of
from llmtrain_exporter.knowledge.producers import TRAINER_STATE
from llmtrain_exporter.model.guarded import Began

STATE = TRAINER_STATE
"""What transformers writes last on rank 0, when the weights and the shards of all ranks are there."""

SENTINEL = "checkpoint-is-incomplete.txt"
"""Lies in a checkpoint while transformers writes it because a signal has come."""

LAST_LINK = "last-checkpoint"
"""ms-swift's link to its newest checkpoint, moved once all ranks have written theirs."""

_RANK = re.compile(r"rng_state_(\d{1,6})\.pth", re.ASCII)
_SHARD = re.compile(r"(?:.*_)?zero_pp_rank_(\d{1,6})_mp_rank_(\d{1,6})_optim_states\.pt", re.ASCII)
_INDEX = re.compile(r".*\.(?:safetensors|bin)\.index\.json")
_NUMBERED = re.compile(r"(.*?)-?\d+-of-\d+(\..*)", re.ASCII)
_BEFORE_STATE = re.compile(r"(?!rng_state|training_args).*\.(?:safetensors|bin|pt|distcp)|optimizer\..*")
"""Files that are written before the state. Those of other ranks' random numbers may come a moment later."""
_VALUE_HEAD = re.compile(r"value_head\..*")
"""LLaMA-Factory parts it from the weights and writes both anew when all else is there."""
_FSDP = re.compile(r"(?:pytorch_model_fsdp|optimizer)_\d+", re.ASCII)
_TAIL = 16

CLOCKS_APART_SECONDS = 2.0
"""By which the clock of a file server may be behind."""

Files = Mapping[str, os.stat_result]
"""The files of a checkpoint by their path in it, links not followed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that a training can go on from. `written`: Unix time at which its state was written."""

    path: Path
    step: int
    written: float


def of_training(checkpoints: Iterable[Checkpoint], began: Began | None) -> list[Checkpoint]:
    """Without those that another training has left in the folder, of steps that this one had not come to.

    `began`: of this one; None: not known, and all are taken for its own.
    """
    return [
        each
        for each in checkpoints
        if began is None or each.step <= began.step or each.written >= began.time - CLOCKS_APART_SECONDS
    ]


def found(output_dir: Path) -> list[Checkpoint]:
    """The complete checkpoints of a training, by step; none where the folder cannot be read.

    Folders alone: a link to one is another name of what lies elsewhere. One that has fewer ranks' files than
    the one before it, and is the last, is not there yet as a whole.
    """
    try:
        names = sorted((step, name) for name in os.listdir(output_dir) if (step := step_of(name)) is not None)
    except OSError:
        return []
    listed = [(step, output_dir / name) for step, name in names]
    known = [(step, path, files) for step, path in listed if (files := _whole_files(path)) is not None]
    if len(known) > 1 and _ranks(known[-1][2]) < _ranks(known[-2][2]):
        known.pop()
    return [Checkpoint(path, step, files[STATE].st_mtime_ns / 1e9) for step, path, files in known]


def is_complete(path: Path) -> bool:
    """Whether all of a checkpoint is there; of one that cannot be read, or is a link, it is not known."""
    return _whole_files(path) is not None


def files_of(path: Path) -> Files:
    """All files below a checkpoint's folder. Raises OSError, also where it is a link to one."""
    with opened_folder(path) as folder:
        return dict(_files(folder, ""))


def size_of(files: Files) -> int:
    """Bytes in all of them."""
    return sum(each.st_size for each in files.values())


def alone_in(files: Files) -> int:
    """Bytes that are given back when these files go: those of files without another name."""
    return sum(each.st_size for each in files.values() if each.st_nlink == 1)


def _whole_files(path: Path) -> Files | None:
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return None
        files = files_of(path)
        return files if _is_whole(path, files) else None
    except OSError:
        return None


def _files(folder: int, within: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = within + entry.name
            if entry.is_dir(follow_symlinks=False):
                with opened_folder(entry.name, folder) as below:
                    yield from _files(below, f"{name}/")
            else:
                yield name, entry.stat(follow_symlinks=False)


def _is_whole(path: Path, files: Files) -> bool:
    return (
        STATE in files
        and SENTINEL not in files
        and _in_order(files)
        and _has_all_ranks(files)
        and _has_metadata(files)
        and _is_closed(path / STATE)
        and has_weights(str(path))
        and _has_indexed(path, files)
        and _has_latest(path, files)
    )


def _in_order(files: Files) -> bool:
    """Whether nothing was written anew since the state: then the same step is being saved once more."""
    written = files[STATE].st_mtime_ns
    if any(_VALUE_HEAD.fullmatch(name) for name in files):
        return True
    return all(each.st_mtime_ns <= written for name, each in files.items() if _BEFORE_STATE.fullmatch(name))


def _ranks(files: Files) -> int:
    """Processes that have left their random numbers; 0 where there is but one."""
    return len({int(rank[1]) for name in files if (rank := _RANK.fullmatch(name))})


def _has_all_ranks(files: Files) -> bool:
    """Whether the ranks are without a gap, and each has its shard where they are sharded.

    They need not begin with 0: where nodes share no disk, each has those of its own.
    """
    ranks = {int(rank[1]) for name in files if (rank := _RANK.fullmatch(name))}
    shards = {(int(s[1]), int(s[2])) for name in files if (s := _SHARD.fullmatch(os.path.basename(name)))}
    data, model = ({shard[at] for shard in shards} for at in (0, 1))
    if len(ranks) == 1 or not all(map(_has_no_gap, (ranks, data, model))):
        return False
    if ranks and model == {0}:
        return data == ranks
    return len(shards) == len(data) * len(model) and (not ranks or len(shards) <= len(ranks))


def _has_no_gap(numbers: Collection[int]) -> bool:
    return not numbers or max(numbers) - min(numbers) + 1 == len(numbers)


def _has_metadata(files: Files) -> bool:
    """Whether each folder of FSDP's shards says what is in it, which is written last."""
    folders = {name.split("/")[0] for name in files if "/" in name}
    return all(f"{folder}/.metadata" in files for folder in folders if _FSDP.fullmatch(folder))


def _is_closed(state: Path) -> bool:
    """Whether a document is written to its end. It is long where a run is, so that its end has to do."""
    with state.open("rb") as file:
        file.seek(max(os.fstat(file.fileno()).st_size - _TAIL, 0))
        end = file.read().rstrip()
    return end.endswith(b"\n}") or (end.endswith(b"}") and _is_document(state))


def _is_document(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())  # rows may hold NaN, which orjson does not take
    except (ValueError, RecursionError):
        return False
    return True


def _has_indexed(path: Path, files: Files) -> bool:
    """Whether weights in parts have their index, and that nothing but what is there."""
    indices = [name for name in files if _INDEX.fullmatch(name)]
    parts = {part[1] + part[2] for name in files if (part := _NUMBERED.fullmatch(name)) and "/" not in name}
    if any(f"{whole}.index.json" not in indices for whole in parts if _is_weights(whole)):
        return False
    return all(set(_indexed(path / name)) <= files.keys() for name in indices)


def _is_weights(name: str) -> bool:
    return name.endswith((".safetensors", ".bin"))


def _indexed(index: Path) -> Iterable[str]:
    """The files that an index names; itself with a suffix, which is never there, where it cannot be read."""
    try:
        return set(orjson.loads(index.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError):
        return {f"{index.name}.unread"}


def _has_latest(path: Path, files: Files) -> bool:
    """Whether DeepSpeed's `latest` names a folder with a model; it may be written before that is full."""
    if "latest" not in files:
        return not any(name.startswith("global_step") for name in files)
    tag = (path / "latest").read_text(encoding="utf-8", errors="replace").strip()
    return any(name.startswith(f"{tag}/") and name.endswith("model_states.pt") for name in files)
