"""Chosen against rejected answers: DPO and its relatives, and reward models."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.metric import Group, Key

_P = Group.PREFERENCE

_SCORES = ("min_reward", "mean_reward", "max_reward")
OF_PAIRS = ("margin", *_SCORES, "rewards/margins", "rewards/chosen", "logps/chosen")
"""Keys beside which an `accuracy` is one of pairs."""

REWARDS_OF_PAIRS = ("chosen_reward", "reject_reward")
"""OpenRLHF's keys of the two sides, beside which `acc` is one of pairs, and `reward_std` one of scores."""

PREFERENCE_REWARD = entry(
    "preference_reward",
    _P,
    "Implicit reward of the chosen and the rejected answers.",
    Key("rewards/chosen", fixed="chosen"),
    Key("rewards/rejected", fixed="rejected"),
    label="side",
    split=True,
    essential=True,
)
PREFERENCE_MARGIN = entry(
    "preference_margin",
    _P,
    "Reward of the chosen minus reward of the rejected answers.",
    "rewards/margins",
    Key("margin", beside=("accuracy", *_SCORES)),
    split=True,
    essential=True,
)
PREFERENCE_ACCURACY = entry(
    "preference_accuracy_ratio",
    _P,
    "Share of pairs in which the chosen answer has the higher reward.",
    "rewards/accuracies",
    Key("accuracy", beside=OF_PAIRS),
    split=True,
)
LOGPS = entry(
    "logps",
    _P,
    "Log probability of the chosen and the rejected answers.",
    "logps/{}",
    "log_probs/{}",
    label="side",
    split=True,
)
TOKEN_LOGPS = entry(
    "token_logps",
    _P,
    "Log probability of the chosen and the rejected answers, mean per token.",
    "logps_mean/{}",
    label="side",
    split=True,
)
LOGITS = entry(
    "logits",
    _P,
    "Mean logits over the chosen and the rejected answers.",
    "logits/{}",
    label="side",
    split=True,
)
LOG_ODDS = entry(
    "log_odds",
    _P,
    "Log odds of the chosen over the rejected answers (ORPO), and the log sigmoid of them.",
    Key("log_odds_chosen", fixed="difference"),
    Key("log_odds_ratio", fixed="log_sigmoid"),
    label="of",
    split=True,
)
LIKELIHOOD = entry(
    "preference_likelihood",
    _P,
    "Geometric mean of the probabilities of an answer's tokens.",
    *parts("chosen", "rejected", after="_geometric_mean"),
    label="side",
    split=True,
)
WIN_PROBABILITY = entry(
    "preference_probability_ratio",
    _P,
    "Probability that the policy's answer is preferred to that of the mixture it plays against (Nash-MD).",
    "rewards/probabilities",
    split=True,
)
EXAMPLES = entry(
    "preference_examples",
    _P,
    "Examples of each side in the batches of the interval.",
    *parts("chosen", "rejected", before="count/"),
    label="side",
    split=True,
)
SUMMED = entry(
    "preference_summed",
    _P,
    "Sums over the batches of the interval, from which a trainer works its means out.",
    *parts("chosen", "rejected", before="rewards/", after="_sum", label="reward_"),
    *parts("chosen", "rejected", before="logps/", after="_sum", label="logps_"),
    *parts("chosen", "rejected", before="logits/", after="_sum", label="logits_"),
    label="of",
    split=True,
)

METRICS = (
    *(PREFERENCE_REWARD, PREFERENCE_MARGIN, PREFERENCE_ACCURACY, LOGPS, TOKEN_LOGPS, LOGITS, LOG_ODDS),
    *(LIKELIHOOD, WIN_PROBABILITY, EXAMPLES, SUMMED),
)
