"""Keys of trainers outside of the Transformers family: traps, units, kinds of rows and of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from llmtrain_exporter.analyse import state
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.catalogue import (
    distillation,
    evaluation,
    mismatch,
    objective,
    reward,
    rollout,
    speed,
)
from llmtrain_exporter.knowledge.catalogue import value as critic
from llmtrain_exporter.knowledge.log_keys import LOG_KEYS, keys_of
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Record, RowKind, Series, series

from tests.test_keys import EVAL, TRAIN, Cells, fed, found

MEAN = ("stat", "mean")


def record(cells: Cells) -> Record:
    """The record of a row that is one."""
    read = Normaliser().record(cells)
    assert isinstance(read, Record), cells
    return read


# Trackers' prefixes and patterns


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("train/loss", series(c.LOSS, TRAIN)),
        ("eval/loss", series(c.LOSS, EVAL)),
        ("train/learning_rate", series(c.LEARNING_RATE)),
        ("train/rewards/accuracies", series(c.PREFERENCE_ACCURACY, TRAIN)),
        ("eval/rewards/accuracies", series(c.PREFERENCE_ACCURACY, EVAL)),
        ("train/completions/mean_length", series(c.COMPLETION_LENGTH, MEAN, TRAIN)),
        ("eval/completions/mean_length", series(c.COMPLETION_LENGTH, MEAN, EVAL)),
        ("eval/runtime", series(c.EVAL_RUNTIME)),
        ("eval/code_loss", series(evaluation.DATASET_LOSS, ("dataset", "code"))),
        ("train/policy_loss", series(objective.POLICY_LOSS, TRAIN)),
        ("train/ppo_kl", series(objective.UPDATE_KL, ("estimator", "mean"), TRAIN)),
        ("eval/gsm8k_pass1", series(evaluation.VALIDATION_SCORE, ("of", "gsm8k/1"))),
        ("train/nobody/knows", series(c.OTHER, ("key", "train/nobody/knows"), TRAIN)),
    ],
)
def test_trackers_group_keys_under_train_and_eval(key: str, expected: Series) -> None:
    """TensorBoard, W&B and others: a prefix changes nothing but the side."""
    assert fed(key, {"grad_norm": 1.0}) is expected


def test_what_transformers_evaluates_besides_is_no_validation_score() -> None:
    """slime has the mean reward of a data set behind the same prefix, and no duration beside it."""
    beside = {"grad_norm": 1.0}
    assert fed("eval/gsm8k", beside) is series(evaluation.VALIDATION_SCORE, ("of", "gsm8k"))
    assert fed("eval/gsm8k", {**beside, "eval/runtime": 5.0}) is series(c.OTHER, ("key", "gsm8k"), EVAL)
    assert fed("eval/step", beside).metric is c.OTHER


def test_reward_functions_are_known_behind_a_prefix() -> None:
    """A total reward makes functions of them, whatever their names."""
    values = found({"train/reward": 1.0, "train/rewards/chosen/mean": 0.5})
    assert values[series(c.REWARD_FUNCTION_MEAN, ("function", "chosen"), TRAIN)] == 0.5


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("train/all/math/reward/mean", "all/math/mean"),
        ("train/effective/code-env/reward/p10", "effective/code-env/p10"),
        ("math_rule/rollout/score/mean", "math_rule/mean"),
        ("scheduler/math/score/max", "math/max"),
    ],
)
def test_the_variable_parts_of_a_key_make_one_label(key: str, label: str) -> None:
    """Joined by a slash, in their order."""
    assert fed(key, {"grad_norm": 1.0}) is series(reward.ENVIRONMENT_REWARD, ("of", label), TRAIN)


def test_a_fixed_part_stands_before_the_variable_ones() -> None:
    """So that several keys may feed a metric with one label."""
    known = fed("train/all/math/solved_none", {"grad_norm": 1.0})
    assert known is series(reward.GROUP_OUTCOMES, ("outcome", "none/all/math"), TRAIN)


@pytest.mark.parametrize("prefix", ["", "eval_"])
def test_names_of_data_sets_may_have_slashes(prefix: str) -> None:
    """verl's validation: all behind the prefix is the label. A reader may say that it is an evaluation."""
    known = fed(f"{prefix}val-core/openai/gsm8k/reward/mean@1", {"grad_norm": 1.0})
    assert known is series(evaluation.VALIDATION_SCORE, ("of", "openai/gsm8k/reward/mean@1"))


