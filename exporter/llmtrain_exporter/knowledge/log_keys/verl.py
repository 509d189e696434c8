"""verl's keys, 0.2 to 0.9: its PPO trainer, recipes, asynchronous trainers and SFT."""

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

_RANGE = ("mean", "max", "min")
_CORRECTION = "rollout_corr/"
_WEIGHTS = f"{_CORRECTION}rollout_is_"
_LOOP = "timing_s/agent_loop/"
_KL_IN_LOSS = ("actor/kl_loss",)
_KL_IN_REWARD = ("actor/reward_kl_penalty",)

_REWARD = (
    *feeds(c.REWARD, "critic/score/mean", Key("reward/score/mean", unless=("critic/score/mean",))),
    *feeds(reward.REWARD_EXTREME, *parts("max", "min", before="critic/score/")),
    # with the KL penalty in it, unlike the score
    *feeds(reward.REWARD_PART, Key("critic/rewards/mean", fixed="penalised")),
    *feeds(reward.REWARD_PART, *parts("max", "min", before="critic/rewards/", label="penalised_")),
    *feeds(c.REWARD_FUNCTION_MEAN, "gdpo/{}/mean"),
    *feeds(c.REWARD_FUNCTION_STD, "gdpo/{}/std"),
    *feeds(objective.ADVANTAGE, *parts(*_RANGE, before="critic/advantages/")),
)
_POLICY = (
    *feeds(objective.POLICY_LOSS, "actor/pg_loss"),
    *feeds(
        c.LOSS,
        "actor/loss",
        Key("actor/final_loss", unless=("actor/loss",)),
        Key("actor/dpo_loss", unless=("actor/loss",)),
    ),
    # to 0.3 the entropy itself, when there was no actor/entropy; later a part of the loss beside it
    *feeds(
        c.ENTROPY,
        Key("actor/entropy", fixed="mean"),
        Key(
            "actor/entropy_loss",
            fixed="mean",
            beside=("critic/score/mean", "reward"),
            unless=("actor/entropy", "response/aborted_ratio"),
        ),
    ),
    *feeds(objective.AUXILIARY_LOSS, Key("actor/entropy_loss", fixed="entropy", beside=("actor/entropy",))),
    # to the reference model, in the loss or in the reward
    *feeds(
        c.KL,
        "actor/kl_loss",
        Key("actor/ref_kl", unless=_KL_IN_LOSS),
        Key("actor/reward_kl_penalty", unless=_KL_IN_LOSS),
        Key("critic/kl", unless=(*_KL_IN_LOSS, *_KL_IN_REWARD)),
    ),
    *feeds(
        objective.KL_COEFFICIENT,
        "actor/kl_coef",
        Key("actor/reward_kl_penalty_coeff", unless=("actor/kl_coef",)),
        Key("critic/kl_coeff", unless=("actor/kl_coef",)),
    ),
    *feeds(objective.UPDATE_KL, Key("actor/ppo_kl", fixed="mean")),
    *feeds(
        c.CLIP_RATIO,
        Key("actor/pg_clipfrac", fixed="region_mean"),
        Key("actor/pg_clipfrac_lower", fixed="dual"),
        Key("actor/cispo_clip_ratio", fixed="cispo"),
    ),
    *feeds(c.GRAD_NORM, "actor/grad_norm"),
    *feeds(c.LEARNING_RATE, "actor/lr", Key("train/lr(1e-3)", Unit.MILLI)),
    *feeds(c.LOGPS, *parts("chosen", "rejected", before="actor/", after="_logps")),
    *feeds(c.PREFERENCE_REWARD, *parts("chosen", "rejected", before="actor/rewards_")),
    *feeds(c.PREFERENCE_MARGIN, "actor/rewards_margins"),
    *feeds(c.PREFERENCE_ACCURACY, "actor/rewards_accuracies"),
)
_CRITIC = (
    *feeds(value.VALUE_LOSS, "critic/vf_loss"),
    *feeds(value.VALUE_CLIP_RATIO, "critic/vf_clipfrac"),
    *feeds(value.VALUE_EXPLAINED_VARIANCE, "critic/vf_explained_var"),
    *feeds(
        value.VALUE, Key("critic/vpred_mean", fixed="predicted"), *parts(*_RANGE, before="critic/values/")
    ),
    *feeds(value.RETURN, *parts(*_RANGE, before="critic/returns/")),
    *feeds(value.VALUE_GRAD_NORM, "critic/grad_norm"),
    *feeds(value.VALUE_LEARNING_RATE, "critic/lr"),
)
_MISMATCH = (
    *feeds(mismatch.MISMATCH_KL, *parts("kl", "k3_kl", before=_CORRECTION)),
    *feeds(mismatch.MISMATCH_PERPLEXITY, *parts("training", "rollout", before=_CORRECTION, after="_ppl")),
    *feeds(
        mismatch.MISMATCH_LOG_PERPLEXITY, *parts("training", "rollout", before=_CORRECTION, after="_log_ppl")
    ),
    *feeds(mismatch.PERPLEXITY_RATIO, f"{_CORRECTION}ppl_ratio"),
    *feeds(
        mismatch.LOG_PERPLEXITY_DIFFERENCE,
        Key(f"{_CORRECTION}log_ppl_diff", fixed="mean"),
        Key(f"{_CORRECTION}log_ppl_abs_diff", fixed="mean_absolute"),
        *parts("max", "min", before=f"{_CORRECTION}log_ppl_diff_"),
    ),
    *feeds(
        mismatch.CHI_SQUARED,
        Key(f"{_CORRECTION}chi2_token", fixed="token"),
        Key(f"{_CORRECTION}chi2_seq", fixed="sequence"),
    ),
    *feeds(
        mismatch.IMPORTANCE_RATIO,
        *parts(*_RANGE, "std", before=_WEIGHTS),
        *parts(*_RANGE, "std", "max_deviation", before=f"{_WEIGHTS}seq_", label="sequence_"),
    ),
    *feeds(mismatch.EFFECTIVE_SAMPLES, f"{_WEIGHTS}eff_sample_size"),
    *feeds(mismatch.IMPORTANCE_CLIPPED, f"{_WEIGHTS}oob_ratio"),
    *feeds(
        mismatch.IMPORTANCE_BEYOND,
        *parts("high", "low", before=f"{_WEIGHTS}ratio_fraction_"),
        *parts("high", "low", before=f"{_WEIGHTS}seq_fraction_", label="sequence_"),
    ),
    *feeds(
        mismatch.REJECTED,
        Key(f"{_CORRECTION}rollout_rs_masked_fraction", fixed="tokens"),
        Key(f"{_CORRECTION}rollout_rs_seq_masked_fraction", fixed="sequences"),
        Key(f"{_CORRECTION}rollout_rs_{{}}_masked_fraction", fixed="tokens"),
        Key(f"{_CORRECTION}rollout_rs_{{}}_seq_masked_fraction", fixed="sequences"),
    ),
    *feeds(
        mismatch.PROBABILITY_DIFFERENCE, *parts("mean", "max", "std", before="training/rollout_probs_diff_")
    ),
    *feeds(mismatch.PROBABILITY_CORRELATION, "training/rollout_actor_probs_pearson_corr"),
)
_SAMPLING = (
    *feeds(c.COMPLETION_LENGTH, *parts(*_RANGE, before="response_length/")),
    *feeds(c.COMPLETION_LENGTH, *parts(*_RANGE, before="response_length_non_aborted/", label="non_aborted_")),
    *feeds(
        c.COMPLETION_CLIPPED,
        "response_length/clip_ratio",
        Key("response_length_non_aborted/clip_ratio", unless=("response_length/clip_ratio",)),
    ),
    *feeds(rollout.PROMPT_LENGTH, *parts(*_RANGE, before="prompt_length/")),
    *feeds(rollout.PROMPT_CLIPPED, "prompt_length/clip_ratio"),
    *feeds(rollout.ABORTED, "response/aborted_ratio"),
    *feeds(
        rollout.TURNS,
        *parts(*_RANGE, before="num_turns/"),
        *(Key(f"training/num_turns/{of}", fixed=of, unless=(f"num_turns/{of}",)) for of in _RANGE),
    ),
    *feeds(rollout.TOOL_CALLS, *parts(*_RANGE, before="tool_call_counts/")),
    *feeds(
        rollout.PREEMPTIONS,
        *parts(*_RANGE, before=f"{_LOOP}num_preempted/"),
        Key(f"{_LOOP}slowest/num_preempted", fixed="slowest"),
    ),
    *feeds(rollout.SAMPLE_TIME, "processing_time/{}"),
    *feeds(rollout.SPECULATION, *parts("rate", "length", before="rollout/spec_accept_")),
    *feeds(objective.EXPERT_LOAD, "rollout/moe/{}_vio/{}"),
    *feeds(rollout.GENERATED_BATCHES, "train/num_gen_batches"),
    *feeds(
        rollout.DROPPED_SAMPLES,
        Key("training/filter_groups/evicted_samples", fixed="filtered"),
        Key("training/off_policy/evicted_samples", fixed="stale"),
        Key("training/rollout_failure/evicted_samples", fixed="failed"),
    ),
    *feeds(
        rollout.STALENESS,
        *parts(*_RANGE, before="training/off_policy/trajectory_staleness/"),
        *parts(*_RANGE, before="training/off_policy/trajectory_staleness_worst/", label="worst_"),
        *parts(*_RANGE, before="training/off_policy/evicted_samples_staleness/", label="dropped_"),
    ),
    *feeds(
        rollout.QUEUE_SIZE,
        Key("monitor/queue/mq_queue_size", fixed="rollout"),
        Key("monitor/queue/pending_queue_size", fixed="pending"),
        Key("monitor/active_tasks_size", fixed="active"),
        Key("dynamic_resource/mq_size", fixed="rollout", unless=("monitor/queue/mq_queue_size",)),
    ),
    *feeds(rollout.POLICY_VERSION, "fully_async/count/current_param_version"),
    *feeds(rollout.PARTIAL_ROLLOUTS, "fully_async/partial/partial_ratio"),
    *feeds(
        rollout.IDLE,
        Key("fully_async/trainer/idle_ratio", fixed="trainer"),
        Key("fully_async/rollouter/idle_ratio", fixed="sampler"),
    ),
)
_SPEED = (
    *feeds(c.EPOCH, "training/epoch"),
    *feeds(
        c.STEP_TIME,
        "timing_s/step",
        "train/time(s)",
        Key("perf/time_per_step", unless=("timing_s/step",)),
    ),
    *unnamed("timing_s/generation_timing/topk_ratio"),
    *feeds(
        speed.SAMPLE_TOKENS,
        *parts("prompt", "response", before=f"{_LOOP}slowest/", after="_length", label="slowest_"),
    ),
    *feeds(speed.PHASE_TIME, "timing_s/{}", Key("fully_async/total_wait_time", fixed="wait")),
    *feeds(speed.TOKEN_TIME, Key("timing_per_token_ms/{}", Unit.MILLI)),
    *feeds(speed.TOKENS_PER_SECOND, Key("perf/throughput", fixed="gpu", unless=("perf/throughput_per_gpu",))),
    *feeds(
        speed.MFU,
        *("perf/mfu/{}", "mfu/{}"),
        *parts("actor", "critic", after="/mfu"),
        Key("train/mfu", fixed="all"),
    ),
    *feeds(c.MEMORY, Key("perf/max_memory_allocated_gb", Unit.GIBIBYTES)),  # GiB under the name of GB
    *feeds(speed.MEMORY_RESERVED, Key("perf/max_memory_reserved_gb", Unit.GIBIBYTES)),
    *feeds(speed.HOST_MEMORY, Key("perf/cpu_memory_used_gb", Unit.GIBIBYTES)),
    *feeds(
        speed.STEP_TOKENS,
        Key("perf/total_num_tokens", fixed="all"),
        Key("train/global_tokens", fixed="all"),
    ),
    *feeds(c.TOKENS, Key("train/total_tokens(B)", Unit.BILLIONS)),
    *feeds(
        speed.RANK_TOKENS,
        *parts(*_RANGE, "minmax_diff", "balanced_min", "balanced_max", before="global_seqlen/"),
    ),
)
_VALIDATION = (
    *feeds(evaluation.VALIDATION_SCORE, "val-core/{}", "val/test_score/{}"),
    *feeds(evaluation.VALIDATION_DETAIL, "val-aux/{}"),
    *feeds(c.LOSS, Key("val/loss", evaluation=True)),
)
_DISTILLATION = (
    *feeds(
        distillation.DISTILLATION_DIVERGENCE,
        *parts("loss", "loss_max", "loss_min", "abs_loss", before="distillation/"),
    ),
    *feeds(distillation.OVERLAP, "distillation/overlap_ratio"),
    *feeds(
        distillation.PROBABILITY_MASS,
        *parts("student", "teacher", before="distillation/", after="_mass"),
        *parts("student_mass_min", "student_mass_max", before="distillation/"),
        *parts("teacher_mass_min", "teacher_mass_max", before="distillation/"),
    ),
)

KEYS = (*(*_REWARD, *_POLICY, *_CRITIC, *_MISMATCH, *_SAMPLING, *_SPEED, *_VALIDATION, *_DISTILLATION),)
