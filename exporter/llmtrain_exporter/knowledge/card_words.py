"""The words on a card in a chat group: short, for somebody who reads them on a phone."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.text import Counted, Text

# Headlines.
HEADLINE = Text("{mark} {what}: {run}", "{mark} {what}：{run}")
TEST = Text("Test", "测试")
OVER = Text("Over: {what}", "已恢复：{what}")
NO_MORE = Text("Alert over, not recovered", "告警已结束，但未恢复")
ALERTS_OVER = Text("Alert over", "告警已解除")

# What the alert itself knows.
BEGAN = Text("It began at {moment}.", "开始于 {moment}。")
FIRING_FOR = Text("This alert has been on for {time}.", "该告警已持续 {time}。")
LASTED = Text("It lasted {time}.", "持续 {time}。")
LASTED_BRIEFLY = Text("It lasted less than a minute.", "持续不到一分钟。")

# Headings and lines below them.
ALSO = Text("Also: {alerts}", "另有：{alerts}")
STILL = Text("Firing", "告警中")
GONE = Text("Over", "已解除")
RUN_PAGE = Text("Run page", "训练详情")
DASHBOARD = Text("Dashboard", "仪表盘")
SILENCE = Text("Silence", "静默")

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
UNSURE = Text(
    "The relay was ended while it sent this card: it may be here twice.",
    "发送本卡片时 relay 意外退出过，它可能会重复出现。",
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
    "incidents": Counted(Text("1 incident", "1 次事故"), Text("{n} incidents", "{n} 次事故")),
    "facts": Counted(Text("1 fact", "1 条概况"), Text("{n} facts", "{n} 条概况")),
    "findings": Counted(Text("1 finding", "1 条经过"), Text("{n} findings", "{n} 条经过")),
    "actions": Counted(Text("1 thing to do", "1 条建议"), Text("{n} things to do", "{n} 条建议")),
    "guard": Counted(
        Text("1 thing that the guard did", "guard 的 1 项操作"),
        Text("{n} things that the guard did", "guard 的 {n} 项操作"),
    ),
    "causes": Counted(Text("1 cause", "1 条原因"), Text("{n} causes", "{n} 条原因")),
    "alerts": Counted(Text("1 alert", "1 条告警"), Text("{n} alerts", "{n} 条告警")),
    "links": Counted(Text("1 link", "1 个链接"), Text("{n} links", "{n} 个链接")),
    "notes": Counted(Text("1 note", "1 条说明"), Text("{n} notes", "{n} 条说明")),
}
"""What may be left out of a card that is too long, by the parts of a story."""
