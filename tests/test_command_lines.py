"""Commands that start trainings: what runs, what is set, and the same command with other settings."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import yaml
from llmtrain_exporter.guard.launch.changed_commands import ChangedCommand, changed
from llmtrain_exporter.guard.launch.command_lines import Program, TrainingCommand, recognised
from llmtrain_exporter.guard.launch.settings_files import SettingsFileError, read_settings_file

SWIFT = "swift rlhf --rlhf_type grpo --model m --output_dir out --learning_rate 3e-3 --bf16 --beta=0.01"
YAML = """# what we train
model_name_or_path: m
stage: sft
output_dir: saves/one   # here
learning_rate: 1.0e-4
lora_target: [q_proj, v_proj]
ratio: .nan
prompt: |
  learning_rate: of the text
"""


def command(line: str, folder: Path) -> TrainingCommand:
    """A command line as a shell splits it."""
    return recognised(shlex.split(line), folder)


def change(line: str, folder: Path, **wanted: str) -> ChangedCommand:
    """The command line with other settings."""
    return changed(command(line, folder), wanted, folder / "kept" / "copy.yaml")


@pytest.mark.parametrize(
    ("line", "program", "first"),
    [
        (SWIFT, Program.SWIFT, "--rlhf_type"),
        ("/opt/venv/bin/swift sft --model m", Program.SWIFT, "--model"),
        ("env NPROC_PER_NODE=2 swift pt --model m", Program.SWIFT, "--model"),
        ("python -m swift.cli.rlhf --model m", Program.SWIFT, "--model"),
        (
            "python3.11 /venv/lib/python3.11/site-packages/swift/cli/sft.py --model m",
            Program.SWIFT,
            "--model",
        ),
        ("trl grpo --config c.yml", Program.TRL, "--config"),
        ("accelerate launch -m trl.scripts.sft --lr 1", Program.TRL, "--lr"),
        ("llamafactory-cli train x.yaml", Program.LLAMAFACTORY, "x.yaml"),
        ("python -m llamafactory.launcher x.yaml", Program.LLAMAFACTORY, "x.yaml"),
        ("axolotl train c.yml", Program.AXOLOTL, "c.yml"),
        ("torchrun --nproc_per_node 2 train.py --a 1", Program.SCRIPT, "--a"),
        ("python -u -m torch.distributed.run --nproc_per_node=2 train.py --a 1", Program.SCRIPT, "--a"),
        (
            "accelerate launch --config_file c.yaml --num_processes 2 src/train.py --a 1",
            Program.SCRIPT,
            "--a",
        ),
        ("deepspeed --num_gpus 8 train.py --a 1", Program.SCRIPT, "--a"),
        ("python -m mine.train --a 1", Program.SCRIPT, "--a"),
        ("uv run train.py --a 1", Program.SCRIPT, "--a"),
        ("srun --ntasks 1 --gpus 8 nice -n 5 trl sft --a 1", Program.TRL, "--a"),
        ("srun -m block swift rlhf --a 1", Program.SWIFT, "--a"),
        ("srun -m block python -m trl.scripts.grpo --a 1", Program.TRL, "--a"),
        ("torchrun --nproc_per_node 2 -m mine.train --a 1", Program.SCRIPT, "--a"),
    ],
)
def test_what_trains_is_known_behind_whatever_starts_it(
    tmp_path: Path, line: str, program: Program, first: str
) -> None:
    """The trainer's own arguments begin behind it, not behind the launcher."""
    found = command(line, tmp_path)
    assert (found.program, found.words[found.arguments_at]) == (program, first)


@pytest.mark.parametrize(
    "line", ["bash run.sh", "./train", "python -c 'train()'", "swift infer --a 1", "trl vllm-serve"]
)
def test_what_is_not_known_is_no_trainer(tmp_path: Path, line: str) -> None:
    """Nothing is read out of it, and every change is refused."""
    found = command(line, tmp_path)
    assert (found.program, found.flags) == (Program.OTHER, ())
    done = change(line, tmp_path, learning_rate="1e-4")
    assert done.words == found.words
    assert "nobody knows" in done.refused["learning_rate"]