@pytest.mark.parametrize(
    "name", ["train//x/reward/mean", "val-core/", "rollout_corr/rollout_rs_", "timing_s/"]
)
def test_a_variable_part_is_never_empty(name: str) -> None:
    """What lacks one is another key."""
    assert fed(name, {"grad_norm": 1.0}).metric is c.OTHER


def test_no_key_of_a_trainer_is_caught_by_another() -> None:
    """Each feeds its own metric where the words stand that it asks for, with its own label and side."""
    for metric, key in LOG_KEYS:
        blanks = key.pattern.count("{}")
        name = key.pattern.format(*("name",) * blanks)
        label = "/".join((*(key.fixed,) * bool(key.fixed), *("name",) * blanks))
        own = ((metric.label, label),) if metric.label else ()
        side = EVAL if key.evaluation or name.startswith(("eval_", "eval/")) else TRAIN
        expected = series(metric, *own, *((side,) if metric.split else ()))
        place = "grad_norm" if metric is c.LOSS else "loss"
        beside = dict.fromkeys((place, *key.beside[:1]), 1.0)
        assert expected in record({"step": 5, **beside, name: 0.5}).layout.series, key.pattern


def test_each_metric_is_fed_by_someone() -> None:
    """Every metric of a trainer's own has a key, in the catalogue or of a trainer; no pair stands twice."""
    assert len(set(LOG_KEYS)) == len(LOG_KEYS)
    for metric in (
        rollout.ABORTED,
        mismatch.PROBABILITY_CORRELATION,
        speed.POWER,
        evaluation.VALIDATION_DETAIL,
    ):
        assert keys_of(metric)


# verl


def test_the_raw_score_alone_is_verls_reward() -> None:
    """The rewards have the KL penalty in them, and the range is no mean."""
    values = found(
        {
            "critic/score/mean": 0.5,
            "critic/score/max": 1.0,
            "critic/rewards/mean": 0.25,
            "critic/rewards/min": -1.0,
        }
    )
    assert values[series(c.REWARD, TRAIN)] == 0.5
    assert values[series(reward.REWARD_EXTREME, ("stat", "max"), TRAIN)] == 1.0
    assert values[series(reward.REWARD_PART, ("part", "penalised"), TRAIN)] == 0.25
    assert values[series(reward.REWARD_PART, ("part", "penalised_min"), TRAIN)] == -1.0


def test_the_distance_to_the_reference_is_no_step_of_an_update() -> None:
    """kl_loss is the first, ppo_kl the second, rollout_corr the gap to the sampler."""
    values = found({"actor/kl_loss": 0.5, "actor/ppo_kl": 0.25, "rollout_corr/kl": 0.125})
    assert values[series(c.KL, TRAIN)] == 0.5
    assert values[series(objective.UPDATE_KL, ("estimator", "mean"), TRAIN)] == 0.25
    assert values[series(mismatch.MISMATCH_KL, ("estimator", "kl"), TRAIN)] == 0.125


@pytest.mark.parametrize(
    ("written", "kl"),
    [
        ({"critic/kl": 0.25}, 0.25),
        ({"critic/kl": 0.25, "actor/reward_kl_penalty": 0.5}, 0.5),
        ({"actor/reward_kl_penalty": 0.5, "actor/kl_loss": 0.75}, 0.75),
    ],
)
def test_of_several_distances_to_the_reference_the_loss_has_the_say(written: Cells, kl: float) -> None:
    """In whatever order they stand."""
    values = found({"critic/score/mean": 1.0, **written})
    assert values[series(c.KL, TRAIN)] == kl


