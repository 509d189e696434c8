"""Signals on a reward that is bought: by another reward function, by length, or at the cost of validation."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

PART_BEFORE: Annotated[int, "records", src.RUNS] = 96
"""Whose mean, but for that of the last block, reward functions are held against, ..."""
PART_BEFORE_FEWEST: Annotated[int, "records", src.RUNS] = 24
"""... and so many of them at least."""
PART_BEGUN: Annotated[float, "share of the mean of all these", src.RUNS] = 0.96
"""To which one has fallen in a block after which each record is looked at."""
PART_FALL: Annotated[float, "share of its level before", src.RUNS] = 0.94
"""At which a reward function has fallen, ..."""
PART_RISE: Annotated[float, "times its level before", src.RUNS] = 1.03
"""... while another has risen to this, ..."""
PART_RISE_SIGMAS: Annotated[float, "standard deviations of the difference", src.RUNS] = 4.0
"""... of which no more than this counts: a reward that rises alone is what training is for."""
PART_FALL_ALONE: Annotated[float, "share of its level before", src.RUNS] = 0.9
"""At which one has fallen while another, which may be at its most, ..."""
PART_HELD: Annotated[float, "share of its level before", src.RUNS] = 0.97
"""... has held this."""
PART_LASTS: Annotated[int, "blocks of records", src.RUNS] = 6
"""After which what has parted is the run's new level."""
PAID_RECORDS: Annotated[int, "records", src.RUNS] = 96
"""Over which length and reward are ranked, ..."""
PAID_FEWEST: Annotated[int, "records", src.RUNS] = 48
"""... and so many of them at least."""
PAID_GROWTH: Annotated[float, "times", src.GRPO_LENGTHS] = 1.5
"""By which the completions of the last block are longer than those of the first."""
VALIDATIONS: Annotated[int, "evaluations", src.SFT_SERIOUS] = 3
"""In a row, over which the validation score falls while the training reward rises."""
VALIDATION_LEFT: Annotated[float, "share of the first of them", src.RUNS] = 0.95
"""At which the score has fallen, ..."""
VALIDATION_ROSE: Annotated[float, "times the first of them", src.RUNS] = 1.02
"""... and the training reward risen."""
VALIDATED_BESIDE: Annotated[int, "records", src.RUNS] = 8
"""Of training before an evaluation, whose mean it is held against."""
PAID_BY_STYLE: Annotated[float, "weight", src.RUNS] = 0.0
"""Answers get right at the cost of something else, as of length: a trade, ..."""
PAID_BY_SUBSTANCE: Annotated[float, "weight", src.RUNS] = 1.0
"""... anything else may be bought."""
RIGHT_ANSWERS = ("acc", "correct", "exact", "solve", "answer", "verif")
"""Parts of the names of functions that reward right answers, in lower case."""


def rewards_right_answers(function: str) -> bool:
    """Whether a reward function, by its name, is about right answers."""
    return any(part in function.lower() for part in RIGHT_ANSWERS)


REWARDS_PART = Signal(
    "rewards_part",
    Family.FIT,
    (c.REWARD_FUNCTION_MEAN,),
    measure=Measure.SIGMA,
    limits={
        GRPO: {
            Severity.INFO: Bound(4.5, src.RUNS),
            Severity.WARNING: Bound(7, src.RUNS, floor=PAID_BY_SUBSTANCE),
        }
    },
    limit_phrase=Text("limit: apart by {limit} standard deviations", "限值：相差 {limit} 个标准差"),
    no_alert={Severity.INFO: "near to chance, or right answers at the cost of style, it is only a hint"},
    advice=Advice(
        title=Text("Reward functions part", "奖励函数此消彼长"),
        summary=Text(
            "One reward function falls while another rises or holds: one is bought with the other.",
            "一项奖励下降，另一项却在上升或保持不变：在拿一项换另一项。",
        ),
        finding=Text(
            "Reward function {function} fell to {value} by {unit} {step}, was {baseline}, while another "
            "rose or held.",
            "到第 {step} {unit}，奖励 {function} 从 {baseline} 降到 {value}，同时另一项上升或保持不变。",
        ),
        meaning=Text(
            "The policy has found that one reward is cheaper than another. The total can stay level or rise. "
            "Where two rewards contradict each other by design, this is a trade and no fault.",
            "policy 发现某一项奖励更容易拿到。总 reward 可能持平甚至上升。"
            "若两项奖励本来就相互矛盾，这只是权衡，不是故障。",
        ),
        impact=Text(
            "What you measure goes up, what you want goes down, and later steps make it a habit.",
            "测量的指标在涨，真正想要的在跌，训练越久越成习惯。",
        ),
        causes=("reward_hacking", "reward_instability"),
        diagnosis=(
            Text(
                "Read completions with a high total: how do they earn what rises?",
                "读总分高的回答：上升的那一项是怎么拿到的？",
            ),
            Text(
                "Is what falls the one that matters? Look at its weight beside the other's.",
                "下降的是不是更重要的那一项？对比两项的权重。",
            ),
            Text(
                "Does length change with it?",
                "长度是否同时变化？",
            ),
        ),
        remedies=("read_completions", "fix_reward", "raise_beta", "roll_back"),
        sources=(src.GRPO_REWARDS, src.RUNS),
    ),
)

