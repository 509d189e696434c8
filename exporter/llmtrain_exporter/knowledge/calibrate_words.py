"""What `calibrate` says, and writes beside the limits that it has learned."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

READING = Text("{n} logs read", "已读取 {n} 个日志")
LEARNING = Text("{profile}: trying limits, {n} judgements so far", "{profile}：正在试限值，已判断 {n} 次")

LEARNED_FROM = Text(
    "{profile}: healthy runs: {healthy}, with {records} training records; broken runs: {broken}",
    "{profile}：健康训练 {healthy} 次，共 {records} 条训练记录；异常训练 {broken} 次",
)
RATES = Text(
    "False alarms per 1,000 records: {before} with the limits so far, {after} with these, {unseen}. "
    "Budget: {budget}.",
    "每 1000 条记录的误报数：原限值 {before}，新限值 {after}，{unseen}；预算为 {budget}。",
)
UNSEEN_RATE = Text("{rate} in runs they had not seen", "在未参与学习的训练上 {rate}")
UNSEEN_UNKNOWN = Text("in runs they had not seen: not known", "在未参与学习的训练上未知")
FOUND = Text(
    "Broken runs told as broken: {before} of {broken} with the limits so far, {after} with these, {unseen}.",
    "判为异常的异常训练：原限值 {broken} 次中 {before} 次，新限值 {after} 次，{unseen}。",
)
UNSEEN_FOUND = Text("{n} where they had not seen the run", "未参与学习时 {n} 次")
OVERFITTED = Text(
    "In runs that they had not seen they are above the budget: they fit these runs better than the next. "
    "More runs help.",
    "在未参与学习的训练上超出预算：限值对这些训练拟合过度，需要更多训练。",
)
TOO_FEW = Text(
    "{records} records cannot tell a rate below {least} per 1,000 from none. For a budget of {budget} to "
    "mean anything, {missing} more records of healthy runs are needed.",
    "{records} 条记录分辨不出低于每 1000 条 {least} 次的误报率。要让 {budget} 的预算有意义，"
    "还需要 {missing} 条健康训练的记录。",
)
NO_BROKEN = Text(
    "No broken run among them: nothing shows what the new limits would miss.",
    "其中没有异常训练：无从得知新限值会漏掉什么。",
)
NOT_USED = Text("Not learned from: {names}.", "未参与学习：{names}。")
MORE_NAMES = Text("{names} and {n} more", "{names}，另有 {n} 次")
WHY_NOT_USED = Text(
    "They have neither ended well nor broken, nothing can be judged in them, or they broke and no run of "
    "their kind is healthy; --healthy and --broken say otherwise.",
    "它们既未正常结束，也不算异常；或没有可判断的内容；或虽属异常，但没有同类的健康训练。"
    "可用 --healthy 和 --broken 指明。",
)
NOT_CLOSED = Text(
    "Nothing speaks against {names}, but no closing row says that they have ended; many printed logs have "
    "none. Where they ended well, name them: --healthy {example}",
    "{names} 没有异常，但日志没有收尾记录，无法确认已结束；许多打印的日志都没有这样的记录。"
    "如果确已正常结束，请指明：--healthy {example}",
)
NO_HEALTHY = Text(
    "There is no healthy run to learn from: none has ended with nothing critical and no incident, and "
    "--healthy names none.",
    "没有可学习的健康训练。健康指已结束、无严重信号、无事故，或由 --healthy 指明的训练。",
)
NOT_REACHED = Text(
    "{profile}: the budget of {budget} per 1,000 records cannot be met: {left} would be left.",
    "{profile}：无法满足每 1000 条记录 {budget} 次的预算，还剩 {left} 次。",
)
HELD = Text(
    "{signal} cannot be silenced: {run} would not be told as it was.",
    "不能再放宽 {signal}：否则 {run} 的异常会漏报。",
)
NOT_MOVABLE = Text("{signal} has no limit that may move.", "{signal} 没有可以移动的限值。")
FAR_OFF = Text("{signal} goes on however far its limit moves.", "{signal} 的限值放得再宽也不会停。")
NOTHING_MOVES = Text("No limit has to move.", "无需改动任何限值。")
WRITTEN = Text(
    "{file} is written. llmtrain-exporter serve --config {file} judges by it.",
    "已写入 {file}。用 llmtrain-exporter serve --config {file} 按它判断。",
)

# The table.
SIGNAL = Text("signal", "信号")
LIMIT = Text("limit", "限值")
FALSE_ALARMS = Text("false per 1,000", "每千条误报")
TOLD = Text("broken runs told", "报出的异常训练")
EARLY = Text("steps before critical", "提前步数")
AS_IT_IS = Text("as it is", "不变")
FROM_TO = Text("{before} -> {after}", "{before} -> {after}")
IN_RECORDS = Text("{limit} in {records} of {within}", "{within} 条中 {records} 条达到 {limit}")

# Beside a number in the file.
MADE = Text(
    "Limits learned by llmtrain-exporter calibrate from runs of your own. A number stands below its reason.",
    "由 llmtrain-exporter calibrate 从自己的训练中学得的限值，数字的依据写在其上方。",
)
BECAUSE = Text(
    "{severity} was {limit}: {before} false alarms of this signal, {rate} per 1,000 records; now {after}, "
    "{new_rate}.",
    "{severity} 原为 {limit}：该信号误报 {before} 次，每 1000 条记录 {rate} 次；现为 {after} 次，"
    "每 1000 条 {new_rate} 次。",
)
STILL_TOLD = Text(
    "It spoke in {after} broken runs (before: {before}): {runs}.",
    "它在 {after} 次异常训练中报出（原为 {before} 次）：{runs}。",
)
EARLY_IN = Text("{run} ({lead} steps before critical)", "{run}（比判为严重早 {lead} 步）")
LATE_IN = Text("{run} ({lead} steps after critical)", "{run}（比判为严重晚 {lead} 步）")
ALL_RUNS = Text(
    "Every run is judged so; where other kinds train too, narrow the pattern.",
    "所有训练都按此判断；如还有其他类型的训练，请收窄 match。",
)
THESE_RUNS = Text(
    "The runs that this was learned from; patterns instead also pick the next ones.",
    "学习所用的训练；换成通配模式，也能匹配以后的训练。",
)