def test_settings_are_read_from_flags(tmp_path: Path) -> None:
    """With a space, with =, bare, with hyphens; the last one counts as it does for the trainer."""
    found = command(SWIFT + " --max-grad-norm 1.0 --seed 1 --seed 2 --offset -1", tmp_path)
    read = ("learning_rate", "beta", "bf16", "max_grad_norm", "seed", "offset", "nothing")
    assert [found.setting(name) for name in read] == ["3e-3", "0.01", "true", "1.0", "2", "-1", None]


def test_what_belongs_to_a_flag_is_no_setting(tmp_path: Path) -> None:
    """Assignments in the value of another flag are left alone; those of LLaMA-Factory's words count."""
    assert command("trl grpo --generation_kwargs beta=3", tmp_path).setting("beta") is None
    assert command("llamafactory-cli train x.yaml beta=3", tmp_path).setting("beta") == "3"


def test_settings_are_read_from_a_file_and_flags_go_before_it(tmp_path: Path) -> None:
    """Both of YAML and JSON, behind --config or as the first argument."""
    (tmp_path / "x.yaml").write_text(YAML)
    (tmp_path / "x.json").write_text('{"output_dir": "o", "fp16": false}')
    found = command("llamafactory-cli train x.yaml learning_rate=2e-4", tmp_path)
    assert found.setting("output_dir") == "saves/one"
    assert found.setting("learning_rate") == "2e-4"
    assert found.setting("lora_target") is None
    assert command("trl sft --config x.yaml", tmp_path).setting("stage") == "sft"
    assert command("python train.py x.json", tmp_path).setting("fp16") == "false"


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("python -I train.py", "-I"),
        ("python -u -E train.py", "-E"),
        ("python -uS -m a", "-uS"),
        ("python -u train.py -E", ""),
    ],
)
def test_a_python_that_cannot_be_reached_is_known(tmp_path: Path, line: str, option: str) -> None:
    """Options of Python itself, not of the script."""
    assert command(line, tmp_path).isolated == option


@pytest.mark.parametrize(
    ("line", "several"),
    [
        ("torchrun --nnodes 2 --nproc_per_node 8 train.py", True),
        ("torchrun --nnodes=1:4 train.py", True),
        ("torchrun --nnodes 1 train.py --nnodes 2", False),
        ("accelerate launch --num-machines 2 train.py", True),
        ("env NNODES=2 swift sft", True),
        ("srun --nodes 2 torchrun --nnodes 2 train.py", False),
        ("torchrun --nnodes $NODES train.py", False),
    ],
)
def test_a_part_of_a_training_on_several_machines_is_known(tmp_path: Path, line: str, several: bool) -> None:
    """By what the launcher is told; where srun starts all parts, the command is the whole."""
    assert command(line, tmp_path).machines is several


def test_flags_are_replaced_where_they_are_and_added_where_they_are_not(tmp_path: Path) -> None:
    """All other words stay as they are."""
    done = change(SWIFT, tmp_path, learning_rate="0.0003", beta="0.1", max_grad_norm="0.5", bf16="false")
    assert done.words == tuple(
        shlex.split(
            "swift rlhf --rlhf_type grpo --model m --output_dir out --learning_rate 0.0003 --bf16 false "
            "--beta=0.1 --max_grad_norm 0.5"
        )
    )
    assert (done.copy, done.refused) == (None, {})


def test_each_of_several_flags_with_the_same_name_is_replaced(tmp_path: Path) -> None:
    """Whichever of them the trainer takes, it is the new one."""
    done = change("trl sft --seed 1 --lr 2 --seed=3", tmp_path, seed="7")
    assert done.words == ("trl", "sft", "--seed", "7", "--lr", "2", "--seed=7")


def test_a_file_behind_an_equals_sign_is_one_too(tmp_path: Path) -> None:
    """Its settings are known, and a copy stands in the same place."""
    (tmp_path / "c.yaml").write_text("output_dir: out\nlearning_rate: 0.003\n")
    line = "python train.py --config=c.yaml --a 1"
    assert command(line, tmp_path).setting("output_dir") == "out"
    found = change(line, tmp_path, learning_rate="0.0003")
    assert found.words[2] == f"--config={tmp_path / 'kept' / 'copy.yaml'}"
    assert found.copy is not None
    assert "learning_rate: 0.0003" in found.copy[1]