LENGTH_PAYS = Signal(
    "length_pays",
    Family.FIT,
    (c.COMPLETION_LENGTH, c.REWARD),
    clear_after=2,
    limits={GRPO: {Severity.INFO: Bound(0.6, src.RUNS)}},
    limit_phrase=Text("limit: rank correlation {limit}", "限值：秩相关系数 {limit}"),
    no_alert={Severity.INFO: "longer reasoning that solves more looks the same; somebody has to read it"},
    advice=Advice(
        title=Text("Length carries the reward", "靠长度拿奖励"),
        summary=Text(
            "Reward and completion length rise together, record by record.",
            "reward 与生成长度逐条同步上升。",
        ),
        finding=Text(
            "Mean completion length is {value} at {unit} {step}, was {baseline}; the reward rises with it.",
            "第 {step} {unit}平均生成长度为 {value}，之前为 {baseline}；reward 随之上升。",
        ),
        meaning=Text(
            "Either the policy reasons longer and solves more, or it is paid for words. The log alone cannot "
            "tell; the completions can.",
            "要么 policy 推理更长、解出更多题，要么是靠多写拿分。只看日志分不清，读回答才知道。",
        ),
        impact=Text(
            "If words are what is paid for, completions grow until they are cut off.",
            "若是靠多写拿分，回答会一直变长直到被截断，每步也越来越慢。",
        ),
        causes=("reward_hacking", "length_shift"),
        diagnosis=(
            Text(
                "Read a short and a long completion that earn the same: what do the further words add?",
                "找得分相同的一短一长两条回答：多出来的内容有用吗？",
            ),
            Text(
                "Does the validation score rise as well?",
                "验证集得分也在上升吗？",
            ),
        ),
        remedies=("read_completions", "fix_reward", "no_reward_for_truncated", "shorten_completions"),
        sources=(src.GRPO_LENGTHS, src.RUNS),
    ),
)

VALIDATION_PARTS = Signal(
    "validation_parts",
    Family.FIT,
    (c.REWARD,),
    measure=Measure.RATIO,
    below=True,
    clear_after=1,
    limits={GRPO: {Severity.WARNING: Bound(VALIDATION_LEFT, src.RUNS)}},
    limit_phrase=Text("limit {limit} times its score before", "限值为之前得分的 {limit} 倍"),
    advice=Advice(
        title=Text("Validation falls while training rises", "训练 reward 上升而验证下降"),
        summary=Text(
            "The reward of training rises, and that of the evaluations falls.",
            "训练 reward 上升，而验证集 reward 下降。",
        ),
        finding=Text(
            "The evaluation's reward fell to {value} at {unit} {step}, was {baseline}, while training's "
            "rose.",
            "第 {step} {unit}验证集 reward 从 {baseline} 降到 {value}，而训练 reward 在上升。",
        ),
        meaning=Text(
            "What the policy learns no longer carries over to prompts that it is not trained on: it exploits "
            "the reward on its own prompts, or has learned them by heart.",
            "policy 学到的东西不再适用于没训练过的题目：在自己的题上钻奖励的空子，或者把题背下来了。",
        ),
        impact=Text(
            "Checkpoints become worse although the curve looks better.",
            "曲线越来越好看，checkpoint 却越来越差。",
        ),
        causes=("reward_hacking", "policy_drift"),
        diagnosis=(
            Text(
                "Do both use the same reward functions and weights?",
                "两者用的 reward 函数和权重相同吗？",
            ),
            Text(
                "Which checkpoint has the best evaluation? Keep it.",
                "哪个 checkpoint 的验证得分最好？保留它。",
            ),
        ),
        remedies=("read_completions", "fix_reward", "roll_back", "raise_beta"),
        sources=(src.RUNS,),
    ),
)

SIGNALS = (REWARDS_PART, LENGTH_PAYS, VALIDATION_PARTS)
