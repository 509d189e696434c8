"""What completions are worth, and how it is made up."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.catalogue.preference import REWARDS_OF_PAIRS
from llmtrain_exporter.knowledge.metric import Group, Key

_R = Group.REWARD

REWARD = entry(
    "reward",
    _R,
    "Mean total reward.",
    "reward",
    "objective/scores",
    "ppo/mean_scores",
    "env/reward_mean",
    split=True,
    essential=True,
)
REWARD_STD = entry(
    "reward_std",
    _R,
    "Spread of the total reward, as the trainer defines it (within groups or over the batch).",
    Key("reward_std", unless=REWARDS_OF_PAIRS),  # beside it one of scores of a reward model
    "ppo/std_scores",
    "env/reward_std",
    split=True,
)
REWARD_FUNCTION_MEAN = entry(
    "reward_function_mean",
    _R,
    "Mean of one reward function.",
    "rewards/{}/mean",
    "rewards/{}",
    label="function",
    split=True,
)
REWARD_FUNCTION_STD = entry(
    "reward_function_std",
    _R,
    "Standard deviation of one reward function.",
    "rewards/{}/std",
    label="function",
    split=True,
)
REWARD_ZERO_STD = entry(
    "reward_zero_std_ratio",
    _R,
    "Share of prompt groups in which all completions got the same reward.",
    "frac_reward_zero_std",
    split=True,
)
REWARD_PART = entry(
    "reward_part",
    _R,
    "Reward with its KL penalty, and that penalty alone: PPO's own accounts of the total.",
    Key("objective/rlhf_reward", fixed="penalised"),
    Key("objective/non_score_reward", fixed="penalty"),
    Key("ppo/mean_non_score_reward", fixed="penalty"),
    Key("implicit_reward", fixed="implicit"),
    label="part",
    split=True,
)
REWARD_MODEL_SCORE = entry(
    "reward_model_score",
    _R,
    "Score that the reward model in training gives to the answers of a batch.",
    *parts("min", "mean", "max", after="_reward"),
    label="stat",
    split=True,
)
JUDGE_SCORE = entry(
    "judge_score",
    _R,
    "Score of the policy's and of the reference model's answers to the same prompts.",
    Key("objective/model_scores", fixed="policy"),
    Key("objective/ref_scores", fixed="reference"),
    label="side",
    split=True,
)
JUDGE_MARGIN = entry(
    "judge_margin",
    _R,
    "Score of the better minus score of the worse of two answers to a prompt.",
    "objective/scores_margin",
    split=True,
)
ZERO_STD_EXCLUDED = entry(
    "reward_zero_std_excluded_ratio",
    _R,
    "Share of prompt groups left out of the update because all their rewards are equal.",
    "frac_reward_zero_std_excluded",
    split=True,
)
RUNNING_MEAN = entry(
    "reward_running_mean",
    _R,
    "Running mean of the implicit rewards that BCO holds answers against.",
    "delta",
    split=True,
)
FEATURE_REWARD = entry(
    "feature_reward_part",
    _R,
    "Reward by the likeness of features (EBFT), and its parts.",
    *parts("alignment", "diversity", "reward", before="ebft/"),
    label="part",
    split=True,
)
REWARD_EXTREME = entry(
    "reward_extreme",
    _R,
    "Lowest and highest total reward of a batch.",
    label="stat",
    split=True,
)
ENVIRONMENT_REWARD = entry(
    "environment_reward",
    _R,
    "Reward in one of several environments or domains.",
    label="of",
    split=True,
    essential=True,
)
SOLVED = entry(
    "solved_ratio",
    _R,
    "Share of prompts or completions that are solved.",
    label="of",
    split=True,
)
GROUP_OUTCOMES = entry(
    "group_outcome_ratio",
    _R,
    "Share of prompt groups of which no, every or some completion is right.",
    label="outcome",
    split=True,
)

METRICS = (
    *(REWARD, REWARD_STD, REWARD_FUNCTION_MEAN, REWARD_FUNCTION_STD, REWARD_ZERO_STD, ZERO_STD_EXCLUDED),
    *(REWARD_PART, REWARD_MODEL_SCORE, JUDGE_SCORE, JUDGE_MARGIN, RUNNING_MEAN, FEATURE_REWARD),
    *(REWARD_EXTREME, ENVIRONMENT_REWARD, SOLVED, GROUP_OUTCOMES),
)
