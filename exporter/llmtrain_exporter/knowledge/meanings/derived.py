"""What the ratios that the exporter works out mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.meaning import Good, Healthy, Meaning, Worry
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import DPO, SFT
from llmtrain_exporter.knowledge.text import Text

_EVAL_LOSS = Healthy(
    1.0,
    1.8,
    Worry.ABOVE,
    note=Text(
        "A little above 1 is usual. From the upper end on: slight overfitting. Far below 1 is a matter of "
        "scale (loss summed over accumulation steps), not of health.",
        "略高于 1 正常；达到上限即轻微过拟合。远低于 1 是口径问题（loss 按累积步求和），与健康无关。",
    ),
)

DERIVED: Mapping[Metric, Meaning] = {
    c.EVAL_TRAIN_LOSS: Meaning(
        Text(
            "Eval loss in relation to training loss: how much worse the model is on data it has not seen.",
            "eval loss 与训练 loss 之比，即模型在没见过的数据上差多少。",
        ),
        Good.DOWN,
        (src.SFT_STATUS, src.SFT_METRICS, src.RUNS),
        {SFT: _EVAL_LOSS, DPO: _EVAL_LOSS},
        (c.LOSS, c.EVAL_TRAIN_ACCURACY, c.BEST_EVAL_LOSS),
    ),
    c.EVAL_TRAIN_ACCURACY: Meaning(
        Text(
            "Eval minus training token accuracy; usually a little below 0.",
            "验证与训练 token 准确率之差，通常略小于 0。",
        ),
        Good.UP,
        (src.SFT_STATUS, src.SFT_ADJUST),
        {
            SFT: Healthy(
                -0.03,
                0.0,
                Worry.BELOW,
                note=Text(
                    "What matters is whether it grows: a gap that widens is the early sign of overfitting.",
                    "关键看是否扩大：差距持续拉大是过拟合的早期信号。",
                ),
            ),
        },
        (c.TOKEN_ACCURACY, c.EVAL_TRAIN_LOSS),
    ),
    c.EVAL_TRAIN_ENTROPY: Meaning(
        Text(
            "Eval entropy in relation to training entropy. Should be near 1.",
            "验证与训练 entropy 之比，应接近 1。",
        ),
        Good.NEITHER,
        (src.SFT_METRICS, src.SFT_STATUS),
        {
            SFT: Healthy(
                0.9,
                1.1,
                note=Text(
                    "Within 1 % is very consistent. The range is ours.",
                    "相差 1% 以内说明一致性很好。范围为本项目所定。",
                ),
            ),
        },
        (c.ENTROPY,),
    ),
    c.GRAD_NORM_CLIP: Meaning(
        Text(
            "Gradient norm over max_grad_norm. Above 1 the step was clipped.",
            "grad_norm 与 max_grad_norm 之比，大于 1 表示这一步被裁剪。",
        ),
        Good.NEITHER,
        (src.TRAINERS, src.GRPO_RECOVERY),
        related=(c.GRAD_NORM, c.LEARNING_RATE),
    ),
    c.LEARNING_RATE_PEAK: Meaning(
        Text(
            "Learning rate as a share of its highest so far. Near 1 for half of the run: it hardly decays.",
            "学习率占迄今峰值的比例。半程都接近 1 说明几乎没有衰减。",
        ),
        Good.NEITHER,
        (src.GRPO_METRICS,),
        related=(c.LEARNING_RATE, c.PROGRESS),
    ),
    c.BEST_EVAL_LOSS: Meaning(
        Text(
            "Lowest eval loss so far. Its checkpoint is the one to use.",
            "迄今最低的 eval loss，应选用对应的 checkpoint。",
        ),
        Good.DOWN,
        (src.SFT_MONITOR,),
        related=(c.BEST_EVAL_STEP, c.EVAL_TRAIN_LOSS),
    ),
    c.BEST_EVAL_STEP: Meaning(
        Text(
            "Step of the lowest eval loss. If it lies far back, the run has been getting worse since.",
            "eval loss 最低的步数。离现在很远说明之后一直在变差。",
        ),
        Good.NEITHER,
        (src.SFT_MONITOR,),
        related=(c.BEST_EVAL_LOSS, c.STEP),
    ),
}