def test_a_script_gets_no_flags_that_it_does_not_have(tmp_path: Path) -> None:
    """It would end with an error; what could not be changed is told."""
    done = change(
        "torchrun --nnodes 1 train.py --learning_rate 1e-3", tmp_path, learning_rate="1e-4", beta="0.1"
    )
    assert done.words == ("torchrun", "--nnodes", "1", "train.py", "--learning_rate", "1e-4")
    assert done.refused == {"beta": "the command has no flag for it"}


def test_a_file_of_settings_is_changed_in_a_copy(tmp_path: Path) -> None:
    """The command names the copy; all but the changed lines are as they were, comments too."""
    (tmp_path / "x.yaml").write_text(YAML)
    done = change(
        "llamafactory-cli train x.yaml", tmp_path, learning_rate="1e-5", max_grad_norm="0.5", name="a b: c"
    )
    assert done.copy is not None
    path, text = done.copy
    assert done.words == ("llamafactory-cli", "train", str(path))
    assert (tmp_path / "x.yaml").read_text() == YAML
    assert text == YAML.replace("1.0e-4", "1.0e-5") + 'max_grad_norm: 0.5\nname: "a b: c"\n'
    assert yaml.safe_load(text)["learning_rate"] == 1e-05


def test_what_stands_in_the_file_of_a_script_is_changed_there(tmp_path: Path) -> None:
    """JSON as well; what stands nowhere is refused."""
    (tmp_path / "x.json").write_text('{"learning_rate": 0.001}')
    done = change("python train.py x.json", tmp_path, learning_rate="0.0001", beta="0.1")
    assert done.copy is not None
    assert json.loads(done.copy[1]) == {"learning_rate": 0.0001}
    assert list(done.refused) == ["beta"]


def test_json_in_a_file_of_yaml_is_changed_as_json(tmp_path: Path) -> None:
    """LLaMA-Factory reads it so; every reader takes the new number for one."""
    (tmp_path / "x.yaml").write_text('{"learning_rate": 0.001, "save_steps": 5}')
    done = change("llamafactory-cli train x.yaml", tmp_path, learning_rate="3e-5")
    assert done.copy is not None
    assert yaml.safe_load(done.copy[1]) == {"learning_rate": 3e-05, "save_steps": 5}


def test_a_trainer_whose_flags_go_before_its_file_gets_flags(tmp_path: Path) -> None:
    """TRL and ms-swift: no copy is needed."""
    (tmp_path / "x.yaml").write_text(YAML)
    done = change("trl sft --config x.yaml", tmp_path, learning_rate="1e-5")
    assert (done.words[4:], done.copy) == (("--learning_rate", "1e-5"), None)


@pytest.mark.parametrize(
    "text",
    [
        "learning_rate:\n  - 1\n  - 2\n",
        "learning_rate: >\n  folded\n",
        "{learning_rate: 1, beta: 2}\n",
        "base: &b {x: 1}\nlearning_rate: *b\nother: *b\n--- \n",
    ],
)
def test_a_file_that_cannot_be_changed_line_by_line_is_refused(tmp_path: Path, text: str) -> None:
    """Rather than one that means something else."""
    path = tmp_path / "x.yaml"
    path.write_text(text)
    done = change("llamafactory-cli train x.yaml", tmp_path, learning_rate="1e-4")
    assert done.words == ("llamafactory-cli", "train", "x.yaml")
    assert done.copy is None
    assert "x.yaml" in done.refused["learning_rate"]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a: [", b"- 1\n", b"", b"[" * 5000, b"a: " + b"x" * (5 << 20)]
)
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    """Nothing is read from it, nothing crashes."""
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    assert read_settings_file(path) is None
    found = command("llamafactory-cli train x.yaml", tmp_path)
    assert (found.file, found.unreadable) == (None, "x.yaml")
    assert (
        change("llamafactory-cli train x.yaml", tmp_path, beta="1").refused["beta"].endswith("cannot be read")
    )


def test_a_change_that_would_not_take_is_an_error(tmp_path: Path) -> None:
    """The file itself says so."""
    path = tmp_path / "x.yaml"
    path.write_text("'learning_rate': 1\n")
    file = read_settings_file(path)
    assert file is not None
    assert file.changed({"learning_rate": "2"}) == "learning_rate: 2\n"
    path.write_text("{learning_rate: 1}\n")
    file = read_settings_file(path)
    assert file is not None
    with pytest.raises(SettingsFileError, match="learning_rate"):
        file.changed({"learning_rate": "2"})
