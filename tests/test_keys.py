"""Every key that the trainers write has a metric, and words that mean two things are told apart."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest
from llmtrain_exporter.analyse import state
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import profile, row
from llmtrain_exporter.knowledge.catalogue import (
    evaluation,
    mismatch,
    objective,
    preference,
    progress,
    reward,
    speed,
)
from llmtrain_exporter.knowledge.catalogue import (
    value as critic,
)
from llmtrain_exporter.knowledge.log_keys import LOG_KEYS
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Metric, Unit
from llmtrain_exporter.knowledge.metric_titles import TITLES
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import HyperParameters, Record, RowKind, Series, series

from tests.conftest import leave_out

DIALECT_OF = {
    "trl": "trainer_state",
    "ms-swift": "swift",
    "transformers": "trainer_state",
    "llamafactory": "llamafactory",
    "axolotl": "printed",
    "unsloth": "printed",
}
SHARE = 0.9
OTHER_TRAINERS = (
    *("verl", "openrlhf", "slime", "prime-rl", "roll", "nemo-rl", "areal", "skyrl"),
    *("torchtune", "torchtitan", "megatron-lm", "litgpt", "nanotron"),
)
SHARE_OF_OTHERS = 0.65
PLACE = {"epoch": 0.5}
TRAIN, EVAL = ("split", "train"), ("split", "eval")
NO_METRIC = {*row.POSITION, *row.MAX_STEPS, *row.SUMMARY}
Cells = Mapping[str, object]


def found(cells: Cells, normaliser: Normaliser | None = None) -> dict[Series, float]:
    """The values of a row by their series."""
    record = (normaliser or Normaliser()).record({**PLACE, **cells})
    assert isinstance(record, Record), cells
    return dict(zip(record.layout.series, record.values, strict=True))


def fed(key: str, cells: Cells, normaliser: Normaliser | None = None) -> Series:
    """The series that a key feeds, told by a value that no other cell has."""
    (fed_series,) = (
        known for known, value in found({**cells, key: 0.123}, normaliser).items() if value in marks(0.123)
    )
    return fed_series


def marks(value: float) -> set[float]:
    """What a value may become by its unit."""
    return {value, value / 100, 1 / value, value * 1e-3, value * 2**30, value * 1e9, value * 1e12}


@pytest.fixture(scope="session")
def keys(corpus: Path) -> Mapping[str, Mapping[str, str]]:
    """By producer the keys that it writes, and the kinds of training that write them."""
    table = corpus.parent / "facts" / "keys" / "keys.tsv"
    if not table.is_file():
        leave_out(f"needs {table}")
    written: dict[str, dict[str, str]] = {}
    with table.open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines, delimiter="\t"):
            written.setdefault(line["producer"], {}).setdefault(line["key"], line["kinds"])
    return written


@pytest.mark.parametrize("producer", DIALECT_OF)
def test_nine_of_ten_keys_have_a_metric_of_their_own(
    producer: str, keys: Mapping[str, Mapping[str, str]]
) -> None:
    """Of each producer, as its own dialect reads them: what says where a row stands is none."""
    normaliser = registered()[DIALECT_OF[producer]].normaliser()
    wanted = {key: kinds for key, kinds in keys[producer].items() if key != "{}" and key not in NO_METRIC}
    unknown = []
    for key, kinds in wanted.items():
        beside = {"reward": 1.0} if "GRPO" in kinds else {"loss": 1.0}
        if fed(key.replace("{}", "x"), beside, normaliser).metric is c.OTHER:
            unknown.append(key)
    assert len(wanted) > 25
    assert 1 - len(unknown) / len(wanted) >= SHARE, unknown


@pytest.mark.parametrize("producer", OTHER_TRAINERS)
def test_most_keys_of_other_trainers_have_a_metric_of_their_own(
    producer: str, keys: Mapping[str, Mapping[str, str]]
) -> None:
    """By the words alone: neither a dialect nor the other keys of the row help."""
    wanted = [key for key in keys[producer] if key != "{}" and key not in NO_METRIC]
    unknown = [
        key
        for key in wanted
        if all(
            fed(key.replace("{}", "x"), {beside: 1.0}).metric is c.OTHER for beside in ("loss", "grad_norm")
        )
    ]
    assert 1 - len(unknown) / len(wanted) >= SHARE_OF_OTHERS, unknown


# Words that mean different things


@pytest.mark.parametrize(
    ("key", "metric", "labels"),
    [
        ("rewards/probabilities", preference.WIN_PROBABILITY, (TRAIN,)),
        ("rewards/chosen_sum", preference.SUMMED, (("of", "reward_chosen"), TRAIN)),
        ("rewards/rejected_sum", preference.SUMMED, (("of", "reward_rejected"), TRAIN)),
        ("logps/chosen_sum", preference.SUMMED, (("of", "logps_chosen"), TRAIN)),
        ("logits/rejected_sum", preference.SUMMED, (("of", "logits_rejected"), TRAIN)),
    ],
)
def test_sums_and_probabilities_of_preference_training_are_no_reward_functions(
    key: str, metric: Metric, labels: tuple[tuple[str, str], ...]
) -> None:
    """Nash-MD, KTO and BCO; in a row with a total reward they would be functions of those names."""
    assert fed(key, {"loss": 1.0}) is series(metric, *labels)
    if key.startswith("rewards/"):
        assert fed(key, {"reward": 1.0}).metric is c.REWARD_FUNCTION_MEAN


def test_a_cut_off_is_no_statistic_of_the_entropy() -> None:
    """ms-swift logs the threshold beside mean, max and min."""
    values = found({"loss": 1.0, "entropy/threshold": 1.5, "entropy/mean": 0.5})
    assert values[series(objective.ENTROPY_THRESHOLD, TRAIN)] == 1.5
    assert {known.labels for known in values if known.metric is c.ENTROPY} == {(("stat", "mean"), TRAIN)}


def test_tokens_of_an_evaluation_have_their_own_metric() -> None:
    """The run's tokens have no split."""
    values = found({"eval_loss": 1.0, "eval_num_tokens": 79916.0})
    assert values[series(progress.EVAL_TOKENS)] == 79916.0
    assert c.OTHER not in {known.metric for known in values}


