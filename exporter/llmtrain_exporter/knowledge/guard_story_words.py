"""How it is told what a guard has done to a training."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import guard_words, refusal_words, rescue_words
from llmtrain_exporter.knowledge.text import Counted, Text

TITLE = Text("What the guard did", "guard 做了什么")

# In a line among the facts.
STATES: Mapping[str, Text] = {
    "watching": Text("watches", "看护中"),
    "went_on": Text("the training goes on after a rescue", "救援后继续训练"),
    "ended": Text("watched to the end", "看护到训练结束"),
    "rescued": Text("the training came to its end after a rescue", "获救后训练已完成"),
    "stopped": Text("stopped the training", "已停止训练"),
    "gave_up": Text("gave up", "已放弃救援"),
    "unknown": Text("{file} cannot be read", "无法读取 {file}"),
}
STATE = Text("guard: {state}", "guard：{state}")

# Each thing that it did. {when}: step and time.
AT = Text("step {step}", "第 {step} 步")
AT_TIME = Text("{at}, {moment}", "{at}，{moment}")
TELLS = Text("{when}: {what}", "{when}：{what}")
STOPPED = Text("stopped the training", "停止训练")
TOLD = Text("told of it, the training goes on", "报告问题，训练继续")
FOR = Text("{what}: {title} ({metric} = {value})", "{what}：{title}（{metric} = {value}）")
BECAUSE = Text("{what}: {because}", "{what}：{because}")
RESCUED = Text(
    "rescue {attempt}: went on from step {back} ({checkpoint})",
    "第 {attempt} 次救援：从第 {back} 步（{checkpoint}）继续",
)
WITH = Text("changed: {changes}", "改动：{changes}")
CHANGE = Text("{setting} {before} -> {after}", "{setting} {before} -> {after}")
NOTHING_CHANGED = Text("with the same settings", "设置不变")
WASTED = Text("{steps} trained in vain", "白训 {steps}")
WASTED_HOURS = Text("{steps} trained in vain, about {hours} GPU hours", "白训 {steps}，约 {hours} GPU 小时")
STEPS = Counted(Text("1 step", "1 步"), Text("{n} steps", "{n} 步"))
GIVES_UP = Text("gave up", "放弃救援")
SAVED_ASIDE = Text("saved a snapshot aside: {checkpoint}", "另存快照：{checkpoint}")
KEPT = Text("kept a checkpoint from rotation", "保住 checkpoint，不被轮换删除")
REFUSED = Text("not possible here", "此处无法执行")
REFUSED_SETTING = Text("not possible here ({setting})", "此处无法执行（{setting}）")
SKIPPED = Text(
    "skipped an update: gradient norm {norm} (usual {usual})",
    "跳过一次更新：梯度范数 {norm}（平时 {usual}）",
)
SKIPPED_ALONE = Text("skipped an update: gradient norm {norm}", "跳过一次更新：梯度范数 {norm}")
SKIPPED_SEVERAL = Text("{what}; {n} such updates in all", "{what}；共跳过 {n} 次")
SET = Text(
    "changed {setting} from {before} to {after} while it trained ({because})",
    "在线调整：{setting}，{before} -> {after}（{because}）",
)
SET_SEVERAL = Text(
    "{what}; {n} such changes in all, the first at step {first}",
    "{what}；共改 {n} 次，首次在第 {first} 步",
)
NAMES: Mapping[str, Text] = {
    "learning_rate_share": Text("the share of the learning rate", "学习率（占给定值的比例）"),
    "snapshot": Text("snapshot", "快照"),
    "skip_bad_updates": Text("skipping bad updates", "跳过坏的更新"),
}
"""Of what is no setting of the trainer's own."""

# What came of it.
NOW: Mapping[str, Text] = {
    "stopped": Text("The training stands still.", "训练停在这里。"),
    "rescued": Text("It has come to its end since.", "此后训练已跑完。"),
    "gave_up": Text("The guard does not start the training again.", "guard 不会再启动训练。"),
}
COST = Text("In all {wasted}.", "合计{wasted}。")
SPARED = Text(
    "Spared: the {steps} planned after step {step} were not trained on a broken model.",
    "省下：第 {step} 步之后计划的 {steps}，没有在已损坏的模型上继续训练。",
)
SPARED_HOURS = Text(
    "Spared: the {steps} planned after step {step} were not trained on a broken model,"
    " about {hours} GPU hours.",
    "省下：第 {step} 步之后计划的 {steps}，没有在已损坏的模型上继续训练，约 {hours} GPU 小时。",
)
NEXT = Text("Next: {next}", "接下来：{next}")
UNREAD = Counted(
    Text("1 entry of {{file}} cannot be read.", "{{file}} 中有 1 项无法读取。"),
    Text("{n} entries of {{file}} cannot be read.", "{{file}} 中有 {n} 项无法读取。"),
)

# In an incident.
ENDED_BY_RESCUE = Text(
    "rescued at step {step} by going back to step {back}", "第 {step} 步获救（退回第 {back} 步）"
)
ENDED_BY_STOP = Text("stopped by the guard at step {step}", "第 {step} 步被 guard 停止")
RESCUED_AT = Text("Rescued at step {step}, back to step {back}", "第 {step} 步获救，退回第 {back} 步")
STOPPED_AT = Text("Stopped by the guard at step {step}", "guard 在第 {step} 步停止了训练")
GIVEN_UP_AT = Text("Stopped at step {step}, the guard has given up", "训练停在第 {step} 步，guard 已放弃救援")

SAID_BY_GUARD: tuple[Text, ...] = (
    guard_words.NEXT_WITH_RATE,
    guard_words.NEXT_WITH,
    guard_words.NEXT,
    guard_words.INCIDENT,
    guard_words.AS_GIVEN,
    rescue_words.NEXT_BY_HAND,
    rescue_words.NEXT_THE_SAME,
    rescue_words.WENT_ON_IN,
    rescue_words.ENDED_BY_ITSELF,
    rescue_words.BEGAN_ANEW,
    rescue_words.FORGOTTEN,
    rescue_words.SEVERAL_TRAININGS,
    rescue_words.MOST_REACHED,
    rescue_words.NONE_WANTED,
    rescue_words.NO_LOG,
    rescue_words.NO_CHECKPOINT,
    rescue_words.NONE_GOOD,
    rescue_words.NONE_FURTHER_BACK,
    rescue_words.STILL_ALIVE,
    rescue_words.CANNOT_MOVE,
    rescue_words.CANNOT_RESUME,
    rescue_words.CANNOT_WRITE,
    rescue_words.OWN_ERROR,
    guard_words.KL_TARGET,
    guard_words.USUAL_NORM,
    *refusal_words.TOLD,
)
"""Sentences that stand in the guard's file in one language, and are told in any."""
