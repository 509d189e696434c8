"""Signals on how far a policy has gone from where it began: kl, clipping, entropy."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import objective
from llmtrain_exporter.knowledge.profile import GRPO, POLICIES, PPO, SFT
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal, in_each
from llmtrain_exporter.knowledge.text import Text

KL_HEALTHY: Annotated[float, "nats per token", src.GRPO_METRICS] = 0.01
"""No run's kl baseline is taken to be lower: the guide calls 0.01 to 5 healthy, and most runs begin at 0."""
KL_MOST: Annotated[float, "nats per token", src.RUNS] = 0.2
"""Nor is it taken to be higher: 5e-4 to 0.1 per token is healthy, and on a plateau of 2 runs are dead."""
KL_DOUBLING: Annotated[float, "records", src.RUNS] = 20.0
"""In which a kl baseline may double. A slow drift is followed, a ramp is not."""
KL_DOUBLINGS: Annotated[float, "doublings", src.RUNS] = 60.0
"""More than any kl can rise."""
KL_LASTS: Annotated[int, "records", src.RUNS] = 6
"""After which a kl counts that is less than twice as high as the run's own high values: a run whose usual kl
is 1 often has records of 2, and one whose kl stays at 2 is dead."""
KL_CLAMPED: Annotated[float, "nats per token", src.RUNS] = 9.0
"""The mean of a destroyed run that is clamped sits at 9.4 to 9.6."""
KL_CLAMPED_RECORDS: Annotated[int, "records", src.RUNS] = 3
"""In a row at the clamp: the run is destroyed."""
GSPO_EPSILON: Annotated[float, "clipping range", src.GSPO] = 0.01
"""Clipping ranges below this are those of sequence-level ratios, whose clip ratios have another normal."""
ENTROPY_DEAD: Annotated[float, "nats", src.TRAINERS] = 0.2
"""TRL calls an entropy of about 0.2 nat a nearly complete collapse; above it none is told."""
ENTROPY_EXPLODED: Annotated[float, "nats", src.SFT_METRICS] = 3.0
"""Upper end of the FAQ's normal range of entropy."""

RESPONSE_KL_LEAST: Annotated[float, "nats per response", src.ADAPTIVE_KL] = 1.0
"""No run's baseline of a KL that is summed over a response is taken to be lower: controllers aim at 6."""
RESPONSE_KL_MOST: Annotated[float, "nats per response", src.ADAPTIVE_KL] = 20.0
"""Nor is it taken to be higher."""
RATIO_DRASTIC: Annotated[tuple[float, float], "probability ratio", src.TRAINERS] = (0.5, 2.0)
"""Outside of them TRL calls an update too drastic: the mean ratio hovers around 1."""

