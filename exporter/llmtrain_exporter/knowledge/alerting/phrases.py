"""The words around alerts: lists in their descriptions, and the headings of the runbook."""

from __future__ import annotations

from llmtrain_exporter.knowledge.signal import Measure
from llmtrain_exporter.knowledge.text import Text

# In descriptions.
ARROW = " -> "
NONE = Text("none", "无")
SIGNAL = Text("{name} at step {step}, worst {peak}{limit}", "{name} 第 {step} 步，最差 {peak}{limit}")
ITS_LIMIT = Text(" (limit {limit})", "（限值 {limit}）")
UNITS = {
    Measure.VALUE: Text("{number}", "{number}"),
    Measure.RATIO: Text("{number}x", "{number} 倍"),
    Measure.FALL: Text("{share}", "{share}"),
    Measure.SIGMA: Text("{number} sigma", "{number} sigma"),
    Measure.GAPS: Text("{number} gaps", "{number} 个间隔"),
}
"""A limit in short, by what it is in."""

LOOK_FIRST = Text(
    "{look} Likely causes in this run and what to do stand on its page.",
    "{look}本次训练的可能原因和处理办法见它的页面。",
)
"""In place of remedies: which of them help and which make it worse depends on what else the run shows."""

# In the runbook.
TITLE = Text("Runbook", "告警手册")
HEAD = Text(
    "One entry for each alert, named as the alert is. An incident is told as `LlmTrainIncident`; the alerts "
    "of its signals are silent meanwhile, and their entries say what each of them means.",
    "每个告警一条，标题即告警名。事故以 `LlmTrainIncident` 通知；其间各信号的告警静默，含义见各自条目。",
)
RENDERED = Text(
    "This page is rendered from `exporter/llmtrain_exporter/knowledge/` by `llmtrain-exporter render`.",
    "本页由 `llmtrain-exporter render` 从 `exporter/llmtrain_exporter/knowledge/` 生成。",
)
MEANING = Text("Meaning", "含义")
IMPACT = Text("Impact", "影响")
DIAGNOSIS = Text("Diagnosis", "诊断")
MITIGATION = Text("Mitigation", "处理")
SEVERITY = Text("Severity", "级别")
LIMITS = Text("Limits", "限值")
HELD = Text("{severity}, after {time}", "{severity}，持续 {time} 后")
IN_PROFILES = Text("{severity}: {limit} ({profiles})", "{severity}：{limit}（{profiles}）")
EVERYWHERE = Text("all profiles", "所有 profile")
IN_RECORDS = Text(", in {records} of {within} records", "，{within} 条记录中有 {records} 条")
IN_A_ROW = Text(", in {records} records in a row", "，连续 {records} 条记录")
