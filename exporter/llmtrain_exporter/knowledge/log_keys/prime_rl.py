"""prime-rl's keys: its trainer's and its orchestrator's. Of environments there may be any number."""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import (
    evaluation,
    mismatch,
    objective,
    progress,
    reward,
    rollout,
    speed,
)
from llmtrain_exporter.knowledge.catalogue.entry import parts
from llmtrain_exporter.knowledge.log_keys.log_key import feeds
from llmtrain_exporter.knowledge.metric import Key, Unit

_STATS = ("mean", "std", "max", "min")
_TRAINER = ("perf/throughput_per_gpu", "perf/peak_memory")
"""Beside them the speed is that of all GPUs, and shares are percent."""

_UPDATE = (
    *feeds(c.LOSS, "loss/mean", Key("val/loss", evaluation=True)),
    *feeds(objective.LOSS_STATISTIC, *parts("std", "max", "min", "median", before="loss/")),
    *feeds(objective.PERPLEXITY, "loss/perplexity", Key("val/perplexity", evaluation=True)),
    *feeds(objective.SKIPPED_ITERATIONS, Key("loss/nan_count", fixed="nan")),
    *feeds(c.ENTROPY, *parts(*_STATS, before="entropy/all/")),
    *feeds(
        mismatch.MISMATCH_KL,
        Key("mismatch_kl/all/mean", fixed="k3_kl"),
        *parts("std", "max", "min", before="mismatch_kl/all/", label="k3_kl_"),
        *(Key(f"mismatch_kl/{{}}/{stat}", fixed=f"k3_kl_{stat}") for stat in _STATS),
        *parts("mean", "std", "max", before="masked_mismatch_kl/", label="masked_"),
        *parts("mean", "std", "max", before="unmasked_mismatch_kl/", label="unmasked_"),
    ),
    *feeds(mismatch.REJECTED, Key("is_masked/mean", fixed="tokens")),
    *feeds(objective.EXPERT_LOAD, Key("max_vio/mean", fixed="max")),
    *feeds(objective.ROUTER_CONFIDENCE, "routing_confidence/mean"),
    *feeds(c.LEARNING_RATE, "optim/lr"),
    *feeds(c.GRAD_NORM, "optim/grad_norm"),
)
_SPEED = (
    *feeds(
        speed.TOKENS_PER_SECOND,
        Key("perf/throughput_per_gpu", fixed="gpu"),
        Key("perf/throughput", fixed="all", beside=_TRAINER),
    ),
    *feeds(speed.MFU, Key("perf/mfu", Unit.PERCENT, "all", beside=_TRAINER)),
    *feeds(c.MEMORY, Key("perf/peak_memory", Unit.GIBIBYTES)),
    *feeds(c.STEP_TIME, "time/step"),
    *feeds(c.EPOCH, "progress/epoch"),
    *feeds(c.TOKENS, "progress/num_tokens", "progress/total_tokens"),
    *feeds(progress.SAMPLES, "progress/num_samples", "progress/total_rollouts"),
    *feeds(
        speed.STEP_TOKENS,
        Key("progress/tokens", fixed="all"),
        Key("progress/input_tokens", fixed="input"),
        Key("progress/output_tokens", fixed="output"),
    ),
    *feeds(
        speed.BATCH_SIZE,
        Key("progress/rollouts", fixed="samples_per_step"),
        Key("progress/tasks", fixed="groups_per_step"),
    ),
    *feeds(
        speed.DISK,
        *(Key(f"system/ckpt_disk_{kind}_gib", Unit.GIBIBYTES, kind) for kind in ("free", "used", "total")),
    ),
    *feeds(speed.DISK_FREE, "system/ckpt_disk_free_ratio"),
    *feeds(speed.LOOP_LAG, *parts("min", "mean", "median", "p90", "p99", "max", before="event_loop_lag/")),
)
_ROLLOUT = (
    *feeds(c.REWARD, "reward/all/mean", "train/all/all/reward/mean"),
    *feeds(
        reward.ENVIRONMENT_REWARD, "train/{}/{}/reward/{}", Key("reward/{}/mean", beside=("reward/all/mean",))
    ),
    *feeds(c.REWARD_FUNCTION_MEAN, "train/{}/{}/rewards/{}/mean"),
    *feeds(
        reward.GROUP_OUTCOMES,
        Key("train/{}/{}/solved_none", fixed="none"),
        Key("train/{}/{}/solved_all", fixed="all"),
        Key("train/{}/{}/solved_some", fixed="mixed"),
    ),
    *feeds(rollout.TURNS, "train/{}/{}/num_turns/{}"),
    *feeds(
        rollout.ROLLOUT_TOKENS,
        *(Key(f"train/{{}}/{{}}/num_{of}_tokens/{{}}", fixed=of) for of in ("total", "input", "output")),
    ),
    *feeds(rollout.ROLLOUT_BRANCHES, "train/{}/{}/num_branches/{}"),
    *feeds(
        rollout.ROLLOUT_ENDS,
        Key("train/{}/{}/is_truncated/mean", fixed="truncated"),
        Key("train/{}/{}/has_error/mean", fixed="error"),
        Key("train/{}/{}/cancelled/mean", fixed="cancelled"),
        Key("train/{}/{}/is_trainable/mean", fixed="trainable"),
        Key("train/{}/{}/is_admitted/mean", fixed="admitted"),
        Key("train/{}/{}/stop_condition/{}", fixed="stop"),
    ),
    *feeds(
        rollout.ROLLOUT_FAILURES,
        Key("train/{}/{}/error/{}", fixed="error"),
        Key("dispatcher/errored/{}", fixed="errored"),
        Key("dispatcher/cancelled/{}", fixed="cancelled"),
    ),
    *feeds(speed.PHASE_TIME, Key("train/{}/{}/timing/{}/mean", fixed="rollout")),
    *feeds(
        rollout.STALENESS,
        *parts("mean", "max", before="off_policy/"),
        *parts("mean", "max", before="off_policy/in_flight/", label="in_flight_"),
        *parts("mean", "max", before="off_policy/in_queue/", label="in_queue_"),
        *parts("mean", "max", before="dispatcher/off_policy/", label="dispatcher_"),
    ),
    *feeds(rollout.DROPPED_SAMPLES, Key("off_policy/dropped", fixed="stale")),
    *feeds(
        rollout.QUEUE_SIZE,
        *parts("train", "eval", before="dispatcher/inflight/", label="inflight_"),
        Key("dispatcher/queued/eval", fixed="queued_eval"),
        Key("concurrency/max_inflight", fixed="inflight_limit"),
    ),
    *feeds(rollout.TOTAL_LENGTH, Key("seq_len/all/mean", fixed="mean")),
    *feeds(c.COMPLETION_CLIPPED, "is_truncated/all/mean"),
    *feeds(rollout.POLICY_VERSION, "watcher/policy_version"),
)
_VALIDATION = (
    *feeds(
        evaluation.VALIDATION_SCORE, Key("eval/{}/avg@{}", fixed="avg"), Key("eval/{}/pass@{}", fixed="pass")
    ),
    *feeds(evaluation.VALIDATION_DETAIL, Key("eval/{}/is_truncated/mean", fixed="clipped")),
)

KEYS = (*_UPDATE, *_SPEED, *_ROLLOUT, *_VALIDATION)
