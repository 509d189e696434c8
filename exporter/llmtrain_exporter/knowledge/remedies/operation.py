"""Remedies in how a run is operated: checkpoints, numbers, machine."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.checklists import SETUP
from llmtrain_exporter.knowledge.evidence import Configured, Pattern, Shows
from llmtrain_exporter.knowledge.remedy import (
    ALL_BUT_POLICIES,
    POLICIES,
    Change,
    Choice,
    Measured,
    Quantity,
    Remedy,
    Scale,
)
from llmtrain_exporter.knowledge.text import Text

REMEDIES: Mapping[str, Remedy] = {
    "roll_back": Remedy(
        Text("Go back to the last checkpoint before the onset", "回滚到出事前的最后一个 checkpoint"),
        Text(
            "Copy that checkpoint away first so that save_total_limit does not delete it. Resume from it "
            "with the changed settings, not with the old ones.",
            "先把该 checkpoint 拷走，以免被 save_total_limit 删掉。改完参数再从它续训，不要用原参数。",
        ),
        (src.GRPO_REMEDIES, src.GRPO_SPECIFIC, src.PALM),
        (Change("resume_from_checkpoint", Measured(Quantity.GOOD_CHECKPOINT)),),
        when=(Shows(pattern=Pattern.CHECKPOINT_BEFORE),),
        unless=(Shows(pattern=Pattern.WELL_AGAIN),),
    ),
    "guard": Remedy(
        Text("Save and roll back automatically", "自动保存快照并回滚"),
        Text(
            "A trainer callback, or this exporter's alert, should save a snapshot and stop the run as soon "
            "as kl is above {kl_limit} or the clipped ratio above {clipped_limit}.",
            "kl 超过 {kl_limit} 或截断比例超过 {clipped_limit} 时，"
            "用 trainer callback 或本 exporter 的告警立即保存快照并停训，再回滚。",
        ),
        (src.GRPO_SPECIFIC,),
        profiles=POLICIES,
        prevents=True,
    ),
    "save_often": Remedy(
        Text("Save more often", "更频繁地保存 checkpoint"),
        Text(
            "A collapse takes some tens of steps: with rare checkpoints a day of training is lost by going "
            "back. Where there is evaluation data, evaluate at the same steps.",
            "崩溃只需几十步。checkpoint 太稀疏，一回滚就丢掉大段训练。有验证数据时，按同样的步数做验证。",
        ),
        (src.GRPO_REMEDIES,),
        SETUP[profile.GRPO],
        POLICIES,
        prevents=True,
    ),
    "evaluate_regularly": Remedy(
        Text("Log, evaluate and save at regular steps", "按固定步数记录、评估、保存"),
        Text(
            "Overfitting shows in evaluations only, and the best checkpoint can be kept only if it was "
            "saved.",
            "过拟合只有在验证时才看得到；最佳 checkpoint 也要存过才留得住。",
        ),
        (src.SFT_MONITOR,),
        SETUP[profile.SFT],
        ALL_BUT_POLICIES,
        unless=(Shows(pattern=Pattern.EVALUATED),),
    ),
    "use_best_checkpoint": Remedy(
        Text("Use the best checkpoint, not the last", "用最佳 checkpoint，不用最后一个"),
        Text(
            "The lowest eval loss decides, then eval accuracy. Let the trainer load it at the end.",
            "先看 eval loss 最低，再看验证准确率。可让框架在训练结束时自动加载它。",
        ),
        (src.SFT_MONITOR,),
        (Change("load_best_model_at_end", Choice("true")),),
        ALL_BUT_POLICIES,
        when=(Shows(pattern=Pattern.EVALUATED),),
        unless=(Shows(pattern=Pattern.BEST_EVALUATION_LAST),),
    ),
    "match_engines": Remedy(
        Text("Make sampler and trainer agree", "让采样引擎与训练端一致"),
        Text(
            "Send all weights after each update, adapters too; the same precision on both sides, no "
            "quantised engine or cache; correct what is left by truncated importance sampling.",
            "每次更新后同步全部权重（包括 adapter）；两端精度一致，引擎和 KV cache 不量化；"
            "剩余偏差用截断重要性采样修正。",
        ),
        (src.VERL_CORRECTION, src.TRAINERS),
        profiles=POLICIES,
    ),
    "use_bf16": Remedy(
        Text("Train in bf16, not fp16", "用 bf16 训练，不用 fp16"),
        Text(
            "fp16 overflows at 65,504; bf16 has the range of fp32. Loss, softmax and norms belong in fp32.",
            "fp16 超过 65504 就溢出，bf16 的范围与 fp32 相同。loss、softmax、norm 应保持 fp32。",
        ),
        (src.TRAINERS,),
        (Change("bf16", Choice("true")), Change("fp16", Choice("false", known=True))),
        unless=(Configured(setting="bf16", low=1),),
    ),
    "show_nan": Remedy(
        Text("Stop hiding NaN losses", "不要隐藏 NaN loss"),
        Text(
            "By default the trainer logs 0 or the running mean in place of a NaN loss. Without the filter "
            "the log says at which step it began.",
            "框架默认把 NaN loss 记成 0 或之前的均值。关掉过滤，日志才会显示从哪一步开始坏。",
        ),
        (src.TRAINERS,),
        (Change("logging_nan_inf_filter", Choice("false")),),
        when=(Shows(pattern=Pattern.HIDDEN_NAN),),
        unless=(Configured(setting="logging_nan_inf_filter", high=0),),
    ),
    "smaller_micro_batch": Remedy(
        Text("Smaller micro batches, more accumulation", "减小 micro batch，增加梯度累积"),
        Text(
            "Halving one and doubling the other keeps the effective batch size and lowers the memory peak.",
            "一个减半、一个翻倍，有效 batch 不变，显存峰值下降。",
        ),
        (src.TRAINERS,),
        (
            Change("per_device_train_batch_size", Scale(0.5, whole=True, least=1.0)),
            Change("gradient_accumulation_steps", Scale(2.0, whole=True)),
        ),
    ),
    "bound_length": Remedy(
        Text("Bound the length of samples", "限制样本长度"),
        Text(
            "The longest sample sets the memory peak. Cut or drop the few that are far longer than the rest.",
            "显存峰值由最长的样本决定。把远长于其他的少数样本截断或丢弃。",
        ),
        (src.SFT_WATCH,),
        (Change("max_length", None),),
        ALL_BUT_POLICIES,
    ),
    "check_machine": Remedy(
        Text("Check the machine", "检查机器"),
        Text(
            "nvidia-smi: other processes, clocks, temperature, ECC errors. Then CPU load, free memory, disk "
            "and network. With several nodes look for the slowest one.",
            "nvidia-smi 看有没有其他进程、降频、过热、ECC 错误；再看 CPU、内存、磁盘、网络。"
            "多机时找最慢的那台。",
        ),
        (src.SFT_WATCH,),
    ),
    "inspect_process": Remedy(
        Text("See where the process hangs", "看进程卡在哪里"),
        Text(
            "Is it alive? py-spy dump on each rank: waiting in a collective means that another rank is "
            "gone. Check dmesg for the OOM killer and df for a full disk.",
            "进程还在吗？对每个 rank 执行 py-spy dump：停在集合通信里，说明别的 rank 已经没了。"
            "再用 dmesg 查 OOM killer，用 df 查磁盘是否写满。",
        ),
        (src.RUNS,),
    ),
    "see_how_it_ended": Remedy(
        Text("Find out how it ended", "查明它是怎样结束的"),
        Text(
            "Is a process of it left (squeue, kubectl get pods, nvidia-smi)? Then it hangs, and holds its "
            "GPUs. If not, read the last lines that it printed, and what scheduler and kernel noted at that "
            "time: sacct, kubectl describe, journalctl -k. Ended on purpose, it needs nothing more.",
            "先看还有没有它的进程：squeue、kubectl get pods、nvidia-smi；有就是卡住了，一直占着 GPU。"
            "没有，就看它最后打印的几行，以及调度系统与内核当时的记录：sacct、kubectl describe、"
            "journalctl -k。若是有人主动结束的，就不必再做什么。",
        ),
        (src.RUNS,),
    ),
    "resume": Remedy(
        Text("Resume from the newest checkpoint", "从最新 checkpoint 续训"),
        Text(
            "The weights are fine, only the process is not. End what is left of it on all nodes first, or "
            "two writers share one log.",
            "权重没坏，只是进程没了。先在所有节点结束残留的旧进程，否则会有两个进程写同一个日志。",
        ),
        (src.RUNS,),
        (Change("resume_from_checkpoint", Measured(Quantity.NEWEST_CHECKPOINT)),),
        unless=(Shows(pattern=Pattern.IN_TROUBLE),),
    ),
}
