"""Alerts on what a guard has done: it ended a training that nobody starts again."""

from __future__ import annotations

from llmtrain_exporter.knowledge.alerting import times
from llmtrain_exporter.knowledge.alerting.entry import Alert, AlertTexts, Scope
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Text

STOPPED = Alert(
    "LlmTrainGuardStopped",
    Severity.WARNING,
    Scope.RUN,
    AlertTexts(
        title=Text("Stopped by its guard", "训练被 guard 停止"),
        summary=Text(
            "The guard has stopped a run because of an incident, and nothing has started it again.",
            "guard 因事故停止了训练，此后没有重新启动。",
        ),
        description=Text(
            "{run}: stopped by its guard at step {stopped}.",
            "{run}：在第 {stopped} 步被 guard 停止。",
        ),
        advice=Text(
            "Go on from the checkpoint and with the flags that the run's page and llmtrain-guard.json name.",
            "按该训练的页面和 llmtrain-guard.json 给出的 checkpoint 和参数继续。",
        ),
        meaning=Text(
            "The guard inside the training saw an incident and ended it, as --on-incident stop or save asks. "
            "One that is rescued is not told by this alert: it goes on within minutes.",
            "训练进程内的 guard 发现事故，并按 --on-incident stop 或 save 的要求结束了训练。"
            "会被救援的训练几分钟内就继续，不会触发本告警。",
        ),
        impact=Text(
            "The run stands still, on purpose: its checkpoints are what they were, its GPUs may be idle.",
            "训练有意停住：checkpoint 保持原样，GPU 可能空着。",
        ),
        diagnosis=(
            Text(
                "What the guard saw, and what it says is next: on the run's page, or in llmtrain-guard.json "
                "in its output folder.",
                "看该训练的页面或输出目录里的 llmtrain-guard.json：guard 看到了什么，接下来该做什么。",
            ),
            Text(
                "Is it a real collapse? Compare rewards or losses before the onset and at the stop.",
                "真的崩了吗？对比事故之前与停止时的奖励或 loss。",
            ),
        ),
        mitigation=(
            Text(
                "Resume from the newest checkpoint that was still good, with the flags that are proposed.",
                "从仍然良好的最新 checkpoint 续训，并使用建议的参数。",
            ),
            Text(
                "To have that done by itself: `llmtrain-exporter guard --on-incident rescue -- COMMAND`.",
                "想让它自动完成：`llmtrain-exporter guard --on-incident rescue -- COMMAND`。",
            ),
        ),
    ),
    holds=times.RESCUE,
    keeps=times.BRIDGE,
)
GAVE_UP = Alert(
    "LlmTrainGuardGaveUp",
    Severity.CRITICAL,
    Scope.RUN,
    AlertTexts(
        title=Text("The guard gave up", "guard 放弃救援"),
        summary=Text(
            "The guard could not save a run: it stands still until somebody looks at it.",
            "guard 没能救回训练：在有人处理之前，它一直停着。",
        ),
        description=Text(
            "{run}: stopped at step {stopped}, given up after {rescues} rescues.",
            "{run}：停在第 {stopped} 步，救援 {rescues} 次后放弃。",
        ),
        advice=Text(
            "The run's page and llmtrain-guard.json say why it gave up, and from where to go on by hand.",
            "该训练的页面和 llmtrain-guard.json 写明放弃的原因，以及如何手动继续。",
        ),
        meaning=Text(
            "A training was stopped for an incident and is not started again: all rescues that may be were "
            "used, no good checkpoint is left, or something stood in the way.",
            "训练因事故停止，且不会再启动：允许的救援次数已用完、没有良好的 checkpoint，或遇到障碍。",
        ),
        impact=Text(
            "The run stands still and its GPUs may be idle. Nothing was deleted: later checkpoints lie in "
            "llmtrain-kept.",
            "训练停着，GPU 可能空着。没有删除任何东西：较晚的 checkpoint 在 llmtrain-kept 里。",
        ),
        diagnosis=(
            Text(
                "The reason stands in the last lines of the output, in llmtrain-guard.json and on the run's "
                "page.",
                "先看原因：在输出的最后几行、llmtrain-guard.json 和该训练的页面上。",
            ),
            Text(
                "Did each rescue break at the same step? Then it is the data or the reward, no setting.",
                "每次救援都在同一步出问题？那就是数据或奖励的问题，而不是参数。",
            ),
        ),
        mitigation=(
            Text(
                "No good checkpoint left: start anew, with gentler settings from the first step on.",
                "没有良好的 checkpoint：换更温和的参数，从头训练。",
            ),
            Text(
                "Processes of the old training are still there: end them on all nodes, then start again.",
                "旧训练的进程还在：在所有节点上结束它们，再重新启动。",
            ),
            Text(
                "Otherwise resume by hand, further back than the last rescue began.",
                "其他情况：手动续训，起点要早于上一次救援的起点。",
            ),
        ),
    ),
    keeps=times.BRIDGE,
)
GUARD_ALERTS = (STOPPED, GAVE_UP)
"""Told once; that a training goes on again says that they are over."""
