"""The argument files beside a log: what is wanted of them is read, and nothing else ever shows."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.ingest.argument_files import HUGGING_FACE_FILES
from llmtrain_exporter.ingest.arguments import LARGEST_FILE, read_hyper_parameters
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.ingest.settings_text import DEEPEST, parse_nested_yaml
from llmtrain_exporter.ingest.source import read_run_hyper_parameters
from llmtrain_exporter.ingest.white_list import LONGEST_TEXT, select
from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.model import HyperParameters

NOTHING = HyperParameters()
SECRET = "hf_SECRETsecret"
READ = {
    *(key for keys in (*arguments.TEXTS.values(), *arguments.ALIASES.values()) for key in keys),
    *(*arguments.NUMBERS, *arguments.TRUTHS),
    *(*arguments.UNSHOWN_TEXTS, *arguments.UNSHOWN_NUMBERS, *arguments.UNSHOWN_TRUTHS),
}


def written(folder: Path, name: str, content: object) -> HyperParameters:
    """What is read of one argument file."""
    text = content if isinstance(content, (str, bytes)) else json.dumps(content)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_hyper_parameters(str(folder), HUGGING_FACE_FILES)


def shown(settings: HyperParameters) -> str:
    """All text that leaves."""
    return repr((dict(settings.info), dict(settings.numbers), dict(settings.unshown)))


def test_ms_swifts_arguments_are_read(tmp_path: Path) -> None:
    """Texts for labels, numbers for limits; null is the producer's default and says nothing."""
    settings = written(
        tmp_path,
        "args.json",
        {
            "model": "Qwen/Qwen3-8B",
            "model_type": "qwen3",
            "rlhf_type": "grpo",
            "tuner_type": "lora",
            "train_type": "full",
            "beta": 0.04,
            "max_grad_norm": 1,
            "max_completion_length": 512,
            "epsilon_high": None,
            "hub_token": SECRET,
            "logging_steps": True,
        },
    )
    assert settings.info == {
        "model": "Qwen/Qwen3-8B",
        "model_type": "qwen3",
        "rlhf_type": "grpo",
        "train_type": "lora",
    }
    assert settings.numbers == {"beta": 0.04, "max_grad_norm": 1.0, "max_completion_length": 512.0}


def test_llamafactorys_arguments_are_read(tmp_path: Path) -> None:
    """A flat YAML file: its scalars, quoted or not; null is nothing; what is nested or a list is left."""
    content = f"""model_name_or_path: '/data/models/Llama-3/8B/'
stage: dpo
finetuning_type: lora
learning_rate: 5.0e-05
max_grad_norm: 1
lr_scheduler_type: null
loss_type: ~
model_type:
num_train_epochs: 3.0  # as ever
hub_token: {SECRET}
deepspeed:
  beta: 7
- epsilon: 1
"""
    settings = written(tmp_path, "training_args.yaml", content)
    assert settings.info == {"model": "Llama-3/8B", "stage": "dpo", "train_type": "lora"}
    assert settings.numbers == {"learning_rate": 5e-05, "max_grad_norm": 1.0}


@pytest.mark.parametrize(
    ("name", "content", "setting", "value"),
    [
        ("training_args.yaml", "bf16: true\n", "bf16", 1.0),
        ("training_args.yaml", "logging_nan_inf_filter: False\n", "logging_nan_inf_filter", 0.0),
        ("training_args.yaml", "cutoff_len: 1024\n", "max_length", 1024.0),
        ("training_args.yaml", "pref_beta: 0.1\n", "beta", 0.1),
        ("training_args.yaml", "eval_strategy: steps\n", "eval_strategy", "steps"),
        ("training_args.yaml", "eval_strategy: a/b c\n", "eval_strategy", None),
        ("training_args.yaml", "early_stopping_steps: 3\n", "early_stop_interval", 3.0),
        ("args.json", {"evaluation_strategy": "epoch"}, "eval_strategy", "epoch"),
        ("args.json", {"load_best_model_at_end": True}, "load_best_model_at_end", 1.0),
        ("args.json", {"load_best_model_at_end": "yes"}, "load_best_model_at_end", None),
        ("args.json", {"overlong_filter": False, "mask_truncated_completions": True}, "overlong_filter", 0.0),
        ("args.json", {"save_total_limit": 3}, "save_total_limit", 3.0),
        ("adapter_config.json", {"r": 8}, "lora_rank", 8.0),
    ],
)
def test_a_setting_is_read_under_the_names_that_trainers_have_for_it(
    tmp_path: Path, name: str, content: object, setting: str, value: float | str | None
) -> None:
    """So that nothing is proposed that is in force."""
    assert written(tmp_path, name, content).settings.get(setting) == value


