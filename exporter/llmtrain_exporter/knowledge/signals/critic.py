"""A signal on the value function: whether it still tells better from worse."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import value
from llmtrain_exporter.knowledge.profile import PPO
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

VALUE_BLOCKS: Annotated[int, "blocks of records", src.PPO] = 3
"""From which on a value function has learnt something; in the first steps it explains nothing."""
EXPLAINED_LEAST: Annotated[float, "share of the returns' variance", src.PPO] = 0.0
"""Down to which it is better than their mean."""
VALUES_CLIPPED_MOST: Annotated[float, "share of values", src.RUNS] = 0.5
"""Up to which the bound of an update holds back the exception and not the rule."""
VALUE_LOSS_GROWN: Annotated[float, "times its lowest block", src.RUNS] = 4.0
"""From which on the loss of the value function has grown."""

VALUE_FAULT = Signal(
    "value_fault",
    Family.FIT,
    (value.VALUE_EXPLAINED_VARIANCE, value.VALUE_CLIP_RATIO, value.VALUE_LOSS),
    measure=Measure.RATIO,
    clear_after=2,
    limits={PPO: {Severity.INFO: Bound(1.0, src.PPO, records=2)}},
    limit_phrase=Text("{limit} times its healthy limit", "健康限值的 {limit} 倍"),
    no_alert={Severity.INFO: "a poor value function makes training slow and noisy, and does not end it"},
    advice=Advice(
        title=Text("The value function does not help", "价值函数没有起作用"),
        summary=Text(
            "What the value function expects says no more of the returns than their mean, or less.",
            "价值函数的预测并不比直接用平均回报更好，甚至更差。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} {metric} 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "Advantages are returns minus expected values. Where values explain nothing, are held back by "
            "clipping, or lose what they had learnt, they add noise to every update.",
            "优势等于回报减去预测价值。价值函数什么都解释不了、总被裁剪拖住、或把学到的丢掉时，"
            "只会给每次更新添噪声。",
        ),
        impact=Text(
            "Training is slow and unsteady: the policy follows chance.",
            "训练又慢又不稳，policy 在跟着噪声走。",
        ),
        causes=("poor_value_function", "reward_instability", "high_learning_rate"),
        diagnosis=(
            Text(
                "Did it ever get better, or was it lost? Compare the loss of the value function before.",
                "是从没学好，还是后来丢了？对比之前的价值 loss。",
            ),
            Text(
                "Did the scale of the rewards change, by a new penalty or data for instance?",
                "奖励的尺度是否变了，例如新增惩罚或换了数据？",
            ),
            Text(
                "Which model did it start from, and with which learning rate?",
                "它从哪个模型初始化，学习率是多少？",
            ),
        ),
        remedies=("better_values", "lower_learning_rate", "fix_reward"),
        sources=(src.PPO, src.RUNS),
    ),
)

SIGNALS = (VALUE_FAULT,)
