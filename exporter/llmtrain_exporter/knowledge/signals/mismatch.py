"""A signal on the engine that samples and the model that learns: whether they still agree."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import mismatch
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

MISMATCH_KL_MOST: Annotated[float, "nats per token", src.VERL_CORRECTION] = 0.1
"""Up to which an estimate of the divergence, whatever its sign, is healthy."""
EFFECTIVE_LEAST: Annotated[float, "share of the batch", src.VERL_CORRECTION] = 0.3
"""Down to which an effective sample is large enough."""
RATIO_LEAST: Annotated[float, "importance ratio", src.VERL_CORRECTION] = 0.5
RATIO_MOST: Annotated[float, "importance ratio", src.VERL_CORRECTION] = 2.0
"""Between which the mean importance ratio is healthy."""
GROWTH_SPREAD: Annotated[float, "share of the baseline", src.RUNS] = 0.05
"""The spread of what grows is not taken to be smaller."""
GROWTH_BEGINS: Annotated[float, "robust standard deviations", src.CUSUM] = 2.5
"""By which the first record of a growth is above the run's own level, in logarithms."""
GROWTH_DRIFT: Annotated[float, "robust standard deviations", src.CUSUM] = 1.0
"""By which a record must be above it to count."""
GROWTH_MOST: Annotated[float, "robust standard deviations", src.RUNS] = 4.0
"""More of them do not count: single tokens are far off in healthy runs, too."""
GROWTH_LASTS: Annotated[float, "sum of robust standard deviations", src.CUSUM] = 6.0
"""From which on it grows. Of a normal variable such a sum is met once in e to the 12th records."""

ENGINE_MISMATCH = Signal(
    "engine_mismatch",
    Family.FIT,
    (
        mismatch.MISMATCH_KL,
        mismatch.LOGP_DIFFERENCE,
        mismatch.LOG_PERPLEXITY_DIFFERENCE,
        mismatch.IMPORTANCE_RATIO,
        mismatch.EFFECTIVE_SAMPLES,
    ),
    measure=Measure.RATIO,
    limits={GRPO: {Severity.WARNING: Bound(1.0, src.VERL_CORRECTION, records=3)}},
    limit_phrase=Text("{limit} times its healthy limit", "健康限值的 {limit} 倍"),
    advice=Advice(
        title=Text("Sampler and trainer disagree", "推理引擎与训练端不一致"),
        summary=Text(
            "The engine that samples and the model in training differ in their token probabilities.",
            "对同样的 token，采样引擎与训练模型给出的概率不同。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} {metric} 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "Updates are computed for a policy that did not write the completions. Some numerical noise is "
            "normal; growth against the run's own level is not, and comes well before the reward falls.",
            "更新是按一个并非写出这些回答的 policy 计算的。少量数值噪声正常；"
            "相对自身水平持续增长则不正常，而且远早于 reward 下跌。",
        ),
        impact=Text(
            "The bias adds up: gradients grow, then the reward falls within some tens of records.",
            "偏差不断累积：先是梯度变大，几十条记录之内 reward 下跌。",
        ),
        causes=("engines_differ", "policy_drift", "high_learning_rate"),
        diagnosis=(
            Text(
                "From the first record on, or growing? From the start: other weights, precision, template or "
                "sampling settings. Growing: the update of the engine's weights, or a policy on the move.",
                "从第一条就有，还是逐渐增大？一开始就有：权重、精度、模板或采样参数不同。"
                "逐渐增大：引擎的权重没有正确更新，或 policy 变化过快。",
            ),
            Text(
                "Are weights sent to the engine after each update, all of them, adapters as well?",
                "每次更新后权重是否都同步到引擎，包括 adapter？",
            ),
            Text(
                "Is the engine quantised, or its cache? Is the number format the same on both sides? bf16 "
                "rounds more coarsely than fp16, so that more noise is normal with it.",
                "引擎或 KV cache 是否做了量化？两端的数值格式是否相同？"
                "bf16 的舍入比 fp16 粗，噪声本来就大一些。",
            ),
        ),
        remedies=("match_engines", "lower_learning_rate", "roll_back"),
        sources=(src.VERL_CORRECTION, src.FP16_POLICIES, src.RUNS),
    ),
)

SIGNALS = (ENGINE_MISMATCH,)