KL_HIGH = Signal(
    "kl_high",
    Family.KL,
    (c.KL, objective.RESPONSE_KL),
    clear_after=10,
    limits={
        GRPO: {
            Severity.WARNING: Bound(5, src.GRPO_METRICS),
            Severity.CRITICAL: Bound(10, src.GRPO_SPECIFIC),
        },
        PPO: {  # summed over a response: controllers aim at 6, and at 100 a policy has overfitted its reward
            Severity.WARNING: Bound(50, src.OVEROPTIMISATION, records=3),
            Severity.CRITICAL: Bound(100, src.OVEROPTIMISATION, records=3),
        },
    },
    levels=(c.KL, objective.RESPONSE_KL),
    advice=Advice(
        title=Text("KL too high", "KL 过高"),
        summary=Text(
            "KL is so high that the policy no longer resembles its reference model.",
            "KL 过高，policy 已不再像 reference model。",
        ),
        finding=Text(
            "kl is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} kl 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "The policy answers differently from the model it started from. A value that stays high is "
            "worse than a single peak. Some trainers cap it per token, so it may be worse than it looks.",
            "policy 的回答已与起点模型不同。持续偏高比单次尖峰更糟。有的框架按 token 给 KL 封顶，"
            "实际可能比数字更严重。",
        ),
        impact=Text(
            "Length and format go next, then the reward. Language ability outside the reward is lost as "
            "well.",
            "接下来是长度和格式失控，然后 reward 下跌；奖励覆盖不到的语言能力也会丢失。",
        ),
        causes=("policy_drift", "wrong_reference", "high_learning_rate", "gradient_explosion"),
        diagnosis=(
            Text(
                "Does it fall again within a few records, or stay?",
                "几条记录之内回落了，还是一直高？",
            ),
            Text(
                "Look at clipped ratio and reward of the same steps: low KL with everything cut off is a "
                "dead run too.",
                "同时看截断比例和 reward：KL 低但全部被截断，同样是死掉的训练。",
            ),
            Text(
                "Compare {beta} and {learning_rate} with earlier, stable runs.",
                "与之前稳定的训练对比 {beta} 和 {learning_rate}。",
            ),
        ),
        remedies=("raise_beta", "lower_learning_rate", "adaptive_kl", "tighten_clip", "roll_back", "guard"),
        sources=(src.GRPO_METRICS, src.GRPO_SPECIFIC, src.RUNS),
    ),
)

KL_SPIKE = Signal(
    "kl_spike",
    Family.KL,
    (c.KL, objective.RESPONSE_KL),
    measure=Measure.RATIO,
    limits={
        GRPO: {
            Severity.WARNING: Bound(10, src.RUNS, floor=0.1),
            Severity.CRITICAL: Bound(10, src.RUNS, records=2, within=3, floor=1.0),
        },
        PPO: {
            Severity.WARNING: Bound(5, src.ADAPTIVE_KL, records=2, within=3, floor=20.0),
            Severity.CRITICAL: Bound(10, src.ADAPTIVE_KL, records=2, within=3, floor=50.0),
        },
    },
    advice=Advice(
        title=Text("KL spike", "KL 尖峰"),
        summary=Text(
            "KL jumped far above this run's own level: the earliest sign of a collapse.",
            "KL 远超本次训练自身水平：崩溃最早的征兆。",
        ),
        finding=Text(
            "kl jumped to {value} at {unit} {step}, usual level {baseline}.",
            "第 {step} {unit} kl 突升到 {value}，平时约 {baseline}。",
        ),
        meaning=Text(
            "One update has moved the policy further than many before it. A single record often passes by "
            "itself; several in a row, or one with rising length, do not.",
            "一次更新把 policy 推得比之前很多次都远。单条尖峰常会自行消失；连续几条，或伴随长度上升，"
            "就不会。",
        ),
        impact=Text(
            "If it goes on, completions change their length next and the reward follows: there is time to "
            "act.",
            "若持续下去，接着是生成长度改变，再到 reward 下跌。现在处理还来得及。",
        ),
        causes=("policy_drift", "high_learning_rate", "gradient_explosion", "reward_hacking"),
        diagnosis=(
            Text(
                "Look at the next records: back at the usual level, or higher each time?",
                "看随后几条记录：回到平时水平，还是逐条升高？",
            ),
            Text(
                "Did grad_norm jump at the same step, or mean length shortly after?",
                "grad_norm 是否同一步突升？平均长度是否随后上升？",
            ),
            Text(
                "Check each reward function: the total can hide that one of them falls.",
                "逐个看 reward 函数：总 reward 可能掩盖其中一项在跌。",
            ),
        ),
        remedies=("raise_beta", "lower_learning_rate", "clip_gradients", "warm_up_longer", "tighten_clip"),
        sources=(src.GRPO_CAUSES, src.RUNS),
    ),
)

