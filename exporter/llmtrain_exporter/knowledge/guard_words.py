"""What the guard says of an incident, in the training's own output and in its file."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

_BACK = "Go back to a checkpoint from before step {onset}, from when reward and loss were still good"
_BACK_ZH = "请回到第 {onset} 步之前、奖励和损失都还良好的 checkpoint"

NEXT = Text(f"{_BACK}.", f"{_BACK_ZH}。")
NEXT_WITH = Text(f"{_BACK}, with {{flags}}.", f"{_BACK_ZH}，并改用 {{flags}}。")
NEXT_WITH_RATE = Text(
    f"{_BACK}, with {{flags}}. A checkpoint brings its own learning rate along:"
    " llmtrain-exporter guard --force-learning-rate -- COMMAND puts yours in force.",
    f"{_BACK_ZH}，并改用 {{flags}}。checkpoint 会带回它自己的学习率："
    "用 llmtrain-exporter guard --force-learning-rate -- 命令，才能让新的学习率生效。",
)
OLD_RATE = Text(
    "goes on with the learning rate of the checkpoint, {rate}; {given} is not in force,"
    " for which guard has --force-learning-rate",
    "继续使用 checkpoint 的学习率 {rate}；{given} 并未生效，如需生效请给 guard 加上 --force-learning-rate",
)
AS_GIVEN = Text("as the command has it", "按命令所给")
INCIDENT = Text(
    "step {step}: {signal} ({severity}): {metric} = {value}",
    "第 {step} 步：{signal}（{severity}）：{metric} = {value}",
)
STOPPED = Text(
    "the training was stopped at step {step}. {next} See {file}.",
    "训练已在第 {step} 步停止。{next} 详见 {file}。",
)

AFTER_RESCUE = Text("after a rescue", "救援之后")
KL_TARGET = Text("kl {kl}, target {target}", "kl {kl}，目标 {target}")
USUAL_NORM = Text("usual gradient norm {norm}", "平时的梯度范数 {norm}")
"""Why a setting is changed while the training runs."""
