"""The words on a card in a chat group: short, for somebody who reads them on a phone."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.knowledge.words import Counted

# Headlines.
HEADLINE = Text("{mark} {what}: {run}", "{mark} {what}：{run}")
TEST = Text("Test", "测试")
OVER = Text("Over: {what}", "已恢复：{what}")
RECOVERED = Text("Recovered at step {step}", "第 {step} 步恢复正常")
WENT_BACK = Text("Over, the run went back to step {step}", "训练已回到第 {step} 步，事故结束")
ENDED = {
    "finished": Text("Finished without recovering", "训练结束，未恢复"),
    "failed": Text("Failed without recovering", "训练失败退出，未恢复"),
    "stalled": Text("Silent without recovering", "训练已无输出，未恢复"),
}
NO_MORE = Text("Alert over, not recovered", "告警已结束，但未恢复")
ALERTS_OVER = Text("Alert over", "告警已解除")

TITLES: Mapping[str, Text] = {
    "LlmTrainIncident": Text("Training incident", "训练事故"),
    "LlmTrainRunFailed": Text("Run failed", "训练失败退出"),
    "LlmTrainRunFinished": Text("Run finished", "训练结束"),
    "LlmTrainExporterDown": Text("Exporter down", "exporter 无法访问"),
    "LlmTrainExporterErrors": Text("Exporter has errors", "exporter 报错"),
    "LlmTrainExporterSkippedLines": Text("Log lines not understood", "有日志行无法识别"),
    "LlmTrainExporterSeriesLimit": Text("Too many series", "指标序列过多"),
    "LlmTrainExporterNotReady": Text("Exporter still reading", "exporter 尚未就绪"),
    "LlmTrainNoRuns": Text("No runs watched", "没有可监控的训练"),
}
"""What alerts without a signal of their own are called, where the alert's own text is in another language."""

# What is known of the run.
STATE = Text("{state}, step {step}", "{state}，第 {step} 步")
STATE_OF = Text("{state}, step {step} of {max} ({share})", "{state}，第 {step} / {max} 步（{share}）")
SINCE = Text("Since step {onset}, {steps} ago", "始于第 {onset} 步，已过 {steps}")
SINCE_NOW = Text("Since step {onset}", "始于第 {onset} 步")
STEPS = Counted(Text("1 step", "1 步"), Text("{n} steps", "{n} 步"))
ORDER = Text("Broke in this order: {stages}", "失常顺序：{stages}")
FIRST_STAGE = Text("{stage} (step {step})", "{stage}（第 {step} 步）")
CHECKPOINT = Text("Last checkpoint before it: {checkpoint}", "事发前最后一个 checkpoint：{checkpoint}")
FIRING_FOR = Text("This alert has been on for {time}.", "该告警已持续 {time}。")
LASTED = Text("It lasted {steps}, {time}: {stages}", "持续 {steps}、{time}：{stages}")
LASTED_TIME = Text("It lasted {time}.", "持续 {time}。")
SILENT = Text(
    "No record since {when}: it was likely killed, or it hangs.",
    "{when} 起没有新记录：可能被杀，也可能卡住。",
)
MINUTES = Text("{n} min", "{n} 分钟")
HOURS = Text("{n} h", "{n} 小时")
DAYS = Text("{n} days", "{n} 天")

# Headings and lines below them.
HAPPENED = Text("What happened", "发生了什么")
FINDING = Text("{when}: {title}. {text}", "{when}，{title}。{text}")
AT = Text("step {first}", "第 {first} 步")
FROM_TO = Text("steps {first} to {last}", "第 {first} 至 {last} 步")
ON = Text("step {first} on", "第 {first} 步起")
TO_DO = Text("What to do", "怎么办")
NOW = Text(" (now {now})", "（现为 {now}）")
WHY = Text("Likely causes", "可能的原因")
ALSO = Text("Also: {alerts}", "另有：{alerts}")
MORE = Counted(Text("and 1 more", "还有 1 项"), Text("and {n} more", "还有 {n} 项"))
STILL = Text("Firing", "告警中")
GONE = Text("Over", "已解除")
RUN_PAGE = Text("Run page", "训练详情")
DASHBOARD = Text("Dashboard", "仪表盘")
RUNBOOK = Text("Runbook", "处理手册")

# Notes at the end.
SAMPLE = Text(
    "This is a test of the chat bot with a sample incident. Nothing is wrong.",
    "这是一条机器人测试消息，内容为示例事故，实际没有异常。",
)
ALERT_ONLY = Text(
    "The exporter could not be asked about this run; this is all that the alert itself says.",
    "无法向 exporter 查询该训练，以上仅为告警自带的信息。",
)
NOT_KNOWN = Text(
    "The exporter does not know this run now; this is all that the alert itself says.",
    "exporter 目前没有该训练，以上仅为告警自带的信息。",
)
WAITING = Counted(
    Text(
        "1 more card waits (this bot may send {rate}): {names}",
        "另有 1 条卡片在等待（该机器人限 {rate}）：{names}",
    ),
    Text(
        "{n} more cards wait (this bot may send {rate}): {names}",
        "另有 {n} 条卡片在等待（该机器人限 {rate}）：{names}",
    ),
)
PER_MINUTE = Text("{count} a minute", "每分钟 {count} 条")
PER_SECOND = Text("{count} a second", "每秒 {count} 条")
CUT = Text("Left out for length: {parts}.", "因长度限制省略：{parts}。")
SHORTENED = Text("Texts were shortened.", "文字有删减。")
TRUNCATED = Counted(
    Text("Alertmanager left out 1 alert.", "Alertmanager 省略了 1 条告警。"),
    Text("Alertmanager left out {n} alerts.", "Alertmanager 省略了 {n} 条告警。"),
)
PARTS: Mapping[str, Counted] = {
    "facts": Counted(Text("1 fact", "1 条概况"), Text("{n} facts", "{n} 条概况")),
    "findings": Counted(Text("1 finding", "1 条经过"), Text("{n} findings", "{n} 条经过")),
    "actions": Counted(Text("1 thing to do", "1 条建议"), Text("{n} things to do", "{n} 条建议")),
    "causes": Counted(Text("1 cause", "1 条原因"), Text("{n} causes", "{n} 条原因")),
    "alerts": Counted(Text("1 alert", "1 条告警"), Text("{n} alerts", "{n} 条告警")),
    "links": Counted(Text("1 link", "1 个链接"), Text("{n} links", "{n} 个链接")),
    "notes": Counted(Text("1 note", "1 条说明"), Text("{n} notes", "{n} 条说明")),
}
"""What may be left out of a card that is too long, by the names of its blocks."""
