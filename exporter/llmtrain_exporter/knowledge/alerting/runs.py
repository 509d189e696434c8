"""Alerts on a run as a whole: the incident, and how a run ends."""

from __future__ import annotations

from llmtrain_exporter.knowledge.alerting import times
from llmtrain_exporter.knowledge.alerting.entry import Alert, AlertTexts, Scope
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Text

INCIDENT = Alert(
    "LlmTrainIncident",
    Severity.CRITICAL,
    Scope.RUN,
    AlertTexts(
        title=Text("Training incident", "训练事故"),
        summary=Text(
            "A run is breaking: whatever it learns from here on may be worthless.",
            "训练正在崩坏：从这里开始学到的可能都作废。",
        ),
        description=Text(
            "{run}: incident from step {onset}. Broke in this order: {order}. Signals: {signals}.",
            "{run}：事故始于第 {onset} 步。失常顺序：{order}。信号：{signals}。",
        ),
        advice=Text(
            "Copy the last checkpoint before the onset away. Look at the run's page: it has what to change.",
            "先拷走出事前的最后一个 checkpoint，再看该训练的页面：上面写着该改什么。",
        ),
        meaning=Text(
            "A critical signal has come up, or several parts of the run have broken together: KL or "
            "gradient, length, reward. All that belongs to it is told in this one alert, which lasts until "
            "the run has recovered; another incident of the same run is an alert of its own.",
            "出现了严重信号，或多个部分相继失常：KL 或梯度、长度、reward。"
            "相关信号都并入这一条告警，直到训练恢复；同一训练的下一次事故会另发一条。",
        ),
        impact=Text(
            "Some runs recover by themselves, with damage; most steps after the onset are wasted, and "
            "checkpoints saved since then may be spoilt.",
            "有的训练会自己恢复，但带着损伤；出事之后的步数大多白跑，其间保存的 checkpoint 也可能已损坏。",
        ),
        diagnosis=(
            Text(
                "Read the order: what broke first is nearest to the cause, the rest follows from it.",
                "先看顺序：最先失常的离根因最近，其余多是后果。",
            ),
            Text(
                "Open the runbook entry of the first signal; its alert has the signal's name.",
                "打开第一个信号的手册条目，其告警以该信号命名。",
            ),
            Text(
                "Is it still going on? Compare the last records with those before the onset.",
                "还在持续吗？把最新几条记录与出事前对比。",
            ),
        ),
        mitigation=(
            Text(
                "Copy the last checkpoint before the onset away, before the trainer deletes it.",
                "趁框架还没删掉，先拷走出事前的最后一个 checkpoint。",
            ),
            Text(
                "If the run is not back at its old level within some tens of records, stop it.",
                "若几十条记录内没有回到原来的水平，就停训。",
            ),
            Text(
                "Change what the first signal's entry says, and resume from that checkpoint.",
                "按第一个信号的条目修改参数，从那个 checkpoint 续训。",
            ),
        ),
    ),
)
FAILED = Alert(
    "LlmTrainRunFailed",
    Severity.CRITICAL,
    Scope.RUN,
    AlertTexts(
        title=Text("Run failed", "训练失败退出"),
        summary=Text("A run has ended with an error.", "训练出错退出。"),
        description=Text(
            "{run}: failed at step {last_step}.",
            "{run}：在第 {last_step} 步失败退出。",
        ),
        advice=Text(
            "Read the last lines of its output. Resume from the newest checkpoint once the cause is known.",
            "看输出的最后几行；查明原因后从最新 checkpoint 续训。",
        ),
        meaning=Text(
            "The trainer left before its last planned step: a traceback stands in its output, or it wrote "
            "its last summary without having come to its end. A run that fails in the middle of an incident "
            "is told by the last message of that incident instead.",
            "框架在计划的最后一步之前退出：输出里有 traceback，或没训完就写了收尾总结。"
            "若失败时正有事故，则由该事故的最后一条通知说明，不另发。",
        ),
        impact=Text(
            "The run stands still and its GPUs may be idle; steps after the newest checkpoint are lost.",
            "训练已停，GPU 可能空着；最新 checkpoint 之后的步数已丢失。",
        ),
        diagnosis=(
            Text(
                "The traceback: out of memory, a lost rank, a full disk, or bad data?",
                "看 traceback：OOM、某个 rank 掉线、磁盘写满，还是数据有问题？",
            ),
            Text(
                "Was there an incident before? Then the crash is its end, not the cause.",
                "之前有没有事故？有则崩溃只是结局，不是原因。",
            ),
        ),
        mitigation=(
            Text(
                "Out of memory: smaller micro batches or shorter samples, then resume.",
                "OOM：减小 micro batch 或缩短样本，再续训。",
            ),
            Text(
                "After an incident: go back to a checkpoint before its onset, not to the newest.",
                "若之前有事故：回到出事前的 checkpoint，而不是最新的。",
            ),
            Text(
                "Otherwise end what is left of it on all nodes, and resume from the newest checkpoint.",
                "其他情况：先在所有节点清掉残留进程，再从最新 checkpoint 续训。",
            ),
        ),
    ),
    keeps=times.BRIDGE,
)
FINISHED = Alert(
    "LlmTrainRunFinished",
    Severity.INFO,
    Scope.RUN,
    AlertTexts(
        title=Text("Run ended", "训练结束"),
        summary=Text("A run has come to its end.", "训练已结束。"),
        description=Text(
            "{run}: ended at step {last_step}.",
            "{run}：在第 {last_step} 步结束。",
        ),
        advice=Text(
            "Compare the checkpoints: the last is not always the best.",
            "对比各个 checkpoint：最后一个不一定最好。",
        ),
        meaning=Text(
            "The trainer reached its last planned step or wrote its closing row.",
            "框架走到了计划的最后一步，或写下了收尾记录。",
        ),
        impact=Text("Its GPUs are free.", "它占用的 GPU 已空出。"),
        diagnosis=(
            Text(
                "Did it end healthy? The run's page has the verdict on the whole log.",
                "结束时健康吗？该训练的页面上有对整份日志的结论。",
            ),
        ),
        mitigation=(
            Text(
                "Nothing to repair. Take the checkpoint that was best in evaluation.",
                "无需处理。选用验证结果最好的 checkpoint。",
            ),
        ),
    ),
    keeps=times.BRIDGE,
)
ENDINGS = (FAILED, FINISHED)
"""Events: they are told once, and never resolved."""
