"""The signal that a policy is lost: kl or gradient, length and reward break within a few records."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.signal import (
    Advice,
    Bound,
    Family,
    FoundBy,
    Measure,
    Severity,
    Signal,
    in_each,
)
from llmtrain_exporter.knowledge.text import Text

SIGN_GAP: Annotated[int, "records", src.RUNS] = 3
"""Without a sign, that do not interrupt a family's row of signs."""
INCIDENT_WITHIN: Annotated[int, "records", src.GRPO_EVENTS] = 20
"""Within which families that break belong together."""
INCIDENT_QUIET: Annotated[int, "records", src.RUNS] = 10
"""Without a sign, after which an incident is over."""
AT_ONCE: Annotated[int, "records", src.RUNS] = 1
"""Signs so far apart belong together however short they are, if all three parts show one"""
FORCE: Annotated[float, "times the limit", src.RUNS] = 10.0
"""or one of them is so far beyond; the noise of a bad batch may pass two limits at once."""
SIGNS: Annotated[int, "signs", src.RUNS] = 4
"""Else they have to be so many."""
FORCE_BELOW: Annotated[float, "times the limit", src.RUNS] = 5.0
"""The most that anything can be below one: what falls to nothing is as bad as what rises to this."""

COLLAPSE = Signal(
    "collapse",
    Family.KL,
    (c.KL, c.COMPLETION_LENGTH, c.REWARD),
    measure=Measure.TRUTH,
    found_by=FoundBy.INCIDENT,
    limits=in_each(POLICIES, {Severity.CRITICAL: Bound(2, src.GRPO_EVENTS)}),  # families that break together
    advice=Advice(
        title=Text("Policy collapse", "policy 崩溃"),
        summary=Text(
            "The policy collapses: of KL, length and reward, two or more broke within a few records.",
            "policy 正在崩溃：几条记录之内，KL、长度、奖励中至少两类相继失常。",
        ),
        finding=Text(
            "{stages} broke by {unit} {step}.",
            "到第 {step} {unit}，{stages}均已失常。",
        ),
        meaning=Text(
            "The typical chain: KL and gradient jump, completions grow until they are cut off, the reward "
            "falls. Common in RL fine-tuning. KL and gradient break many records before the reward is gone.",
            "典型链条：KL 和梯度突升，生成变长直到被截断，reward 下跌。在 RL 微调中很常见。"
            "KL 和梯度失常往往比 reward 归零早很多条记录。",
        ),
        impact=Text(
            "Some runs recover, with damage, and collapse again later. Others stay dead: everything cut "
            "off, reward 0, gradient 0. Steps after the onset are mostly wasted.",
            "有的训练能带伤恢复，之后再次崩溃；有的就此报废：全部截断、reward 为 0、梯度为 0。"
            "出事之后的步数基本白跑。",
        ),
        causes=(
            "policy_drift",
            "gradient_explosion",
            "length_shift",
            "reward_instability",
            "high_learning_rate",
        ),
        diagnosis=(
            Text(
                "Which family broke first? KL or gradient first: drift. Length first: stopping or the "
                "reward for it. Reward first: the reward function.",
                "哪一类先失常？KL 或梯度在先是策略漂移；长度在先查停止条件和长度相关奖励；"
                "reward 在先查 reward 函数。",
            ),
            Text(
                "Is a checkpoint from before the onset still there ({save_steps})? Copy it away now.",
                "出事前的 checkpoint 还在吗（{save_steps}）？现在就拷走。",
            ),
            Text(
                "Has it happened before in this run? Repeats mean that the settings, not one batch, are the "
                "reason.",
                "本次训练之前发生过吗？反复发生说明问题在参数，不在某个 batch。",
            ),
        ),
        remedies=(
            "roll_back",
            "raise_beta",
            "lower_learning_rate",
            "clip_gradients",
            "shorten_completions",
            "no_reward_for_truncated",
            "adaptive_kl",
            "guard",
            "save_often",
            "stop_run",
        ),
        sources=(src.GRPO_EVENTS, src.GRPO_CAUSES, src.GRPO_SPECIFIC),
    ),
)

SIGNALS = (COLLAPSE,)