@pytest.mark.parametrize(
    ("key", "metric"),
    [
        ("loss_code", objective.CHANNEL_LOSS),
        ("eval_loss_code", objective.CHANNEL_LOSS),
        ("loss_scale", objective.LOSS_SCALE),
        ("aux_loss", objective.AUXILIARY_LOSS),
        ("eval_aux_loss", objective.AUXILIARY_LOSS),
        ("mtp_1_loss", objective.MTP_LOSS),
        ("eval_mtp_1_loss", objective.MTP_LOSS),
        ("eval_code_loss", evaluation.DATASET_LOSS),
        ("train_loss", objective.TRAIN_MEAN_LOSS),
        ("policy_loss", objective.POLICY_LOSS),
    ],
)
def test_losses_of_channels_parts_heads_and_data_sets_are_told_apart(key: str, metric: Metric) -> None:
    """By a list of the parts that are known; an evaluation has those of training, then its own."""
    assert fed(key, {"loss": 1.0}).metric is metric


PAIRS = {"loss": 0.5, "min_reward": -1.0, "mean_reward": 0.25, "max_reward": 2.0, "margin": 1.5}


@pytest.mark.parametrize(
    ("key", "beside", "metric"),
    [
        ("accuracy", PAIRS, c.PREFERENCE_ACCURACY),
        ("margin", {**PAIRS, "accuracy": 0.75}, c.PREFERENCE_MARGIN),
        ("eval_accuracy", {f"eval_{key}": value for key, value in PAIRS.items()}, c.PREFERENCE_ACCURACY),
        ("eval_accuracy", {"eval_loss": 1.0, "eval_logps/chosen": -9.0}, c.PREFERENCE_ACCURACY),
        ("eval_accuracy", {"eval_loss": 1.0, "eval_runtime": 2.0}, c.TOKEN_ACCURACY),
        ("eval_accuracy", {"eval_loss": 1.0, "eval_reward": 2.0}, c.OTHER),
        ("accuracy", {"reward": 1.0}, c.OTHER),
        ("accuracy", {"loss": 1.0}, c.OTHER),
        ("eval_margin", {"eval_loss": 1.0, "eval_mean_pos": 0.75}, evaluation.EMBEDDING_MARGIN),
        ("margin", {"loss": 1.0}, c.OTHER),
    ],
)
def test_accuracy_and_margin_mean_what_stands_beside_them(key: str, beside: Cells, metric: Metric) -> None:
    """Pairs in a reward model, tokens in the evaluation of SFT, embeddings; a guess nowhere."""
    assert fed(key, {name: cell for name, cell in beside.items() if name != key}).metric is metric


def test_the_accuracy_in_llamafactorys_own_log_is_one_of_pairs() -> None:
    """Its callback writes `rewards/accuracies` under that name."""
    normaliser = registered()["llamafactory"].normaliser()
    assert fed("accuracy", {"loss": 1.0}, normaliser).metric is c.PREFERENCE_ACCURACY