def test_no_part_of_the_loss_takes_the_place_of_the_whole() -> None:
    """pg_loss is the policy's own part; the critic has a loss, a gradient and a learning rate of its own."""
    values = found(
        {
            "actor/pg_loss": 0.5,
            "actor/grad_norm": 0.25,
            "actor/lr": 1e-6,
            "critic/vf_loss": 2.0,
            "critic/grad_norm": 7.0,
            "critic/lr": 1e-5,
        }
    )
    assert series(c.LOSS, TRAIN) not in values
    assert values[series(objective.POLICY_LOSS, TRAIN)] == 0.5
    assert values[series(c.GRAD_NORM)] == 0.25
    assert values[series(c.LEARNING_RATE)] == 1e-6
    assert values[series(critic.VALUE_LOSS, TRAIN)] == 2.0
    assert values[series(critic.VALUE_GRAD_NORM)] == 7.0
    assert values[series(critic.VALUE_LEARNING_RATE)] == 1e-5
    whole = found({"actor/pg_loss": 0.5, "actor/loss": 0.75, "actor/final_loss": 0.875})
    assert whole[series(c.LOSS, TRAIN)] == 0.75


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ({"critic/score/mean": 1.0}, series(c.ENTROPY, MEAN, TRAIN)),  # to 0.3
        (
            {"critic/score/mean": 1.0, "actor/entropy": 0.5},
            series(objective.AUXILIARY_LOSS, ("part", "entropy"), TRAIN),
        ),
        (
            {"critic/score/mean": 1.0, "response/aborted_ratio": 0.0},
            series(c.OTHER, ("key", "actor/entropy_loss"), TRAIN),
        ),
    ],
)
def test_the_entropy_loss_is_the_entropy_in_old_versions_alone(beside: Cells, expected: Series) -> None:
    """What else the row has tells the version."""
    assert fed("actor/entropy_loss", beside) is expected


def test_the_share_of_cut_responses_is_no_clipping_of_ratios() -> None:
    """Three keys have clip in them."""
    values = found(
        {
            "actor/grad_norm": 1.0,
            "response_length/clip_ratio": 0.5,
            "prompt_length/clip_ratio": 0.25,
            "actor/pg_clipfrac": 0.125,
            "response_length_non_aborted/clip_ratio": 0.75,
            "critic/vf_clipfrac": 0.0625,
        }
    )
    assert values[series(c.COMPLETION_CLIPPED, TRAIN)] == 0.5
    assert values[series(rollout.PROMPT_CLIPPED, TRAIN)] == 0.25
    assert values[series(c.CLIP_RATIO, ("bound", "region_mean"), TRAIN)] == 0.125
    assert values[series(critic.VALUE_CLIP_RATIO, TRAIN)] == 0.0625
    assert values[series(c.OTHER, ("key", "response_length_non_aborted/clip_ratio"), TRAIN)] == 0.75


def test_what_stands_among_timers_need_not_be_a_time() -> None:
    """Preemptions are counted, and lengths are of the slowest sample."""
    values = found(
        {
            "actor/grad_norm": 1.0,
            "timing_s/step": 80.0,
            "timing_s/gen": 60.0,
            "perf/time_per_step": 80.5,
            "timing_s/agent_loop/num_preempted/max": 3.0,
            "timing_s/agent_loop/slowest/response_length": 900.0,
            "timing_per_token_ms/gen": 1.5,
        }
    )
    assert values[series(c.STEP_TIME)] == 80.0
    assert values[series(speed.PHASE_TIME, ("phase", "gen"))] == 60.0
    assert values[series(c.OTHER, ("key", "perf/time_per_step"), TRAIN)] == 80.5
    assert values[series(rollout.PREEMPTIONS, ("stat", "max"))] == 3.0
    assert values[series(speed.SAMPLE_TOKENS, ("stat", "slowest_response"))] == 900.0
    assert values[series(speed.TOKEN_TIME, ("phase", "gen"))] == pytest.approx(1.5e-3)


# Other trainers


def test_the_normalised_rewards_of_slime_are_no_reward() -> None:
    """They are about 0 whatever the policy does."""
    values = found({"rollout/raw_reward": 0.5, "rollout/rewards": 0.0})
    assert values[series(c.REWARD, TRAIN)] == 0.5
    assert values[series(c.OTHER, ("key", "rollout/rewards"), TRAIN)] == 0.0


