"""Causes in how long completions are."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.evidence import Configured, Lies, Moved, Pattern, Shows, Signalled, When
from llmtrain_exporter.knowledge.remedy import POLICIES
from llmtrain_exporter.knowledge.text import Text

CAUSES: Mapping[str, Cause] = {
    "length_shift": Cause(
        Text("Completions have changed their length", "生成长度分布改变"),
        Text(
            "The policy no longer stops where it used to. What runs into the limit "
            "({max_completion_length}) loses its end.",
            "policy 已改变，不再像以前那样及时结束；"
            "触及长度上限（{max_completion_length}）的回答会丢掉结尾。",
        ),
        evidence=(
            Moved(metric=c.COMPLETION_LENGTH, times=1.4, weight=0.75),
            Signalled(signals=("length_surge",), weight=0.75),
            Moved(metric=c.COMPLETION_CLIPPED, times=2, past=0.3, weight=2),
            Signalled(signals=("length_surge", "clipped_high"), first=True, weight=1),
            Signalled(signals=("length_creep",), weight=0.5),
            Shows(pattern=Pattern.CUT_FROM_START, weight=-5),
            Moved(metric=c.COMPLETION_LENGTH, times=0.5, weight=-2),
        ),
        remedies=(
            "no_reward_for_truncated",
            "shorten_completions",
            "stop_words",
            "mask_truncated",
            "roll_back",
        ),
        sources=(
            src.GRPO_CAUSES,
            src.GRPO_LENGTHS,
        ),
        profiles=POLICIES,
    ),
    "limit_too_small": Cause(
        Text("The length limit is too small for the task", "长度上限对任务来说太小"),
        Text(
            "Most completions are cut off from the first records on, before training could have "
            "changed the policy: the answers do not fit into the limit "
            "({max_completion_length}), or never end.",
            "从最初几条记录起大部分回答就被截断，那时训练还来不及改变 policy："
            "回答放不进长度上限（{max_completion_length}），或者根本停不下来。",
        ),
        evidence=(
            Shows(pattern=Pattern.CUT_FROM_START, weight=4, needed=True),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.5, weight=1),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-5),
        ),
        remedies=(
            "raise_length_limit",
            "stop_words",
            "read_completions",
        ),
        sources=(
            src.GRPO_LENGTHS,
            src.RUNS,
        ),
        profiles=POLICIES,
    ),
    "empty_answers": Cause(
        Text("Answers end at once", "回答一开始就结束"),
        Text(
            "Completions are no longer than a few tokens. The policy has learned to stop at "
            "once, or the end token comes first.",
            "回答只剩几个 token：policy 学会了立刻停下，或者第一个 token 就是结束符。",
        ),
        evidence=(
            Lies(metric=c.COMPLETION_LENGTH, when=When.END, high=3, weight=6, needed=True),
            Signalled(signals=("length_collapse",), weight=1),
        ),
        remedies=(
            "read_completions",
            "fix_reward",
            "roll_back",
        ),
        sources=(
            src.GRPO_LENGTHS,
            src.RUNS,
        ),
        profiles=POLICIES,
    ),
    "mean_of_nothing": Cause(
        Text("A mean over no token", "对零个 token 求平均"),
        Text(
            "Statistics are means over the tokens that count. Where all completions of a batch are masked, "
            "cut ones for instance, that is 0 divided by 0. Loss and gradient stayed numbers: the weights "
            "are not touched.",
            "统计量是对计入的 token 求平均。一个 batch 的回答若全被 mask（例如都被截断），就成了 0 除以 0。"
            "loss 和梯度一直是正常数值，权重不受影响。",
        ),
        evidence=(
            Signalled(signals=("non_finite",), weight=1.5, needed=True),
            Shows(pattern=Pattern.MEAN_OF_NOTHING, weight=2, needed=True),
            Configured(setting="overlong_filter", low=1, weight=1),
        ),
        remedies=("raise_length_limit",),
        sources=(src.TRAINERS,),
        profiles=POLICIES,
    ),
}
