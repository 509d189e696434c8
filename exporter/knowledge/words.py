"""The words around the knowledge: headings and verdicts of everything that people read."""

from __future__ import annotations

from exporter.knowledge.text import Text

HEALTH = {
    "healthy": Text("healthy", "健康"),
    "watch": Text("watch", "需关注"),
    "broken": Text("broken", "异常"),
}
STATE = {
    "waiting": Text("waiting for the first record", "等待第一条记录"),
    "running": Text("running", "训练中"),
    "stalled": Text("stalled", "停滞"),
    "finished": Text("finished", "已结束"),
    "failed": Text("failed", "失败退出"),
}
JUDGED = {
    "good": Text("good", "良好"),
    "fine": Text("fine", "正常"),
    "look": Text("worth a look", "值得看一眼"),
    "info": Text("to know", "提示"),
    "warning": Text("warning", "警告"),
    "critical": Text("critical", "严重"),
    "": Text("", ""),
}
STAGE = {
    "kl": Text("KL", "KL"),
    "gradient": Text("gradient", "梯度"),
    "length": Text("length", "长度"),
    "reward": Text("reward", "奖励"),
}

COMMA = Text(", ", "，")
COLON = Text(": ", "：")

METRIC = Text("metric", "指标")
VALUE = Text("last value", "最新值")
RANGE = Text("healthy", "健康范围")
VERDICT = Text("verdict", "判断")
AT_STEP = Text("{state} at step {step}", "{state}，第 {step} 步")
OF_STEPS = Text("{step} of {max}", "{step} / {max}")
COUNTS = Text("{train} training records, {eval} evaluations", "{train} 条训练记录，{eval} 次验证")
RESUMED = Text("resumed: step {last} back to {first}", "断点续训：从第 {last} 步回到第 {first} 步")
SKIPPED = Text("lines that are no record: {reasons}", "未计入的行：{reasons}")
WHAT_HAPPENED = Text("What happened", "发生了什么")
INCIDENT = Text("Incident from step {onset} to {end}", "事故：第 {onset} 步至第 {end} 步")
INCIDENT_LASTS = Text("Incident from step {onset} on", "事故：第 {onset} 步起，未恢复")
ORDER = Text("in this order: {stages}", "先后顺序：{stages}")
FINDING = Text("step {step}, {severity}: {title}. {text}", "第 {step} 步，{severity}：{title}。{text}")
BACK_TO = Text("last checkpoint before it: {checkpoint}", "事发前最后一个 checkpoint：{checkpoint}")
WHY = Text("Likely causes", "可能的原因")
WHAT_TO_DO = Text("What to do", "怎么办")
BEST = Text("Best evaluation: loss {loss} at step {step}", "最佳验证：第 {step} 步，eval loss {loss}")
NO_RUN = Text("no run: {reason}", "不是训练日志：{reason}")
EMPTY = Text("empty", "空文件")
NO_RECORD = Text("no training record in it", "其中没有训练记录")
