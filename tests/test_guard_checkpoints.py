"""Only what is whole is a checkpoint that a training can go on from."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest
from llmtrain_exporter.guard.keep.checkpoints import found, is_complete

from tests.saved_checkpoints import DEEPSPEED, KINDS, LORA, PLAIN, SHARDED, TWO_RANKS, save, write

SPARED = ("config", "adapter_config", "training_args", "scheduler", "optimizer.", "rng_state.")
"""What a training can go on without; `save_only_model` leaves it out."""


def found_steps(folder: Path) -> list[int]:
    return [checkpoint.step for checkpoint in found(folder)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_is_whole_when_its_last_file_is_there_and_not_before(tmp_path: Path, kind: str) -> None:
    """In the order in which its files come, and in the middle of each."""
    whole = save(tmp_path / "whole", 20, KINDS[kind])
    assert is_complete(whole)
    times = count(1_700_000_000.0)
    folder = tmp_path / "checkpoint-20"
    for name in KINDS[kind]:
        write(folder, name.format(step=20), 20, next(times))
        assert not is_complete(folder), name
    state = (whole / "trainer_state.json").read_bytes()
    for written in range(len(state) - 1):
        (folder / "trainer_state.json").write_bytes(state[:written])
        assert not is_complete(folder), written
    (folder / "trainer_state.json").write_bytes(state)
    assert is_complete(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_that_lacks_any_of_its_parts_is_not_whole(tmp_path: Path, kind: str) -> None:
    """Weights, their index, the state, another rank's numbers, a shard of the optimizer."""
    needed = [name for name in (*KINDS[kind], "trainer_state.json") if not name.startswith(SPARED)]
    for at, name in enumerate(needed):
        folder = save(tmp_path / str(at), 20, KINDS[kind])
        (folder / name.format(step=20)).unlink()
        # Nothing but FSDP's metadata knows how many shards there are, and DeepSpeed has the weights itself.
        may_lack = name.endswith("distcp") or (kind == "deepspeed" and name == "model.safetensors")
        assert is_complete(folder) is may_lack, name


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt"])
def test_a_step_that_is_saved_once_more_is_not_whole_until_its_state_is_new_too(
    tmp_path: Path, name: str
) -> None:
    """A run that was resumed writes into the folder that is there, in which an older state still lies."""
    folder = save(tmp_path, 20)
    later = count(1_800_000_000.0)
    write(folder, name, 20, next(later), "again")
    assert not is_complete(folder)
    save(tmp_path, 20, clock=later, content="again")
    assert is_complete(folder)


def test_a_value_head_is_parted_from_the_weights_when_all_else_is_there(tmp_path: Path) -> None:
    """LLaMA-Factory's reward models: their weights are newer than the state, and whole."""
    folder = save(tmp_path, 20, (*LORA, "value_head.safetensors"))
    write(folder, "adapter_model.safetensors", 20, 1_800_000_000.0)
    assert is_complete(folder)


def test_what_is_written_because_of_a_signal_says_so_until_it_is_whole(tmp_path: Path) -> None:
    """Transformers leaves a file there meanwhile, and for good where it is killed."""
    folder = save(tmp_path, 20)
    (folder / "checkpoint-is-incomplete.txt").write_text("")
    assert not is_complete(folder)


@pytest.mark.parametrize("ranks", [(0,), (0, 2), (1, 3)])
def test_ranks_without_their_random_numbers_are_still_writing(tmp_path: Path, ranks: tuple[int, ...]) -> None:
    """One rank alone writes no number into the name; more leave no gap."""
    folder = save(tmp_path, 20, (*PLAIN[:-1], *(f"rng_state_{rank}.pth" for rank in ranks)))
    assert not is_complete(folder)


def test_the_last_rank_of_the_last_checkpoint_is_waited_for(tmp_path: Path) -> None:
    """How many there are is known from the checkpoint before; with fewer processes it goes on, too."""
    three = (*TWO_RANKS, "rng_state_2.pth")
    save(tmp_path, 10, three)
    save(tmp_path, 20, TWO_RANKS)
    assert found_steps(tmp_path) == [10]
    save(tmp_path, 30, TWO_RANKS)
    assert found_steps(tmp_path) == [10, 20, 30]


def test_the_ranks_of_another_node_need_not_begin_with_the_first(tmp_path: Path) -> None:
    """Where nodes share no disk each has its own part, and its own state."""
    assert is_complete(save(tmp_path, 20, (*PLAIN[:-1], "rng_state_8.pth", "rng_state_9.pth")))


def test_an_index_that_names_more_than_is_there_or_nothing_is_no_index(tmp_path: Path) -> None:
    """A part may be there under another name, the index may be cut short."""
    folder = save(tmp_path, 20, SHARDED)
    index = folder / "model.safetensors.index.json"
    written = index.stat().st_mtime
    for text in ('{"weight_map": {"a": "model-00003-of-00002.safetensors"}}', '{"weight_map": {', "[]", ""):
        index.write_text(text)
        os.utime(index, (written, written))
        assert not is_complete(folder), text


@pytest.mark.parametrize("latest", ["global_step10", "", "\xff"])
def test_the_folder_that_deepspeed_names_must_be_there(tmp_path: Path, latest: str) -> None:
    """It is the step that is loaded."""
    folder = save(tmp_path, 20, DEEPSPEED)
    (folder / "latest").write_text(latest, encoding="latin-1")
    assert not is_complete(folder)


def test_an_empty_file_of_weights_is_none(tmp_path: Path) -> None:
    """A full disk leaves such."""
    folder = save(tmp_path, 20)
    (folder / "model.safetensors").write_bytes(b"")
    assert not is_complete(folder)


def test_links_and_files_are_no_checkpoints(tmp_path: Path) -> None:
    """ms-swift's link is another name of one; what lies elsewhere is not rotated away."""
    save(tmp_path / "elsewhere", 10)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/checkpoint-10").symlink_to(tmp_path / "elsewhere/checkpoint-10")
    (tmp_path / "out/checkpoint-20").write_text("")
    save(tmp_path / "out", 30)
    (tmp_path / "out/last-checkpoint").symlink_to("checkpoint-30")
    (tmp_path / "out/tmp-checkpoint-40").mkdir()
    assert found_steps(tmp_path / "out") == [30]
    assert not is_complete(tmp_path / "out/last-checkpoint")


def test_checkpoints_are_found_by_step_with_the_time_of_their_state(tmp_path: Path) -> None:
    """Whatever their names' order."""
    for step in (100, 20, 3):
        save(tmp_path, step)
    assert [(each.path.name, each.step) for each in found(tmp_path)] == [
        ("checkpoint-3", 3),
        ("checkpoint-20", 20),
        ("checkpoint-100", 100),
    ]
    assert found(tmp_path)[0].written == os.stat(tmp_path / "checkpoint-3/trainer_state.json").st_mtime


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    """Nobody is told of an error: that is the reader's who gave the folder."""
    assert found(tmp_path / "gone") == []
    assert not is_complete(tmp_path / "gone")
