"""Signals on the loss: spikes, rebounds, plateaus, and one that is lost for good."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import value
from llmtrain_exporter.knowledge.own_level import SPIKE_SIGMAS
from llmtrain_exporter.knowledge.profile import GRPO, OTHER_THAN_POLICIES, PPO, SFT
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal, in_each
from llmtrain_exporter.knowledge.text import Text

SMOOTHED_STEPS: Annotated[int, "steps", src.SFT_WATCH] = 50
"""Over which a loss is smoothed to see it rebound; the FAQ's example logs a mean of 100."""
SMOOTHED_RECORDS: Annotated[int, "records", src.RUNS] = 10
"""At the most, however few steps are between them."""
RELAXED: Annotated[float, "times, at each record", src.RUNS] = 1.01
"""By how much the lowest smoothed loss is forgotten: a lasting change is followed."""
CLIMB_BLOCKS: Annotated[int, "blocks of records", src.RUNS] = 5
"""In which a loss that climbs rises from each to the next, ..."""
CLIMB_STEP: Annotated[float, "share of its rise in all of them", src.RUNS] = 0.1
"""... by this much: what rises at once and stays there is new data."""
CLIMBED: Annotated[float, "times the best mean of a block", src.RUNS] = 1.5
"""At which it has climbed, ..."""
CLIMBED_BY: Annotated[float, "loss", src.RUNS] = 0.3
"""... if it is this much."""
PLATEAU_EPOCHS: Annotated[int, "epochs", src.SFT_ADJUST] = 4
"""Over which the loss should fall."""
PLATEAU_RISE: Annotated[float, "times", src.RUNS] = 2.0
"""The level, above which a logged loss is at home there no longer."""
GUESSING_LOSS: Annotated[float, "loss", src.RUNS] = 6.9
"""Of a model that guesses among a thousand tokens, its logarithm; real vocabularies give 10 to 12."""
PINNED_RANGE: Annotated[float, "loss", src.RUNS] = 0.1
"""From the first record's, within which a loss of a model that guesses has learned nothing"""
PINNED_RECORDS: Annotated[int, "records", src.RUNS] = 30
"""in so many records from the first on,"""
PINNED_PROGRESS: Annotated[float, "share of the planned steps", src.RUNS] = 0.3
"""and in this share of the run: its warm-up is over."""

LOSS_SPIKE = Signal(
    "loss_spike",
    Family.GRADIENT,
    (c.LOSS, value.VALUE_LOSS),
    measure=Measure.SIGMA,
    clear_after=10,
    limits={
        GRPO: {Severity.WARNING: Bound(SPIKE_SIGMAS, src.OLMO, floor=0.1)},
        PPO: {  # of the value function
            Severity.WARNING: Bound(SPIKE_SIGMAS, src.OLMO, records=2, within=3, floor=0.2),
            Severity.CRITICAL: Bound(SPIKE_SIGMAS, src.OLMO, records=10, floor=1.0),
        },
        **in_each(
            OTHER_THAN_POLICIES,
            {
                Severity.WARNING: Bound(SPIKE_SIGMAS, src.OLMO, floor=0.2),
                Severity.CRITICAL: Bound(SPIKE_SIGMAS, src.OLMO, records=10, floor=1.0),
            },
        ),
    },
    advice=Advice(
        title=Text("Loss spike", "loss 尖峰"),
        summary=Text(
            "The loss jumped far above this run's own level.",
            "loss 远超本次训练自身水平。",
        ),
        finding=Text(
            "{metric} jumped to {value} at {unit} {step}, usual level {baseline}.",
            "第 {step} {unit} {metric} 突升到 {value}，平时约 {baseline}。",
        ),
        meaning=Text(
            "In supervised training mostly a bad batch or a step too large. In GRPO the loss is near 0 in "
            "health and may be negative; a jump there is usually the KL term.",
            "监督微调中多为坏 batch 或步长太大。GRPO 的 loss 正常时接近 0、可以为负，突升通常来自 KL 项。",
        ),
        impact=Text(
            "Usually it passes within some records. If the loss stays higher than before, weights were "
            "damaged.",
            "多数几条记录内就过去；若之后 loss 一直高于之前，说明权重受损。",
        ),
        causes=("bad_batch", "high_learning_rate", "gradient_explosion", "policy_drift"),
        diagnosis=(
            Text(
                "Back at the old level after some records?",
                "几条记录之后回到原来的水平了吗？",
            ),
            Text(
                "Same place in each epoch? Then it is the data.",
                "每个 epoch 都在同一位置出现？那就是数据问题。",
            ),
            Text(
                "Did the run resume just before, without its optimizer state?",
                "是否刚续训，且没有恢复 optimizer 状态？",
            ),
        ),
        remedies=(
            "check_data",
            "lower_learning_rate",
            "clip_gradients",
            "skip_batches",
        ),
        sources=(src.OLMO, src.PALM, src.GRPO_EVENTS),
    ),
)

