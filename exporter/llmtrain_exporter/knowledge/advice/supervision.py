"""Advice on evaluations, speed, memory and silence."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.advice.entry import Advice
from llmtrain_exporter.knowledge.text import Text

ADVICE: Mapping[str, Advice] = {
    "overfit": Advice(
        title=Text("Overfitting", "过拟合"),
        summary=Text(
            "Eval loss stays high or rises while training loss falls.",
            "训练 loss 下降，而 eval loss 偏高或上升。",
        ),
        finding=Text(
            "{metric} is {value} at step {step}, against {baseline}.",
            "第 {step} 步 {metric} 为 {value}，对照值 {baseline}。",
        ),
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
            "raise_preference_beta",
        ),
        sources=(src.SFT_STATUS, src.SFT_SERIOUS, src.SFT_ADJUST, src.SFT_ALARMS),
    ),
    "accuracy_drop": Advice(
        title=Text("Accuracy drop", "准确率下降"),
        summary=Text(
            "Token accuracy fell below its best, or eval accuracy falls behind training.",
            "token 准确率低于此前最好值，或验证与训练的差距在扩大。",
        ),
        finding=Text(
            "{metric} is {value} at step {step}, against {baseline}.",
            "第 {step} 步 {metric} 为 {value}，对照值 {baseline}。",
        ),
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
            "halve_learning_rate",
            "check_labels",
            "use_best_checkpoint",
        ),
        sources=(src.SFT_ALARMS, src.SFT_ADJUST),
    ),
    "throughput_drop": Advice(
        title=Text("Throughput drop", "吞吐下降"),
        summary=Text(
            "Training or evaluation has become much slower than before.",
            "训练或验证明显变慢。",
        ),
        finding=Text(
            "{metric} is {value} at step {step}, usual {baseline}.",
            "第 {step} 步 {metric} 为 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "The machine is shared, throttled or swapping, or samples have become longer.",
            "机器被抢占、降频或在换页，或者样本变长。",
        ),
        impact=Text(
            "The run ends later than planned; on a shared cluster it can hit its time limit.",
            "训练比计划晚结束；在共享集群上可能超出时限。",
        ),
        causes=("slow_machine", "longer_samples", "memory_leak"),
        diagnosis=(
            Text(
                "Did completion or sample length grow at the same time? Then it is the work, not the "
                "machine.",
                "生成或样本长度是否同时增长？是则工作量变大了，不是机器变慢了。",
            ),
            Text(
                "Are other runs on this machine slower too?",
                "同一台机器上的其他训练也变慢了吗？",
            ),
        ),
        remedies=("check_machine", "bound_length", "shorten_completions"),
        sources=(src.SFT_WATCH,),
    ),
    "memory_growth": Advice(
        title=Text("Memory keeps growing", "显存持续增长"),
        summary=Text(
            "Peak device memory keeps growing long after the start.",
            "训练早已开始，显存峰值仍在不断上涨。",
        ),
        finding=Text(
            "Peak memory has grown from {baseline} to {value} by step {step}.",
            "到第 {step} 步，显存峰值已从 {baseline} 涨到 {value}。",
        ),
        meaning=Text(
            "In a steady run the peak is reached early. Growth means longer samples, fragmentation or a "
            "leak.",
            "稳定的训练很早就到峰值。继续上涨说明样本变长、显存碎片或泄漏。",
        ),
        impact=Text(
            "It ends in an out-of-memory error, often hours later and at night.",
            "最终会 OOM，往往在几小时后的半夜。",
        ),
        causes=("longer_samples", "memory_leak"),
        diagnosis=(
            Text(
                "Steps up, or a steady climb? Steps: long samples. Climb: a leak.",
                "阶梯式上涨还是匀速上涨？阶梯是长样本，匀速是泄漏。",
            ),
            Text(
                "Does it grow at each evaluation? Then results are kept on the GPU.",
                "每次验证都涨？那是验证结果留在了 GPU 上。",
            ),
        ),
        remedies=("bound_length", "smaller_micro_batch", "shorten_completions", "check_machine"),
        sources=(src.SFT_WATCH,),
    ),
    "stalled": Advice(
        title=Text("Run stalled", "训练停滞"),
        summary=Text(
            "The log has not grown for many times this run's usual gap.",
            "日志停更的时间已是平时间隔的很多倍。",
        ),
        finding=Text(
            "No record for {value} since step {step}, limit {limit}.",
            "自第 {step} 步起已 {value} 没有新记录，限值 {limit}。",
        ),
        meaning=Text(
            "The process hangs, was killed, or an evaluation or save takes unusually long. The wait is "
            "measured in the run's own pace.",
            "进程卡死、被杀，或某次验证、保存异常地久。等待时间按该训练自身的节奏衡量。",
        ),
        impact=Text(
            "GPUs are held and do nothing.",
            "GPU 被占着却不干活。",
        ),
        causes=("hung_process", "slow_machine"),
        diagnosis=(
            Text(
                "Is an evaluation or a save under way? Look at the last line of the output.",
                "是否正在验证或保存？看标准输出的最后一行。",
            ),
            Text(
                "Is the process alive, and do the GPUs work?",
                "进程还在吗？GPU 在工作吗？",
            ),
            Text(
                "Can the log still be written: disk space, mount, quota?",
                "日志还写得进去吗：磁盘空间、挂载、配额？",
            ),
        ),
        remedies=("inspect_process", "resume", "check_machine"),
        sources=(src.RUNS,),
    ),
}
