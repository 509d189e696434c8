"""Producers: what is proposed for a run is an argument that its trainer has, written as it is set there."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import distributions
from itertools import product
from pathlib import Path

import pytest
import yaml
from llmtrain_exporter.analyse.diagnosis import prescribing
from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.prescribing import prescribed, proposals
from llmtrain_exporter.knowledge import producers, profile
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.checklists import SETUP
from llmtrain_exporter.knowledge.producer import DASHED, PYTHON_KEYWORD, YAML_KEY, FlagStyle, Producer
from llmtrain_exporter.knowledge.producers import PRODUCERS
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import Change
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.knowledge.trainer_arguments.table import CLASSES
from llmtrain_exporter.model import HyperParameters, RowKind, Snapshot

from tests.serving import RUN
from tests.test_house import ROOT

NAMED = {producer.name: producer for producer in PRODUCERS}
TABLE = ROOT / "exporter/llmtrain_exporter/knowledge/trainer_arguments/table.py"
SCRIPT = ROOT / "scripts/producer-arguments"
PACKAGES = {
    "swift": ("ms-swift",),
    "megatron-swift": ("ms-swift",),
    "transformers": ("transformers", "trl"),
    "unsloth": ("transformers", "trl", "unsloth"),
    "llamafactory": ("llamafactory",),
    "axolotl": ("axolotl",),
}
EACH = pytest.mark.parametrize("producer", PRODUCERS, ids=NAMED)


def arguments_of(producer: Producer) -> set[str]:
    """All that the table has of a producer's classes."""
    known = [each for each in CLASSES.values() if each.package.split()[0] in PACKAGES[producer.name]]
    return {name for each in known for name in each.arguments}


def all_changes() -> Iterator[tuple[Change, str]]:
    """Each change that is ever proposed, in each profile that it is for."""
    for remedy in REMEDIES.values():
        yield from product(remedy.changes, sorted(remedy.profiles))
    for kind, setup in SETUP.items():
        yield from product(setup, (kind,))


def as_set(flag: str, style: FlagStyle) -> tuple[str, object]:
    """Name and value of what is printed, as whoever takes it reads it. Raises where that cannot be."""
    if style is YAML_KEY:
        ((name, value),) = yaml.safe_load(flag).items()
        if isinstance(value, dict):
            ((inner, value),) = value.items()
            name = f"{name}.{inner}"
        return name, value
    if style is PYTHON_KEYWORD:
        call = ast.parse(f"f({flag})", mode="eval").body
        assert isinstance(call, ast.Call)
        (keyword,) = call.keywords
        return str(keyword.arg), ast.literal_eval(keyword.value)
    name, value = shlex.split(flag)
    assert name.startswith("--")
    return name[2:], value


@EACH
def test_every_flag_is_an_argument_of_the_trainer(producer: Producer) -> None:
    """By the table; what a trainer has no argument for has no flag, and its remedy says what to do."""
    known, without = arguments_of(producer), set()
    assert known
    for change, kind in all_changes():
        name = producer.spelled(change.setting, kind)
        assert name in known or not name
        assert bool(name) == bool(producer.flag(change.setting, kind, "1"))
        if not name:
            without.add(change.setting)
    told = (remedy for remedy in REMEDIES.values() if {each.setting for each in remedy.changes} & without)
    assert all(remedy.how.of(lang) for remedy in told for lang in Lang)


@EACH
def test_a_flag_is_written_as_it_is_set_there(producer: Producer) -> None:
    """On a command line, in a YAML file, in a Python call: numbers, switches, words and paths."""
    for setting in ("learning_rate", "bf16", "lr_scheduler_type"):
        for value in ("1e-06", "true", "cosine", "/runs/a run/it's: #1/checkpoint-5"):
            name, found = as_set(producer.flag(setting, profile.SFT, value), producer.style)
            assert name == producer.spelled(setting, profile.SFT)
            same = found is True if producer.style is not DASHED and value == "true" else str(found) == value
            assert same


@pytest.mark.parametrize(
    ("producer", "kind", "setting", "flag"),
    [
        ("swift", profile.GRPO, "beta", "--beta 1"),
        ("swift", profile.PPO, "beta", "--kl_coef 1"),
        ("swift", profile.PPO, "max_completion_length", "--max_completion_length 1"),
        ("swift", profile.SFT, "early_stop_interval", "--early_stop_interval 1"),
        ("swift", profile.GRPO, "stop_words", "--stop_words 1"),
        ("megatron-swift", profile.SFT, "learning_rate", "--lr 1"),
        ("megatron-swift", profile.GRPO, "max_grad_norm", "--clip_grad 1"),
        ("megatron-swift", profile.SFT, "logging_nan_inf_filter", ""),
        ("transformers", profile.SFT, "early_stop_interval", ""),
        ("transformers", profile.SFT, "lora_rank", "--lora_r 1"),
        ("transformers", profile.GRPO, "stop_words", "--generation_kwargs 1"),
        ("transformers", profile.GRPO, "overlong_filter", "--mask_truncated_completions 1"),
        ("transformers", profile.GRPO, "dynamic_sample", ""),
        ("transformers", profile.PPO, "beta", "--kl_coef 1"),
        ("transformers", profile.PPO, "epsilon", "--cliprange 1"),
        ("transformers", profile.PPO, "max_completion_length", "--response_length 1"),
        ("transformers", profile.PPO, "num_generations", ""),
        ("transformers", profile.GENERIC, "max_length", ""),
        ("transformers", profile.SFT, "max_length", "--max_length 1"),
        ("transformers", profile.SFT, "warmup_ratio", ""),
        ("llamafactory", profile.SFT, "max_length", "cutoff_len: 1"),
        ("llamafactory", profile.SFT, "early_stop_interval", "early_stopping_steps: 1"),
        ("llamafactory", profile.DPO, "beta", "pref_beta: 1"),
        ("llamafactory", profile.GRPO, "beta", ""),
        ("axolotl", profile.SFT, "per_device_train_batch_size", "micro_batch_size: 1"),
        ("axolotl", profile.SFT, "early_stop_interval", "early_stopping_patience: 1"),
        ("axolotl", profile.GRPO, "epsilon", "trl: {epsilon: 1}"),
        ("axolotl", profile.DPO, "beta", "rl_beta: 1"),
        ("unsloth", profile.SFT, "lora_rank", "r=1"),
        ("unsloth", profile.GRPO, "beta", "beta=1"),
    ],
)
def test_a_setting_is_called_as_the_trainer_calls_it(
    producer: str, kind: str, setting: str, flag: str
) -> None:
    """And has no flag where the trainer has none such."""
    assert NAMED[producer].flag(setting, kind, "1") == flag