LOSS_DIVERGED = Signal(
    "loss_diverged",
    Family.GRADIENT,
    (c.LOSS,),
    clear_after=10,
    limits={SFT: {Severity.CRITICAL: Bound(GUESSING_LOSS, src.RUNS, records=3, floor=3.0)}},
    levels=(c.LOSS,),
    advice=Advice(
        title=Text("Loss diverged", "loss 发散"),
        summary=Text(
            "The loss has risen to that of a model that guesses.",
            "loss 已升到随机猜测的水平。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, no better than guessing; it had been {baseline}.",
            "第 {step} {unit} {metric} 为 {value}，不比随机猜测好；此前曾为 {baseline}。",
        ),
        meaning=Text(
            "The logarithm of the vocabulary's size is the loss of a model that knows nothing. One "
            " that could do better has been destroyed, mostly by a learning rate far out of range.",
            "词表大小的对数就是一无所知的模型的 loss。原本更好的模型变成这样，说明权重已毁，"
            "多半是学习率高得离谱。",
        ),
        impact=Text(
            "It does not come back by itself. Every later checkpoint is worthless.",
            "不会自行恢复，之后的每个 checkpoint 都作废。",
        ),
        causes=("high_learning_rate", "gradient_explosion", "number_format", "bad_batch"),
        diagnosis=(
            Text(
                "Did it rise within a few records? Look at the learning rate and the gradient there.",
                "是在几条记录之内升上去的吗？看当时的学习率和梯度。",
            ),
            Text(
                "Is it frozen at one value? Then nothing that is generated depends on the input any more.",
                "是否停在同一个值不动？是则模型输出已与输入无关。",
            ),
        ),
        remedies=("roll_back", "lower_learning_rate", "clip_gradients", "warm_up_longer", "check_data"),
        sources=(src.SFT_SERIOUS, src.RUNS),
    ),
)

LOSS_UNSTABLE = Signal(
    "loss_unstable",
    Family.FIT,
    (c.LOSS,),
    measure=Measure.RATIO,
    limits={SFT: {Severity.WARNING: Bound(2, src.SFT_WATCH, floor=0.2)}},
    advice=Advice(
        title=Text("Unstable loss", "loss 震荡"),
        summary=Text(
            "The smoothed loss rebounds from where it has been, or climbs away from it.",
            "平滑后的 loss 从低点反弹，或持续爬升。",
        ),
        finding=Text(
            "{metric} rebounded to {value} at {unit} {step}, after {baseline}.",
            "第 {step} {unit} {metric} 从 {baseline} 反弹到 {value}。",
        ),
        meaning=Text(
            "Steps overshoot, or batches differ too much from each other, as harder data do. "
            "Accuracy and gradient norm jump as well. What climbs record after record forgets what it "
            "had learned.",
            "步长越过了最优点，或 batch 之间差异太大（例如进入更难的数据）。准确率和 grad_norm 通常也在跳。"
            "一条接一条持续爬升，则是在忘掉已学到的内容。",
        ),
        impact=Text(
            "Training takes longer and which checkpoint is good becomes luck; it can turn into an explosion.",
            "训练变慢，checkpoint 好坏全凭运气，还可能发展成梯度爆炸。",
        ),
        causes=("high_learning_rate", "data_changed", "small_batch", "bad_batch"),
        diagnosis=(
            Text(
                "Does it calm down as the learning rate decays? Then the peak is too high.",
                "随学习率衰减变平稳吗？是则峰值过高。",
            ),
            Text(
                "Is the data shuffled? Blocks of different sources make waves.",
                "数据打乱了吗？不同来源成块排列会造成波动。",
            ),
        ),
        remedies=(
            "lower_learning_rate",
            "warm_up_longer",
            "larger_batch",
            "check_data",
            "decay_learning_rate",
        ),
        sources=(src.SFT_WATCH, src.SFT_ADJUST),
    ),
)

LOSS_PLATEAU = Signal(
    "loss_plateau",
    Family.FIT,
    (c.LOSS,),
    measure=Measure.RATIO,
    clear_after=1,
    limits={SFT: {Severity.INFO: Bound(0.9, src.SFT_ADJUST, floor=1.0)}},
    no_alert={Severity.INFO: "a loss that hardly falls harms nothing; dashboards and the page show it"},
    advice=Advice(
        title=Text("Loss hardly falls", "loss 下降缓慢"),
        summary=Text(
            "The training loss has hardly fallen over several epochs.",
            "训练了几个 epoch，loss 几乎没有下降。",
        ),
        finding=Text(
            "{metric} is still {value} at {unit} {step}; some epochs before it was {baseline}.",
            "第 {step} {unit} {metric} 仍为 {value}，几个 epoch 之前为 {baseline}。",
        ),
        meaning=Text(
            "Steps are too small, the adapter has too little capacity, or the data cannot be predicted any "
            "better.",
            "步长太小、adapter 容量不足，或数据本身已无法预测得更好。",
        ),
        impact=Text(
            "No harm, but time is spent for little.",
            "没有危害，但投入产出比低。",
        ),
        causes=("low_learning_rate", "too_little_room", "poor_labels", "bad_start"),
        diagnosis=(
            Text(
                "Is token accuracy still rising? Then it only needs time.",
                "token 准确率还在升吗？在升就只是需要时间。",
            ),
            Text(
                "Read samples with high loss: noise and contradictions, or hard but right?",
                "看 loss 高的样本：是噪声和矛盾，还是难但正确？",
            ),
        ),
        remedies=(
            "raise_learning_rate",
            "check_labels",
            "raise_lora_rank",
            "train_longer",
            "larger_batch",
            "check_data",
        ),
        sources=(src.SFT_ADJUST,),
    ),
)

SIGNALS = (LOSS_SPIKE, LOSS_DIVERGED, LOSS_UNSTABLE, LOSS_PLATEAU)