@pytest.mark.parametrize(
    ("key", "beside", "expected"),
    [
        ("acc", {"chosen_reward": 1.0}, series(c.PREFERENCE_ACCURACY, TRAIN)),
        ("acc", {"loss": 1.0}, series(c.TOKEN_ACCURACY, TRAIN)),
        ("reward_std", {"chosen_reward": 1.0}, series(c.REWARD_MODEL_SCORE, ("stat", "std"), TRAIN)),
        ("reward_std", {"reward": 1.0}, series(c.REWARD_STD, TRAIN)),
        ("kl_loss", {"loss": 1.0}, series(c.KL, TRAIN)),
        ("kl_loss", {"kl": 1.0}, series(c.OTHER, ("key", "kl_loss"), TRAIN)),
        ("rewards", {"successes": 1.0}, series(c.REWARD, TRAIN)),
        ("rewards", {"scores": 1.0}, series(c.OTHER, ("key", "rewards"), TRAIN)),
        ("perf/throughput", {"grad_norm": 1.0}, series(speed.TOKENS_PER_SECOND, ("scope", "gpu"))),
        (
            "perf/throughput",
            {"perf/throughput_per_gpu": 1.0, "grad_norm": 1.0},
            series(speed.TOKENS_PER_SECOND, ("scope", "all")),
        ),
        ("train/accuracy", {"train/rewards_chosen_mean": 1.0}, series(c.PREFERENCE_ACCURACY, TRAIN)),
        ("train/accuracy", {"grad_norm": 1.0}, series(c.OTHER, ("key", "train/accuracy"), TRAIN)),
    ],
)
def test_a_word_means_what_stands_beside_it(key: str, beside: Cells, expected: Series) -> None:
    """OpenRLHF, torchtune, verl against prime-rl, NeMo-RL."""
    assert fed(key, beside) is expected


@pytest.mark.parametrize(
    ("row", "metric", "expected"),
    [
        ({"train/lr(1e-3)": 0.01}, c.LEARNING_RATE, 1e-5),
        ({"train/lr": 1e-5}, c.LEARNING_RATE, 1e-5),
        ({"train/total_tokens(B)": 1.5}, c.TOKENS, 1.5e9),
        ({"perf/max_memory_allocated_gb": 2.0}, c.MEMORY, 2.0 * 2**30),
        ({"perf/cpu_memory_used_gb": 2.0}, speed.HOST_MEMORY, 2.0 * 2**30),
        ({"perf/mfu": 31.0, "perf/peak_memory": 61.0}, speed.MFU, 0.31),
        ({"perf/mfu/actor": 0.31}, speed.MFU, 0.31),
        ({"mfu(%)": 41.0}, speed.MFU, 0.41),
        ({"mfu(%)": "41.0%"}, speed.MFU, 0.41),
        ({"memory/max_reserved(GiB)": 2.0}, speed.MEMORY_RESERVED, 2.0 * 2**30),
        ({"memory/max_reserved(%)": 50.0}, speed.MEMORY_RATIO, 0.5),
        ({"tflops": 412.0}, speed.FLOPS, 412e12),
        ({"elapsed time per iteration (ms)": 1211.0}, c.STEP_TIME, 1.211),
        ({"iteration-time": 1.5}, c.STEP_TIME, 1.5),
        ({"time_per_iteration_ms": 1500.0}, c.STEP_TIME, 1.5),
        ({"throughput": 200.0, "iteration-time": 1.5}, speed.FLOPS, 200e12),
        ({"system/ckpt_disk_free_gib": 2.0}, speed.DISK, 2.0 * 2**30),
    ],
)
def test_units_of_other_trainers_become_base_units(row: Cells, metric: Metric, expected: float) -> None:
    """Thousandths, percent, GiB under the name of GB, milliseconds beside seconds."""
    values = {known.metric: number for known, number in found({"loss": 1.0, **row}).items()}
    assert values[metric] == pytest.approx(expected)


def test_megatrons_names_have_blanks_or_dashes() -> None:
    """In its output and in its trackers."""
    for row in (
        {"lm loss": 2.5, "grad norm": 0.75, "learning rate": 1e-5, "loss scale": 1.0},
        {"lm loss": 2.5, "grad-norm": 0.75, "learning-rate": 1e-5, "loss-scale": 1.0},
    ):
        values = found(row)
        assert values[series(c.LOSS, TRAIN)] == 2.5
        assert values[series(c.GRAD_NORM)] == 0.75
        assert values[series(c.LEARNING_RATE)] == 1e-5
        assert values[series(objective.LOSS_SCALE)] == 1.0


def test_student_and_teacher_of_verl_are_compared_on_their_likeliest_tokens() -> None:
    """What is covered of both is no divergence."""
    values = found({"actor/grad_norm": 1.0, "distillation/loss": 0.5, "distillation/student_mass": 0.875})
    assert values[series(distillation.DISTILLATION_DIVERGENCE, ("kind", "loss"), TRAIN)] == 0.5
    assert values[series(distillation.PROBABILITY_MASS, ("stat", "student"), TRAIN)] == 0.875


