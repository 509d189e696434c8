"""From where a stopped training goes on, and with which settings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.config import EXPORTER, configure
from llmtrain_exporter.guard.keep.checkpoints import Checkpoint
from llmtrain_exporter.guard.launch.command_lines import recognised
from llmtrain_exporter.guard.launch.past import PastRun, read_past, up_to_the_stop
from llmtrain_exporter.guard.launch.rescue import (
    SKIPPING,
    GivesUp,
    RescuePlan,
    gentler,
    in_force,
    plan_rescue,
)
from llmtrain_exporter.guard.launch.restart import Start, data_order, goes_on_from_checkpoints, started_again
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge.rescuing import GRACE_RECORDS, RESCUES
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Incident, Prescription, Proposal, ProvedCause
from llmtrain_exporter.model.guarded import Attempt, SettingChange
from llmtrain_exporter.watching.rules import rules_for_reading

NOW = 1.8e9


def past_of(log: Path) -> PastRun:
    """A log of the past, until it would have been stopped."""
    rules = rules_for_reading(configure(EXPORTER, {}, {}, None).settings, None)
    (past,) = (each for each in read_past(str(log), rules, NOW) if isinstance(each, PastRun))
    stopped = up_to_the_stop(past, GuardOptions("stop"), NOW)
    assert stopped is not None
    return stopped[0]


def made(*steps: int) -> list[Checkpoint]:
    """Checkpoints of these steps."""
    return [Checkpoint(Path(f"out/checkpoint-{step}"), step, 0.0) for step in steps]


def attempts(*steps: int) -> list[Attempt]:
    """Rescues that began at these steps, each with a tenth of the rate."""
    return [
        Attempt(
            at,
            step,
            f"out/checkpoint-{step}",
            {"learning_rate": SettingChange(3e-3 / 10 ** (at - 1), 3e-3 / 10**at)},
            9,
        )
        for at, step in enumerate(steps, 1)
    ]


@pytest.fixture(scope="module")
def collapsed(corpus: Path) -> PastRun:
    """A GRPO run whose accuracy slides from step 17 on, and which is told at 43."""
    return past_of(corpus / "produced" / "trl-grpo-lr3e-3")


def planned(past: PastRun, checkpoints: Sequence[Checkpoint], before: Sequence[Attempt] = ()) -> RescuePlan:
    """The plan for it."""
    plan = plan_rescue(past, checkpoints, before, RESCUES)
    assert isinstance(plan, RescuePlan)
    return plan


def test_a_collapse_goes_back_to_where_rewards_were_still_good(collapsed: PastRun) -> None:
    """Not merely to before the onset that was told (36): by then the slide was 20 steps old."""
    plan = planned(collapsed, made(*range(5, 45, 5)))
    assert plan.checkpoint.step in (15, 20, 25)
    assert plan.wasted_steps == 43 - plan.checkpoint.step
    assert plan.grace_until_step == plan.checkpoint.step + GRACE_RECORDS
    assert plan.changes["learning_rate"] == SettingChange(3e-3, 3e-4)
    assert plan.changes["max_grad_norm"].after == 0.5
    assert plan.changes["beta"].after == 0.1


def test_each_further_rescue_is_further_back_and_gentler(collapsed: PastRun) -> None:
    """Never the same checkpoint twice."""
    checkpoints = made(*range(5, 45, 5))
    first = planned(collapsed, checkpoints)
    second = planned(collapsed, checkpoints, [first.as_attempt()])
    assert second.attempt == 2
    assert second.checkpoint.step < first.checkpoint.step
    assert second.changes["learning_rate"] == SettingChange(3e-4, 3e-5)
    assert in_force([first.as_attempt(), second.as_attempt()])["learning_rate"] == SettingChange(3e-3, 3e-5)


@pytest.mark.parametrize(
    ("steps", "before", "most", "text"),
    [
        ((), (), 2, words.NO_CHECKPOINT),
        ((35, 40), (), 2, words.NONE_GOOD),
        ((10, 15), (10,), 2, words.NONE_FURTHER_BACK),
        ((5, 10), (15, 10), 2, words.MOST_REACHED),
        ((5, 10), (), 0, words.NONE_WANTED),
    ],
)
def test_it_gives_up_with_a_clear_word(
    collapsed: PastRun, steps: tuple[int, ...], before: tuple[int, ...], most: int, text: object
) -> None:
    """Each reason has its own, in both languages, and with its numbers."""
    plan = plan_rescue(collapsed, made(*steps), attempts(*before), most)
    assert isinstance(plan, GivesUp)
    assert plan.text is text
    assert all("{" not in plan.of(lang) for lang in Lang)


def diagnosis(*causes: str, changes: Sequence[Proposal] = ()) -> Diagnosis:
    """One with these causes, and a remedy that changes this."""
    proved = tuple(ProvedCause(cause, 3.0, ()) for cause in causes)
    return Diagnosis(proved, (Prescription("clip_gradients", causes, tuple(changes)),), True)


def test_another_seed_avoids_a_bad_batch(collapsed: PastRun) -> None:
    """At first the learning rate stays; if that was not all of it, it is cut the second time."""
    found = diagnosis("bad_batch", changes=[Proposal("max_grad_norm", 1.0, 0.5, "--max_grad_norm 0.5")])
    first = gentler(collapsed.snapshot, found, (), 7.0)
    assert first == {"seed": SettingChange(7.0, 8.0), "max_grad_norm": SettingChange(1.0, 0.5)}
    assert gentler(collapsed.snapshot, found, ())["seed"] == SettingChange(None, 43.0)
    again = gentler(collapsed.snapshot, found, [Attempt(1, 5, "", first, 3)])
    assert "seed" not in again
    assert again["learning_rate"] == SettingChange(3e-3, 3e-4)


@pytest.mark.parametrize(
    ("stages", "signals", "skips"),
    [
        ((("gradient", 24),), ("non_finite",), True),
        ((("gradient", 24), ("loss", 24)), ("loss_spike", "non_finite"), True),
        ((("reward", 20), ("gradient", 24)), ("reward_drop", "non_finite"), False),
        ((("gradient", 24),), ("grad_spike",), False),
    ],
)
def test_an_update_that_is_no_number_is_skipped(
    collapsed: PastRun, stages: tuple[tuple[str, int], ...], signals: tuple[str, ...], skips: bool
) -> None:
    """Where all was well until then: its samples come again with any seed. Where it was not, it is an end."""
    incident = Incident(24, 24, None, stages, signals, True, False)
    broken = replace(collapsed.snapshot, incidents=(incident,))
    changes = gentler(broken, diagnosis("overflow"), ())
    assert (SKIPPING in changes) is skips
    assert ("learning_rate" in changes) is not skips


def test_what_is_skipped_is_the_guards_own_to_do(tmp_path: Path) -> None:
    """No flag of the command says so; a training that breaks all the same is made gentler next."""
    skipping = {SKIPPING: SettingChange("false", "true")}
    start = again("trl grpo --learning_rate 3e-3", skipping, tmp_path)
    assert start.options.skip_bad_updates
    assert SKIPPING not in " ".join(start.words)
    assert not start.unchanged


def test_a_training_without_a_reference_gets_none(collapsed: PastRun) -> None:
    """beta 0 has no reference model loaded; there may be no memory for one."""
    found = diagnosis("policy_drift", changes=[Proposal("beta", 0.0, 0.1, "--beta 0.1")])
    assert "beta" not in gentler(collapsed.snapshot, found, ())


def test_what_is_for_a_person_to_judge_is_left_alone(collapsed: PastRun) -> None:
    """Of all remedies those that hold the policy back, and of these what has a value."""
    changes = [Proposal("num_generations", 4.0, 8.0, ""), Proposal("max_grad_norm", None, None, "")]
    assert set(gentler(collapsed.snapshot, diagnosis("x", changes=changes), ())) == {"learning_rate"}


def test_a_training_whose_rate_nobody_knows_is_scaled(collapsed: PastRun, tmp_path: Path) -> None:
    """A tenth of whatever it is, each time."""
    unknown = replace(
        collapsed.snapshot,
        samples={},
        courses={},
        hyper_parameters=type(collapsed.snapshot.hyper_parameters)(),
    )
    assert gentler(unknown, diagnosis("x"), ())["learning_rate"] == SettingChange(None, None)
    start = again("python train.py", {"learning_rate": SettingChange(None, None)}, tmp_path, attempt=2)
    assert start.options.scale_learning_rate == 0.01


CHANGES: Mapping[str, SettingChange] = {
    "learning_rate": SettingChange(3e-3, 3e-4),
    "max_grad_norm": SettingChange(1.0, 0.5),
    "beta": SettingChange(None, 0.1),
}


def again(
    line: str, changes: Mapping[str, SettingChange], folder: Path, kind: str = "grpo", attempt: int = 1
) -> Start:
    """How that command is started again."""
    options = GuardOptions("rescue", attempt=attempt)
    command = recognised(shlex.split(line), folder)
    return started_again(command, changes, folder / "out" / "checkpoint-5", options, (folder / "out", kind))


def test_ms_swift_goes_on_in_the_same_folder_with_its_reference_model(tmp_path: Path) -> None:
    """--resume_only_model would make the checkpoint the reference, without a word."""
    line = "swift rlhf --rlhf_type grpo --learning_rate 3e-3 --output_dir x --resume_only_model true"
    start = again(line, CHANGES, tmp_path)
    assert list(start.words[4:]) == shlex.split(
        f"--learning_rate 0.0003 --output_dir {tmp_path}/out --resume_only_model false --max_grad_norm 0.5 "
        f"--beta 0.1 --resume_from_checkpoint {tmp_path}/out/checkpoint-5 --add_version false"
    )
    assert (start.options.scale_learning_rate, start.unchanged, start.inside) == (1.0, {}, ())
    assert start.options.resume_from == f"{tmp_path}/out/checkpoint-5"
    assert "--resume_only_model" not in again("swift rlhf --rlhf_type grpo", CHANGES, tmp_path).words


def test_a_script_with_its_own_settings_is_changed_from_inside(tmp_path: Path) -> None:
    """The learning rate is scaled there, the checkpoint named, and what a trainer reads each time is set."""
    start = again("torchrun --nproc_per_node 2 train.py", CHANGES, tmp_path)
    assert start.words == ("torchrun", "--nproc_per_node", "2", "train.py")
    assert start.options.scale_learning_rate == 0.1
    assert start.options.settings == {"max_grad_norm": 0.5, "beta": 0.1}
    assert start.inside == ("learning_rate", "max_grad_norm", "beta")
    assert start.options.resume_from == f"{tmp_path}/out/checkpoint-5"
    assert start.unchanged == {}


def test_what_nothing_can_change_is_told(tmp_path: Path) -> None:
    """A seed that stands in a script itself."""
    start = again("python train.py", {"seed": SettingChange(None, 43.0)}, tmp_path)
    assert start.unchanged == {"seed": "the command has no flag for it"}


def test_llama_factory_gets_a_copy_of_its_file(tmp_path: Path) -> None:
    """In the folder of what the guard makes; the user's own stays as it is."""
    (tmp_path / "x.yaml").write_text("stage: dpo\nlearning_rate: 1.0e-3\npref_beta: 0.05\n")
    start = again("llamafactory-cli train x.yaml", CHANGES, tmp_path, "dpo")
    copy = tmp_path / "out" / "llmtrain-kept" / "rescue-1.yaml"
    assert start.words == ("llamafactory-cli", "train", str(copy))
    assert start.copy is not None
    assert start.copy[1].splitlines()[:4] == [
        "stage: dpo",
        "learning_rate: 0.0003",
        "pref_beta: 0.1",
        "max_grad_norm: 0.5",
    ]


