"""The words in which the questions of the checklists are answered."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.answer import Answer, Ground
from llmtrain_exporter.knowledge.text import Text

CHECKLIST = Text("Checklist", "检查清单")
QUESTION = Text("question", "问题")
ANSWER = Text("answer", "回答")
BECAUSE = Text("because", "依据")

ANSWERS: Mapping[Answer, Text] = {
    Answer.YES: Text("yes", "是"),
    Answer.NOT_ALWAYS: Text("not always", "不总是"),
    Answer.NO: Text("no", "否"),
    Answer.NOT_KNOWN: Text("not known", "无法判断"),
}

ANSWERED = Text("{question} {answer}: {because}", "{question}{answer}：{because}")

NOTHING_AGAINST = Text("no signal speaks against it", "没有不利的信号")
TOO_FEW = Text("too few: {counted}", "太少：{counted}")
RISEN = Text("about {early} at first, {usual} of late", "起初约 {early}，近来约 {usual}")
WEIGHTS_LOST = Text("the weights are no numbers any more ({when})", "权重已不是有效数值（{when}）")
GROUNDS: Mapping[Ground, Text] = {
    Ground.QUIET: Text("no signal in {metrics}", "{metrics} 无异常信号"),
    Ground.NOT_LOGGED: Text("{metrics}: not logged", "未记录 {metrics}"),
    Ground.NO_LIMITS: Text("no limits for all of it in this kind of training", "这类训练没有相应的全部限值"),
    Ground.ENDED: Text("the run has ended", "训练已结束"),
}
"""What says all by itself, but for the metrics that a question is about."""
