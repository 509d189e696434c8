"""Advice on loss and learning rate."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.advice.entry import Advice
from llmtrain_exporter.knowledge.text import Text

ADVICE: Mapping[str, Advice] = {
    "loss_spike": Advice(
        title=Text("Loss spike", "loss 尖峰"),
        summary=Text(
            "The loss jumped far above this run's own level.",
            "loss 远超本次训练自身水平。",
        ),
        finding=Text(
            "{metric} jumped to {value} at step {step}, usual level {baseline}.",
            "第 {step} 步 {metric} 突升到 {value}，平时约 {baseline}。",
        ),
        meaning=Text(
            "In supervised training mostly a bad batch or a step too large. In GRPO the loss is near 0 in "
            "health and may be negative; a jump there is usually the KL term.",
            "监督微调中多为坏 batch 或步子太大。GRPO 的 loss 正常时接近 0、可以为负，突升通常来自 KL 项。",
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
            "halve_learning_rate",
            "lower_learning_rate",
            "clip_gradients",
            "skip_batches",
        ),
        sources=(src.OLMO, src.PALM, src.GRPO_EVENTS),
    ),
    "loss_unstable": Advice(
        title=Text("Unstable loss", "loss 震荡"),
        summary=Text(
            "The smoothed loss falls and rebounds again and again.",
            "平滑后的 loss 反复下降又反弹。",
        ),
        finding=Text(
            "{metric} rebounded to {value} at step {step}, after {baseline}.",
            "第 {step} 步 {metric} 从 {baseline} 反弹到 {value}。",
        ),
        meaning=Text(
            "Steps overshoot, or batches differ too much from each other. Accuracy and gradient norm jump "
            "as well.",
            "步子越过了最优点，或 batch 之间差异太大。准确率和 grad_norm 通常也在跳。",
        ),
        impact=Text(
            "Training takes longer and which checkpoint is good becomes luck; it can turn into an explosion.",
            "训练变慢，checkpoint 好坏全凭运气，还可能发展成梯度爆炸。",
        ),
        causes=("high_learning_rate", "small_batch", "bad_batch"),
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
            "halve_learning_rate",
            "warm_up_longer",
            "larger_batch",
            "check_data",
            "decay_learning_rate",
        ),
        sources=(src.SFT_WATCH, src.SFT_ADJUST),
    ),
    "loss_plateau": Advice(
        title=Text("Loss hardly falls", "loss 下降缓慢"),
        summary=Text(
            "The training loss has hardly fallen over several epochs.",
            "训练了几个 epoch，loss 几乎没有下降。",
        ),
        finding=Text(
            "{metric} is still {value} at step {step}; some epochs before it was {baseline}.",
            "第 {step} 步 {metric} 仍为 {value}，几个 epoch 之前为 {baseline}。",
        ),
        meaning=Text(
            "Steps are too small, the adapter has too little capacity, or the data cannot be predicted any "
            "better.",
            "步子太小、adapter 容量不足，或数据本身已无法预测得更好。",
        ),
        impact=Text(
            "No harm, but time is spent for little.",
            "没有危害，但投入产出比低。",
        ),
        causes=("low_learning_rate", "poor_labels", "bad_start"),
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
    "lr_out_of_range": Advice(
        title=Text("Learning rate out of range", "学习率超出范围"),
        summary=Text(
            "The learning rate is far outside the usual range for fine-tuning.",
            "学习率远超微调的常用范围。",
        ),
        finding=Text(
            "learning_rate is {value} at step {step}, limit {limit}.",
            "第 {step} 步 learning_rate 为 {value}，限值 {limit}。",
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
        remedies=("check_schedule", "halve_learning_rate", "lower_learning_rate", "raise_learning_rate"),
        sources=(src.SFT_WATCH,),
    ),
}
