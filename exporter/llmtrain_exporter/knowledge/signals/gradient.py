"""Signals on the gradient and on the rate at which it is followed."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import (
    DPO,
    OTHER_THAN_POLICIES,
    POLICIES,
    PROFILES,
    REWARD_MODEL,
    SFT,
)
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal, in_each
from llmtrain_exporter.knowledge.text import Text

GRAD_EXEMPT: Annotated[int, "records", src.RUNS] = 5
"""First ones, in which a high gradient is an ordinary start."""
GRAD_CALM: Annotated[float, "gradient norm", src.RUNS] = 5.5
"""Up to which the 90th percentile of a run's own gradients may be for the limits as they stand. Of a run that
has higher ones from the start they are as many times higher."""
LOSS_MEMORISED: Annotated[float, "loss", src.RUNS] = 0.1
"""Median of the last ones below which a run knows its samples by heart: one that it does not know makes a
gradient of any size."""
LOSS_CONVERGED: Annotated[float, "loss", src.SFT_METRICS] = 0.01
"""Below the FAQ's normal losses a small gradient is no standstill."""
RATE_TOO_LOW: Annotated[float, "learning rate", src.SFT_WATCH] = 1e-8
"""The FAQ's learning rate that may be too small, outside of warm-up and the end of decay."""
RATE_JUDGED_FROM: Annotated[float, "share of the planned steps", src.RUNS] = 0.15
RATE_JUDGED_TO: Annotated[float, "share of the planned steps", src.RUNS] = 0.85
"""Between them a tiny learning rate is neither warm-up nor the end of decay."""
RATE_NEVER: Annotated[int, "records", src.RUNS] = 10
"""First ones, after which a learning rate that was never above 0 is one that trains nothing."""

GRAD_NORM_HIGH = Signal(
    "grad_norm_high",
    Family.GRADIENT,
    (c.GRAD_NORM,),
    clear_after=20,
    limits=in_each(
        (SFT, DPO, REWARD_MODEL),
        {
            Severity.WARNING: Bound(10, src.SFT_ALARMS, records=2, within=10),
            Severity.CRITICAL: Bound(20, src.SFT_ALARMS, records=2, within=5),
        },
    ),
    levels=(c.GRAD_NORM,),
    advice=Advice(
        title=Text("Gradient norm too high", "梯度范数过高"),
        summary=Text(
            "The gradient norm is above the range in which training is stable.",
            "梯度范数超出稳定训练的范围。",
        ),
        finding=Text(
            "grad_norm is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} grad_norm 为 {value}，限值 {limit}。",
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
        causes=("gradient_explosion", "high_learning_rate", "bad_batch", "swapped_pairs"),
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
        remedies=(
            "lower_learning_rate",
            "clip_gradients",
            "warm_up_longer",
            "check_data",
            "larger_batch",
            "check_pairs",
        ),
        sources=(src.SFT_METRICS, src.SFT_SERIOUS, src.SFT_ALARMS),
    ),
)

GRAD_SPIKE = Signal(
    "grad_spike",
    Family.GRADIENT,
    (c.GRAD_NORM,),
    measure=Measure.RATIO,
    limits={
        **in_each(
            POLICIES,
            {
                Severity.INFO: Bound(10, src.GRPO_CAUSES, floor=0.1),
                Severity.WARNING: Bound(10, src.GRPO_CAUSES, records=2, within=5, floor=0.1),
                Severity.CRITICAL: Bound(100, src.GRPO_CAUSES, records=2, floor=0.1),
            },
        ),
        **in_each(  # after supervised training gradients are tiny, and ten times that is nothing
            OTHER_THAN_POLICIES,
            {
                Severity.WARNING: Bound(10, src.GRPO_CAUSES, floor=1.0),
                Severity.CRITICAL: Bound(100, src.GRPO_CAUSES, records=2, within=3, floor=1.0),
            },
        ),
    },
    no_alert={Severity.INFO: "one record that passes harms nothing; dashboards and the page show it"},
    advice=Advice(
        title=Text("Gradient spike", "梯度突升"),
        summary=Text(
            "The gradient norm jumped far above this run's own level.",
            "梯度范数远超本次训练自身水平。",
        ),
        finding=Text(
            "grad_norm jumped to {value} at {unit} {step}, usual level {baseline}.",
            "第 {step} {unit} grad_norm 突升到 {value}，平时约 {baseline}。",
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
            "larger_batch",
            "skip_batches",
        ),
        sources=(src.GRPO_METRICS, src.GRPO_CAUSES, src.SPAM),
    ),
)

GRAD_VANISHING = Signal(
    "grad_vanishing",
    Family.FIT,
    (c.GRAD_NORM,),
    below=True,
    limits=in_each(PROFILES, {Severity.WARNING: Bound(0.01, src.SFT_SERIOUS, records=10)}),
    advice=Advice(
        title=Text("Vanishing gradient", "梯度消失"),
        summary=Text(
            "The gradient is close to 0: nothing is learned.",
            "梯度接近 0：没有在学习。",
        ),
        finding=Text(
            "grad_norm is {value} at {unit} {step}, limit {limit}: the weights hardly change.",
            "第 {step} {unit} grad_norm 为 {value}，限值 {limit}：权重几乎不变。",
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
            "solved",
            "not_trained",
            "saturated_preference",
            "chosen_unlearned",
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
            "usable_learning_rate",
        ),
        sources=(src.SFT_SERIOUS, src.RUNS),
    ),
)

LR_OUT_OF_RANGE = Signal(
    "lr_out_of_range",
    Family.FIT,
    (c.LEARNING_RATE,),
    limits=in_each(
        PROFILES,
        {
            Severity.INFO: Bound(1e-3, src.SFT_WATCH, records=5),
            Severity.WARNING: Bound(10, src.RUNS, records=5),  # or never above 0
        },
    ),
    levels=(c.LEARNING_RATE,),
    advice=Advice(
        title=Text("Learning rate out of range", "学习率超出范围"),
        summary=Text(
            "The learning rate is far outside the usual range for fine-tuning.",
            "学习率远超微调的常用范围。",
        ),
        finding=Text(
            "learning_rate is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} learning_rate 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "Mostly a typing error in the exponent, or a schedule that ends too early. Warm-up and the end "
            "of the decay do not count.",
            "多半是指数写错，或调度结束得太早。warmup 阶段和衰减末尾不算。",
        ),
        impact=Text(
            "Too high: the run explodes. Too low: it learns nothing.",
            "过高会爆炸，过低学不动。",
        ),
        causes=("wrong_schedule", "high_learning_rate", "low_learning_rate"),
        diagnosis=(
            Text(
                "Compare the peak with {learning_rate} of the settings.",
                "把峰值与设置的 {learning_rate} 对照。",
            ),
            Text(
                "Does the number of planned steps fit the run ({max_steps}, {num_train_epochs})?",
                "计划步数与训练是否相符（{max_steps}，{num_train_epochs}）？",
            ),
        ),
        remedies=("check_schedule", "lower_learning_rate", "raise_learning_rate"),
        sources=(src.SFT_WATCH,),
    ),
)

SIGNALS = (GRAD_NORM_HIGH, GRAD_SPIKE, GRAD_VANISHING, LR_OUT_OF_RANGE)
