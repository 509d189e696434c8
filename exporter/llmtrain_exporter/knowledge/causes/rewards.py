"""Causes in what completions earn."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.evidence import Lies, Moved, Pattern, Shows, Signalled, Together, When
from llmtrain_exporter.knowledge.remedy import POLICIES
from llmtrain_exporter.knowledge.text import Text

CAUSES: Mapping[str, Cause] = {
    "reward_hacking": Cause(
        Text("Reward hacking", "reward hacking（钻奖励的空子）"),
        Text(
            "The policy has found a cheap way to a reward, length or format for instance, at the cost of "
            "what is wanted. The total can look well.",
            "policy 找到了刷某项奖励的捷径（例如长度或格式），却牺牲了真正想要的东西。"
            "总 reward 可能照样好看。",
        ),
        evidence=(
            Shows(pattern=Pattern.FUNCTIONS_PART, weight=5),
            Shows(pattern=Pattern.CUT_YET_REWARDED, weight=2),
            Signalled(signals=("rewards_part", "validation_parts"), weight=1.5),
            Signalled(signals=("length_pays",), informs=True, weight=0.5),
        ),
        remedies=(
            "fix_reward",
            "read_completions",
            "no_reward_for_truncated",
            "roll_back",
            "raise_beta",
        ),
        sources=(src.RUNS,),
        profiles=POLICIES,
    ),
    "reward_instability": Cause(
        Text("The reward signal is unstable", "奖励信号不稳定"),
        Text(
            "The rewards went first. If they are all or nothing, a batch in which most completions break "
            "the format earns 0, and the updates that follow have no good direction.",
            "最先下跌的是奖励。如果奖励非 0 即 1，一个 batch 里大部分回答不合格式就全部得 0 分，"
            "后续更新便失去了正确方向。",
        ),
        evidence=(
            Signalled(signals=("reward_function_drop", "reward_drop"), first=True, weight=1.5),
            Moved(metric=c.REWARD_STD, times=2, weight=0.5),
            Shows(pattern=Pattern.REWARD_LOST, weight=0.5),
            Shows(pattern=Pattern.DATA_CHANGED, weight=-2),
            Moved(metric=c.KL, times=4, past=0.1, weight=-1),
        ),
        remedies=(
            "fix_reward",
            "read_completions",
            "larger_batch",
        ),
        sources=(src.GRPO_CAUSES,),
        profiles=POLICIES,
    ),
    "unbalanced_rewards": Cause(
        Text("Reward functions differ too much in scale", "各项奖励的尺度相差太大"),
        Text(
            "One function spreads so much more than the others that it alone decides which completion of a "
            "group is better.",
            "某一项的差异远大于其他项，同组回答孰优孰劣全由它决定。",
        ),
        evidence=(Signalled(signals=("reward_dominated",), informs=True, weight=1.5, needed=True),),
        remedies=("balance_rewards", "fix_reward"),
        sources=(src.GDPO, src.RUNS),
        profiles=POLICIES,
    ),
    "never_rewarded": Cause(
        Text("A reward that no completion ever earns", "从来没有回答拿到过的奖励"),
        Text(
            "A reward that is 0 for every completion, from the first record to the last, teaches nothing: "
            "what it asks for is out of reach, or its function scores every answer 0.",
            "这项奖励从第一条到最后一条记录对所有回答都是 0，什么也教不了："
            "它要求的超出能力，或者 reward 函数给什么回答都打 0 分。",
        ),
        evidence=(
            Shows(pattern=Pattern.NO_REWARD_EVER, weight=4),
            Shows(pattern=Pattern.FUNCTION_NEVER, weight=1),
            Together(
                parts=(Shows(pattern=Pattern.FUNCTION_NEVER), Signalled(signals=("reward_flat",))), weight=1.5
            ),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-2),
        ),
        remedies=(
            "read_completions",
            "fix_reward",
            "easier_start",
        ),
        sources=(
            src.GRPO_REWARDS,
            src.RUNS,
        ),
        profiles=POLICIES,
    ),
    "constant_reward": Cause(
        Text("The reward is the same for every completion", "所有回答的奖励都一样"),
        Text(
            "It has never changed since the first record, whatever the answer, and no sampling makes a "
            "difference: the reward function returns a constant or falls back to a default, or it cannot "
            "tell good answers from bad ones.",
            "从第一条记录起，不管回答什么，奖励从没变过，怎么采样都没有差异："
            "reward 函数返回的是常数或默认值，或者分不出回答的好坏。",
        ),
        evidence=(
            Shows(pattern=Pattern.REWARD_CONSTANT, weight=4, needed=True),
            Lies(metric=c.REWARD_STD, when=When.ALWAYS, high=1e-6, weight=1),
            Lies(metric=c.REWARD_ZERO_STD, when=When.ALWAYS, low=0.99, weight=1),
        ),
        remedies=(
            "fix_reward",
            "read_completions",
        ),
        sources=(src.GRPO_REWARDS, src.RUNS),
        profiles=POLICIES,
    ),
    "function_undefined": Cause(
        Text("A reward function gives no number", "有 reward 函数没有给出数值"),
        Text(
            "For many records its mean is NaN: it returns none for any completion, as it does not apply to "
            "these samples, or because what it asks (a service, a sandbox, a parser) has gone. The others "
            "go on, and training follows them alone.",
            "连续多条记录里它的均值都是 NaN：对每个回答都没有返回数值。可能是它不适用于这些样本，"
            "也可能是它依赖的服务、沙箱或解析器已经失效。其余 reward 函数照常，训练只跟着它们走。",
        ),
        evidence=(
            Signalled(signals=("non_finite",), weight=1.5, needed=True),
            Shows(pattern=Pattern.FUNCTION_UNDEFINED, weight=2, needed=True),
        ),
        remedies=("fix_reward",),
        sources=(src.GRPO_REWARDS, src.RUNS),
        profiles=POLICIES,
    ),
    "no_contrast": Cause(
        Text("All completions of a group score the same", "同组回答得分完全相同"),
        Text(
            "GRPO learns from differences within a group. Prompts that are too easy, too hard, "
            "or a policy that says always the same give none, and such a group adds nothing to an update.",
            "GRPO 靠组内差异学习。题目太易、太难，或 policy 只会说同一句话时没有差异，"
            "这样的组对更新没有贡献。",
        ),
        evidence=(
            Lies(metric=c.REWARD_ZERO_STD, when=When.END, low=0.8, weight=1.5),
            Lies(metric=c.REWARD_STD, when=When.END, high=1e-6, weight=1),
            Signalled(signals=("reward_flat", "grad_vanishing"), weight=0.5),
            Shows(pattern=Pattern.REWARD_NEAR_BEST, weight=-5),
            Shows(pattern=Pattern.NO_REWARD_EVER, weight=-3),
            Shows(pattern=Pattern.REWARD_CONSTANT, weight=-5),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.5, weight=-3),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-3),
            Shows(pattern=Pattern.REWARD_LOST, weight=-3),
        ),
        remedies=(
            "more_contrast",
            "keep_exploring",
        ),
        sources=(
            src.RUNS,
            src.DAPO,
        ),
        profiles=POLICIES,
    ),
    "solved": Cause(
        Text("Nothing is left to learn", "题目已经学会，没有可学的了"),
        Text(
            "The reward is as good as it ever was, and in most groups all completions score the "
            "same because all are right. Vanishing gradients and a missing spread are good news "
            "here.",
            "reward 处于历史最好水平，大多数组内回答全对，所以得分相同。这里梯度消失、奖励无差异是好消息。",
        ),
        evidence=(
            Shows(pattern=Pattern.REWARD_NEAR_BEST, weight=2, needed=True),
            Shows(pattern=Pattern.NO_SPREAD, weight=1.5, needed=True),
            Shows(pattern=Pattern.REWARD_CONSTANT, weight=-5),
            Signalled(signals=("grad_vanishing", "reward_flat"), weight=1),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.3, weight=-4),
            Shows(pattern=Pattern.FUNCTION_NEVER, weight=-3),
            Signalled(signals=("rewards_part", "validation_parts", "length_pays"), informs=True, weight=-5),
        ),
        remedies=("harder_prompts",),
        sources=(
            src.RUNS,
            src.DAPO,
        ),
        profiles=POLICIES,
    ),
}
