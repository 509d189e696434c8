"""Causes in the machine."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.evidence import Moved, Pattern, Shows, Signalled
from llmtrain_exporter.knowledge.text import Text

CAUSES: Mapping[str, Cause] = {
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
        evidence=(
            Signalled(signals=("stalled",), weight=2, needed=True),
            Shows(pattern=Pattern.IN_TROUBLE, weight=-1),
            Shows(pattern=Pattern.CUT_OFF, weight=-2),
        ),
        remedies=(
            "inspect_process",
            "check_machine",
            "resume",
        ),
        sources=(src.RUNS,),
    ),
    "cut_off": Cause(
        Text("The run was most likely ended before it closed its log", "训练很可能没来得及写完日志就结束了"),
        Text(
            "Few processes hang for days unseen. A person, the scheduler or the OOM killer ended it, the "
            "machine went down, or what it wrote last went elsewhere.",
            "卡住好几天而没人发现的情况很少：多半是被人、调度系统或 OOM killer 结束，机器宕机，"
            "或最后的输出写到了别处。",
        ),
        evidence=(
            Shows(pattern=Pattern.CUT_OFF, weight=2, needed=True),
            Shows(pattern=Pattern.IN_TROUBLE, weight=-1),
        ),
        remedies=(
            "see_how_it_ended",
            "resume",
        ),
        sources=(src.RUNS,),
    ),
}
