"""What the loss is made of, the weights that its parts have, and what lies behind a policy's update."""

from __future__ import annotations

from llmtrain_exporter.knowledge import row
from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.metric import Group, Key

_O = Group.OBJECTIVE

POLICY_LOSS = entry(
    "policy_loss",
    _O,
    "Loss of the policy alone, without penalties and bonuses.",
    "policy_loss",
    "loss/policy_avg",
    "ppo/loss/policy",
    "self_distillation/policy_loss",
    split=True,
    essential=True,
)
AUXILIARY_LOSS = entry(
    "auxiliary_loss",
    _O,
    "A part of the loss besides the main one, by what it is for.",
    Key("aux_loss", fixed="load_balancing"),
    Key("load_balancing_loss", fixed="load_balancing"),
    Key("seq_load_balancing_loss", fixed="load_balancing_by_sequence"),
    Key("global_load_balancing_loss", fixed="load_balancing_global"),
    *parts("z", "nll", "sft", "dpo", "odds_ratio", "indexer", "center_rewards", "jsd", "kd", after="_loss"),
    *parts("on_policy", "off_policy", "matched", "unmatched", after="_loss"),
    *parts("kl", "score", "dpo", "xpo", before="loss/"),
    Key("ebft/cfm_loss", fixed="feature_matching"),
    Key("class_loss", fixed="cross_entropy"),
    label="part",
    split=True,
)
MTP_LOSS = entry(
    "mtp_loss",
    _O,
    "Loss of the heads that predict the tokens after the next one.",
    Key("mtp_loss", fixed="all"),
    "mtp_{}_loss",
    "mtp_loss_{}",
    label="head",
    split=True,
)
MTP_ACCURACY = entry(
    "mtp_accuracy_ratio",
    _O,
    "Share of tokens that such a head predicts right.",
    "mtp_top1_{}",
    label="head",
    split=True,
)
CHANNEL_LOSS = entry(
    "channel_loss",
    _O,
    "Loss of one channel of the training data.",
    "loss_{}",
    label="channel",
    split=True,
)
PERPLEXITY = entry("perplexity", _O, "Exponential of the loss.", "ppl", "perplexity", split=True)
TRAIN_MEAN_LOSS = entry(
    "train_mean_loss",
    _O,
    "Mean training loss of the process's whole run, as its last row has it.",
    Key("train_loss", beside=("loss", *row.ENDS)),
)
PREDICT_LOSS = entry("predict_loss", _O, "Loss of a prediction run.", "predict_loss")
KL_COEFFICIENT = entry(
    "kl_coefficient", _O, "Weight of the divergence in the loss or reward.", "objective/kl_coef", "beta"
)
ENTROPY_COEFFICIENT = entry(
    "entropy_coefficient", _O, "Weight of the entropy bonus in the loss.", "entropy_coef"
)
MIXING_COEFFICIENT = entry(
    "mixing_coefficient",
    _O,
    "Weight with which a method mixes two objectives or models.",
    *parts("alpha", "mixture_coef", "rlsd_lambda", "sdar/coef"),
    label="of",
)
UPDATE_KL = entry(
    "update_kl",
    _O,
    "Divergence of the policy from itself before the update, in nats.",
    Key("policy/approxkl_avg", fixed="approximate"),
    Key("ppo/policy/approxkl", fixed="approximate"),
    Key("ppo/policy/policykl", fixed="mean"),
    label="estimator",
    split=True,
)
RESPONSE_KL = entry(
    "response_kl",
    _O,
    "Divergence of the policy from its reference model summed over a whole response, in nats.",
    "objective/kl",
    split=True,
)
RESPONSE_ENTROPY = entry(
    "response_entropy",
    _O,
    "Entropy summed over a whole response, in nats.",
    "objective/entropy",
    split=True,
)
ENTROPY_THRESHOLD = entry(
    "entropy_threshold",
    _O,
    "Entropy from which on a token takes part in the update, in nats.",
    "entropy/threshold",
    split=True,
)
POLICY_RATIO = entry(
    "policy_ratio",
    _O,
    "Probability of a token under the policy over that under the policy that sampled it.",
    Key("ratio", fixed="mean"),
    Key("val/ratio", fixed="mean"),
    Key("val/ratio_var", fixed="variance"),
    label="stat",
    split=True,
)
ADVANTAGE = entry(
    "advantage",
    _O,
    "How much better a completion is than expected.",
    Key("advantage", fixed="mean"),
    Key("ppo/policy/advantages_mean", fixed="mean"),
    Key("iw_opd/mean_advantage", fixed="mean"),
    Key("iw_opd/mean_abs_advantage", fixed="mean_absolute"),
    label="stat",
    split=True,
)
ADVANTAGE_NONZERO = entry(
    "advantage_nonzero_ratio", _O, "Share of completions whose advantage is not 0.", "adv_nonzero"
)
SEQUENCE_WEIGHT = entry(
    "sequence_weight",
    _O,
    "Mean weight that a method gives to sequences or tokens.",
    Key("vespo/phi_seq_mean", fixed="vespo"),
    Key("fipo/influence_weight_mean", fixed="fipo"),
    Key("importance_weight_avg", fixed="diffusion"),
    label="method",
    split=True,
)
FUTURE_KL = entry(
    "future_kl", _O, "Divergence that FIPO expects of the tokens to come.", "fipo/future_kl_mean", split=True
)
SAFETY_KEPT = entry(
    "safety_kept_ratio",
    _O,
    "Share of tokens that FIPO's safety threshold leaves in the update.",
    "fipo/safety_keep_ratio",
    split=True,
)
ANSWER_TOKENS = entry(
    "answer_token_ratio", _O, "Share of a batch's tokens that belong to answers.", "answer_ratio", split=True
)
ANSWER_LENGTH = entry(
    "answer_length_tokens",
    _O,
    "Mean length of the answers in the data, in tokens.",
    "avg_answer_length",
    split=True,
)
LOSS_SCALE = entry("loss_scale", _O, "Factor of fp16's loss scaler.", "loss_scale")
PARAMETER_NORM = entry("parameter_norm", _O, "L2 norm of the parameters.", "params_norm")
LOSS_STATISTIC = entry(
    "loss_statistic",
    _O,
    "Spread of the loss over the tokens, samples or ranks of a step, and its running mean.",
    label="stat",
    split=True,
)
TOKEN_LOGP = entry(
    "completion_token_logp",
    _O,
    "Mean log probability of the tokens that were sampled, in nats.",
    label="by",
    split=True,
)
EXPERT_LOAD = entry(
    "expert_load_violation_ratio",
    _O,
    "How far the load of experts lies from an even one, over the even load.",
    label="stat",
)
ROUTER_CONFIDENCE = entry(
    "router_confidence_ratio", _O, "Probability that the router gives to the experts that it chooses."
)
SKIPPED_ITERATIONS = entry(
    "skipped_iterations", _O, "Iterations of the interval that changed no weight.", label="reason"
)
ZERO_GRADIENTS = entry("zero_gradients", _O, "Parameters whose gradient is exactly 0.")
ATTENTION_LOGIT = entry("attention_logit_max", _O, "Largest attention logit of a step.")

METRICS = (
    *(POLICY_LOSS, AUXILIARY_LOSS, MTP_LOSS, MTP_ACCURACY, CHANNEL_LOSS, PERPLEXITY, TRAIN_MEAN_LOSS),
    *(PREDICT_LOSS, KL_COEFFICIENT, ENTROPY_COEFFICIENT, MIXING_COEFFICIENT),
    *(UPDATE_KL, RESPONSE_KL, RESPONSE_ENTROPY, ENTROPY_THRESHOLD, POLICY_RATIO),
    *(ADVANTAGE, ADVANTAGE_NONZERO, SEQUENCE_WEIGHT, FUTURE_KL, SAFETY_KEPT),
    *(ANSWER_TOKENS, ANSWER_LENGTH, LOSS_SCALE, PARAMETER_NORM),
    *(LOSS_STATISTIC, TOKEN_LOGP, EXPERT_LOAD, ROUTER_CONFIDENCE, SKIPPED_ITERATIONS),
    *(ZERO_GRADIENTS, ATTENTION_LOGIT),
)