def test_the_first_file_that_names_a_setting_is_believed(tmp_path: Path) -> None:
    """The trainer's own file goes before the adapter's, which adds what is still unknown."""
    written(tmp_path, "adapter_config.json", {"base_model_name_or_path": "a/b", "lora_alpha": 16})
    assert written(tmp_path, "args.json", {"lora_alpha": 32}) == HyperParameters(
        {"model": "a/b"}, {"lora_alpha": 32.0}
    )


def test_null_in_one_file_leaves_the_word_to_the_next(tmp_path: Path) -> None:
    """In JSON and in YAML."""
    written(tmp_path, "args.json", {"beta": None})
    written(tmp_path, "training_args.yaml", "beta: null\n")
    assert written(tmp_path, "adapter_config.json", {"beta": 0.5}).numbers == {"beta": 0.5}


def test_arguments_with_nan_are_read(tmp_path: Path) -> None:
    """Python's trainers write that; what is not finite limits nothing."""
    content = '{"beta": 0.5, "max_grad_norm": Infinity, "epsilon": NaN, "max_steps": %s}' % ("9" * 400)
    assert written(tmp_path, "args.json", content) == HyperParameters({}, {"beta": 0.5})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"17",
        b"null",
        b"{",
        b"\xff\xfe\0",
        b'{"beta": 0.5',
        b"[" * 100_000,
        b" " * LARGEST_FILE + b"{}",
    ],
    ids=range(9),
)
@pytest.mark.parametrize("name", [file.name for file in HUGGING_FACE_FILES])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    """Empty, torn, another shape, binary, too deep, too large."""
    assert written(tmp_path, name, content) == NOTHING


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A missing folder, a folder of that name, a pipe without a writer, a link to itself."""
    assert read_hyper_parameters(str(tmp_path / "missing"), HUGGING_FACE_FILES) == NOTHING
    (tmp_path / "args.json").mkdir()
    os.mkfifo(tmp_path / "training_args.json")
    (tmp_path / "sft_args.json").symlink_to("sft_args.json")
    assert read_hyper_parameters(str(tmp_path), HUGGING_FACE_FILES) == NOTHING


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("/home/somebody/models/Qwen3-8B", "models/Qwen3-8B"),
        ("C:\\models\\Qwen\\Qwen3-8B", "Qwen/Qwen3-8B"),
        ("Qwen3-8B", "Qwen3-8B"),
        ("/", None),
        ("", None),
        ("a\nb\0c\u202ed", "a\ufffdb\ufffdc\ufffdd"),
        ("x" * 500, "x" * LONGEST_TEXT),
        (f"https://user:{SECRET}@host/model", None),
        (f"s3://{SECRET}/model", None),
        (f"user:{SECRET}@host/model", None),
        (f"host/model?token={SECRET}", None),
        ({"token": SECRET}, None),
        ([SECRET], None),
        (17, None),
    ],
)
def test_a_model_shows_as_its_name(model: object, label: str | None) -> None:
    """Of a path the last two parts; of an address, which can hold a password, nothing."""
    assert select({"model": model}).info.get("model") == label


secrets = st.text(max_size=8).map(lambda text: SECRET + text)
plain = st.none() | st.booleans() | st.floats() | st.integers() | st.text()
holding = st.recursive(
    secrets,
    lambda inner: (
        st.lists(inner | plain, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)
names = st.text(max_size=12) | st.sampled_from(
    ["hub_token", "api_key", "report_to", "webhook", "MODEL", "model_kwargs"]
)
others = st.dictionaries(names.filter(lambda name: name not in READ), holding | plain, max_size=8)


@given(others, st.dictionaries(st.sampled_from(sorted(READ)), plain, max_size=4))
def test_nothing_leaks_from_other_arguments(others: dict[str, object], wanted: dict[str, object]) -> None:
    """Whatever stands under keys that are not white-listed does not change what is read by one letter."""
    settings = select({**others, **wanted})
    assert SECRET not in shown(settings)
    assert repr(settings) == repr(select(wanted))


containers = holding.filter(lambda value: not isinstance(value, str))


@given(st.dictionaries(st.sampled_from(sorted(READ)), containers, max_size=5))
def test_containers_under_white_listed_keys_say_nothing(found: dict[str, object]) -> None:
    """A list or an object there is no text and no number, whatever it holds."""
    assert select(found) == NOTHING


@given(st.dictionaries(st.sampled_from(sorted(READ)) | st.text(max_size=5), plain, max_size=8))
def test_settings_are_short_texts_and_finite_numbers(found: dict[str, object]) -> None:
    """Whatever stands in the file."""
    settings = select(found)
    assert set(settings.info) <= set(arguments.TEXTS)
    assert set(settings.numbers) <= {*arguments.NUMBERS, *arguments.TRUTHS}
    assert all(0 < len(text) <= LONGEST_TEXT for text in settings.info.values())
    assert all(type(number) is float and math.isfinite(number) for number in settings.numbers.values())


@given(content=st.binary(max_size=200))
def test_no_bytes_make_the_reading_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Neither as JSON nor as YAML."""
    folder = tmp_path_factory.getbasetemp() / "arguments"
    folder.mkdir(exist_ok=True)
    for name in ("args.json", "training_args.yaml"):
        written(folder, name, content)
    assert isinstance(read_hyper_parameters(str(folder), HUGGING_FACE_FILES), HyperParameters)