def test_throughput_is_what_its_trainer_means_by_it() -> None:
    """Tokens per second in LLaMA-Factory, TFLOP/s per GPU in Megatron-SWIFT, elsewhere nobody knows."""
    rates = {
        name: found({"loss": 1.0, "throughput": 200.5}, registered()[name].normaliser())
        for name in ("llamafactory", "swift", "printed")
    }
    assert rates["llamafactory"][series(speed.TOKENS_PER_SECOND, ("scope", "all"))] == 200.5
    assert rates["swift"][series(speed.FLOPS)] == 200.5e12
    assert rates["printed"][series(c.OTHER, ("key", "throughput"), TRAIN)] == 200.5


@pytest.mark.parametrize(
    ("key", "metric"),
    [
        ("ratio", objective.POLICY_RATIO),
        ("advantage", objective.ADVANTAGE),
        ("truncated", c.COMPLETION_CLIPPED),
        ("values", critic.VALUE),
        ("beta", objective.KL_COEFFICIENT),
        ("delta", reward.RUNNING_MEAN),
    ],
)
def test_bare_words_count_only_as_they_stand(key: str, metric: Metric) -> None:
    """They are part of too many names."""
    assert fed(key, {"loss": 1.0}).metric is metric
    for longer in (f"{key}/mean", f"my_{key}", f"{key}_2"):
        assert fed(longer, {"loss": 1.0}).metric is c.OTHER


def test_what_is_summed_over_a_response_is_kept_apart_from_means_per_token() -> None:
    """TRL's PPO and Online DPO: the limits of kl and entropy do not hold for it."""
    values = found({"objective/scores": 1.0, "objective/kl": 14.5, "objective/entropy": 90.0})
    assert values[series(objective.RESPONSE_KL, TRAIN)] == 14.5
    assert values[series(objective.RESPONSE_ENTROPY, TRAIN)] == 90.0
    assert {c.KL, c.ENTROPY}.isdisjoint({known.metric for known in values})


@pytest.mark.parametrize(
    "key",
    [
        "rollout/rewards",  # slime: normalised within groups, about 0
        "actor/entropy_loss",  # verl: the entropy itself up to 0.3, a part of the loss later
        "perf/mfu",  # prime-rl in percent: nothing else says so
        "gdpo/any/name",
        "score",
        "accuracy",
        "static/max_queue_size",  # verl: a setting
        "count/total_generated_samples",  # since the start, and of samples that may be thrown away again
        "fully_async/count/dropped_stale_samples",  # likewise: what is dropped is counted by the interval
        "timing_s/generation_timing/topk_ratio",  # no time
        "reward/rewards/mean",  # verl's PRIME: with the penalty in it
    ],
)
def test_a_word_that_others_use_otherwise_keeps_its_own_name(key: str) -> None:
    """By chance such a key comes as it is, and no limit is held against it."""
    assert fed(key, {"loss": 1.0}) is series(c.OTHER, ("key", key), TRAIN)


def test_ever_new_keys_take_no_room_from_known_ones() -> None:
    """A reward function may log any key: what is known comes through, what is too many is counted."""
    run = Run(RunOptions(max_other_keys=10), HyperParameters())
    known = {"loss": 1.0, "sampling/sampling_logp_difference/mean": 0.5, "tools/call_frequency": 2.0}
    record = Normaliser().record({**{f"mine/{at}": float(at) for at in range(200)}, **known, "step": 1})
    assert isinstance(record, Record)
    run.fold(record, 0.0)
    assert sum(run.keeps(logged) for logged in record.layout.series) == 10 + len(known)
    assert all(run.keeps(logged) for logged in record.layout.series if logged.metric is not c.OTHER)


def test_what_is_called_a_total_in_async_training_is_no_counter() -> None:
    """TRL logs what came since the record before: it falls, and a counter may not."""
    keys = ("sample/dropped_stale_total", "tools/search/call_total", "rollout/vllm_retry_total")
    for key in keys:
        metric = fed(key, {"loss": 1.0}).metric
        assert (metric is not c.OTHER, metric.type.value, metric.name.endswith("_total")) == (
            True,
            "gauge",
            False,
        )


# Units and kinds


