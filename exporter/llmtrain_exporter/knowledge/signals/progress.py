"""Signals on whether the run keeps its pace and its memory."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import pace
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import PROFILES
from llmtrain_exporter.knowledge.signal import (
    Advice,
    Bound,
    Family,
    FoundBy,
    Measure,
    Severity,
    Signal,
    in_each,
)
from llmtrain_exporter.knowledge.text import Text

PACE_BLOCKS: Annotated[int, "blocks", src.RUNS] = 16
"""Whose median pace is the run's own."""
PACE_EVALUATIONS: Annotated[int, "evaluations", src.RUNS] = 8
"""The same for the time that an evaluation takes."""
PACE_FEWEST: Annotated[int, "blocks or evaluations", src.RUNS] = 3
"""That make a pace."""
SLOWER_SECONDS: Annotated[float, "seconds", src.RUNS] = 60.0
"""That a block of records has to take longer to count as slower."""
SLOWER_EVALUATION: Annotated[float, "seconds", src.RUNS] = 10.0
"""The same for an evaluation."""
MEMORY_JUDGED: Annotated[float, "share of the planned steps", src.RUNS] = 0.1
"""After which the peak of memory should be known."""
MEMORY_STEP: Annotated[float, "times", src.RUNS] = 1.01
"""By which the peak of memory rises at least when it rises."""
MEMORY_RISES: Annotated[int, "rises", src.RUNS] = 4
"""That make it grow."""
MEMORY_PATIENCE: Annotated[int, "blocks", src.RUNS] = 32
"""Without a rise, after which memory is no longer growing."""

THROUGHPUT_DROP = Signal(
    "throughput_drop",
    Family.PROGRESS,
    (c.RECENT_SECONDS_PER_STEP, c.EVAL_RUNTIME),
    measure=Measure.RATIO,
    clear_after=1,  # looked at once in many records
    limits=in_each(PROFILES, {Severity.WARNING: Bound(2, src.SFT_WATCH, records=3)}),
    advice=Advice(
        title=Text("Throughput drop", "吞吐下降"),
        summary=Text(
            "Training or evaluation has become much slower than before.",
            "训练或验证明显变慢。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, usual {baseline}.",
            "第 {step} {unit} {metric} 为 {value}，平时 {baseline}。",
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
)

MEMORY_GROWTH = Signal(
    "memory_growth",
    Family.PROGRESS,
    (c.MEMORY,),
    measure=Measure.RATIO,
    clear_after=1,
    limits=in_each(PROFILES, {Severity.WARNING: Bound(1.2, src.SFT_WATCH)}),
    advice=Advice(
        title=Text("Memory keeps growing", "显存持续增长"),
        summary=Text(
            "Peak device memory keeps growing long after the start.",
            "训练早已开始，显存峰值仍在不断上涨。",
        ),
        finding=Text(
            "Peak memory has grown from {baseline} to {value} by {unit} {step}.",
            "到第 {step} {unit}，显存峰值已从 {baseline} 涨到 {value}。",
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
)

STALLED = Signal(
    "stalled",
    Family.PROGRESS,
    (c.LAST_RECORD,),
    measure=Measure.GAPS,
    found_by=FoundBy.CLOCK,
    limits=in_each(
        PROFILES,
        {
            Severity.WARNING: Bound(pace.STALL_GAPS, src.RUNS, floor=pace.STALL_SECONDS),
            Severity.CRITICAL: Bound(
                pace.HUNG * pace.STALL_GAPS, src.RUNS, floor=pace.HUNG * pace.STALL_SECONDS
            ),
        },
    ),
    advice=Advice(
        title=Text("Run stalled", "训练停滞"),
        summary=Text(
            "The log has not grown for many times this run's usual gap.",
            "日志停更的时间已是平时间隔的很多倍。",
        ),
        finding=Text(
            "No record for {value} since {unit} {step}, limit {limit}.",
            "自第 {step} {unit}起已 {value} 没有新记录，限值 {limit}。",
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
        causes=("hung_process", "cut_off", "slow_machine"),
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
        remedies=("inspect_process", "see_how_it_ended", "resume", "check_machine"),
        sources=(src.RUNS,),
    ),
)

SIGNALS = (THROUGHPUT_DROP, MEMORY_GROWTH, STALLED)