@EACH
def test_nothing_is_proposed_that_the_trainer_does_by_itself(producer: Producer) -> None:
    """Where a log says nothing of its settings, and none of those is told as the present one."""
    for remedy, kind in product(REMEDIES.values(), profile.PROFILES):
        run = replace(RUN, producer=producer, base=kind, hyper_parameters=HyperParameters())
        for proposal in proposals(remedy.changes, Case(run)):
            default = producer.default(proposal.setting, kind)
            assert proposal.now is None
            assert proposal.value is None or proposal.value != default
            assert default not in (0.0, 1.0) or proposal.value != ("true" if default else "false")


@EACH
@pytest.mark.parametrize("remedy", ["early_stopping", "more_contrast", "stop_words"])
def test_a_remedy_without_a_flag_is_told_in_words(
    producer: Producer, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer's settings with their flags, and no setting that it does not have."""
    monkeypatch.setattr(prescribing, "applies", lambda *_: True)
    cause = next(name for name, each in CAUSES.items() if remedy in each.remedies)
    kind = min(REMEDIES[remedy].profiles, key=profile.PROFILES.index)
    run = replace(
        RUN, producer=producer, base=kind, hyper_parameters=HyperParameters({}, {"num_generations": 8.0})
    )
    (found,) = (each for each in prescribed(Case(run), [cause]) if each.remedy == remedy)
    names = {producer.spelled(change.setting, kind) for change in REMEDIES[remedy].changes} - {""}
    assert len(found.changes) == len(names)
    assert all(any(name.rpartition(".")[2] in change.flag for name in names) for change in found.changes)
    assert REMEDIES[remedy].how.en


def test_steps_of_warm_up_are_proposed_where_there_is_no_share_of_them() -> None:
    """A tenth of the planned steps, in words that every version of the trainer takes."""
    change = REMEDIES["warm_up_longer"].changes

    def flags(producer: Producer, planned: int | None, settings: Mapping[str, float]) -> list[str]:
        known = HyperParameters({}, settings)
        run = replace(RUN, producer=producer, max_steps=planned, hyper_parameters=known)
        return [proposal.flag for proposal in proposals(change, Case(run)) if proposal.flag]

    assert flags(producers.SWIFT, 150, {"warmup_ratio": 0.05}) == ["--warmup_ratio 0.1"]
    assert flags(producers.TRANSFORMERS, 150, {}) == ["--warmup_steps 15"]
    assert flags(producers.TRANSFORMERS, 150, {"warmup_steps": 40.0}) == []
    assert flags(producers.TRANSFORMERS, None, {}) == ["--warmup_steps"]


def test_what_the_log_shows_is_done_already() -> None:
    """A run that logs, evaluates and saves often enough is not told to do so, whatever its settings say."""
    records = {RowKind.TRAIN: 60, RowKind.EVAL: 3}
    run = replace(
        RUN,
        producer=producers.TRANSFORMERS,
        hyper_parameters=HyperParameters(),
        records=records,
        first_step=1,
        last_step=60,
        checkpoints=(20, 40),
    )

    def asked(run: Snapshot, kind: str) -> set[str]:
        return {proposal.setting for proposal in proposals(SETUP[kind], Case(replace(run, base=kind)))}

    assert asked(run, profile.GRPO) == set()
    assert asked(replace(run, checkpoints=()), profile.GRPO) == {"save_steps"}
    assert asked(run, profile.SFT) == {"save_total_limit"}
    assert asked(replace(run, records={RowKind.TRAIN: 60}), profile.SFT) == {
        "save_total_limit",
        "eval_strategy",
        "eval_steps",
    }


TABLED = {each.package for each in CLASSES.values()}


def installed() -> Mapping[Path, set[str]]:
    """The trainers of the table's versions by the folder in which they are."""
    named = os.environ.get("LLMTRAIN_TRAINERS")
    found: dict[Path, set[str]] = {}
    for each in distributions(path=named.split(os.pathsep) if named else sys.path):
        package = f"{each.name.lower().replace('_', '-')} {each.version}"
        if package in TABLED:
            found.setdefault(Path(str(each.locate_file(""))), set()).add(package)
    return found


def test_the_table_is_what_the_trainers_classes_say() -> None:
    """Of the versions that it names; those are parsed, never run."""
    found, named = installed(), os.environ.get("LLMTRAIN_TRAINERS")
    assert named is None or set().union(*found.values()) >= TABLED, f"{named} lacks one of {TABLED}"
    if not found:
        pytest.skip("no trainer of the table is installed: scripts/producer-arguments says how")
    command = [sys.executable, str(SCRIPT), *map(str, found), "--print"]
    table = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert table == TABLE.read_text("utf-8")