def test_a_trainer_state_names_settings_of_its_own(tmp_path: Path) -> None:
    """How often the run logs, evaluates and saves, where no argument file says so."""
    state = {"logging_steps": 10, "eval_steps": 500, "save_steps": 100, "train_batch_size": 2}
    (tmp_path / "trainer_state.json").write_text(json.dumps({**state, "log_history": []}))
    files = registered()["trainer_state"].argument_files
    settings = read_hyper_parameters(str(tmp_path), files).settings
    assert {key: settings[key] for key in ("logging_steps", "eval_steps", "save_steps")} == {
        "logging_steps": 10,
        "eval_steps": 500,
        "save_steps": 100,
    }
    (tmp_path / "args.json").write_text('{"eval_steps": 20}')
    assert read_hyper_parameters(str(tmp_path), files).settings["eval_steps"] == 20


# Hydra


HYDRA = """
actor_rollout_ref:
  model:
    path: Qwen/Qwen3-8B
  actor:
    optim:
      lr: 1.0e-06  # per step
    clip_ratio_low: 0.2
    kl_loss_coef: 0.001
  rollout:
    n: 8
    temperature: 1.0
    stop: [a, b]
data:
  max_response_length: 2048
trainer:
  logger:
  - console
  total_epochs: 15
"""
BY_DAY = "outputs/2026-11-29/10-00-00/.hydra"


@pytest.mark.parametrize("dialect", ["verl", "verl_file"])
@pytest.mark.parametrize("where", [".hydra", BY_DAY, f"../{BY_DAY}"])
def test_what_hydra_leaves_says_how_verl_was_started(tmp_path: Path, dialect: str, where: str) -> None:
    """Nested, beside the log or below the folder of outputs, under the names that all share."""
    folder = tmp_path / "project"
    (folder / where).mkdir(parents=True)
    (folder / where / "config.yaml").write_text(HYDRA)
    numbers = read_hyper_parameters(str(folder), registered()[dialect].argument_files).numbers
    assert (numbers["learning_rate"], numbers["beta"], numbers["num_generations"]) == (1e-6, 0.001, 8.0)


def test_of_several_starts_nobody_knows_which_one_it_was(tmp_path: Path) -> None:
    """Each has a folder of its own, and none says whose log lies above."""
    for hour in ("10", "11"):
        folder = tmp_path / "outputs" / "2026-11-29" / f"{hour}-00-00" / ".hydra"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(HYDRA)
    assert read_hyper_parameters(str(tmp_path), registered()["verl"].argument_files) == NOTHING


@given(st.text(alphabet=" ab:\n#'[]-.1"))
def test_any_nested_yaml_is_read_or_passed_over(text: str) -> None:
    """And neither lists nor indentations of any depth make it slow or wrong."""
    found = parse_nested_yaml(text.encode())
    assert all(key.count(".") <= DEEPEST for key in found)


# Configs


