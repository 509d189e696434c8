"""What the metrics of throughput, memory and batches mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import progress, rollout
from llmtrain_exporter.knowledge.catalogue import speed as s
from llmtrain_exporter.knowledge.meaning import Good, Meaning
from llmtrain_exporter.knowledge.meanings.plain import noted, on_its_own_level, plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import DPO, GENERIC, GRPO, PPO, REWARD_MODEL, SFT

_ALL = (GRPO, PPO, SFT, DPO, REWARD_MODEL, GENERIC)

_THROUGHPUT: Mapping[Metric, Meaning] = {
    s.TOKENS_PER_SECOND: plain(
        "How fast the run is. A fall against its own level is a sick node, a slow disk or longer samples.",
        "训练速度。相对自身水平下降，可能是节点故障、磁盘变慢或样本变长。",
        Good.UP,
        related=(c.STEP_TIME, s.MFU),
        healthy=on_its_own_level(*_ALL),
        parts={
            "all": plain(
                "Of the whole run, as a mean since its process started: it notices a change late.",
                "全部 GPU 合计，为进程启动以来的均值，对变化反应迟缓。",
                Good.UP,
            ),
            "gpu": plain("Of one GPU.", "单张 GPU。", Good.UP),
            "generated": plain("Of the sampler.", "采样引擎。", Good.UP),
        },
    ),
    s.SAMPLES_PER_SECOND: plain(
        "Samples that the whole training took per second, pauses included. Compare runs by it.",
        "整个训练平均每秒处理的样本数，含停顿，可用来比较不同训练。",
        Good.UP,
        related=(progress.TRAIN_RUNTIME,),
    ),
    s.STEPS_PER_SECOND: plain(
        "Steps that the whole training took per second, pauses included.",
        "整个训练平均每秒完成的步数，含停顿。",
        Good.UP,
        related=(progress.TRAIN_RUNTIME, c.STEP_TIME),
    ),
    s.EPISODES_PER_SECOND: plain(
        "How fast PPO gets its samples.", "PPO 获取样本的速度。", Good.UP, related=(progress.SAMPLES,)
    ),
    s.MFU: plain(
        "Share of what the GPUs could reckon at best. Low: they wait for memory, network or data.",
        "相对 GPU 理论峰值的利用率。偏低说明在等内存、网络或数据。",
        Good.UP,
        (src.PALM,),
        related=(s.TOKENS_PER_SECOND,),
        healthy=on_its_own_level(*_ALL),
    ),
    s.FLOPS: plain(
        "What a GPU gets done. Hold it against what its data sheet promises.",
        "单张 GPU 的实际算力，可与标称值对照。",
        Good.UP,
        related=(s.MFU,),
        healthy=on_its_own_level(*_ALL),
    ),
    s.PHASE_TIME: plain(
        "Where the time of a step goes: which part has grown says what to look at.",
        "一步的时间花在哪里，看哪一段变长即可定位原因。",
        Good.DOWN,
        related=(c.STEP_TIME, rollout.QUEUE_SIZE),
        healthy=on_its_own_level(GRPO, PPO, GENERIC),
        parts={
            "rollout_wait": plain(
                "The trainer waits for samples: the sampler is the bottleneck.",
                "训练等待样本，采样是瓶颈。",
                Good.DOWN,
                (src.PRIME_TRAINING,),
            ),
            "weight_sync*": plain("New weights go to the sampler.", "把新权重同步给采样引擎。", Good.DOWN),
            "queue": plain("A sample waits for the trainer.", "样本在队列中等待训练。", Good.DOWN),
        },
    ),
    s.EVAL_DATASET_RUNTIME: plain(
        "Duration of the evaluation, by data set.", "各验证集的耗时。", Good.DOWN, related=(c.EVAL_RUNTIME,)
    ),
    s.EVAL_DATASET_SAMPLES: plain(
        "Samples evaluated per second, by data set.",
        "各验证集每秒样本数。",
        Good.UP,
        related=(c.EVAL_SAMPLES,),
    ),
    s.EVAL_DATASET_STEPS: plain(
        "Batches evaluated per second, by data set.",
        "各验证集每秒 batch 数。",
        Good.UP,
        related=(c.EVAL_STEPS,),
    ),
}

_OF_A_STEP: Mapping[Metric, Meaning] = {
    s.STEP_SAMPLES_PER_SECOND: plain(
        "How many samples the last step got through in a second.",
        "最近一步每秒处理的样本数。",
        Good.UP,
        related=(c.STEP_TIME, s.TOKENS_PER_SECOND),
    ),
    s.TOKEN_TIME: plain(
        "Time of a phase without the influence of how long samples are: what rises here is truly slower.",
        "扣除样本长度影响后的阶段耗时，上升才是真的变慢。",
        Good.DOWN,
        related=(s.PHASE_TIME,),
        healthy=on_its_own_level(GRPO, PPO),
    ),
    s.DATA_TIME: plain(
        "GPUs that wait for data: more workers, or a faster disk.",
        "GPU 等数据的时间占比，可增加 worker 或换更快的磁盘。",
        Good.DOWN,
        related=(s.PHASE_TIME, c.STEP_TIME),
        healthy=on_its_own_level(SFT, GENERIC),
    ),
    s.RANK_TOKENS: plain(
        "How unevenly ranks are loaded: all wait for the fullest.",
        "各 rank 的负载是否均衡，所有人都要等最满的那个。",
        related=(s.BATCH_RATIO, c.STEP_TIME),
        parts={
            "minmax_diff": plain(
                "Between the fullest and the emptiest rank.", "最满与最空 rank 之差。", Good.DOWN
            ),
            "balanced_*": plain("Once samples were spread evenly.", "均衡分配之后。"),
        },
    ),
    s.LOOP_LAG: plain(
        "Work that is handed out late: the orchestrator's processor is the bottleneck.",
        "任务分发滞后，说明调度进程的 CPU 成了瓶颈。",
        Good.DOWN,
        related=(rollout.QUEUE_SIZE,),
        healthy=on_its_own_level(GRPO),
    ),
    s.POWER: plain(
        "A GPU that takes much less than its limit waits for something.",
        "远低于功耗上限说明 GPU 在等待。",
        related=(s.MFU,),
    ),
    s.ENERGY: plain("What an iteration costs in energy.", "每次迭代的能耗。", Good.DOWN, related=(s.POWER,)),
}

_MEMORY: Mapping[Metric, Meaning] = {
    s.MEMORY_RATIO: plain(
        "How near the device is to running out of memory: the next long sample decides.",
        "离 OOM 还有多远，下一条长样本见分晓。",
        related=(c.MEMORY, s.ALLOCATOR_EVENTS),
        healthy=noted("Near 1 an OOM is near.", "接近 1 即濒临 OOM。", SFT, GRPO),
    ),
    s.HOST_MEMORY: plain(
        "A steady rise is a leak, in the data loader or the sampler, and ends with the process being killed.",
        "持续上涨即内存泄漏，多在数据加载或采样端，最终进程会被系统杀掉。",
        Good.DOWN,
        related=(c.MEMORY,),
        healthy=on_its_own_level(SFT, GRPO),
    ),
    s.ALLOCATOR_EVENTS: plain(
        "Retries come before an OOM, and cost time each.",
        "重试是 OOM 的前兆，且每次都耗时。",
        Good.DOWN,
        related=(s.MEMORY_RATIO,),
        healthy=noted("Stays 0.", "应保持为 0。", SFT, GRPO),
    ),
    s.DISK: plain(
        "Room for checkpoints. A full disk ends a run.",
        "checkpoint 所在磁盘，写满会中断训练。",
        related=(s.DISK_FREE,),
    ),
    s.DISK_FREE: plain(
        "Hold it against the size of the next checkpoint.",
        "与下一个 checkpoint 的大小对照。",
        Good.UP,
        related=(s.DISK,),
    ),
    s.MEMORY_ALLOCATED: plain(
        "What tensors took at the most. Far below what is reserved: memory is fragmented.",
        "张量占用的峰值。远低于保留量说明显存碎片化。",
        related=(c.MEMORY, s.MEMORY_RESERVED),
    ),
    s.MEMORY_RESERVED: plain(
        "What the process holds of the device. At the device's size the next long sample runs out of memory.",
        "进程在设备上占住的显存。接近设备容量时，下一条长样本就会 OOM。",
        related=(c.MEMORY, s.MEMORY_ALLOCATED),
    ),
    s.MEMORY_CHANGE: plain(
        "What each stage of the program took, by the trainer's own tracker: on its host and on its GPU.",
        "程序各阶段占用的内存，由框架自带的跟踪器统计，分主机与 GPU。",
        related=(c.MEMORY,),
    ),
    s.MEMORY_BEFORE: plain(
        "What was taken already: by the model, or by somebody else.",
        "训练器建立之前已占用的内存，来自模型或其他进程。",
        related=(s.MEMORY_CHANGE,),
    ),
}

_BATCHES: Mapping[Metric, Meaning] = {
    s.BATCH_RATIO: plain(
        "Padding, unused room and uneven rows are paid for like tokens.",
        "填充、空位和不均衡与真实 token 一样耗费算力。",
        related=(s.TOKENS_PER_SECOND,),
        parts={
            "masked": plain("Tokens that nothing is learnt from.", "不参与学习的 token。"),
            "filled": plain("How full rows are.", "每行的填满程度。", Good.UP),
            "padding": plain("Tokens that only fill a row up.", "仅用于补齐的 token。", Good.DOWN),
            "imbalance": plain("The fullest row over the mean one.", "最满的一行与平均之比。", Good.DOWN),
            "packing": plain("Samples that share a row with others.", "多个样本拼在一行的程度。", Good.UP),
        },
    ),
    s.BATCH_SIZE: plain(
        "How many samples, groups and micro-batches a row or step has.",
        "一行或一步包含多少样本、组与 micro-batch。",
        related=(s.STEP_TOKENS,),
    ),
    s.ROW_TOKENS: plain(
        "Tokens that a row holds. The longest decides how long all wait.",
        "每行的 token 数，最长的一行决定所有人等多久。",
        related=(s.BATCH_RATIO,),
    ),
    s.STEP_TOKENS: plain(
        "Tokens in a step. Many forwarded and few trained: most of the work teaches nothing.",
        "一步的 token 数。前向很多而训练很少，说明大部分计算没有学习价值。",
        related=(s.BATCH_RATIO,),
    ),
    s.SAMPLE_TOKENS: plain(
        "Tokens in one sample, prompt and tools' answers included.",
        "单个样本的 token 数，含 prompt 与工具返回。",
        related=(c.COMPLETION_LENGTH,),
    ),
}

SPEED: Mapping[Metric, Meaning] = {**_THROUGHPUT, **_OF_A_STEP, **_MEMORY, **_BATCHES}
