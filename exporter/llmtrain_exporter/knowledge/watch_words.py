"""The words of a run that is watched while it trains; those of its verdict are in `story_words`."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Counted, Text

# While there is nothing to show.
WAITING = Text("waiting for {path}: {reason}", "等待 {path}：{reason}")
READING = Text("reading: {share}", "正在读取：{share}")
CTRL_C = Text("Ctrl-C ends this.", "按 Ctrl-C 退出。")
KEYS = Text(
    "Up, Down: another run. a: the one in most trouble. q or Ctrl-C ends this.",
    "上/下方向键：切换训练；a：问题最严重的训练；q 或 Ctrl-C：退出。",
)

# The runs of a folder.
WAITS = Text("waiting", "等待中")

MORE_RUNS = Counted(
    Text("... and 1 more run", "……还有 1 次训练"), Text("... and {n} more runs", "……还有 {n} 次训练")
)

# What happens, one line each.
BEST = Text(
    "{unit} {step}: best evaluation so far, loss {loss}", "第 {step} {unit}：迄今最佳验证，eval loss {loss}"
)
EASED = Text("{unit} {step}, eased to {severity}: {title}", "第 {step} {unit}，减轻为{severity}：{title}")
WORSE = Text(
    "{unit} {step}, now {severity}: {title}. {text}", "第 {step} {unit}，升级为{severity}：{title}。{text}"
)
OVER = Text("{unit} {step}, over: {title} ({when})", "第 {step} {unit}，已解除：{title}（{when}）")
BEGUN = Text("Incident from {unit} {onset}: {chain}", "事故：始于第 {onset} {unit}，{chain}")
SPREADS = Text(
    "Incident from {unit} {onset} spreads: {chain}", "事故仍在扩大，始于第 {onset} {unit}：{chain}"
)
DO = Text("What to do: {actions}", "怎么办：{actions}")
STALLED = Text("stalled: no record for {time}", "停滞：{time}没有新记录")
GOES_ON = Text("goes on after its silence", "沉默之后恢复训练")
REWRITTEN = Text("the log was rewritten and is read anew", "日志已被重写，重新读取")
GONE = Text("the log is gone", "日志已不存在")
