"""Causes in the steps that are taken."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.evidence import (
    Beyond,
    Configured,
    Lies,
    Moved,
    Pattern,
    Shows,
    Signalled,
    Together,
    When,
)
from llmtrain_exporter.knowledge.remedy import ALL_BUT_POLICIES, POLICIES
from llmtrain_exporter.knowledge.text import Text

LOW_RATE = Lies(metric=c.LEARNING_RATE, when=When.BEST, high=1e-6)
USELESS_RATE = Lies(metric=c.LEARNING_RATE, when=When.BEST, high=limits.RATE_USELESS)
NOT_LEARNING = Signalled(signals=("loss_plateau", "grad_vanishing"))

CAUSES: Mapping[str, Cause] = {
    "high_learning_rate": Cause(
        Text("The learning rate is too high", "学习率过高"),
        Text(
            "Steps ({learning_rate}) are so large that they overshoot, and each one undoes what the last "
            "has learned.",
            "学习率（{learning_rate}）过大，每一步都越过最优点，把上一步学到的又冲掉。",
        ),
        evidence=(
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=1e-3, weight=3),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=3e-3, weight=2.5),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=5e-3, weight=2),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=2e-5, weight=0.5, profiles=POLICIES),
            Beyond(metric=c.LEARNING_RATE, times=10, weight=2, profiles=POLICIES),
            Together(
                parts=(
                    Beyond(metric=c.LEARNING_RATE, times=10),
                    Moved(metric=c.KL, times=4, past=0.1),
                ),
                weight=0.5,
                profiles=POLICIES,
            ),
            Together(
                parts=(
                    Beyond(metric=c.LEARNING_RATE, times=10),
                    Signalled(signals=("kl_spike", "kl_high", "grad_spike", "grad_norm_high")),
                ),
                weight=5,
                profiles=POLICIES,
            ),
            Together(
                parts=(
                    Beyond(metric=c.LEARNING_RATE, times=10),
                    Moved(metric=c.ENTROPY, times=4, past=1.0),
                ),
                weight=3,
                profiles=POLICIES,
            ),
            Signalled(signals=("grad_spike", "grad_norm_high", "loss_spike", "loss_unstable"), weight=0.5),
            Shows(pattern=Pattern.LOSS_LOST, weight=0.5),
            Shows(pattern=Pattern.DATA_CHANGED, weight=-2),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, high=1e-6, weight=-2),
        ),
        remedies=(
            "lower_learning_rate",
            "clip_gradients",
            "warm_up_longer",
            "roll_back",
            "decay_learning_rate",
        ),
        sources=(
            src.GRPO_METRICS,
            src.SFT_SERIOUS,
            src.SFT_ADJUST,
        ),
    ),
    "gradient_explosion": Cause(
        Text("Exploding gradients", "梯度爆炸"),
        Text(
            "A step with such a gradient moves the weights too far, and the next gradient is larger "
            "still. Clipping ({max_grad_norm}) bounds how far.",
            "这样大的梯度一步就把权重推得过远，下一步梯度更大。"
            "裁剪（{max_grad_norm}）限制的正是这一步有多大。",
        ),
        evidence=(
            Signalled(signals=("grad_spike",), weight=1),
            Signalled(signals=("grad_spike", "grad_norm_high"), first=True, weight=1),
            Moved(metric=c.GRAD_NORM, times=10, past=5.0, weight=1.5),
            Signalled(signals=("grad_norm_high",), weight=0.5),
            Signalled(signals=("grad_spike", "grad_norm_high"), alone=True, weight=-3),
            Lies(metric=c.LOSS, when=When.END, low=1e-9, high=0.1, weight=-1.5, profiles=ALL_BUT_POLICIES),
        ),
        remedies=(
            "clip_gradients",
            "lower_learning_rate",
            "roll_back",
            "skip_step",
            "warm_up_longer",
        ),
        sources=(
            src.GRPO_CAUSES,
            src.SFT_SERIOUS,
        ),
    ),
    "low_learning_rate": Cause(
        Text("The learning rate is too low", "学习率过低"),
        Text(
            "Steps ({learning_rate}) are too small to learn anything, or the schedule has "
            "decayed to almost nothing long before the end.",
            "学习率（{learning_rate}）小到学不动，或者调度早早衰减到几乎为零。",
        ),
        evidence=(
            Together(parts=(LOW_RATE, NOT_LEARNING), weight=2, profiles=ALL_BUT_POLICIES),
            Together(parts=(USELESS_RATE, NOT_LEARNING), weight=2),
            Shows(pattern=Pattern.RATE_USELESS, weight=3),
            Shows(pattern=Pattern.NOTHING_TRAINED, weight=-5),
        ),
        remedies=(
            "usable_learning_rate",
            "raise_learning_rate",
            "check_schedule",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.SFT_WATCH,
            src.SFT_ADJUST,
        ),
    ),
    "not_trained": Cause(
        Text("Nothing is trained", "什么都没有训练到"),
        Text(
            "The learning rate is 0 in all records: no weight changes.",
            "所有记录的学习率都是 0：没有任何权重在更新。",
        ),
        evidence=(
            Shows(pattern=Pattern.NOTHING_TRAINED, weight=4, needed=True),
            Lies(metric=c.GRAD_NORM, when=When.ALWAYS, high=0.0, weight=1),
        ),
        remedies=(
            "check_schedule",
            "check_initialisation",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.RUNS,
        ),
    ),
    "wrong_schedule": Cause(
        Text("The schedule is not what was meant", "学习率调度配置有误"),
        Text(
            "A wrong power of ten, a resume that started warm-up again, or a decay planned for "
            "another number of steps ({max_steps}).",
            "写错了数量级，续训又从 warmup 开始，或者衰减按另一个总步数（{max_steps}）规划。",
        ),
        evidence=(
            Signalled(signals=("lr_out_of_range",), informs=True, weight=0.5, needed=True),
            Shows(pattern=Pattern.IN_TROUBLE, weight=0.5),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=1e-3, weight=-1),
            Shows(pattern=Pattern.NOTHING_TRAINED, weight=-5),
        ),
        remedies=("check_schedule",),
        sources=(src.SFT_WATCH,),
    ),
    "steps_skipped": Cause(
        Text("The loss scaler skipped single steps", "loss scaler 跳过了个别步"),
        Text(
            "Where the gradient overflows in fp16, the loss scaler leaves the step out and takes a smaller "
            "scale: the weights stay as they were. A few such steps do no harm; many say that values lie at "
            "the edge of what fp16 can hold.",
            "fp16 下梯度一旦溢出，loss scaler 就跳过这一步并调小缩放系数，权重保持不变。"
            "偶尔几步无碍；次数多，说明数值已接近 fp16 的上限。",
        ),
        evidence=(
            Signalled(signals=("non_finite",), weight=1.5, needed=True),
            Shows(pattern=Pattern.STEPS_SKIPPED, weight=2, needed=True),
            Configured(setting="fp16", low=1, weight=2),
        ),
        remedies=("use_bf16",),
        sources=(src.TRAINERS,),
    ),
    "number_format": Cause(
        Text("Numbers overflow", "数值溢出"),
        Text(
            "A value beyond the range of the number format, a logarithm of 0 or a division by an empty mask "
            "gives infinity or NaN. Where such a step is not skipped, every weight that it touches is NaN.",
            "超出数值格式的范围、对 0 取对数、除以空的 mask，都会得到无穷大或 NaN。"
            "这一步若没有跳过，它更新的权重就全是 NaN。",
        ),
        evidence=(
            Signalled(signals=("non_finite",), weight=1.5, needed=True),
            Configured(setting="fp16", low=1, weight=2.5),
            Lies(metric=c.GRAD_NORM, when=When.BEFORE, high=10.0, weight=0.5),
            Configured(setting="bf16", low=1, weight=-1),
            Shows(pattern=Pattern.STEPS_SKIPPED, weight=-5),
            Shows(pattern=Pattern.MEAN_OF_NOTHING, weight=-5),
            Shows(pattern=Pattern.EMPTY_BATCHES, weight=-5),
            Shows(pattern=Pattern.FUNCTION_UNDEFINED, weight=-5),
        ),
        remedies=(
            "use_bf16",
            "show_nan",
            "lower_learning_rate",
            "check_data",
            "roll_back",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.TRAINERS,
        ),
    ),
}