# Kinds of rows


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (
            {"step": 41, "actor/pg_loss": 0.5, "actor/grad_norm": 0.25, "critic/score/mean": 0.5},
            RowKind.TRAIN,
        ),
        ({"step": 0, "val-core/openai/gsm8k/reward/mean@1": 0.5}, RowKind.EVAL),
        ({"step": 0, "val-aux/num_turns/mean": 2.0}, RowKind.EVAL),
        ({"step": 0, "val/test_score/gsm8k": 0.5}, RowKind.EVAL),
        ({"step": 50, "val-core/gsm8k/acc/mean@1": 0.5, "actor/grad_norm": 0.25}, RowKind.TRAIN),
        ({"step": 50, "val/loss": 1.5}, RowKind.EVAL),
        ({"step": 50, "eval/gsm8k": 0.5}, RowKind.EVAL),
        ({"step": 50, "eval/gsm8k/avg@8": 0.5}, RowKind.EVAL),
        ({"step": 50, "val_correct/all/mean": 0.5}, RowKind.EVAL),
        ({"step": 50, "lm loss value": 2.5, "lm loss PPL": 9.0}, RowKind.EVAL),
        ({"step": 50, "validation_metrics/loss": 2.5}, RowKind.EVAL),
        ({"step": 50, "eval_gsm8k_pass1": 0.5}, RowKind.EVAL),
        ({"step": 50, "eval_val-core/gsm8k/acc/mean@1": 0.5}, RowKind.EVAL),
        ({"step": 50, "train/all/math/reward/mean": 0.5}, RowKind.TRAIN),
        ({"step": 50, "loss/mean": 0.5, "entropy/all/mean": 0.5}, RowKind.TRAIN),
        ({"step": 50, "rollout/raw_reward": 0.5}, RowKind.TRAIN),
        ({"step": 50, "rollout/response_len/mean": 900.0, "perf/rollout_time": 60.0}, RowKind.TRAIN),
        ({"step": 50, "critic/vf_loss": 0.5}, RowKind.TRAIN),
        ({"step": 50, "loss_metrics/global_avg_loss": 2.5}, RowKind.TRAIN),
        ({"training/global_step": 50, "critic/score/mean": 0.5}, RowKind.TRAIN),
        ({"train/global_step": 50, "train/loss": 0.5}, RowKind.TRAIN),
        ({"train/global_step": 50, "eval/loss": 0.5}, RowKind.EVAL),
        ({"train/global_step": 50, "train/train_runtime": 9.5}, RowKind.FINAL),
    ],
)
def test_rows_of_other_trainers_have_their_kinds(row: Cells, kind: RowKind) -> None:
    """A validation alone is an evaluation; beside a training row it is part of that."""
    read = record(row)
    assert read.kind is kind
    assert read.step == next(iter(row.values()))


# Kinds of training

