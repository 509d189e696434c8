"""Signals on whether the model learns the task or its samples."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import DPO, REWARD_MODEL, SFT
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal, in_each
from llmtrain_exporter.knowledge.text import Text

OVERFIT_GAP: Annotated[float, "loss", src.RUNS] = 0.05
"""An evaluation loss at least this far above the training loss counts; memorised losses are tiny."""
OVERFIT_RISE: Annotated[float, "times", src.RUNS] = 1.02
"""Last over first of the evaluation losses in a row that rise, while the training loss falls."""
EVALUATIONS: Annotated[int, "evaluations", src.SFT_SERIOUS] = 3
"""In a row, over which an evaluation loss rises or falls behind."""
EVALUATION_FALLS: Annotated[float, "times the best before those in a row", src.RUNS] = 0.995
"""Up to which the lowest evaluation loss still falls: what the model learns serves new data, too."""
EVALUATION_AT_BEST: Annotated[float, "times the lowest", src.RUNS] = 1.001
"""An evaluation loss that is the lowest, but for chance."""
EVALUATED_BESIDE: Annotated[int, "records", src.RUNS] = 5
"""Of training before an evaluation, whose median it is held against."""
MEMORISED_EPOCHS: Annotated[float, "epochs", src.RUNS] = 5.0
MEMORISED_LOSS: Annotated[float, "share of the first losses", src.RUNS] = 0.1
"""Where nobody evaluates: so many epochs, and no more than this left of the loss."""
MEMORISED_RECORDS: Annotated[int, "records", src.RUNS] = 10
"""Whose median is the loss that is left; the highest of the first ones is what it began with."""
ACCURACY_GAP: Annotated[float, "token accuracy", src.SFT_ADJUST] = 0.05
"""Training minus evaluation, from which on a growing difference counts."""

OVERFIT = Signal(
    "overfit",
    Family.FIT,
    (c.EVAL_TRAIN_LOSS, c.LOSS),
    measure=Measure.RATIO,
    clear_after=1,
    limits=in_each(
        (SFT, DPO, REWARD_MODEL),
        {
            Severity.WARNING: Bound(2, src.SFT_ALARMS, floor=OVERFIT_GAP),
            Severity.CRITICAL: Bound(75, src.SFT_SERIOUS, floor=1.48),  # 1.5 beside 0.02
        },
    ),
    limit_phrase=Text("limit {limit} times the training loss", "限值为训练 loss 的 {limit} 倍"),
    levels=(c.EVAL_TRAIN_LOSS,),
    advice=Advice(
        title=Text("Overfitting", "过拟合"),
        summary=Text(
            "Eval loss stays high or rises while training loss falls.",
            "训练 loss 下降，而 eval loss 偏高或上升。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, {baseline_name} {baseline}.",
            "第 {step} {unit} {metric} 为 {value}，{baseline_name} {baseline}。",
        ),
        baselines={
            "eval": Text("training loss", "训练 loss"),
            "train": Text("early level", "初期水平"),
        },
        meaning=Text(
            "The model learns its training samples and not the task. A ratio that grows matters more than "
            "one that is high from the start. Some trainers log the training loss on another scale.",
            "模型记住了训练样本，而不是学会任务。比值持续扩大比一开始就高更要紧。"
            "有的框架记录的训练 loss 口径不同。",
        ),
        impact=Text(
            "Each further step makes the model worse on new data; the best checkpoint lies behind.",
            "每多训一步，模型在新数据上就更差；最佳 checkpoint 已经过去。",
        ),
        causes=("memorising", "different_eval_data", "saturated_preference"),
        diagnosis=(
            Text(
                "Where was the lowest eval loss, and is that checkpoint still there ({save_steps})?",
                "eval loss 最低点在哪一步？那个 checkpoint 还在吗（{save_steps}）？",
            ),
            Text(
                "Does eval accuracy fall too, or only the loss? With accuracy level the model is just "
                "overconfident.",
                "验证准确率也在降，还是只有 loss 在升？准确率持平时只是过度自信。",
            ),
            Text(
                "Does the gap grow from evaluation to evaluation?",
                "差距是否逐次扩大？",
            ),
        ),
        remedies=(
            "use_best_checkpoint",
            "early_stopping",
            "more_dropout",
            "more_weight_decay",
            "simpler_model",
            "more_data",
            "evaluate_regularly",
            "compare_evaluation_data",
            "raise_preference_beta",
        ),
        sources=(src.SFT_STATUS, src.SFT_SERIOUS, src.SFT_ADJUST, src.SFT_ALARMS),
    ),
)

ACCURACY_DROP = Signal(
    "accuracy_drop",
    Family.FIT,
    (c.TOKEN_ACCURACY,),
    limits={SFT: {Severity.WARNING: Bound(0.1, src.SFT_ALARMS, records=5)}},
    limit_phrase=Text("limit {limit} below its best", "比最好值低 {limit} 以上"),
    advice=Advice(
        title=Text("Accuracy drop", "准确率下降"),
        summary=Text(
            "Token accuracy fell below its best, or eval accuracy falls behind training.",
            "token 准确率低于此前最好值，或验证与训练的差距在扩大。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, {baseline_name} {baseline}.",
            "第 {step} {unit} {metric} 为 {value}，{baseline_name} {baseline}。",
        ),
        baselines={
            "eval": Text("training accuracy", "训练准确率"),
            "train": Text("its best", "此前最好"),
        },
        meaning=Text(
            "Falling training accuracy: the run is unstable or the data got harder. Falling eval accuracy, "
            "or a growing gap: an early sign of overfitting.",
            "训练准确率下降：训练不稳或数据变难。验证准确率下降或差距扩大：过拟合的早期信号。",
        ),
        impact=Text(
            "The model that comes out is worse than one that you have already had.",
            "最后得到的模型不如之前已有的。",
        ),
        causes=("memorising", "high_learning_rate", "bad_batch", "poor_labels"),
        diagnosis=(
            Text(
                "Training or evaluation? Look at both lines and at the gap between them.",
                "是训练还是验证？两条线和差距一起看。",
            ),
            Text(
                "Did loss or grad_norm jump at the same step?",
                "同一步 loss 或 grad_norm 是否突升？",
            ),
        ),
        remedies=(
            "early_stopping",
            "more_dropout",
            "more_weight_decay",
            "lower_learning_rate",
            "check_labels",
            "use_best_checkpoint",
        ),
        sources=(src.SFT_ALARMS, src.SFT_ADJUST),
    ),
)

SIGNALS = (OVERFIT, ACCURACY_DROP)
