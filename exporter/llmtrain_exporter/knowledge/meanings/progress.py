"""What the metrics of progress and speed mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import progress as p
from llmtrain_exporter.knowledge.meaning import Good, Meaning
from llmtrain_exporter.knowledge.meanings.plain import plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text

PROGRESS: Mapping[Metric, Meaning] = {
    c.STEP: Meaning(
        Text(
            "Optimizer steps done. Going back means that the run was resumed.",
            "已完成的 optimizer 步数。倒退说明训练被续训。",
        ),
        Good.UP,
        (src.GRPO_METRICS,),
        related=(c.MAX_STEPS, c.RESUMES),
    ),
    c.MAX_STEPS: Meaning(
        Text(
            "Steps that the run is planned to take; the learning rate schedule is stretched over them.",
            "计划的总步数，学习率调度按它展开。",
        ),
        Good.NEITHER,
        (src.GRPO_METRICS,),
        related=(c.STEP, c.LEARNING_RATE),
    ),
    c.PROGRESS: Meaning(
        Text(
            "Share of the planned steps that is done.",
            "已完成步数占计划的比例。",
        ),
        Good.UP,
        (src.GRPO_METRICS,),
        related=(c.REMAINING,),
    ),
    c.EPOCH: Meaning(
        Text(
            "Passes over the training data. With many passes watch eval loss.",
            "训练数据过了几遍。轮数多时要盯 eval loss。",
        ),
        Good.UP,
        (src.GRPO_OTHER, src.SFT_METRICS),
        related=(c.EVAL_TRAIN_LOSS, c.STEP),
    ),
    c.TOKENS: Meaning(
        Text(
            "Tokens processed so far: always growing in training, the same at each evaluation of the same "
            "data.",
            "累计处理的 token 数。训练中持续增长；验证集的 token 数固定。",
        ),
        Good.UP,
        (src.SFT_METRICS,),
        related=(c.EPOCH,),
    ),
    c.ELAPSED: Meaning(
        Text(
            "Time since the trainer's process started; begins anew after a resume.",
            "训练进程启动至今的时间，续训后重新计。",
        ),
        Good.NEITHER,
        (src.GRPO_METRICS, src.TRAINERS),
        related=(c.REMAINING,),
    ),
    c.REMAINING: Meaning(
        Text(
            "Time left as the trainer estimates it: from the mean since its start, so it is wrong after a "
            "resume.",
            "框架估计的剩余时间，由启动以来的平均速度推算，续训后不准。",
        ),
        Good.DOWN,
        (src.GRPO_METRICS, src.TRAINERS),
        related=(c.RECENT_SECONDS_PER_STEP, c.PROGRESS),
    ),
    c.SECONDS_PER_STEP: Meaning(
        Text(
            "Seconds per step as logged: a mean since the start, evaluations and saves included.",
            "日志里的每步秒数：启动以来的均值，含验证和保存。",
        ),
        Good.DOWN,
        (src.GRPO_METRICS, src.TRAINERS),
        related=(c.RECENT_SECONDS_PER_STEP, c.STEP_TIME),
    ),
    c.STEP_TIME: Meaning(
        Text(
            "Duration of the last step. Grows with the length of samples and completions.",
            "最近一步的耗时，随样本与生成长度增长。",
        ),
        Good.DOWN,
        (src.TRAINERS,),
        related=(c.COMPLETION_LENGTH, c.RECENT_SECONDS_PER_STEP),
    ),
    c.MEMORY: Meaning(
        Text(
            "Highest device memory so far; it never falls. Should be level after the first tenth of the run.",
            "迄今显存峰值，不会下降。训练过了前十分之一就应持平。",
        ),
        Good.NEITHER,
        (src.GRPO_METRICS, src.SFT_WATCH),
        related=(c.COMPLETION_LENGTH, c.STEP_TIME),
    ),
    c.EVAL_RUNTIME: Meaning(
        Text(
            "Duration of the last evaluation. Depends on the amount of data; on the same data it should not "
            "change.",
            "最近一次验证的耗时。取决于数据量，数据不变就不该变。",
        ),
        Good.DOWN,
        (src.SFT_METRICS, src.SFT_WATCH),
        related=(c.EVAL_SAMPLES, c.EVAL_STEPS),
    ),
    c.EVAL_SAMPLES: Meaning(
        Text(
            "Samples evaluated per second. A sudden fall means memory pressure or a shared machine.",
            "每秒验证样本数。骤降说明显存紧张或机器被抢占。",
        ),
        Good.UP,
        (src.SFT_METRICS, src.SFT_WATCH),
        related=(c.EVAL_RUNTIME, c.MEMORY),
    ),
    c.EVAL_STEPS: Meaning(
        Text(
            "Evaluation batches per second.",
            "每秒验证 batch 数。",
        ),
        Good.UP,
        (src.SFT_METRICS,),
        related=(c.EVAL_SAMPLES,),
    ),
    c.RECENT_SECONDS_PER_STEP: Meaning(
        Text(
            "Seconds per step over the last records: the true speed now.",
            "最近若干记录的每步秒数，反映当前真实速度。",
        ),
        Good.DOWN,
        (src.TRAINERS,),
        related=(c.SECONDS_PER_STEP, c.STEP_TIME),
    ),
    p.EVAL_TOKENS: plain(
        "Where the trainer's count of tokens stood at the last evaluation: in TRL that of the training, in "
        "others that of the evaluation data, which is the same each time.",
        "最近一次验证时框架的 token 计数：TRL 中即训练累计数，其他框架为验证集的 token 数，每次相同。",
        sources=(src.SFT_METRICS, src.RUNS),
        related=(c.TOKENS,),
    ),
    p.TRAINABLE_TOKENS: plain(
        "Tokens so far that the loss is taken over: without prompts and padding.",
        "累计参与 loss 计算的 token 数，不含 prompt 与填充。",
        Good.UP,
        related=(c.TOKENS,),
    ),
    p.SAMPLES: plain("Samples seen so far; episodes in PPO.", "累计样本数，PPO 中即 episode 数。", Good.UP),
    p.TRAIN_SAMPLES: plain("Size of the training data.", "训练集样本数。", related=(c.EPOCH,)),
    p.EVAL_DATA_SAMPLES: plain("Size of the evaluation data.", "验证集样本数。", related=(c.EVAL_RUNTIME,)),
    p.EVAL_PREPARATION: plain(
        "Time before the first evaluation in which the model was moved to its devices or wrapped.",
        "首次验证前把模型搬到设备或封装所花的时间。",
        Good.DOWN,
        related=(c.EVAL_RUNTIME,),
    ),
    p.TRAIN_RUNTIME: plain(
        "How long the trainer's process trained, evaluations and saves included. After a resume it counts "
        "the last process alone.",
        "训练进程的总耗时，含验证与保存。续训后只计最后一个进程。",
        sources=(src.SFT_METRICS, src.TRAINERS),
        related=(c.ELAPSED,),
    ),
    p.FLOATING_POINT_OPERATIONS: plain(
        "Floating point operations so far, reckoned from parameters and tokens and not measured.",
        "累计浮点运算量，由参数量与 token 数估算，并非实测。",
        related=(c.TOKENS,),
    ),
    p.LORA_RESTARTS: plain(
        "Times that ReLoRA merged the adapter into the weights and began a new one. The loss may jump "
        "after each.",
        "ReLoRA 合并 adapter 并重新开始的次数，每次之后 loss 可能跳一下。",
        sources=(src.RELORA,),
        related=(c.LOSS, c.LEARNING_RATE),
    ),
}