CLIP_RATIO_HIGH = Signal(
    "clip_ratio_high",
    Family.FIT,
    (c.CLIP_RATIO, objective.POLICY_RATIO),
    limits=in_each(POLICIES, {Severity.WARNING: Bound(0.3, src.GRPO_OTHER, records=5)}),
    levels=(c.CLIP_RATIO,),
    advice=Advice(
        title=Text("Clip ratio too high", "clip ratio 过高"),
        summary=Text(
            "Too many token probability ratios hit the clipping bound.",
            "触到裁剪边界的 token 概率比过多。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} {metric} 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "The policy differs from the one that generated the completions by more than {epsilon} for many "
            "tokens: updates are too large, or completions are reused too often ({num_iterations}).",
            "很多 token 上，当前 policy 与生成时的 policy 相差超过 {epsilon}：更新过大，"
            "或同一批回答被重复使用太多次（{num_iterations}）。",
        ),
        impact=Text(
            "Clipped tokens give no gradient: part of the data is wasted, and what is left pulls one way.",
            "被裁剪的 token 没有梯度：一部分数据白费，剩下的偏向一个方向。",
        ),
        causes=("high_learning_rate", "small_batch", "policy_drift"),
        diagnosis=(
            Text(
                "Which bound? Only the upper one: rare tokens gain quickly. Both: steps are too large.",
                "触到哪一侧？只有上界：小概率 token 上升过快；两侧都有：步长太大。",
            ),
            Text(
                "Do engine and trainer agree? Different kernels or precision raise it from the first step "
                "on.",
                "推理引擎与训练端是否一致？kernel 或精度不同时，从第一步起就偏高。",
            ),
        ),
        remedies=("lower_learning_rate", "larger_batch", "raise_beta", "tighten_clip"),
        sources=(src.GRPO_OTHER, src.TRAINERS),
    ),
)

ENTROPY_COLLAPSE = Signal(
    "entropy_collapse",
    Family.FIT,
    (c.ENTROPY,),
    measure=Measure.RATIO,
    below=True,
    limits={
        **in_each(POLICIES, {Severity.WARNING: Bound(0.2, src.ENTROPY, records=5)}),
        SFT: {Severity.INFO: Bound(0.5, src.SFT_METRICS, records=20)},
    },
    no_alert={Severity.INFO: "outside of reinforcement learning entropy alone is only a hint"},
    advice=Advice(
        title=Text("Entropy out of range", "entropy 异常"),
        summary=Text(
            "The entropy of the predictions has left its range; in RL: exploration is ending.",
            "预测分布的 entropy 超出范围；在 RL 中意味着探索即将停止。",
        ),
        finding=Text(
            "entropy is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} entropy 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "In RL the policy has become nearly certain of each token and its samples are alike. In "
            "supervised training low means overconfident, high means unsure; alone it is only a hint.",
            "在 RL 中，policy 对每个 token 几乎都很确定，采样彼此雷同。在监督微调中，低表示过度自信，"
            "高表示没把握；单看它只是提示。",
        ),
        impact=Text(
            "Without differences between samples there is nothing left to learn from, and the reward stops "
            "rising.",
            "样本之间没有差异就学不到东西，reward 停止上升。",
        ),
        causes=("lost_exploration", "reward_hacking", "memorising"),
        diagnosis=(
            Text(
                "Fall at the start, or below a floor later? The early fall is healthy.",
                "是训练初期的下降，还是后来跌破底线？初期下降是正常的。",
            ),
            Text(
                "Look at reward_std and the share of groups without spread at the same steps.",
                "同时看 reward_std 和组内无差异的比例。",
            ),
            Text(
                "In supervised training compare it with the entropy of the evaluation.",
                "监督微调中与验证集的 entropy 对比。",
            ),
        ),
        remedies=("keep_exploring", "more_contrast", "raise_beta", "check_labels"),
        sources=(src.ENTROPY, src.SFT_METRICS, src.RUNS),
    ),
)

SIGNALS = (KL_HIGH, KL_SPIKE, CLIP_RATIO_HIGH, ENTROPY_COLLAPSE)
