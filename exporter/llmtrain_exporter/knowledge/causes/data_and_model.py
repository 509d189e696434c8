"""Causes in data, and the model that is to learn them."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.evidence import Configured, Lies, Pattern, Shows, Signalled, Unlogged, When
from llmtrain_exporter.knowledge.remedy import ALL_BUT_POLICIES, ONLY_DPO
from llmtrain_exporter.knowledge.text import Text

CAUSES: Mapping[str, Cause] = {
    "bad_batch": Cause(
        Text("Bad data in a batch", "batch 里有坏数据"),
        Text(
            "Broken characters, empty labels, samples of extreme length, or a source unlike the "
            "rest. Typical: one record jumps and the next is normal.",
            "乱码、空标签、超长样本，或与其余数据差异很大的来源。典型表现：跳一条记录，下一条就正常。",
        ),
        evidence=(
            Signalled(
                signals=("loss_spike", "grad_spike", "grad_norm_high", "kl_spike"),
                alone=True,
                weight=2,
                needed=True,
            ),
        ),
        remedies=(
            "check_data",
            "skip_batches",
            "clip_gradients",
            "larger_batch",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.SFT_ADJUST,
            src.PALM,
        ),
    ),
    "data_changed": Cause(
        Text("The data changed", "数据变了"),
        Text(
            "It went to another level at once, is calm there, and nothing else broke: harder or other "
            "samples, or another way to score them, look like this. A broken model goes on getting worse.",
            "数值一下子跳到另一个水平并稳定下来，其他指标都没坏：换成更难或不同的数据、或者打分方式变了，"
            "就是这个样子；模型坏了则会继续变差。",
        ),
        evidence=(
            Shows(pattern=Pattern.DATA_CHANGED, weight=2.5, needed=True),
            Lies(metric=c.REWARD_ZERO_STD, when=When.END, low=0.8, weight=-5),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=1e-3, weight=-3),
            Shows(pattern=Pattern.FUNCTIONS_PART, weight=-3),
        ),
        remedies=("compare_samples", "read_completions", "fix_reward"),
        sources=(src.RUNS,),
    ),
    "small_batch": Cause(
        Text("Batches are too small", "batch 太小"),
        Text(
            "With few samples per step ({per_device_train_batch_size}, "
            "{gradient_accumulation_steps}) the gradient is mostly noise.",
            "每步样本太少（{per_device_train_batch_size}，"
            "{gradient_accumulation_steps}）时，梯度里大半是噪声。",
        ),
        evidence=(
            Signalled(signals=("loss_unstable", "grad_spike", "clip_ratio_high"), weight=0.5, needed=True),
            Configured(setting="per_device_train_batch_size", high=2, weight=0.5),
            Configured(setting="gradient_accumulation_steps", high=2, weight=0.5),
        ),
        remedies=("larger_batch",),
        sources=(src.GRPO_REMEDIES,),
    ),
    "too_little_room": Cause(
        Text("Too little is trained", "可训练的容量太小"),
        Text(
            "The loss stands still though the gradient does not vanish: a small adapter ({lora_rank}) can "
            "hold no more, or the run is too short.",
            "梯度没有消失，loss 却停住了：adapter 太小（{lora_rank}）装不下更多，或者训练太短。",
        ),
        evidence=(
            Signalled(signals=("loss_plateau",), informs=True, weight=0.75, needed=True),
            Configured(setting="lora_rank", high=8, weight=1),
        ),
        remedies=("raise_lora_rank", "train_longer", "raise_learning_rate"),
        sources=(src.SFT_ADJUST,),
        profiles=ALL_BUT_POLICIES,
    ),
    "poor_labels": Cause(
        Text("Labels are wrong or contradict each other", "标签有误或互相矛盾"),
        Text(
            "What cannot be predicted cannot be learned: the loss stays on a floor, accuracy hardly rises.",
            "无法预测的内容学不会：loss 停在平台上，准确率几乎不涨。",
        ),
        evidence=(
            Signalled(signals=("loss_plateau", "accuracy_drop"), weight=1, needed=True),
            Lies(metric=c.LOSS, when=When.END, low=0.5, weight=0.25, needed=True),
            Signalled(signals=("non_finite",), weight=-5),
            Shows(pattern=Pattern.LOSS_LOST, weight=-5),
            Shows(pattern=Pattern.NOTHING_TRAINED, weight=-5),
            Lies(metric=c.TOKEN_ACCURACY, when=When.END, low=0.8, weight=-5),
            Lies(metric=c.TOKEN_ACCURACY, when=When.END, high=0.6, weight=0.5),
        ),
        remedies=(
            "check_labels",
            "check_data",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.SFT_ADJUST,
        ),
        profiles=ALL_BUT_POLICIES,
    ),
    "bad_start": Cause(
        Text("The model starts from the wrong weights", "模型初始化有误"),
        Text(
            "A wrong base model, an adapter that was not loaded, or frozen modules: no gradient "
            "reaches what should learn.",
            "基座选错、adapter 没加载，或模块被冻结：该学的部分收不到梯度。",
        ),
        evidence=(
            Signalled(signals=("loss_plateau", "grad_vanishing"), weight=0.5, needed=True),
            Lies(metric=c.GRAD_NORM, when=When.ALWAYS, high=0.01, weight=2),
            Lies(metric=c.LOSS, when=When.START, low=8.0, weight=1),
        ),
        remedies=(
            "check_initialisation",
            "check_labels",
        ),
        sources=(src.SFT_SERIOUS,),
        profiles=ALL_BUT_POLICIES,
    ),
    "memorising": Cause(
        Text("The model memorises its training data", "模型在死记训练数据"),
        Text(
            "Too many epochs ({num_train_epochs}) or too many trainable parameters ({lora_rank}) "
            "for the amount of data.",
            "相对于数据量，训练轮数（{num_train_epochs}）或可训练参数（{lora_rank}）过多。",
        ),
        evidence=(
            Shows(pattern=Pattern.EVALUATION_ROSE, weight=1.5),
            Shows(pattern=Pattern.GAP_GROWS, weight=1.5),
            Signalled(signals=("overfit",), weight=1.5),
            Signalled(signals=("preference_overfit",), weight=3),
            Signalled(signals=("non_finite",), weight=-5),
            Lies(metric=c.LOSS, when=When.END, low=1e-9, high=0.1, weight=1.5),
            Lies(metric=c.TOKEN_ACCURACY, when=When.END, low=0.97, weight=1),
            Unlogged(metric=c.LOSS, split="eval", weight=0.25),
            Configured(setting="num_train_epochs", low=5, weight=0.5),
            Shows(pattern=Pattern.BEST_EVALUATION_LAST, weight=-3),
            Shows(pattern=Pattern.CHOSEN_FALLS, weight=-2),
        ),
        remedies=(
            "use_best_checkpoint",
            "early_stopping",
            "evaluate_regularly",
            "more_dropout",
            "more_weight_decay",
            "simpler_model",
            "more_data",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.SFT_ADJUST,
        ),
        profiles=ALL_BUT_POLICIES,
    ),
    "different_eval_data": Cause(
        Text("Evaluation data differ from training data", "验证集与训练集分布不同"),
        Text(
            "Another source, template or length makes eval loss high from the first evaluation "
            "on, not growing.",
            "来源、模板或长度不同，eval loss 从第一次验证起就高，但不会越来越高。",
        ),
        evidence=(
            Shows(pattern=Pattern.EVALUATION_APART, weight=1, needed=True),
            Signalled(signals=("overfit",), weight=0.5, needed=True),
            Shows(pattern=Pattern.BEST_EVALUATION_LAST, weight=1.5),
            Shows(pattern=Pattern.EVALUATION_ROSE, weight=-1),
            Lies(metric=c.LOSS, when=When.END, low=1e-9, high=0.1, weight=-2),
        ),
        remedies=(
            "compare_evaluation_data",
            "more_data",
        ),
        sources=(src.RUNS,),
        profiles=ALL_BUT_POLICIES,
    ),
    "saturated_preference": Cause(
        Text("The preference is learned to the end", "偏好已经学到饱和"),
        Text(
            "Margins are huge and the loss is 0: what is still pushed apart no longer makes "
            "answers better ({beta}).",
            "margin 极大、loss 为 0：再继续拉开差距，回答也不会更好（{beta}）。",
        ),
        evidence=(
            Shows(pattern=Pattern.PREFERENCE_SATURATED, weight=3, needed=True),
            Signalled(signals=("grad_vanishing",), weight=1),
            Signalled(signals=("margin_explosion", "likelihood_displacement"), weight=0.5),
            Signalled(signals=("non_finite",), weight=-5),
        ),
        remedies=(
            "use_best_checkpoint",
            "early_stopping",
            "evaluate_regularly",
            "raise_preference_beta",
            "lower_learning_rate",
        ),
        sources=(
            src.RUNS,
            src.DPO,
        ),
        profiles=ONLY_DPO,
    ),
    "swapped_pairs": Cause(
        Text("Chosen and rejected answers are swapped", "chosen 与 rejected 弄反了"),
        Text(
            "The policy comes to prefer what the pairs call rejected. Two columns or the label are the "
            "wrong way round in the data or on the way to the trainer, or the margin's sign is.",
            "policy 越来越偏好标为 rejected 的回答：数据里或送进 trainer 的途中两列（或标签）弄反了，"
            "或者 margin 的符号反了。",
        ),
        evidence=(
            Shows(pattern=Pattern.PREFERENCE_REVERSED, weight=5, needed=True),
            Signalled(signals=("non_finite",), weight=-5),
        ),
        remedies=("check_pairs", "check_data"),
        sources=(src.RUNS, src.DPO),
        profiles=ONLY_DPO,
    ),
    "chosen_unlearned": Cause(
        Text("Chosen answers become unlikely too", "chosen 回答的概率也在下降"),
        Text(
            "The margin grows only because the rejected answers fall faster: the policy moves away from "
            "both, and towards what stands in neither ({beta}).",
            "margin 变大只是因为 rejected 降得更快："
            "policy 离两者都越来越远，转向了数据里没有的回答（{beta}）。",
        ),
        evidence=(
            Shows(pattern=Pattern.CHOSEN_FALLS, weight=3, needed=True),
            Signalled(signals=("margin_explosion", "likelihood_displacement"), weight=1.5),
            Signalled(signals=("non_finite",), weight=-5),
        ),
        remedies=("raise_preference_beta", "lower_learning_rate", "check_pairs"),
        sources=(src.RUNS, src.DPO),
        profiles=ONLY_DPO,
    ),
    "empty_labels": Cause(
        Text("Batches in which no token counts", "有的 batch 没有一个计入 loss 的 token"),
        Text(
            "The loss was exactly 0 in single records and then as before, which weights that are NaN do not "
            "allow. All labels of these batches are masked: the prompt fills the whole length, or the "
            "template does not find the answer.",
            "loss 只在个别记录里恰为 0，随后恢复如常；权重若已是 NaN，不会这样。"
            "这些 batch 的 labels 全被 mask：prompt 占满了整个长度，或者模板没有找到回答。",
        ),
        evidence=(
            Signalled(signals=("non_finite",), weight=1.5, needed=True),
            Shows(pattern=Pattern.EMPTY_BATCHES, weight=2, needed=True),
        ),
        remedies=("check_labels", "check_data"),
        sources=(src.SFT_SERIOUS, src.RUNS),
        profiles=ALL_BUT_POLICIES,
    ),
}
