"""Signals on whether rewards can teach: whose spread they have, and which groups have none."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import reward
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

DOMINATED_LOOKS: Annotated[int, "records, one of each block", src.RUNS] = 3
"""In a row, in which one function has as much of the variance as the limit says."""
OTHER_SPREAD: Annotated[float, "reward", src.RUNS] = 0.1
"""Standard deviation of another reward function, from which on it has something to teach, ..."""
OTHER_VARIES: Annotated[float, "share of its mean", src.RUNS] = 0.25
"""... if it is this much, too: one that nearly all completions earn is learned."""
GROUP_LOOKS: Annotated[int, "records, one of each block", src.RUNS] = 2
"""In a row, in which so many groups are all wrong."""
HARDLY_EARNED: Annotated[float, "reward", src.RUNS] = 0.05
"""Mean reward up to which groups without a spread are all wrong, where nothing tells of each."""

REWARD_DOMINATED = Signal(
    "reward_dominated",
    Family.FIT,
    (c.REWARD_FUNCTION_STD,),
    clear_after=2,
    limits={GRPO: {Severity.INFO: Bound(0.98, src.RUNS)}},
    limit_phrase=Text("limit: {limit} of the variance", "限值：占方差的 {limit}"),
    limit_percent=True,
    no_alert={Severity.INFO: "weights are not in the log, and a small reward may be small on purpose"},
    advice=Advice(
        title=Text("One reward function drowns the others", "某一项奖励压过其他项"),
        summary=Text(
            "One reward function makes nearly all of the rewards' variance.",
            "奖励的方差几乎全部来自某一项。",
        ),
        finding=Text(
            "Reward function {function} spreads by {value} at {unit} {step}, the next one by {baseline}.",
            "第 {step} {unit}奖励 {function} 的标准差为 {value}，其次的一项只有 {baseline}。",
        ),
        meaning=Text(
            "Completions of a group are compared by their total. What varies most decides who wins; a "
            "function with a far smaller spread hardly moves the policy, though it has something to teach.",
            "同组回答按总分比较，差异最大的一项决定胜负。"
            "标准差小得多的那一项虽然还有东西可学，却几乎推不动 policy。",
        ),
        impact=Text(
            "The policy learns one thing; the other rewards are only logged.",
            "policy 只学到一项，其他奖励形同虚设。",
        ),
        causes=("unbalanced_rewards", "reward_hacking"),
        diagnosis=(
            Text(
                "Which weights do the functions have? The log has their spread before weighting.",
                "各项权重是多少？日志里是加权之前的标准差。",
            ),
            Text(
                "Do the others rise at all since the start?",
                "其他项自开始以来有上升吗？",
            ),
        ),
        remedies=("balance_rewards", "fix_reward"),
        sources=(src.GDPO, src.RUNS),
    ),
)

GROUPS_UNSOLVED = Signal(
    "groups_unsolved",
    Family.FIT,
    (reward.GROUP_OUTCOMES, c.REWARD_ZERO_STD),
    clear_after=2,
    limits={GRPO: {Severity.INFO: Bound(0.8, src.RUNS)}},
    limit_percent=True,
    no_alert={Severity.INFO: "a hard task begins like this; whether it gets better is for somebody to see"},
    advice=Advice(
        title=Text("Most groups are all wrong", "大多数组全错"),
        summary=Text(
            "In most prompt groups no completion earns anything: too hard, or never rewarded.",
            "大多数 prompt 组里没有一条回答得分：题目太难，或者奖励根本拿不到。",
        ),
        finding=Text(
            "{share} of the groups are all wrong at {unit} {step}.",
            "第 {step} {unit}有 {share} 的组全错。",
        ),
        meaning=Text(
            "A group that is all wrong has no better answer to learn from. Where single functions are always "
            "nothing, suspect the function before the model.",
            "全错的组里没有更好的回答可学。如果某一项始终为零，先怀疑 reward 函数，再怀疑模型。",
        ),
        impact=Text(
            "Only the few mixed groups train; the rest of the sampling is lost.",
            "只有少数有对有错的组在训练，其余采样都浪费了。",
        ),
        causes=("never_rewarded", "no_contrast", "limit_too_small"),
        diagnosis=(
            Text(
                "Score a known good answer with the reward function: does it earn anything?",
                "拿一条确定正确的回答给 reward 函数打分：能得分吗？",
            ),
            Text(
                "Are completions cut off before they come to an answer?",
                "回答是否还没写到答案就被截断？",
            ),
            Text(
                "Does the model solve any of these prompts when sampled more often?",
                "多采样几次，模型能解出其中的题吗？",
            ),
        ),
        remedies=("easier_start", "fix_reward", "more_contrast", "read_completions"),
        sources=(src.DAPO, src.NEMO_GRPO, src.RUNS),
    ),
)

GROUPS_SOLVED = Signal(
    "groups_solved",
    Family.FIT,
    (reward.GROUP_OUTCOMES, c.REWARD_ZERO_STD),
    clear_after=2,
    limits={GRPO: {Severity.INFO: Bound(0.8, src.RUNS)}},
    limit_percent=True,
    levels=(reward.GROUP_OUTCOMES,),
    no_alert={Severity.INFO: "all right is good news; dashboards and the page show it"},
    advice=Advice(
        title=Text("Most groups are all right", "大多数组全对"),
        summary=Text(
            "In most prompt groups every completion is right: the data have become too easy.",
            "大多数 prompt 组里每条回答都对：数据已经太简单。",
        ),
        finding=Text(
            "{share} of the groups are all right at {unit} {step}.",
            "第 {step} {unit}有 {share} 的组全对。",
        ),
        meaning=Text(
            "What is always right has nothing left to teach. It is the good end of a missing spread, unlike "
            "groups that are all wrong.",
            "总是答对的题已经没有东西可学。这是“奖励无差异”里好的那一种，与全错的组相反。",
        ),
        impact=Text(
            "Further steps cost as much as before and change little.",
            "继续训练花费不变，却几乎没有变化。",
        ),
        causes=("solved",),
        diagnosis=(
            Text(
                "Is the validation score as good? Then this is done.",
                "验证集得分是否同样好？是则已经训练完成。",
            ),
            Text(
                "Can the reward tell a good answer from a very good one?",
                "奖励还能区分好答案与更好的答案吗？",
            ),
        ),
        remedies=("harder_prompts", "more_contrast"),
        sources=(src.DAPO, src.NEMO_GRPO),
    ),
)

SIGNALS = (REWARD_DOMINATED, GROUPS_UNSOLVED, GROUPS_SOLVED)
