"""Sampler against trainer: the same tokens by the engine that generates and by the model that learns."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.metric import Group, Key

_M = Group.MISMATCH
_CORRECTION = "rollout_correction/"

MISMATCH_KL = entry(
    "mismatch_kl",
    _M,
    "Divergence of the sampler's token probabilities from the trainer's, in nats.",
    *parts("kl", "k3_kl", before=_CORRECTION),
    label="estimator",
    split=True,
)
LOGP_DIFFERENCE = entry(
    "mismatch_logp_difference",
    _M,
    "Difference of a token's log probability between sampler and trainer, in nats.",
    "sampling/sampling_logp_difference/{}",
    Key("self_distillation/server_logprob_abs_diff", fixed="mean"),
    label="stat",
    split=True,
)
LOG_PERPLEXITY_DIFFERENCE = entry(
    "mismatch_log_perplexity_difference",
    _M,
    "Log perplexity of a sequence by the trainer minus that by the sampler, in nats.",
    Key("rollout_correction/log_ppl_diff", fixed="mean"),
    Key("rollout_correction/log_ppl_abs_diff", fixed="mean_absolute"),
    Key("rollout_correction/log_ppl_diff_max", fixed="max"),
    Key("rollout_correction/log_ppl_diff_min", fixed="min"),
    label="stat",
    split=True,
)
PERPLEXITY_RATIO = entry(
    "mismatch_perplexity_ratio",
    _M,
    "Perplexity of completions by the trainer over that by the sampler.",
    "rollout_correction/ppl_ratio",
    split=True,
)
MISMATCH_PERPLEXITY = entry(
    "mismatch_perplexity",
    _M,
    "Perplexity of completions, by each of the two engines.",
    *parts("training", "rollout", before=_CORRECTION, after="_ppl"),
    label="engine",
    split=True,
)
MISMATCH_LOG_PERPLEXITY = entry(
    "mismatch_log_perplexity",
    _M,
    "Log perplexity of completions, by each of the two engines, in nats.",
    *parts("training", "rollout", before=_CORRECTION, after="_log_ppl"),
    label="engine",
    split=True,
)
CHI_SQUARED = entry(
    "mismatch_chi2",
    _M,
    "Chi-squared divergence of sampler and trainer: the variance of the importance weights.",
    Key("rollout_correction/chi2_token", fixed="token"),
    Key("rollout_correction/chi2_seq", fixed="sequence"),
    label="level",
    split=True,
)
IMPORTANCE_RATIO = entry(
    "importance_ratio",
    _M,
    "Importance weight of completions: their probability by the trainer over that by the sampler.",
    "sampling/importance_sampling_ratio/{}",
    Key("rollout_correction/is_weight_mean", fixed="mean"),
    "iw_opd/{}_weight",
    label="stat",
    split=True,
)
EFFECTIVE_SAMPLES = entry(
    "importance_effective_sample_ratio",
    _M,
    "Share of a batch that counts once it is weighted: the effective sample size over the size.",
    "rollout_correction/ess",
    split=True,
)
IMPORTANCE_CLIPPED = entry(
    "importance_clipped_ratio",
    _M,
    "Share of importance weights that were cut or left out.",
    "rollout_correction/clipped_frac",
    split=True,
)
RETOKENISED = entry(
    "retokenised_ratio",
    _M,
    "Share of turns whose tokens do not go on from those of the turn before.",
    *parts("fork", "realign", before="rollout/", after="_frac"),
    label="kind",
    split=True,
)
TOKEN_DRIFT = entry(
    "retokenised_drift_tokens",
    _M,
    "Tokens by which turns differ when they are tokenised again.",
    "rollout/drift_tokens_{}",
    label="stat",
    split=True,
)
PROBABILITY_DIFFERENCE = entry(
    "mismatch_probability_difference",
    _M,
    "Absolute difference of a token's probability between sampler and trainer.",
    label="stat",
    split=True,
)
PROBABILITY_CORRELATION = entry(
    "mismatch_probability_correlation",
    _M,
    "Correlation of the tokens' probabilities by sampler and trainer.",
    split=True,
)
MULTIPLICATIVE_ERROR = entry(
    "mismatch_probability_factor",
    _M,
    "Factor by which sampler and trainer differ on a probability, whichever is the larger; 1 is none.",
    label="stat",
    split=True,
)
IMPORTANCE_BEYOND = entry(
    "importance_beyond_ratio",
    _M,
    "Share of importance weights above or below the bounds of the correction.",
    label="bound",
    split=True,
)
REJECTED = entry(
    "mismatch_rejected_ratio",
    _M,
    "Share of tokens or completions that one rule leaves out of the update for too large a mismatch.",
    label="rule",
    split=True,
)

METRICS = (
    *(MISMATCH_KL, LOGP_DIFFERENCE, LOG_PERPLEXITY_DIFFERENCE, PERPLEXITY_RATIO, MISMATCH_PERPLEXITY),
    *(MISMATCH_LOG_PERPLEXITY, CHI_SQUARED, IMPORTANCE_RATIO, EFFECTIVE_SAMPLES, IMPORTANCE_CLIPPED),
    *(RETOKENISED, TOKEN_DRIFT, PROBABILITY_DIFFERENCE, PROBABILITY_CORRELATION),
    *(MULTIPLICATIVE_ERROR, IMPORTANCE_BEYOND, REJECTED),
)
