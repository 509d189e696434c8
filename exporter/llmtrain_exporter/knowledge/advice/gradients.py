"""Advice on numbers that are none and on gradients."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.advice.entry import Advice
from llmtrain_exporter.knowledge.text import Text

ADVICE: Mapping[str, Advice] = {
    "non_finite": Advice(
        title=Text("NaN or infinity", "出现 NaN 或 Inf"),
        summary=Text(
            "A watched metric is NaN or infinite, or a loss of 0 hides a NaN gradient.",
            "某项指标为 NaN 或 Inf，或 loss 为 0 而梯度为 NaN。",
        ),
        finding=Text(
            "{metric} is {value} at step {step}.",
            "第 {step} 步 {metric} 为 {value}。",
        ),
        meaning=Text(
            "A number has overflowed or was undefined. The trainer may show a NaN loss as 0: the NaN "
            "gradient beside it is the truth.",
            "数值溢出或无定义。框架可能把 NaN loss 显示成 0，旁边的 NaN 梯度才是真相。",
        ),
        impact=Text(
            "If a NaN reached the weights, every later step and every later checkpoint is worthless.",
            "NaN 一旦进入权重，之后的每一步、每个 checkpoint 都作废。",
        ),
        causes=("gradient_explosion", "number_format", "bad_batch", "high_learning_rate"),
        diagnosis=(
            Text(
                "Single record, or all since? If all: stop the run now.",
                "只有一条，还是此后全是？若全是，立刻停训。",
            ),
            Text(
                "Did grad_norm grow in the records before? Then it exploded; otherwise suspect data or "
                "precision.",
                "之前 grad_norm 是否持续变大？是则为梯度爆炸；否则查数据或精度。",
            ),
            Text(
                "Check that the newest checkpoint has no NaN before you resume from it.",
                "续训前确认最新 checkpoint 的权重里没有 NaN。",
            ),
        ),
        remedies=(
            "roll_back",
            "halve_learning_rate",
            "lower_learning_rate",
            "clip_gradients",
            "check_data",
            "use_bf16",
            "show_nan",
        ),
        sources=(src.SFT_SERIOUS, src.SFT_ALARMS, src.TRAINERS),
    ),
    "grad_norm_high": Advice(
        title=Text("Gradient norm too high", "梯度范数过高"),
        summary=Text(
            "The gradient norm is above the range in which training is stable.",
            "梯度范数超出稳定训练的范围。",
        ),
        finding=Text(
            "grad_norm is {value} at step {step}, limit {limit}.",
            "第 {step} 步 grad_norm 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "The logged norm is the one before clipping. Clipping ({max_grad_norm}) bounds the step, but if "
            "nearly every step is clipped, the direction is noise and the learning rate is too high.",
            "日志中是裁剪前的范数。裁剪（{max_grad_norm}）能限制步长，但若几乎每步都被裁剪，"
            "说明方向是噪声、学习率过高。",
        ),
        impact=Text(
            "The loss becomes jumpy, then NaN; the model's output degrades.",
            "loss 先震荡，再变成 NaN，模型输出变差。",
        ),
        causes=("gradient_explosion", "high_learning_rate", "bad_batch"),
        diagnosis=(
            Text(
                "One record or a rising trend? One outlier is data, a trend is the learning rate.",
                "单条还是上升趋势？单条查数据，趋势查学习率。",
            ),
            Text(
                "Is the loss still falling? Then watch; no action needed yet.",
                "loss 还在降吗？在降就先观察，暂不处理。",
            ),
        ),
        remedies=("halve_learning_rate", "clip_gradients", "warm_up_longer", "check_data", "larger_batch"),
        sources=(src.SFT_METRICS, src.SFT_SERIOUS, src.SFT_ALARMS),
    ),
    "grad_spike": Advice(
        title=Text("Gradient spike", "梯度突升"),
        summary=Text(
            "The gradient norm jumped far above this run's own level.",
            "梯度范数远超本次训练自身水平。",
        ),
        finding=Text(
            "grad_norm jumped to {value} at step {step}, usual level {baseline}.",
            "第 {step} 步 grad_norm 突升到 {value}，平时约 {baseline}。",
        ),
        meaning=Text(
            "What counts is the ratio to the run's own level: in RL a norm of tens of thousands can be "
            "normal. The jump comes with, or just before, a jump of KL or loss.",
            "要看与自身水平的倍数：RL 中几万的范数也可能是常态。突升与 KL 或 loss 的跳变同时发生，或略早。",
        ),
        impact=Text(
            "Unless clipped, one such step can undo hours of training and start a collapse.",
            "若不裁剪，一步就可能毁掉几小时的训练，并引发崩溃。",
        ),
        causes=("gradient_explosion", "bad_batch", "policy_drift", "high_learning_rate", "small_batch"),
        diagnosis=(
            Text(
                "Single record and back? Look for the batch. Several? Look at kl, loss and length of those "
                "steps.",
                "只有一条且已恢复，查那个 batch；连续多条，看同期的 kl、loss、长度。",
            ),
            Text(
                "Is clipping on ({max_grad_norm})?",
                "是否启用了梯度裁剪（{max_grad_norm}）？",
            ),
        ),
        remedies=(
            "clip_gradients",
            "skip_step",
            "lower_learning_rate",
            "halve_learning_rate",
            "larger_batch",
            "skip_batches",
        ),
        sources=(src.GRPO_METRICS, src.GRPO_CAUSES, src.SPAM),
    ),
    "grad_vanishing": Advice(
        title=Text("Vanishing gradient", "梯度消失"),
        summary=Text(
            "The gradient is close to 0 while the loss does not fall: nothing is learned.",
            "梯度接近 0 而 loss 不降：没有在学习。",
        ),
        finding=Text(
            "grad_norm is {value} at step {step}, limit {limit}, and the loss does not fall.",
            "第 {step} 步 grad_norm 为 {value}，限值 {limit}，且 loss 不降。",
        ),
        meaning=Text(
            "Either all is learned (memorised, saturated preferences), or no signal reaches the weights "
            "(frozen modules, masked labels, equal rewards).",
            "要么已经学完（死记硬背、偏好饱和），要么信号到不了权重（模块冻结、标签被 mask、奖励全部相同）。",
        ),
        impact=Text(
            "The model stays as it is; further steps cost time only.",
            "模型不再变化，继续训练只是耗时间。",
        ),
        causes=(
            "dead_policy",
            "no_contrast",
            "saturated_preference",
            "bad_start",
            "low_learning_rate",
            "poor_labels",
        ),
        diagnosis=(
            Text(
                "Since the first records, or later? From the start: initialisation, labels, frozen modules.",
                "从一开始就这样，还是后来才出现？一开始就这样：查初始化、标签、冻结的模块。",
            ),
            Text(
                "In RL: look at reward_std and the clipped ratio. In preference training: at the margins.",
                "RL 看 reward_std 与截断比例；偏好训练看 margin。",
            ),
            Text(
                "Is the learning rate still above 0?",
                "学习率还大于 0 吗？",
            ),
        ),
        remedies=(
            "check_initialisation",
            "raise_learning_rate",
            "check_labels",
            "check_schedule",
            "more_contrast",
            "raise_preference_beta",
            "roll_back",
        ),
        sources=(src.SFT_SERIOUS, src.RUNS),
    ),
}