AXOLOTL_PRINTS = """[2026-11-20 10:26:58,100] [INFO] [axolotl.utils.tee] [PID:7] hello
[2026-11-20 10:26:59,100] [INFO] [axolotl.cli.config.load_cfg:259] [PID:7] config:
{
  "adapter": "lora",
  "base_model": "Qwen/Qwen3-8B",
  "datasets": [
    {
      "path": "tatsu-lab/alpaca"
    }
  ],
  "hub_token": "hf_SECRETsecret",
  "learning_rate": 0.0002,
  "logging_steps": 5,
  "lr_scheduler": "cosine",
  "micro_batch_size": 2,
  "num_epochs": 3.0,
  "trl": {
    "beta": 0.04,
    "num_generations": 8
  }
}\x1b[39m
[2026-11-20 10:27:00,100] [INFO] [axolotl.train] [PID:7] go
"""
AXOLOTL_YAML = """base_model: Qwen/Qwen3-8B  # from the hub
datasets:
  - path: tatsu-lab/alpaca
    type: alpaca
adapter: lora
learning_rate: 2e-4
logging_steps: 5
lr_scheduler: cosine
micro_batch_size: 2
num_epochs: 3
trl:
  beta: 0.04
  num_generations: 8
"""
AXOLOTL_SETTINGS = HyperParameters(
    {"model": "Qwen/Qwen3-8B", "train_type": "lora", "lr_scheduler_type": "cosine"},
    {
        "learning_rate": 2e-4,
        "logging_steps": 5.0,
        "per_device_train_batch_size": 2.0,
        "num_train_epochs": 3.0,
        "beta": 0.04,
        "num_generations": 8.0,
    },
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("debug.log", AXOLOTL_PRINTS),
        ("debug.log", AXOLOTL_PRINTS.replace("\n", "\r\n")),
        ("debug.log", "".join(f"[rank0]: {line}\n" for line in AXOLOTL_PRINTS.splitlines())),
        ("config.yaml", AXOLOTL_YAML),
        ("config.yml", AXOLOTL_YAML),
    ],
)
def test_axolotls_config_is_read(tmp_path: Path, name: str, content: str) -> None:
    """From the log in its output folder, where it prints it, or from the file that it was started with."""
    settings = written(tmp_path, name, content)
    assert settings == AXOLOTL_SETTINGS
    assert SECRET not in shown(settings)


def test_a_printed_log_states_axolotls_config_itself(tmp_path: Path) -> None:
    """Whatever it is called and wherever it lies."""
    log = tmp_path / "train.log"
    log.write_text(AXOLOTL_PRINTS + "{'loss': 1.5, 'learning_rate': 2e-4, 'epoch': 0.1}\n")
    [found] = discover([str(tmp_path)], SearchOptions(), log.stat().st_mtime).found
    assert read_run_hyper_parameters(found) == AXOLOTL_SETTINGS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("debug.log", AXOLOTL_PRINTS.replace("axolotl", "another")),
        ("debug.log", AXOLOTL_PRINTS.partition('  "num_epochs"')[0]),
        ("debug.log", AXOLOTL_PRINTS.replace('"lora"', "lora")),
        ("config.yaml", "base_model: a/b\nmerge_method: slerp\nlearning_rate: 1\n"),
        ("config.yml", "learning_rate: 1\nmicro_batch_size: 2\n"),
    ],
)
def test_what_is_not_axolotls_whole_config_says_nothing(tmp_path: Path, name: str, content: str) -> None:
    """Text of others, a begin, damaged JSON, and what else is called config.yaml."""
    assert written(tmp_path, name, content) == NOTHING


WANDB = """_wandb:
    value:
        cli_version: 0.31.0
learning_rate:
    value: 1e-06
adapter:
    desc: null
    value: lora
lora_r:
    value: 16
"""
WANDB_OF_VERL = """actor_rollout_ref:
    value:
        actor:
            kl_loss_coef: 0.001
            optim:
                lr: 1e-06
        rollout:
            n: 8
"""


def test_wandbs_config_is_read_beside_its_copy_of_the_output(tmp_path: Path) -> None:
    """Each setting stands below its key; verl's are nested there."""
    assert written(tmp_path, "config.yaml", WANDB).numbers == {"learning_rate": 1e-6, "lora_rank": 16.0}
    (tmp_path / "config.yaml").write_text(WANDB_OF_VERL)
    numbers = read_hyper_parameters(str(tmp_path), registered()["verl"].argument_files).numbers
    assert numbers == {"learning_rate": 1e-6, "beta": 0.001, "num_generations": 8.0}