@pytest.mark.parametrize(
    ("key", "written", "expected"),
    [
        ("memory/max_active (GiB)", 34.5, (c.MEMORY, 34.5 * 2**30)),
        ("memory/max_mem_active(gib)", 34.5, (c.MEMORY, 34.5 * 2**30)),
        ("memory/max_mem_allocated(gib)", 34.5, (speed.MEMORY_ALLOCATED, 34.5 * 2**30)),
        ("memory/device_mem_reserved(gib)", 41.25, (speed.MEMORY_RESERVED, 41.25 * 2**30)),
        ("vram_allocated", 2.0, (c.MEMORY, 2.0 * 2**30)),
        ("vram_reserved", 2.0, (speed.MEMORY_RESERVED, 2.0 * 2**30)),
        ("peak_memory_gb", 2.0, (c.MEMORY, 2e9)),
        ("train_mem_gpu_peaked_delta", 4096.0, (speed.MEMORY_CHANGE, 4096.0)),
        ("eval_mem_cpu_alloc_delta", 4096.0, (speed.MEMORY_CHANGE, 4096.0)),
        ("eval_rouge-l", 48.0, (evaluation.TEXT_SCORE, 0.48)),
        ("eval_ndcg", 0.75, (evaluation.RANKING_SCORE, 0.75)),
        ("MFU", 0.25, (speed.MFU, 0.25)),
        ("elapsed_time_per_iteration", 3.5, (c.STEP_TIME, 3.5)),
    ],
)
def test_quantities_are_exposed_in_base_units(
    key: str, written: float, expected: tuple[Metric, float]
) -> None:
    """Bytes, ratios from 0 to 1, seconds."""
    metric, value = expected
    values = {known.metric: number for known, number in found({"loss": 1.0, key: written}).items()}
    assert values[metric] == pytest.approx(value)


def test_each_word_is_written_in_one_unit() -> None:
    """What it means may depend on its row; how it is written must not, since a cell is read before."""
    units: dict[str, set[Unit]] = {}
    for _, key in LOG_KEYS:
        units.setdefault(key.pattern, set()).add(key.unit)
    assert {pattern: several for pattern, several in units.items() if len(several) > 1} == {}


def test_the_closing_row_of_a_training_has_metrics_of_its_own() -> None:
    """Duration, speed, mean loss; and on training rows, where newer versions log them too."""
    closing = {
        "train_runtime": 143.4,
        "train_samples_per_second": 13.39,
        "train_steps_per_second": 0.837,
        "train_loss": 1.165,
        "train_tokens_per_second": 900.0,
        "total_flos": 1e15,
    }
    record = Normaliser().record({**closing, **PLACE})
    assert isinstance(record, Record)
    assert record.kind is RowKind.FINAL
    assert c.OTHER not in {known.metric for known in record.layout.series}
    training = Normaliser().record({"loss": 1.0, **closing, **PLACE})
    assert isinstance(training, Record)
    assert training.kind is RowKind.TRAIN


def test_two_ranks_that_print_one_closing_row_may_differ_in_clocks() -> None:
    """What tells one record from another is no duration and no speed."""
    record = Normaliser().record(
        {"train_runtime": 143.4, "train_samples_per_second": 13.0, "train_loss": 1.0}
    )
    assert isinstance(record, Record)
    assert {record.layout.series[at].metric for at in record.layout.identity} == {objective.TRAIN_MEAN_LOSS}


def test_a_reward_model_is_known_by_its_scores() -> None:
    """TRL logs neither implicit rewards nor log probabilities."""
    assert state.profile_of(found({**PAIRS, "accuracy": 0.75})) == profile.REWARD_MODEL


# What people read


NEW = [metric for metric in c.METRICS if metric in TITLES]


def test_every_metric_has_its_words_in_both_languages() -> None:
    """A title for charts and panels where none is known by name, what it is, and where that comes from."""
    assert len(NEW) > 100
    for metric in NEW:
        for lang in Lang:
            assert TITLES[metric].of(lang).strip()
            assert MEANINGS[metric].what.of(lang).strip()
        assert MEANINGS[metric].sources, metric.name
    for lang in Lang:
        assert len({title.of(lang) for title in TITLES.values()}) == len(TITLES)


def test_the_ranges_that_sources_call_healthy_are_told() -> None:
    """Of the disagreement between sampler and trainer, in the profile that has a sampler."""
    ranges = {
        (mismatch.MISMATCH_KL, ""): (-0.1, 0.1),
        (mismatch.IMPORTANCE_RATIO, "mean"): (0.5, 2.0),
        (mismatch.EFFECTIVE_SAMPLES, ""): (0.3, 1.0),
        (mismatch.CHI_SQUARED, "token"): (None, 1.0),
    }
    for (metric, part), expected in ranges.items():
        meaning = MEANINGS[metric].parts[part] if part else MEANINGS[metric]
        healthy = meaning.healthy[profile.GRPO]
        assert (healthy.low, healthy.high) == expected, metric.name
