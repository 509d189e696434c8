"""Why signals come up, each cause once. Signals name their causes by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.remedy import ALL_BUT_GRPO, ALL_PROFILES, ONLY_DPO, ONLY_GRPO
from llmtrain_exporter.knowledge.signal import FoundBy, Signal
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Text


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause. `evidence`: signals that speak for it; `effects`: signals that it brings about later.

    A signal that names the cause, and that stands in neither, speaks for it after those that do.
    `profiles`: the kinds of training in which it occurs.
    """

    name: Text
    how: Text
    evidence: tuple[str, ...]
    sources: tuple[Text, ...]
    effects: tuple[str, ...] = ()
    profiles: frozenset[str] = ALL_PROFILES


STATED: Mapping[str, Cause] = {
    "policy_drift": Cause(
        Text("The policy has left its reference model", "policy 偏离 reference model 过远"),
        Text(
            "Each update that raises the reward also moves the policy. With a weak KL penalty ({beta}) and "
            "large steps ({learning_rate}) it gets to where its output no longer resembles what it started "
            "from.",
            "每次为提高 reward 的更新都会移动 policy。KL 惩罚弱（{beta}）、学习率高（{learning_rate}）时，"
            "它会走到输出与起点完全不同的地方。",
        ),
        ("kl_spike", "kl_high"),
        (src.GRPO_CAUSES,),
        (
            "length_surge",
            "length_collapse",
            "clipped_high",
            "clip_ratio_high",
            "reward_function_drop",
            "reward_drop",
            "grad_spike",
            "loss_spike",
        ),
        ONLY_GRPO,
    ),
    "gradient_explosion": Cause(
        Text("Exploding gradients", "梯度爆炸"),
        Text(
            "A bad batch gives huge gradients, and so does a policy that has gone far off. Without tight "
            "clipping ({max_grad_norm}) one step moves the weights too far, and the next gradient is larger "
            "still.",
            "遇到坏 batch，或 policy 偏得太远，梯度就极大。裁剪阈值偏大（{max_grad_norm}）时，"
            "一步就把权重推得过远，下一步梯度更大。",
        ),
        ("grad_spike", "grad_norm_high", "non_finite"),
        (src.GRPO_CAUSES, src.SFT_SERIOUS),
        ("kl_spike", "kl_high", "loss_spike", "reward_drop"),
    ),
    "length_shift": Cause(
        Text("Completions have changed their length", "生成长度分布改变"),
        Text(
            "A changed policy no longer stops where it used to. Completions run into the limit "
            "({max_completion_length}), lose their end, and cannot earn their reward.",
            "policy 已改变，不再及时结束；回答触及长度上限（{max_completion_length}），结尾被截断，"
            "拿不到 reward。",
        ),
        ("length_surge", "length_collapse", "clipped_high"),
        (src.GRPO_CAUSES, src.GRPO_LENGTHS),
        ("reward_function_drop", "reward_drop"),
        ONLY_GRPO,
    ),
    "reward_instability": Cause(
        Text("The reward signal is unstable", "奖励信号不稳定"),
        Text(
            "Where most completions of a batch break the format, an all-or-nothing reward falls to 0 for "
            "all of them, and the updates that follow have no good direction.",
            "一个 batch 里大部分回答不合格式时，非 0 即 1 的奖励会整体归零，后续更新就失去了正确方向。",
        ),
        ("reward_function_drop", "reward_drop", "reward_flat"),
        (src.GRPO_CAUSES,),
        ("kl_spike", "grad_spike"),
        ONLY_GRPO,
    ),
    "reward_hacking": Cause(
        Text("Reward hacking", "reward hacking（钻奖励的空子）"),
        Text(
            "The policy has found a cheap way to one reward, length or format for instance, and gives up "
            "another. The total can stay where it was.",
            "policy 找到了刷某一项奖励的捷径（例如长度或格式），放弃了另一项。总 reward 可能看不出变化。",
        ),
        ("reward_function_drop", "kl_spike", "length_surge", "length_collapse", "entropy_collapse"),
        (src.RUNS,),
        ("reward_flat",),
        ONLY_GRPO,
    ),
    "no_contrast": Cause(
        Text("All completions of a group score the same", "同组回答得分完全相同"),
        Text(
            "GRPO learns from differences within a group. Prompts that are too easy, too hard, or a policy "
            "that says always the same give none, so loss and gradient are 0.",
            "GRPO 靠组内差异学习。题目太易、太难，或 policy 只会说同一句话时没有差异，loss 和梯度都为 0。",
        ),
        ("reward_flat", "grad_vanishing"),
        (src.RUNS, src.DAPO),
        profiles=ONLY_GRPO,
    ),
    "dead_policy": Cause(
        Text("The policy is already dead", "policy 已经崩溃"),
        Text(
            "Every completion is cut off, every reward the same, the gradient 0. KL may fall again; the run "
            "does not come back from this.",
            "所有回答都被截断、奖励全部相同、梯度为 0。KL 可能回落，但训练已救不回来。",
        ),
        ("clipped_high", "reward_flat", "grad_vanishing"),
        (src.RUNS,),
        profiles=ONLY_GRPO,
    ),
    "lost_exploration": Cause(
        Text("The policy has stopped exploring", "policy 不再探索"),
        Text(
            "Probability has gathered on few tokens. An early fall of entropy is normal; at the floor all "
            "samples of a group are alike.",
            "概率集中到少数 token 上。entropy 早期下降是正常的，但到底之后同组样本就完全一样了。",
        ),
        ("entropy_collapse", "reward_flat"),
        (src.ENTROPY,),
        profiles=ONLY_GRPO,
    ),
    "high_learning_rate": Cause(
        Text("The learning rate is too high", "学习率过高"),
        Text(
            "Steps ({learning_rate}) overshoot. Trouble soon after warm-up, or one that goes away as the "
            "rate decays, points here; a short warm-up ({warmup_ratio}) makes it worse.",
            "学习率（{learning_rate}）过大，来回越过最优点。warmup 结束不久就出问题，或随衰减自行消失，"
            "都指向这里；warmup 太短（{warmup_ratio}）会加重。",
        ),
        ("grad_norm_high", "grad_spike", "loss_unstable", "loss_spike", "lr_out_of_range"),
        (src.GRPO_METRICS, src.SFT_SERIOUS, src.SFT_ADJUST),
        ("kl_spike", "kl_high", "clip_ratio_high", "non_finite", "accuracy_drop"),
    ),
    "low_learning_rate": Cause(
        Text("The learning rate is too low", "学习率过低"),
        Text(
            "Steps ({learning_rate}) are too small to learn anything, or the schedule has decayed to almost "
            "nothing long before the end.",
            "学习率（{learning_rate}）小到学不动，或者调度早早衰减到几乎为零。",
        ),
        ("loss_plateau", "grad_vanishing", "lr_out_of_range"),
        (src.SFT_SERIOUS, src.SFT_WATCH, src.SFT_ADJUST),
    ),
    "wrong_schedule": Cause(
        Text("The schedule is not what was meant", "学习率调度配置有误"),
        Text(
            "A wrong power of ten, a resume that started warm-up again, or a decay planned for another "
            "number of steps ({max_steps}).",
            "写错了数量级，续训又从 warmup 开始，或者衰减按另一个总步数（{max_steps}）规划。",
        ),
        ("lr_out_of_range",),
        (src.SFT_WATCH,),
    ),
    "bad_batch": Cause(
        Text("Bad data in a batch", "batch 里有坏数据"),
        Text(
            "Broken characters, empty labels, samples of extreme length, or a source unlike the rest. "
            "Typical: one record jumps and the next is normal.",
            "乱码、空标签、超长样本，或与其余数据差异很大的来源。典型表现：跳一条记录，下一条就正常。",
        ),
        ("loss_spike", "loss_unstable", "grad_spike", "grad_norm_high", "non_finite"),
        (src.SFT_SERIOUS, src.SFT_ADJUST, src.PALM),
        ("accuracy_drop",),
    ),
    "small_batch": Cause(
        Text("Batches are too small", "batch 太小"),
        Text(
            "With few samples per step ({per_device_train_batch_size}, {gradient_accumulation_steps}) the "
            "gradient is mostly noise.",
            "每步样本太少（{per_device_train_batch_size}，{gradient_accumulation_steps}）时，"
            "梯度里大半是噪声。",
        ),
        ("loss_unstable", "grad_spike", "clip_ratio_high"),
        (src.GRPO_REMEDIES,),
    ),
    "poor_labels": Cause(
        Text("Labels are wrong or contradict each other", "标签有误或互相矛盾"),
        Text(
            "What cannot be predicted cannot be learned: the loss stays on a floor, accuracy hardly rises.",
            "无法预测的内容学不会：loss 停在平台上，准确率几乎不涨。",
        ),
        ("loss_plateau", "grad_vanishing", "accuracy_drop"),
        (src.SFT_SERIOUS, src.SFT_ADJUST),
        profiles=ALL_BUT_GRPO,
    ),
    "bad_start": Cause(
        Text("The model starts from the wrong weights", "模型初始化有误"),
        Text(
            "A wrong base model, an adapter that was not loaded, or frozen modules: no gradient reaches "
            "what should learn.",
            "基座选错、adapter 没加载，或模块被冻结：该学的部分收不到梯度。",
        ),
        ("grad_vanishing", "loss_plateau"),
        (src.SFT_SERIOUS,),
        profiles=ALL_BUT_GRPO,
    ),
    "number_format": Cause(
        Text("Numbers overflow", "数值溢出"),
        Text(
            "fp16 has a small range, a logarithm of 0 or a division by an empty mask gives NaN. From then "
            "on every weight that was touched is NaN.",
            "fp16 范围小；对 0 取对数、除以空的 mask 都会得到 NaN。之后被更新过的权重全是 NaN。",
        ),
        ("non_finite",),
        (src.SFT_SERIOUS, src.TRAINERS),
    ),
    "memorising": Cause(
        Text("The model memorises its training data", "模型在死记训练数据"),
        Text(
            "Too many epochs ({num_train_epochs}) or too many trainable parameters ({lora_rank}) for the "
            "amount of data.",
            "相对于数据量，训练轮数（{num_train_epochs}）或可训练参数（{lora_rank}）过多。",
        ),
        ("overfit", "accuracy_drop", "entropy_collapse"),
        (src.SFT_SERIOUS, src.SFT_ADJUST),
        profiles=ALL_BUT_GRPO,
    ),
    "different_eval_data": Cause(
        Text("Evaluation data differ from training data", "验证集与训练集分布不同"),
        Text(
            "Another source, template or length makes eval loss high from the first evaluation on, not "
            "growing.",
            "来源、模板或长度不同，eval loss 从第一次验证起就高，但不会越来越高。",
        ),
        ("overfit",),
        (src.RUNS,),
        profiles=ALL_BUT_GRPO,
    ),
    "saturated_preference": Cause(
        Text("The preference is learned to the end", "偏好已经学到饱和"),
        Text(
            "Margins are huge and the loss is 0: what is still pushed apart no longer makes answers better "
            "({beta}).",
            "margin 极大、loss 为 0：再继续拉开差距，回答也不会更好（{beta}）。",
        ),
        ("grad_vanishing", "overfit"),
        (src.RUNS, src.DPO),
        profiles=ONLY_DPO,
    ),
    "slow_machine": Cause(
        Text("Something slows the machine down", "机器变慢"),
        Text(
            "Another process on the GPU, lower clocks from heat, a slow disk or network, or one slow node.",
            "GPU 上有别的进程、过热降频、磁盘或网络慢，或某台节点拖后腿。",
        ),
        ("throughput_drop", "stalled"),
        (src.SFT_WATCH,),
    ),
    "longer_samples": Cause(
        Text("Samples or completions have become longer", "样本或生成变长"),
        Text(
            "Time and memory grow with length. Long samples later in the data set, or a policy that writes "
            "more.",
            "时间和显存随长度增长：数据集后段样本更长，或 policy 越写越多。",
        ),
        ("throughput_drop", "memory_growth"),
        (src.RUNS,),
    ),
    "memory_leak": Cause(
        Text("Memory is kept and not given back", "显存未释放"),
        Text(
            "Tensors kept by a callback or metric, evaluation results gathered on the GPU, or fragmentation.",
            "callback 或指标里留着 tensor、验证结果堆在 GPU 上，或显存碎片。",
        ),
        ("memory_growth",),
        (src.SFT_WATCH,),
        ("throughput_drop",),
    ),
    "hung_process": Cause(
        Text("A process hangs or is gone", "进程卡死或已退出"),
        Text(
            "One rank died and the others wait for it, the disk is full, or the scheduler took the node.",
            "某个 rank 挂了、其他 rank 在等；磁盘写满；或节点被调度系统回收。",
        ),
        ("stalled",),
        (src.RUNS,),
    ),
}
"""The causes as they are written down."""


def completed(causes: Mapping[str, Cause], signals: Mapping[str, Signal]) -> Mapping[str, Cause]:
    """The causes with the signals that name them; those of which an incident is made speak for it."""
    return {name: replace(cause, evidence=_evidence(name, cause, signals)) for name, cause in causes.items()}


def _evidence(name: str, cause: Cause, signals: Mapping[str, Signal]) -> tuple[str, ...]:
    stated = {*cause.evidence, *cause.effects}
    naming = (
        signal.name
        for signal in signals.values()
        if name in signal.advice.causes and signal.found_by is not FoundBy.INCIDENT
    )
    return (*cause.evidence, *(signal for signal in naming if signal not in stated))


CAUSES = completed(STATED, SIGNALS)
"""Every cause by id, with all that speaks for it."""


def causes_of(signal: str, profile: str) -> tuple[Cause, ...]:
    """The likely causes of a signal in a run of that built-in profile, the likeliest first."""
    known = [CAUSES[name] for name in SIGNALS[signal].advice.causes if name in CAUSES]
    return tuple(cause for cause in known if profile in cause.profiles)
