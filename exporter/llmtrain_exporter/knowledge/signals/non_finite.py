"""The signal on numbers that are none: NaN, infinity, and the 0 that is shown in the place of a NaN loss."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import objective, value
from llmtrain_exporter.knowledge.profile import PROFILES
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal, in_each
from llmtrain_exporter.knowledge.text import Text

# How much a number says that is none.
PASSING: Annotated[float, "weight", src.TRAINERS] = 0.5
"""That may pass: a mean without a token to count, or one step that an fp16 loss scaler skips."""
LOST: Annotated[float, "weight", src.SFT_SERIOUS] = 1.0
"""That does not pass: the weights are lost."""
LOST_GRADIENTS: Annotated[int, "records", src.RUNS] = 5
"""In a row whose gradient is no number while the loss is one, after which no loss scaler explains it."""
LOST_GRADIENTS_GRPO: Annotated[int, "records", src.RUNS] = 2
"""The same where the loss beside it is 0; in supervised training one is enough."""
HIDDEN_LOSS: Annotated[float, "loss", src.TRAINERS] = 0.1
"""Above which a loss was that is exactly 0 in the next record: no training does that, a NaN filter does."""
HIDDEN_RECORDS: Annotated[int, "records", src.RUNS] = 2
"""In a row, after which it is no accident."""
HIDDEN_WITHIN: Annotated[int, "records", src.RUNS] = 3
"""Within which a loss was so high: the one before the 0 may be a mean over steps of both kinds."""
HIDDEN_LAST: Annotated[float, "loss", src.RUNS] = 0.01
"""Above which the last loss before the 0 was: one that is learned passes smaller ones."""
HIDDEN_LASTING: Annotated[int, "records", src.RUNS] = 5
"""In a row whose loss is 0 from the first on, or after a low one, beside a gradient that stays the same."""
HIDDEN_ACCURACY: Annotated[float, "token accuracy", src.RUNS] = 0.9
"""From which on a loss of 0 may be real."""
FUNCTION_GONE: Annotated[int, "records", src.RUNS] = 20
"""In a row in which a reward function gives no number; in fewer it may only not apply to the samples."""

NON_FINITE = Signal(
    "non_finite",
    Family.GRADIENT,
    (
        c.LOSS,
        c.GRAD_NORM,
        c.KL,
        c.REWARD,
        c.REWARD_FUNCTION_MEAN,
        c.ENTROPY,
        c.PREFERENCE_MARGIN,
        c.PREFERENCE_REWARD,
        c.LOGPS,
        objective.RESPONSE_KL,
        objective.POLICY_LOSS,
        value.VALUE_LOSS,
    ),
    measure=Measure.TRUTH,
    clear_after=10,
    limits=in_each(
        PROFILES,
        {
            Severity.WARNING: Bound(PASSING, src.TRAINERS),
            Severity.CRITICAL: Bound(LOST, src.SFT_SERIOUS),
        },
    ),
    advice=Advice(
        title=Text("NaN or infinity", "出现 NaN 或 Inf"),
        summary=Text(
            "A watched metric is NaN or infinite, or a loss of exactly 0 hides a NaN.",
            "某项指标为 NaN 或 Inf，或 loss 恰为 0，背后是 NaN。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}.",
            "第 {step} {unit} {metric} 为 {value}。",
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
        causes=(
            "gradient_explosion",
            "number_format",
            "steps_skipped",
            "mean_of_nothing",
            "empty_labels",
            "function_undefined",
            "bad_batch",
            "high_learning_rate",
        ),
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
            "lower_learning_rate",
            "clip_gradients",
            "check_data",
            "use_bf16",
            "show_nan",
        ),
        sources=(src.SFT_SERIOUS, src.SFT_ALARMS, src.TRAINERS),
    ),
)

SIGNALS = (NON_FINITE,)
