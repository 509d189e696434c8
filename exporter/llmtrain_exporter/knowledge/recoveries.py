"""Why a run can come back to normal by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text


@dataclass(frozen=True, slots=True)
class Recovery:
    """Why a run may have come back to normal by itself, and the metrics in which that shows."""

    name: Text
    how: Text
    metrics: tuple[Metric, ...]


RECOVERIES: Mapping[str, Recovery] = {
    "clipping": Recovery(
        Text("Gradient clipping", "梯度裁剪"),
        Text(
            "Where it is on ({max_grad_norm}), it limits each update after the explosion, so gradient norm "
            "and loss come down.",
            "若已启用（{max_grad_norm}），爆炸之后每次更新都受限，grad_norm 与 loss 随之回落。",
        ),
        (c.GRAD_NORM, c.GRAD_NORM_CLIP, c.LOSS),
    ),
    "kl_penalty": Recovery(
        Text("The KL penalty", "KL 惩罚"),
        Text(
            "The farther the policy is, the harder it is pulled back; more so after somebody raised {beta}. "
            "KL then falls within a few records.",
            "policy 偏得越远，被拉回的力越大；人工调高 {beta} 后更明显。KL 会在几条记录内回落。",
        ),
        (c.KL,),
    ),
    "learning_rate_decay": Recovery(
        Text("A decayed learning rate", "学习率衰减"),
        Text(
            "Smaller steps do less harm. It helps late: with a high peak ({learning_rate}) the decay comes "
            "after the first collapses.",
            "步长变小，破坏也小。但起效晚：峰值过高（{learning_rate}）时，衰减赶不上前几次崩溃。",
        ),
        (c.LEARNING_RATE, c.LEARNING_RATE_PEAK),
    ),
    "hard_constraints": Recovery(
        Text("Hard constraints on output and reward", "解码与奖励的硬约束"),
        Text(
            "Where long or unparsable completions earn nothing, short and well-formed ones win again; the "
            "mean length falls quickly.",
            "过长或无法解析的回答得不到奖励，短而合规的回答重新占优，平均长度很快回落。",
        ),
        (c.COMPLETION_LENGTH, c.COMPLETION_CLIPPED, c.REWARD_FUNCTION_MEAN),
    ),
}
"""Source of these four: GRPO log guide, 2.3."""