GRPO = {"critic/score/mean": 0.5, "actor/pg_loss": 0.5, "actor/kl_loss": 0.001, "response_length/mean": 900.0}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (GRPO, profile.GRPO),
        ({**GRPO, "critic/vf_loss": 0.5, "critic/values/mean": 0.25}, profile.PPO),
        ({**GRPO, "critic/returns/mean": 0.25}, profile.GRPO),
        ({"train/loss": 1.0, "train/lr": 1e-5, "train/grad_norm": 0.5}, profile.SFT),
        ({"policy_loss": 0.5, "reward": 0.5, "response_length": 9.0, "vllm_kl": 0.001}, profile.GRPO),
        ({"policy_loss": 0.5, "critic_loss": 0.5, "reward": 0.5, "values": 0.25}, profile.PPO),
        ({"gpt_loss": 1.5, "lr": 1e-5}, profile.SFT),
        ({"loss": 0.5, "acc": 0.75, "chosen_reward": 0.5, "reject_reward": 0.25}, profile.REWARD_MODEL),
        (
            {
                "train/loss": 0.0,
                "train/grad_norm": 0.5,
                "rollout/raw_reward": 0.5,
                "rollout/response_len/mean": 9.0,
            },
            profile.GRPO,
        ),
        ({"train/value_loss": 0.5, "rollout/raw_reward": 0.5, "rollout/values": 0.5}, profile.PPO),
        ({"actor/pg_loss": 0.5, "critic/score/mean": 0.5, "tokens/response_length/mean": 9.0}, profile.GRPO),
        ({"sft_train/loss": 1.5}, profile.SFT),
        ({"loss/mean": 0.5, "optim/grad_norm": 0.5, "mismatch_kl/all/mean": 0.001}, profile.GRPO),
        ({"loss/mean": 0.5, "train/all/math/reward/mean": 0.5}, profile.GRPO),
        ({"loss/mean": 0.5, "optim/grad_norm": 0.5, "loss/perplexity": 1.5}, profile.SFT),
        ({"loss": 0.5, "lr": 1e-5, "tokens_per_second_per_gpu": 2000.0}, profile.SFT),
        ({"loss": 0.5, "rewards/chosen": 0.5, "log_probs/chosen": -9.0}, profile.DPO),
        ({"loss": 0.7, "dpo_loss": 0.7, "aux_loss": 0.0}, profile.DPO),
        ({"loss": 0.5, "scores": 0.5, "policy_loss": 0.5, "value_loss": 0.5}, profile.PPO),
        ({"loss": 0.5, "rewards": 0.5, "successes": 0.5, "kl_loss": 0.001}, profile.GRPO),
        ({"lm loss": 2.5, "grad norm": 0.5}, profile.SFT),
        ({"loss_metrics/global_avg_loss": 2.5, "grad_norm": 0.5}, profile.SFT),
        ({"train/loss": 0.0, "train/reward": 0.5, "train/mean_gen_tokens_per_sample": 9.0}, profile.GRPO),
        ({"ppo_actor/task_reward/avg": 0.5, "ppo_actor/update/actor_loss/avg": 0.5}, profile.GRPO),
        ({"ppo_actor/task_reward/avg": 0.5, "ppo_actor/update/entropy/avg": 0.5}, profile.GRPO),
        ({"reward/all/mean": 0.5, "is_truncated/all/mean": 0.02}, profile.GRPO),
        ({"reward/all/mean": 0.5, "seq_len/all/mean": 811.0}, profile.GRPO),
        ({"policy/policy_loss": 0.5, "reward/avg_raw_reward": 0.5}, profile.GRPO),
    ],
)
def test_the_kind_of_training_shows_in_the_keys(row: Cells, expected: str) -> None:
    """A value function makes PPO of what is GRPO without one."""
    assert state.profile_of(found(row)) == expected


# Real rows


@pytest.fixture(scope="session")
def printed(cases: Path) -> Mapping[str, Mapping[str, float]]:
    """The last row of each of verl's console logs, by file."""
    logs = sorted((cases / "formats").glob("verl-console-*.log"))
    return {path.name: row_of(path.read_text()) for path in logs}


def row_of(text: str) -> Mapping[str, float]:
    """The numbers of the last line that says its step."""
    line = [line for line in text.splitlines() if "step:" in line][-1]
    pairs = (part.rpartition(":") for part in line[line.index("step:") :].split(" - "))
    return {key: float(number.removeprefix("np.float64(").rstrip(")")) for key, _, number in pairs}


def test_rows_of_verl_are_understood(printed: Mapping[str, Mapping[str, float]]) -> None:
    """Of three generations: reward, KL, entropy, length, gradient; what nobody knows is little."""
    assert len(printed) == 3
    for row in printed.values():
        read = record({**row, "step": 5})
        values = dict(zip(read.layout.series, read.values, strict=True))
        assert read.kind is RowKind.TRAIN
        assert state.profile_of(values) == profile.GRPO
        assert values[series(c.REWARD, TRAIN)] == row["critic/score/mean"]
        assert values[series(c.ENTROPY, MEAN, TRAIN)] == row.get(
            "actor/entropy", row.get("actor/entropy_loss")
        )
        assert values[series(c.COMPLETION_LENGTH, MEAN, TRAIN)] == row["response_length/mean"]
        assert values[series(c.GRAD_NORM)] == row["actor/grad_norm"]
        assert series(c.EPOCH) in values or "training/epoch" not in row
        others = [known for known in values if known.metric is c.OTHER]
        assert len(others) < 0.1 * len(values), others
