"""slime's and miles's keys: three rows make a step, of the update, of the rollout and of its speed."""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import (
    distillation,
    evaluation,
    mismatch,
    objective,
    reward,
    rollout,
    speed,
    value,
)
from llmtrain_exporter.knowledge.catalogue.entry import parts
from llmtrain_exporter.knowledge.log_keys.log_key import feeds, unnamed
from llmtrain_exporter.knowledge.metric import Key, Unit

_STATS = ("mean", "median", "max", "min")
_OF_TRANSFORMERS = ("eval_runtime",)
"""Beside it, there are other things than scores and lengths of data sets behind `eval/`."""

_UPDATE = (
    *feeds(objective.POLICY_LOSS, "train/pg_loss"),
    *feeds(
        c.CLIP_RATIO,
        Key("train/pg_clipfrac", fixed="region_mean"),
        Key("train/opsm_clipfrac", fixed="opsm"),
    ),
    *feeds(objective.UPDATE_KL, Key("train/ppo_kl", fixed="mean")),
    *feeds(objective.POLICY_RATIO, Key("train/ois", fixed="mean")),
    *feeds(mismatch.LOGP_DIFFERENCE, Key("train/train_rollout_logprob_abs_diff", fixed="mean")),
    *feeds(
        mismatch.IMPORTANCE_RATIO,
        Key("train/tis", fixed="mean"),
        Key("train/tis_abs", fixed="absolute_deviation"),
    ),
    *feeds(mismatch.IMPORTANCE_CLIPPED, "train/tis_clipfrac"),
    *feeds(mismatch.MISMATCH_KL, Key("train/mis_kl", fixed="mis")),
    *feeds(distillation.DISTILLATION_DIVERGENCE, Key("train/opd_reverse_kl", fixed="reverse_kl")),
    *feeds(c.LEARNING_RATE, "train/lr-pg_{}"),  # of the first group of parameters, the others by their keys
    *feeds(
        value.VALUE_LOSS, "train/critic-value_loss", Key("train/critic-loss", unless=("critic-value_loss",))
    ),
    *feeds(value.VALUE_CLIP_RATIO, "train/value_clipfrac", "train/critic-value_clipfrac"),
    *feeds(value.VALUE_GRAD_NORM, "train/critic-grad_norm"),
)
_ROLLOUT = (
    *feeds(c.REWARD, "rollout/raw_reward"),  # rollout/rewards are normalised within groups, about 0
    *feeds(objective.ADVANTAGE, Key("rollout/advantages", fixed="mean")),
    *feeds(value.RETURN, Key("rollout/returns", fixed="mean")),
    *feeds(value.VALUE, Key("rollout/values", fixed="mean")),
    *feeds(
        objective.TOKEN_LOGP,
        Key("rollout/log_probs", fixed="trainer"),
        Key("rollout/ref_log_probs", fixed="reference"),
        Key("rollout/rollout_log_probs", fixed="sampler"),
    ),
    *feeds(c.ENTROPY, Key("rollout/entropy", fixed="mean")),
    *feeds(
        c.COMPLETION_LENGTH,
        *parts(*_STATS, before="rollout/response_len/"),
        Key("rollout/response_lengths", fixed="mean", unless=("rollout/response_len/mean",)),
        Key("multi_turn/raw_response_length/response_length_mean", fixed="with_observations_mean"),
        Key("multi_turn/wo_obs_response_length/response_length_mean", fixed="without_observations_mean"),
    ),
    *feeds(
        c.COMPLETION_CLIPPED,
        "rollout/truncated_ratio",
        Key("rollout/truncated", unless=("rollout/truncated_ratio",)),
    ),
    *feeds(rollout.TOTAL_LENGTH, Key("rollout/total_lengths", fixed="mean")),
    *feeds(rollout.EQUAL_GROUPS, "rollout/zero_std/count_{}"),
    *feeds(rollout.REPETITION, "rollout/repetition_frac"),
    *feeds(rollout.PREFIX_CACHE, "rollout/prefix_cache_hit_rate"),
    *feeds(rollout.TURNS, *parts("mean", "max", before="multi_turn/multi_turn_metric/round_number_")),
    *feeds(reward.SOLVED, Key("passrate/pass@{}", fixed="pass")),
    *feeds(rollout.IDLE, Key("perf/wait_time_ratio", fixed="trainer")),
    *feeds(
        rollout.SAMPLE_TIME,
        *(Key(f"perf/request/{of}/{{}}", fixed=of) for of in ("e2e_latency", "queue_time")),
        Key("perf/non_generation_time/{}", fixed="non_generation"),
    ),
    *feeds(rollout.QUEUE_SIZE, Key("perf/fully_async/queue_length", fixed="rollout")),
    *feeds(rollout.DROPPED_SAMPLES, Key("perf/fully_async/stale_dropped", fixed="stale")),
    *feeds(
        rollout.STALENESS,
        Key("perf/fully_async/stale_dropped_avg_staleness", fixed="dropped_mean"),
        Key("perf/fully_async/stale_dropped_max_staleness", fixed="dropped_max"),
    ),
)
_SPEED = (
    *feeds(c.STEP_TIME, "perf/step_time"),
    *feeds(speed.PHASE_TIME, "perf/{}_time"),
    *feeds(speed.FLOPS, Key("perf/actor_train_tflops", Unit.TERA)),
    *feeds(speed.MFU, Key("perf/actor_train_mfu", fixed="actor")),
    *feeds(
        speed.TOKENS_PER_SECOND,
        Key("perf/actor_train_tok_per_s", fixed="actor"),
        Key("perf/tokens_per_gpu_per_sec", fixed="generated_gpu"),
        Key("perf/effective_tokens_per_gpu_per_sec", fixed="generated_effective_gpu"),
        Key("perf/longest_sample_tokens_per_sec", fixed="longest_sample"),
        Key("perf/longest_effective_sample_tokens_per_sec", fixed="longest_effective_sample"),
        Key("perf/decode/throughput/{}", fixed="decode"),
    ),
)
_VALIDATION = (
    *feeds(evaluation.VALIDATION_SCORE, Key("eval/{}", unless=_OF_TRANSFORMERS)),
    *unnamed("eval/step"),
    *feeds(evaluation.VALIDATION_DETAIL, Key("eval/{}-truncated_ratio", fixed="clipped")),
    *feeds(
        evaluation.VALIDATION_LENGTH,
        *(Key(f"eval/{{}}/{stat}", fixed=stat, unless=_OF_TRANSFORMERS) for stat in _STATS),
    ),
)

KEYS = (*_UPDATE, *_ROLLOUT, *_SPEED, *_VALIDATION)