def test_another_seed_is_one_for_the_data_too(tmp_path: Path) -> None:
    """Where the command sets one of its own for it."""
    start = again("trl sft --seed 1 --data_seed 2", {"seed": SettingChange(1.0, 2.0)}, tmp_path, "sft")
    assert start.words[:6] == ("trl", "sft", "--seed", "2", "--data_seed", "2")
    assert start.options.scale_learning_rate is None


@pytest.mark.parametrize(
    ("line", "changes", "text"),
    [
        ("trl sft", CHANGES, words.ORDER_GOES_ON),
        ("trl sft --ignore_data_skip true", CHANGES, words.ORDER_BEGINS),
        ("trl sft", {"seed": SettingChange(None, 43.0)}, words.ORDER_SHUFFLED),
    ],
)
def test_what_becomes_of_the_order_of_the_data_is_told(
    tmp_path: Path, line: str, changes: Mapping[str, SettingChange], text: object
) -> None:
    """It goes on, begins anew, or is shuffled anew."""
    assert data_order(recognised(shlex.split(line), tmp_path), changes) is text


@pytest.mark.parametrize(
    ("settings", "possible"),
    [
        ("stage: ppo", False),
        ("stage: rm\nfinetuning_type: full", False),
        ("stage: rm", True),
        ("stage: sft", True),
    ],
)
def test_a_training_that_goes_on_from_no_checkpoint_is_known(
    tmp_path: Path, settings: str, possible: bool
) -> None:
    """LLaMA-Factory passes by the checkpoint in some of its stages."""
    (tmp_path / "x.yaml").write_text(settings)
    command = recognised(["llamafactory-cli", "train", "x.yaml"], tmp_path)
    assert goes_on_from_checkpoints(command) is possible
