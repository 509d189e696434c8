"""What the metrics of optimisation mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import optimisation
from llmtrain_exporter.knowledge.meaning import Good, Healthy, LimitOf, Meaning, Worry
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import DPO, GRPO, SFT
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.gradient import LOSS_CONVERGED, RATE_TOO_LOW
from llmtrain_exporter.knowledge.signals.policy import ENTROPY_EXPLODED, KL_HEALTHY
from llmtrain_exporter.knowledge.text import Text

OPTIMISATION: Mapping[Metric, Meaning] = {
    c.LOSS: Meaning(
        Text(
            "What training minimises: cross-entropy in SFT, the policy-gradient objective in GRPO, the "
            "preference loss in DPO. Never compare it between kinds of training.",
            "训练所最小化的目标：SFT 为交叉熵，GRPO 为策略梯度目标，DPO 为偏好 loss。"
            "不同训练类型之间不可比。",
        ),
        Good.DOWN,
        (src.GRPO_METRICS, src.SFT_METRICS, src.SFT_STATUS, src.DPO),
        {
            SFT: Healthy(
                LOSS_CONVERGED,
                1.0,
                Worry.ABOVE,
                note=Text(
                    "Far below the range on training data: look at eval loss. Eval loss is usually a little "
                    "above training loss.",
                    "训练 loss 远低于此范围时要看 eval loss；eval loss 通常略高于训练 loss。",
                ),
            ),
            GRPO: Healthy(
                note=Text(
                    "Around 0, about 1e-3 and also negative, is normal: it says little. Jumps to a few "
                    "tenths come with a collapse.",
                    "在 0 附近（约 1e-3，也可为负）属正常，信息量不大；跳到零点几通常伴随崩溃。",
                ),
            ),
            DPO: Healthy(
                high=0.693,
                worry=Worry.ABOVE,
                note=Text(
                    "Starts at ln 2 = 0.693, where chosen and rejected look alike.",
                    "从 ln 2 = 0.693 起步，即 chosen 与 rejected 毫无区别时的值。",
                ),
            ),
        },
        (c.GRAD_NORM, c.EVAL_TRAIN_LOSS, c.KL, c.TOKEN_ACCURACY),
    ),
    c.GRAD_NORM: Meaning(
        Text(
            "L2 norm of all gradients before clipping: how hard the step wants to pull.",
            "裁剪前全部梯度的 L2 范数，即这一步想拉多远。",
        ),
        Good.NEITHER,
        (src.GRPO_METRICS, src.SFT_METRICS, src.SFT_STATUS, src.SFT_ALARMS),
        {
            SFT: Healthy(
                0.1,
                LimitOf("grad_norm_high", Severity.WARNING),
                note=Text(
                    "Near the upper end keep an eye on it: the learning rate may be too high. First records "
                    "may lie above.",
                    "接近上限时要留意：学习率可能偏高。最初几条记录偏高是正常的。",
                ),
            ),
            GRPO: Healthy(
                note=Text(
                    "Depends on model and reward scale; some runs are healthy at 20,000 to 50,000. Judge it "
                    "by the run's own level.",
                    "取决于模型与奖励尺度，有的训练 2 万到 5 万是常态。以本次训练自身水平为准。",
                ),
            ),
            DPO: Healthy(high=LimitOf("grad_norm_high", Severity.WARNING), worry=Worry.ABOVE),
        },
        (c.GRAD_NORM_CLIP, c.LOSS, c.LEARNING_RATE, c.KL),
    ),
    c.LEARNING_RATE: Meaning(
        Text(
            "Step size of the optimizer. Should rise in warm-up and then decay as planned.",
            "optimizer 的步长。应在 warmup 中上升，之后按计划衰减。",
        ),
        Good.NEITHER,
        (src.GRPO_METRICS, src.SFT_METRICS, src.SFT_WATCH),
        {
            SFT: Healthy(
                RATE_TOO_LOW,
                LimitOf("lr_out_of_range", Severity.INFO),
                Worry.ABOVE,  # low is normal in warm-up and at the end of decay
                note=Text(
                    "About 3e-6 is ordinary for full fine-tuning; LoRA takes ten to a hundred times more.",
                    "全参微调 3e-6 左右很常见，LoRA 通常是其十到百倍。",
                ),
            ),
            GRPO: Healthy(
                high=1e-5,
                worry=Worry.ABOVE,
                note=Text(
                    "1e-6 to 5e-6 is a safe peak. At 5e-5 that hardly decayed in the first half a run broke "
                    "down again and again.",
                    "峰值取 1e-6 到 5e-6 较稳。曾有训练用 5e-5 且前半程几乎不衰减，结果反复崩溃。",
                ),
            ),
        },
        (c.LEARNING_RATE_PEAK, c.GRAD_NORM, c.LOSS),
    ),
    c.KL: Meaning(
        Text(
            "How far the policy has moved from its reference model; in GRPO a mean per token.",
            "policy 偏离 reference model 的程度；GRPO 中为每 token 均值。",
        ),
        Good.DOWN,
        (src.GRPO_METRICS, src.GRPO_EVENTS, src.RUNS),
        {
            GRPO: Healthy(
                KL_HEALTHY,
                LimitOf("kl_high", Severity.WARNING),
                Worry.ABOVE,
                note=Text(
                    "Stable runs stay below 0.1, so the earliest alarm is a jump over the run's own level. "
                    "Lower values are fine. ms-swift caps it per token; no KL is logged with beta 0.",
                    "稳定的训练低于 0.1，所以最早的警报是超出自身水平的跳变。更低没有问题。"
                    "ms-swift 按 token 封顶；beta 为 0 时不记录。",
                ),
            ),
        },
        (c.REWARD, c.COMPLETION_LENGTH, c.COMPLETION_CLIPPED, c.GRAD_NORM),
    ),
    c.CLIP_RATIO: Meaning(
        Text(
            "Share of tokens whose probability ratio left the clipping range of PPO or GRPO, so that they "
            "give no gradient.",
            "概率比超出 PPO/GRPO 裁剪范围、因而没有梯度的 token 比例。",
        ),
        Good.NEITHER,
        (src.GRPO_OTHER, src.TRAINERS),
        {
            GRPO: Healthy(
                0.1,
                LimitOf("clip_ratio_high", Severity.WARNING),
                Worry.ABOVE,
                note=Text(
                    "0 is normal when each batch is used once (on-policy). What counts as much depends on "
                    "the loss type: GSPO clips far more.",
                    "每批数据只用一次（on-policy）时为 0 属正常。多少算高与 loss 类型有关，"
                    "GSPO 裁剪得多得多。",
                ),
            ),
        },
        (c.KL, c.ENTROPY),
        {
            "low*": Meaning(
                Text("Tokens that hit the lower bound.", "触到下界的 token。"), Good.NEITHER, (src.TRAINERS,)
            ),
            "high*": Meaning(
                Text("Tokens that hit the upper bound.", "触到上界的 token。"), Good.NEITHER, (src.TRAINERS,)
            ),
            "region*": Meaning(
                Text("Tokens that hit either bound.", "触到任一边界的 token。"), Good.NEITHER, (src.TRAINERS,)
            ),
        },
    ),
    c.ENTROPY: Meaning(
        Text(
            "How unsure the model is of the next token, in nats.",
            "模型对下一个 token 的不确定程度，单位 nat。",
        ),
        Good.NEITHER,
        (src.SFT_METRICS, src.SFT_STATUS, src.ENTROPY),
        {
            SFT: Healthy(
                LimitOf("entropy_collapse", Severity.INFO),
                ENTROPY_EXPLODED,
                note=Text(
                    "Training and evaluation should be close to each other.",
                    "训练与验证应接近。",
                ),
            ),
            GRPO: Healthy(
                note=Text(
                    "Most of it goes in the first steps, in health too. Judge floor and slope.",
                    "健康的训练也会在最初几步降掉大半。要看底线和斜率。",
                ),
            ),
        },
        (c.EVAL_TRAIN_ENTROPY, c.REWARD_STD, c.REWARD_ZERO_STD),
    ),
    c.TOKEN_ACCURACY: Meaning(
        Text(
            "Share of tokens that the model predicts right, with the right text before them.",
            "在给定正确前文时，预测正确的 token 比例。",
        ),
        Good.UP,
        (src.SFT_METRICS, src.SFT_STATUS),
        {
            SFT: Healthy(
                0.7,
                0.98,
                Worry.BELOW,
                very_good=0.95,
                note=Text(
                    "Evaluation lies a little below training. Above the range on training data: memorising?",
                    "验证略低于训练。训练准确率高出此范围时要怀疑死记硬背。",
                ),
            ),
        },
        (c.EVAL_TRAIN_ACCURACY, c.LOSS),
    ),
    optimisation.SEQUENCE_ACCURACY: Meaning(
        Text(
            "Share of answers that are right to the last token: one wrong token and the whole counts as "
            "wrong.",
            "整条回答逐 token 全对的比例，错一个 token 即整条算错。",
        ),
        Good.UP,
        (src.TRAINERS,),
        related=(c.TOKEN_ACCURACY,),
    ),
}
