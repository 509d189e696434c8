"""Remedies that hold the policy and the optimizer back, or let them go."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.evidence import (
    Configured,
    Lies,
    Pattern,
    Shows,
    Signalled,
    Together,
    When,
)
from llmtrain_exporter.knowledge.remedy import (
    ALL_BUT_POLICIES,
    ONLY_DPO,
    POLICIES,
    Change,
    Choice,
    Ladder,
    Measured,
    Quantity,
    Remedy,
    Scale,
)
from llmtrain_exporter.knowledge.text import Text

REMEDIES: Mapping[str, Remedy] = {
    "raise_beta": Remedy(
        Text("Raise beta, the weight of the KL penalty", "提高 KL 惩罚系数 beta"),
        Text(
            "A larger beta pulls the policy back to the reference model harder. Cost: it learns more "
            "slowly, so go up one rung at a time.",
            "beta 越大，policy 被拉回 reference model 的力度越强。代价是学得更慢，所以一次只升一档。",
        ),
        (src.GRPO_REMEDIES, src.GRPO_SPECIFIC),
        (Change("beta", Ladder((0.1, 0.2))),),
        POLICIES,
        when=(Shows(pattern=Pattern.KL_PENALTY),),
        unless=(
            Lies(metric=c.KL, when=When.ALWAYS, high=0.05),
            Lies(metric=c.KL, when=When.START, low=1.0),
        ),
    ),
    "adaptive_kl": Remedy(
        Text("Let beta follow the KL", "让 beta 跟随 KL 自适应"),
        Text(
            "Choose a target KL near this run's healthy level. Every few steps take e = KL / target - 1, "
            "cut it to -0.2 to 0.2, and multiply beta by 1 + e x steps / horizon. Needs a small trainer "
            "callback.",
            "以本次训练健康时的 KL 为 target。每隔几步算 e = KL / target - 1，截到 -0.2～0.2，"
            "再令 beta 乘以 1 + e x 步数 / horizon。需要写一个小的 trainer callback。",
        ),
        (src.GRPO_SPECIFIC, src.ADAPTIVE_KL),
        profiles=POLICIES,
        when=(Shows(pattern=Pattern.KL_PENALTY),),
    ),
    "raise_preference_beta": Remedy(
        Text("Raise beta of the preference loss", "提高偏好损失的 beta"),
        Text(
            "With a larger beta the loss is content with a smaller distance from the reference model, so "
            "margins stop growing without end.",
            "beta 越大，模型只需离 reference model 更近就能满足 loss，margin 不会无止境地涨。",
        ),
        (src.DPO,),
        (Change("beta", Ladder((0.1, 0.5))),),
        ONLY_DPO,
    ),
    "clip_gradients": Remedy(
        Text("Clip gradients harder", "加强梯度裁剪"),
        Text(
            "Limits how far one bad batch can move the weights. Set it explicitly, even where the trainer "
            "has a default. Cost: slower convergence.",
            "限制单个坏 batch 对权重的改动幅度。即使框架有默认值，也要显式写上。代价是收敛变慢。",
        ),
        (src.GRPO_REMEDIES, src.GRPO_SPECIFIC, src.SFT_SERIOUS),
        (Change("max_grad_norm", Ladder((1.0, 0.5), up=False)),),
    ),
    "skip_step": Remedy(
        Text("Skip the optimizer step when the gradient explodes", "梯度爆炸时跳过该次 optimizer step"),
        Text(
            "A clipped exploding gradient still points the wrong way. A trainer callback that drops the "
            "step when the norm is far above its usual level keeps the weights clean.",
            "爆炸的梯度裁剪之后方向仍是错的。写一个 trainer callback，范数远超平时水平就丢掉这一步，"
            "权重不受污染。",
        ),
        (src.GRPO_SPECIFIC,),
    ),
    "lower_learning_rate": Remedy(
        Text("Lower the learning rate", "降低学习率"),
        Text(
            "Small steps keep the weights from jumping away between two looks at the result. If it still "
            "happens, go down once more. Cost: training takes longer.",
            "步长小，权重才不会突然跳走。如果仍然出问题，就再降一次。代价是训练时间更长。",
        ),
        (src.GRPO_REMEDIES, src.GRPO_SPECIFIC, src.SFT_SERIOUS, src.SFT_ADJUST),
        (Change("learning_rate", Measured(Quantity.LOWER_LEARNING_RATE)),),
        unless=(
            Shows(pattern=Pattern.DATA_CHANGED),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, high=1e-6),
            Together(
                parts=(
                    Signalled(signals=("non_finite",), alone=True),
                    Lies(metric=c.LEARNING_RATE, when=When.BEST, high=9e-4),
                )
            ),
        ),
    ),
    "raise_learning_rate": Remedy(
        Text("Raise the learning rate a little", "略微提高学习率"),
        Text(
            "When the loss hardly falls and nothing is unstable. Watch grad_norm for the next few hundred "
            "steps.",
            "loss 几乎不降、训练又很稳时再用。之后几百步盯住 grad_norm。",
        ),
        (src.SFT_ADJUST, src.SFT_SERIOUS),
        (Change("learning_rate", Scale(5 / 3)),),
        ALL_BUT_POLICIES,
        unless=(
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=1e-4),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, high=limits.RATE_USELESS),
        ),
    ),
    "usable_learning_rate": Remedy(
        Text("Set a learning rate that trains", "设一个真正能训练的学习率"),
        Text(
            "This one is powers of ten below what moves a weight. Usual starting points are 1e-4 for LoRA "
            "and 1e-5 for all weights; look for a wrong exponent first.",
            "现在的值太小，差了好几个数量级，权重几乎不动。一般起点：LoRA 用 1e-4，全参用 1e-5；"
            "先查指数是不是写错了。",
        ),
        (src.SFT_ADJUST, src.SFT_SERIOUS),
        profiles=ALL_BUT_POLICIES,
        when=(Shows(pattern=Pattern.RATE_USELESS),),
    ),
    "warm_up_longer": Remedy(
        Text("Warm up longer", "延长 warmup"),
        Text(
            "The optimizer's statistics are poor at first; a longer ramp keeps the first large steps small.",
            "训练初期 optimizer 的统计量还不准，warmup 长一些，前期不会迈大步。",
        ),
        (src.GRPO_REMEDIES, src.GRPO_SPECIFIC, src.SFT_ADJUST),
        (
            Change("warmup_ratio", Ladder((limits.WARMUP,))),
            Change("warmup_steps", Measured(Quantity.WARMUP_STEPS, judged=True), where_no="warmup_ratio"),
        ),
        unless=(Configured(setting="warmup_ratio", low=limits.WARMUP),),
    ),
    "tighten_clip": Remedy(
        Text("Tighten the clipping range epsilon", "收紧裁剪范围 epsilon"),
        Text(
            "Less of a step away from the policy that generated the completions is rewarded, so updates get "
            "smaller. For token-level ratios only: GSPO uses far smaller values.",
            "新旧 policy 的概率比只在更小的范围内有收益，更新更小。只适用于 token 级的概率比，"
            "GSPO 的取值要小得多。",
        ),
        (src.GRPO_REMEDIES,),
        (
            Change("epsilon", Ladder((0.1,), up=False)),
            Change("epsilon_high", Ladder((0.1,), up=False)),
        ),
        POLICIES,
        unless=(Lies(metric=c.CLIP_RATIO, when=When.ALWAYS, high=0.01),),
    ),
    "decay_learning_rate": Remedy(
        Text("Let the learning rate decay", "使用会衰减的学习率调度"),
        Text(
            "Cosine or linear: late steps should be small. Make sure that the decay begins before the "
            "trouble does.",
            "cosine 或 linear 均可，后期步长要小。确认衰减开始得比出问题的时间早。",
        ),
        (src.GRPO_REMEDIES,),
        (
            Change(
                "lr_scheduler_type",
                Choice("cosine", fine=("linear", "cosine_with_min_lr", "cosine_with_restarts", "polynomial")),
            ),
        ),
        unless=(Shows(pattern=Pattern.RATE_DECAYS),),
    ),
    "check_schedule": Remedy(
        Text("Check the learning rate schedule", "检查学习率调度"),
        Text(
            "Compare the logged learning rate with the plan: peak, warm-up, planned steps, what a resume "
            "started again. A decay planned for fewer steps than the run takes ends near zero.",
            "把日志里的学习率与计划对照：峰值、warmup、计划步数、续训是否重新起步。衰减按更少的步数规划时，"
            "后半程学习率会接近零。",
        ),
        (src.SFT_WATCH,),
        (Change("learning_rate", None),),
    ),
    "larger_batch": Remedy(
        Text("Take more samples per step", "每步用更多样本"),
        Text(
            "More samples per step give a smoother gradient. Accumulation needs no more memory, only time; "
            "larger batches need memory.",
            "每步样本越多，梯度估计越平滑。梯度累积不占显存，只多花时间；加大 batch 则要占显存。",
        ),
        (src.GRPO_REMEDIES, src.SFT_ADJUST),
        (
            Change(
                "per_device_train_batch_size",
                Ladder((4.0,), beyond=2.0),
                where_no="gradient_accumulation_steps",
            ),
            Change("gradient_accumulation_steps", Ladder((8.0,), beyond=2.0)),
        ),
    ),
}
