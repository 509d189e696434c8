"""Why a run goes wrong, each cause once: what speaks for it and against it, and what to do about it.

Signals name their causes by id, for whoever reads of a signal without a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.evidence import (
    Configured,
    Evidence,
    Lies,
    Moved,
    Pattern,
    Shows,
    Signalled,
    Unlogged,
    When,
)
from llmtrain_exporter.knowledge.remedy import ALL_BUT_GRPO, ALL_PROFILES, ONLY_DPO, ONLY_GRPO
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Text

SHOWN = 1.0
"""Sum of weights from which on a cause is shown, ..."""
CLEAR = 2.0
"""... and from which on it stands out."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause. `how` is said of a run that shows it, so it holds nothing that its evidence does not say.

    `remedies`: ids, what removes the cause first. `profiles`: the kinds of training in which it occurs.
    """

    name: Text
    how: Text
    evidence: tuple[Evidence, ...]
    remedies: tuple[str, ...]
    sources: tuple[Text, ...]
    profiles: frozenset[str] = ALL_PROFILES


CAUSES: Mapping[str, Cause] = {
    "high_learning_rate": Cause(
        Text("The learning rate is too high", "学习率过高"),
        Text(
            "Steps ({learning_rate}) are so large that they overshoot, and each one undoes what the last "
            "has learned.",
            "学习率（{learning_rate}）过大，每一步都越过最优点，把上一步学到的又冲掉。",
        ),
        evidence=(
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=1e-3, weight=3),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=3e-3, weight=2.5),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=5e-3, weight=2),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, low=2e-5, weight=0.5, profiles=ONLY_GRPO),
            Signalled(signals=("grad_spike", "grad_norm_high", "loss_spike", "loss_unstable"), weight=0.5),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, high=1e-6, weight=-2),
        ),
        remedies=(
            "lower_learning_rate",
            "clip_gradients",
            "warm_up_longer",
            "roll_back",
            "decay_learning_rate",
        ),
        sources=(
            src.GRPO_METRICS,
            src.SFT_SERIOUS,
            src.SFT_ADJUST,
        ),
    ),
    "policy_drift": Cause(
        Text("The policy has left its reference model", "policy 偏离 reference model 过远"),
        Text(
            "Each update that raises the reward also moves the policy. With a weak KL penalty "
            "({beta}) and large steps ({learning_rate}) it gets to where its output no longer "
            "resembles what it started from.",
            "每次为提高 reward 的更新都会移动 policy。KL 惩罚弱（{beta}）、学习率高（{learning_rate}）时，它会走到输出与起点完全不同的地方。",
        ),
        evidence=(
            Moved(metric=c.KL, times=4, past=0.1, weight=2),
            Moved(metric=c.KL, times=4, past=1.0, since=When.START, weight=1),
            Signalled(signals=("kl_spike", "kl_high"), weight=1),
            Signalled(signals=("kl_spike", "kl_high"), first=True, weight=1),
            Moved(metric=c.ENTROPY, times=4, past=1.0, weight=1.5),
            Configured(setting="beta", high=0.01, weight=0.5),
            Signalled(signals=("kl_spike", "kl_high"), alone=True, weight=-2),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-3),
            Lies(metric=c.KL, when=When.ALWAYS, high=0.05, weight=-3),
        ),
        remedies=(
            "raise_beta",
            "lower_learning_rate",
            "roll_back",
            "adaptive_kl",
            "tighten_clip",
            "guard",
        ),
        sources=(src.GRPO_CAUSES,),
        profiles=ONLY_GRPO,
    ),
    "wrong_reference": Cause(
        Text("Policy and reference model differ from the start", "policy 与 reference model 一开始就不同"),
        Text(
            "The divergence is large before training could have moved the policy: the reference is another "
            "model or lacks the adapter, or log-probabilities overflow.",
            "训练还来不及移动 policy，两者就已相差很大：reference 用了别的模型或没带 adapter，或者 logprob 溢出。",
        ),
        evidence=(Lies(metric=c.KL, when=When.START, low=1.0, weight=4, needed=True),),
        remedies=("check_initialisation", "use_bf16", "stop_run"),
        sources=(src.GRPO_CAUSES, src.RUNS),
        profiles=ONLY_GRPO,
    ),
    "gradient_explosion": Cause(
        Text("Exploding gradients", "梯度爆炸"),
        Text(
            "A bad batch gives huge gradients, and so does a policy that has gone far off. "
            "Without tight clipping ({max_grad_norm}) one step moves the weights too far, and "
            "the next gradient is larger still.",
            "遇到坏 batch，或 policy 偏得太远，梯度就极大。裁剪阈值偏大（{max_grad_norm}）时，一步就把权重推得过远，下一步梯度更大。",
        ),
        evidence=(
            Signalled(signals=("grad_spike",), weight=1),
            Signalled(signals=("grad_spike", "grad_norm_high"), first=True, weight=1),
            Moved(metric=c.GRAD_NORM, times=10, weight=1.5),
            Signalled(signals=("grad_norm_high",), weight=0.5),
            Signalled(signals=("grad_spike", "grad_norm_high"), alone=True, weight=-3),
        ),
        remedies=(
            "clip_gradients",
            "lower_learning_rate",
            "roll_back",
            "skip_step",
            "warm_up_longer",
        ),
        sources=(
            src.GRPO_CAUSES,
            src.SFT_SERIOUS,
        ),
    ),
    "length_shift": Cause(
        Text("Completions have changed their length", "生成长度分布改变"),
        Text(
            "A changed policy no longer stops where it used to. Completions run into the limit "
            "({max_completion_length}), lose their end, and cannot earn their reward.",
            "policy 已改变，不再及时结束；回答触及长度上限（{max_completion_length}），结尾被截断，拿不到 reward。",
        ),
        evidence=(
            Moved(metric=c.COMPLETION_LENGTH, times=1.4, weight=1.5),
            Moved(metric=c.COMPLETION_CLIPPED, times=2, past=0.3, weight=2),
            Signalled(signals=("length_surge", "clipped_high"), first=True, weight=1),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.START, low=0.5, weight=-5),
            Moved(metric=c.COMPLETION_LENGTH, times=0.5, weight=-2),
        ),
        remedies=(
            "no_reward_for_truncated",
            "shorten_completions",
            "stop_words",
            "mask_truncated",
            "roll_back",
        ),
        sources=(
            src.GRPO_CAUSES,
            src.GRPO_LENGTHS,
        ),
        profiles=ONLY_GRPO,
    ),
    "limit_too_small": Cause(
        Text("The length limit is too small for the task", "长度上限对任务来说太小"),
        Text(
            "Most completions are cut off from the first records on, before training could have "
            "changed the policy: the answers do not fit into the limit "
            "({max_completion_length}), or never end.",
            "从最初几条记录起大部分回答就被截断，那时训练还来不及改变 policy：回答放不进长度上限（{max_completion_length}），或者根本停不下来。",
        ),
        evidence=(
            Lies(metric=c.COMPLETION_CLIPPED, when=When.START, low=0.5, weight=4, needed=True),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.5, weight=1),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-5),
        ),
        remedies=(
            "raise_length_limit",
            "stop_words",
            "read_completions",
        ),
        sources=(
            src.GRPO_LENGTHS,
            src.RUNS,
        ),
        profiles=ONLY_GRPO,
    ),
    "empty_answers": Cause(
        Text("Answers end at once", "回答一开始就结束"),
        Text(
            "Completions are no longer than a few tokens. The policy has learned to stop at "
            "once, or the end token comes first.",
            "回答只剩几个 token：policy 学会了立刻停下，或者第一个 token 就是结束符。",
        ),
        evidence=(
            Lies(metric=c.COMPLETION_LENGTH, when=When.END, high=3, weight=6, needed=True),
            Signalled(signals=("length_collapse",), weight=1),
        ),
        remedies=(
            "read_completions",
            "fix_reward",
            "stop_words",
            "roll_back",
        ),
        sources=(
            src.GRPO_LENGTHS,
            src.RUNS,
        ),
        profiles=ONLY_GRPO,
    ),
    "reward_hacking": Cause(
        Text("Reward hacking", "reward hacking（钻奖励的空子）"),
        Text(
            "The policy has found a cheap way to one reward, length or format for instance, and "
            "gives up another. The total can stay where it was.",
            "policy 找到了刷某一项奖励的捷径（例如长度或格式），放弃了另一项。总 reward 可能看不出变化。",
        ),
        evidence=(
            Shows(pattern=Pattern.FUNCTIONS_PART, weight=5),
            Shows(pattern=Pattern.CUT_YET_REWARDED, weight=2),
        ),
        remedies=(
            "fix_reward",
            "read_completions",
            "no_reward_for_truncated",
            "roll_back",
            "raise_beta",
        ),
        sources=(src.RUNS,),
        profiles=ONLY_GRPO,
    ),
    "reward_instability": Cause(
        Text("The reward signal is unstable", "奖励信号不稳定"),
        Text(
            "Where most completions of a batch break the format, an all-or-nothing reward falls "
            "to 0 for all of them, and the updates that follow have no good direction.",
            "一个 batch 里大部分回答不合格式时，非 0 即 1 的奖励会整体归零，后续更新就失去了正确方向。",
        ),
        evidence=(
            Signalled(signals=("reward_function_drop", "reward_drop"), first=True, weight=1.5),
            Moved(metric=c.REWARD_STD, times=2, weight=0.5),
            Shows(pattern=Pattern.REWARD_LOST, weight=0.5),
            Moved(metric=c.KL, times=4, past=0.1, weight=-1),
        ),
        remedies=(
            "fix_reward",
            "read_completions",
            "larger_batch",
        ),
        sources=(src.GRPO_CAUSES,),
        profiles=ONLY_GRPO,
    ),
    "never_rewarded": Cause(
        Text("No completion ever earns a reward", "没有任何回答拿到过奖励"),
        Text(
            "From the first record to the last every reward is 0, so there is nothing to learn "
            "from: the task or the format is out of reach, or the reward functions score all "
            "answers 0.",
            "从第一条到最后一条记录 reward 全为 0，无从学起：任务或格式超出能力，或者 reward 函数给所有回答都打 0 分。",
        ),
        evidence=(
            Shows(pattern=Pattern.NO_REWARD_EVER, weight=4, needed=True),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-2),
        ),
        remedies=(
            "read_completions",
            "fix_reward",
            "easier_start",
        ),
        sources=(
            src.GRPO_REWARDS,
            src.RUNS,
        ),
        profiles=ONLY_GRPO,
    ),
    "no_contrast": Cause(
        Text("All completions of a group score the same", "同组回答得分完全相同"),
        Text(
            "GRPO learns from differences within a group. Prompts that are too easy, too hard, "
            "or a policy that says always the same give none, so loss and gradient are 0.",
            "GRPO 靠组内差异学习。题目太易、太难，或 policy 只会说同一句话时没有差异，loss 和梯度都为 0。",
        ),
        evidence=(
            Lies(metric=c.REWARD_ZERO_STD, when=When.END, low=0.8, weight=1.5),
            Lies(metric=c.REWARD_STD, when=When.END, high=1e-6, weight=1),
            Signalled(signals=("reward_flat", "grad_vanishing"), weight=0.5),
            Shows(pattern=Pattern.REWARD_NEAR_BEST, weight=-5),
            Shows(pattern=Pattern.NO_REWARD_EVER, weight=-3),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.5, weight=-3),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-3),
            Shows(pattern=Pattern.REWARD_LOST, weight=-3),
        ),
        remedies=(
            "more_contrast",
            "keep_exploring",
        ),
        sources=(
            src.RUNS,
            src.DAPO,
        ),
        profiles=ONLY_GRPO,
    ),
    "solved": Cause(
        Text("Nothing is left to learn", "题目已经学会，没有可学的了"),
        Text(
            "The reward is as good as it ever was, and in most groups all completions score the "
            "same because all are right. Vanishing gradients and a missing spread are good news "
            "here.",
            "reward 处于历史最好水平，大多数组内回答全对，所以得分相同。这里梯度消失、奖励无差异是好消息。",
        ),
        evidence=(
            Shows(pattern=Pattern.REWARD_NEAR_BEST, weight=2, needed=True),
            Lies(metric=c.REWARD_ZERO_STD, when=When.END, low=0.5, weight=1.5, needed=True),
            Signalled(signals=("grad_vanishing", "reward_flat"), weight=1),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.3, weight=-4),
        ),
        remedies=("harder_prompts",),
        sources=(
            src.RUNS,
            src.DAPO,
        ),
        profiles=ONLY_GRPO,
    ),
    "lost_exploration": Cause(
        Text("The policy has stopped exploring", "policy 不再探索"),
        Text(
            "Probability has gathered on few tokens. An early fall of entropy is normal; at the "
            "floor all samples of a group are alike.",
            "概率集中到少数 token 上。entropy 早期下降是正常的，但到底之后同组样本就完全一样了。",
        ),
        evidence=(
            Moved(metric=c.ENTROPY, times=0.2, weight=1.5),
            Signalled(signals=("entropy_collapse",), weight=1, needed=True),
            Shows(pattern=Pattern.REWARD_NEAR_BEST, weight=-2),
        ),
        remedies=(
            "keep_exploring",
            "more_contrast",
            "raise_beta",
        ),
        sources=(src.ENTROPY,),
        profiles=ONLY_GRPO,
    ),
    "dead_policy": Cause(
        Text("The policy is already dead", "policy 已经崩溃"),
        Text(
            "Every completion is cut off, every reward the same, the gradient 0. KL may fall "
            "again; the run does not come back from this.",
            "所有回答都被截断、奖励全部相同、梯度为 0。KL 可能回落，但训练已救不回来。",
        ),
        evidence=(
            Shows(pattern=Pattern.REWARD_LOST, weight=0.5, needed=True),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.9, weight=0.5),
            Lies(metric=c.REWARD_ZERO_STD, when=When.END, low=0.95, weight=0.5, needed=True),
        ),
        remedies=(
            "stop_run",
            "roll_back",
        ),
        sources=(src.RUNS,),
        profiles=ONLY_GRPO,
    ),
    "low_learning_rate": Cause(
        Text("The learning rate is too low", "学习率过低"),
        Text(
            "Steps ({learning_rate}) are too small to learn anything, or the schedule has "
            "decayed to almost nothing long before the end.",
            "学习率（{learning_rate}）小到学不动，或者调度早早衰减到几乎为零。",
        ),
        evidence=(
            Lies(metric=c.LEARNING_RATE, when=When.BEST, high=1e-6, weight=1.5, profiles=ALL_BUT_GRPO),
            Lies(metric=c.LEARNING_RATE, when=When.BEST, high=5e-8, weight=1.5),
            Signalled(signals=("loss_plateau", "grad_vanishing"), weight=0.5, needed=True),
        ),
        remedies=(
            "raise_learning_rate",
            "check_schedule",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.SFT_WATCH,
            src.SFT_ADJUST,
        ),
    ),
    "not_trained": Cause(
        Text("Nothing is trained", "什么都没有训练到"),
        Text(
            "Learning rate and gradient are 0 in all records: no weight changes.",
            "所有记录的学习率和梯度都是 0：没有任何权重在更新。",
        ),
        evidence=(
            Lies(metric=c.LEARNING_RATE, when=When.BEST, high=0.0, weight=3, needed=True),
            Lies(metric=c.GRAD_NORM, when=When.BEST, high=0.0, weight=1),
        ),
        remedies=(
            "check_schedule",
            "check_initialisation",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.RUNS,
        ),
    ),
    "wrong_schedule": Cause(
        Text("The schedule is not what was meant", "学习率调度配置有误"),
        Text(
            "A wrong power of ten, a resume that started warm-up again, or a decay planned for "
            "another number of steps ({max_steps}).",
            "写错了数量级，续训又从 warmup 开始，或者衰减按另一个总步数（{max_steps}）规划。",
        ),
        evidence=(Signalled(signals=("lr_out_of_range",), weight=1, needed=True),),
        remedies=("check_schedule",),
        sources=(src.SFT_WATCH,),
    ),
    "number_format": Cause(
        Text("Numbers overflow", "数值溢出"),
        Text(
            "fp16 has a small range, a logarithm of 0 or a division by an empty mask gives NaN. "
            "From then on every weight that was touched is NaN.",
            "fp16 范围小；对 0 取对数、除以空的 mask 都会得到 NaN。之后被更新过的权重全是 NaN。",
        ),
        evidence=(
            Signalled(signals=("non_finite",), weight=1.5, needed=True),
            Configured(setting="fp16", low=1, weight=2.5),
            Lies(metric=c.GRAD_NORM, when=When.BEFORE, high=10.0, weight=0.5),
            Configured(setting="bf16", low=1, weight=-1),
        ),
        remedies=(
            "use_bf16",
            "show_nan",
            "lower_learning_rate",
            "check_data",
            "roll_back",
        ),
        sources=(
            src.SFT_SERIOUS,
            src.TRAINERS,
        ),
    ),
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
                weight=1.5,
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
    "small_batch": Cause(
        Text("Batches are too small", "batch 太小"),
        Text(
            "With few samples per step ({per_device_train_batch_size}, "
            "{gradient_accumulation_steps}) the gradient is mostly noise.",
            "每步样本太少（{per_device_train_batch_size}，{gradient_accumulation_steps}）时，梯度里大半是噪声。",
        ),
        evidence=(
            Signalled(signals=("loss_unstable", "grad_spike", "clip_ratio_high"), weight=0.5, needed=True),
            Configured(setting="per_device_train_batch_size", high=2, weight=0.5),
            Configured(setting="gradient_accumulation_steps", high=2, weight=0.5),
        ),
        remedies=("larger_batch",),
        sources=(src.GRPO_REMEDIES,),
    ),
    "poor_labels": Cause(
        Text("Labels are wrong or contradict each other", "标签有误或互相矛盾"),
        Text(
            "What cannot be predicted cannot be learned: the loss stays on a floor, accuracy hardly rises.",
            "无法预测的内容学不会：loss 停在平台上，准确率几乎不涨。",
        ),
        evidence=(
            Signalled(signals=("loss_plateau", "accuracy_drop"), weight=1, needed=True),
            Signalled(signals=("non_finite",), weight=-5),
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
        profiles=ALL_BUT_GRPO,
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
            Lies(metric=c.GRAD_NORM, when=When.ALWAYS, high=0.01, weight=1),
            Lies(metric=c.LOSS, when=When.START, low=8.0, weight=1),
        ),
        remedies=(
            "check_initialisation",
            "check_labels",
        ),
        sources=(src.SFT_SERIOUS,),
        profiles=ALL_BUT_GRPO,
    ),
    "memorising": Cause(
        Text("The model memorises its training data", "模型在死记训练数据"),
        Text(
            "Too many epochs ({num_train_epochs}) or too many trainable parameters ({lora_rank}) "
            "for the amount of data.",
            "相对于数据量，训练轮数（{num_train_epochs}）或可训练参数（{lora_rank}）过多。",
        ),
        evidence=(
            Signalled(signals=("overfit",), weight=1.5),
            Shows(pattern=Pattern.EVALUATION_ROSE, weight=1.5),
            Shows(pattern=Pattern.GAP_GROWS, weight=1.5),
            Signalled(signals=("non_finite",), weight=-5),
            Lies(metric=c.LOSS, when=When.END, low=1e-9, high=0.1, weight=1.5),
            Lies(metric=c.TOKEN_ACCURACY, when=When.END, low=0.97, weight=1),
            Unlogged(metric=c.LOSS, split="eval", weight=0.25),
            Configured(setting="num_train_epochs", low=5, weight=0.5),
            Shows(pattern=Pattern.BEST_EVALUATION_LAST, weight=-2),
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
        profiles=ALL_BUT_GRPO,
    ),
    "different_eval_data": Cause(
        Text("Evaluation data differ from training data", "验证集与训练集分布不同"),
        Text(
            "Another source, template or length makes eval loss high from the first evaluation "
            "on, not growing.",
            "来源、模板或长度不同，eval loss 从第一次验证起就高，但不会越来越高。",
        ),
        evidence=(
            Signalled(signals=("overfit",), weight=1, needed=True),
            Shows(pattern=Pattern.BEST_EVALUATION_LAST, weight=1.5),
            Shows(pattern=Pattern.EVALUATION_ROSE, weight=-1),
        ),
        remedies=(
            "check_data",
            "more_data",
        ),
        sources=(src.RUNS,),
        profiles=ALL_BUT_GRPO,
    ),
    "saturated_preference": Cause(
        Text("The preference is learned to the end", "偏好已经学到饱和"),
        Text(
            "Margins are huge and the loss is 0: what is still pushed apart no longer makes "
            "answers better ({beta}).",
            "margin 极大、loss 为 0：再继续拉开差距，回答也不会更好（{beta}）。",
        ),
        evidence=(
            Lies(metric=c.LOSS, when=When.END, high=0.01, weight=1.5),
            Lies(metric=c.PREFERENCE_MARGIN, when=When.END, low=10.0, weight=1.5),
            Signalled(signals=("grad_vanishing",), weight=1),
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
    "slow_machine": Cause(
        Text("Something slows the machine down", "机器变慢"),
        Text(
            "Another process on the GPU, lower clocks from heat, a slow disk or network, or one slow node.",
            "GPU 上有别的进程、过热降频、磁盘或网络慢，或某台节点拖后腿。",
        ),
        evidence=(Signalled(signals=("throughput_drop",), weight=1.5),),
        remedies=("check_machine",),
        sources=(src.SFT_WATCH,),
    ),
    "longer_samples": Cause(
        Text("Samples or completions have become longer", "样本或生成变长"),
        Text(
            "Time and memory grow with length. Long samples later in the data set, or a policy "
            "that writes more.",
            "时间和显存随长度增长：数据集后段样本更长，或 policy 越写越多。",
        ),
        evidence=(
            Signalled(signals=("throughput_drop", "memory_growth"), weight=0.75, needed=True),
            Moved(metric=c.COMPLETION_LENGTH, times=1.3, weight=1.5),
        ),
        remedies=(
            "bound_length",
            "smaller_micro_batch",
        ),
        sources=(src.RUNS,),
    ),
    "memory_leak": Cause(
        Text("Memory is kept and not given back", "显存未释放"),
        Text(
            "Tensors kept by a callback or metric, evaluation results gathered on the GPU, or fragmentation.",
            "callback 或指标里留着 tensor、验证结果堆在 GPU 上，或显存碎片。",
        ),
        evidence=(Signalled(signals=("memory_growth",), weight=1.5),),
        remedies=(
            "smaller_micro_batch",
            "bound_length",
            "check_machine",
        ),
        sources=(src.SFT_WATCH,),
    ),
    "hung_process": Cause(
        Text("A process hangs or is gone", "进程卡死或已退出"),
        Text(
            "One rank died and the others wait for it, the disk is full, or the scheduler took the node.",
            "某个 rank 挂了、其他 rank 在等；磁盘写满；或节点被调度系统回收。",
        ),
        evidence=(Signalled(signals=("stalled",), weight=2),),
        remedies=(
            "inspect_process",
            "check_machine",
            "resume",
        ),
        sources=(src.RUNS,),
    ),
}
"""Every cause by id; of two with the same evidence the first goes before."""


def causes_of(signal: str, profile: str) -> tuple[Cause, ...]:
    """The likely causes of a signal in runs of that built-in profile, the likeliest first."""
    known = [CAUSES[name] for name in SIGNALS[signal].advice.causes if name in CAUSES]
    return tuple(cause for cause in known if profile in cause.profiles)
