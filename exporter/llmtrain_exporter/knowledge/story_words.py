"""The words around the knowledge: headings and verdicts of everything that people read."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.text import Counted, Lang, Text

HEALTH = {
    "healthy": Text("healthy", "健康"),
    "watch": Text("watch", "需关注"),
    "broken": Text("broken", "异常"),
    "unknown": Text("not known", "未知"),
}
STATE = {
    "waiting": Text("waiting for the first record", "等待第一条记录"),
    "running": Text("running", "训练中"),
    "stalled": Text("stalled", "停滞"),
    "finished": Text("finished", "已结束"),
    "failed": Text("failed", "失败退出"),
}
ENDED_EARLY = Text("ended", "提前结束")
"""For `finished`, where planned steps are left."""
STOPPED_BY_GUARD = Text("stopped by its guard", "已被 guard 停止")
"""For `running` and `stalled`: the log of such a run has no end of its own."""

JUDGED = {
    "fine": Text("fine", "正常"),
    "look": Text("worth a look", "值得看一眼"),
    "info": Text("info", "提示"),
    "warning": Text("warning", "警告"),
    "critical": Text("critical", "严重"),
    "": Text("", ""),
}
NOT_CALM = Text("not yet calm", "尚未平稳")
"""In place of a severity where a signal lasts and its value is within limits again."""

SEVERAL_STAGES = Text("Several parts of the run", "多类指标")  # where nobody knows which
STAGE = {
    "kl": Text("KL", "KL"),
    "gradient": Text("gradient", "梯度"),
    "length": Text("length", "长度"),
    "reward": Text("reward", "奖励"),
}

UNITS = {
    "d": Text("d", "天"),
    "h": Text("h", "小时"),
    "min": Text("min", "分钟"),
    "s": Text("s", "秒"),
}
MINUTES_AND = Text("min", "分")  # with seconds behind it
COMMA = Text(", ", "，")
LISTED = Text(", ", "、")  # between names
LISTED_LAST = Text(" and ", "、")
BETWEEN_SENTENCES: Mapping[Lang, str] = {Lang.EN: " ", Lang.ZH: ""}
COLON = Text(": ", "：")
SEMICOLON = Text("; ", "；")
FULL_STOP = Text(". ", "。")  # between a verdict and its reason, on one line

# The runs of a folder.
RUNS = Counted(Text("1 run", "1 次训练"), Text("{n} runs", "{n} 次训练"))

MORE_AGAINST = Counted(Text(" and 1 more", "（另有 1 项）"), Text(" and {n} more", "（另有 {n} 项）"))

# A run.
NO_LONGER_WRITTEN = Text("no longer written", "日志已停止更新")
VERDICT_ONLY = Text("{verdict} ({silent})", "{verdict}（{silent}）")
NOW_ONLY = Text("{verdict} (now {now})", "{verdict}（目前{now}）")
REASON = Text("{title}. {text}", "{title}。{text}")
PROFILE = Text("{name} (from {base})", "{name}（继承自 {base}）")
AT_STEP = Text("{state} at {unit} {step}", "{state}，第 {step} {unit}")
COUNTED_IN: Mapping[str, tuple[Text, Text]] = {
    "step": (Text("step", "步"), Text("steps", "步")),
    "record": (Text("record", "条记录"), Text("records", "记录")),
}
"""What a run is counted in: `{unit}` and `{units}` of every text that tells a place in a run."""

OF_STEPS = Text("{step} of {max}", "{step} / {max}")
TRAIN_RECORDS = Counted(
    Text("1 training record", "1 条训练记录"), Text("{n} training records", "{n} 条训练记录")
)
NO_STEPS = Text(
    "the log tells no steps, so records are counted: give --logging-steps N as the run had it, or read its "
    "{file}",
    "日志没有写步数，只能数记录：加上 --logging-steps N（训练时的 logging_steps），或改读 {file}",
)
EVALUATIONS = Counted(Text("1 evaluation", "1 次验证"), Text("{n} evaluations", "{n} 次验证"))
RESUMED = Text(
    "resumed: from {unit} {last} back to {first}", "断点续训：从第 {last} {unit}回到第 {first} {unit}"
)
BEST = Text("best evaluation: loss {loss} at {unit} {step}", "最佳验证：第 {step} {unit}，eval loss {loss}")
BEST_ANYWHERE = Text("best evaluation: loss {loss}", "最佳验证：eval loss {loss}")
SKIPPED = Text("skipped: {reasons}", "已跳过：{reasons}")
FAILED_UNTOLD = Text(
    "It failed, and nothing in its records says why: look at the end of what the trainer printed.",
    "训练失败退出，记录里看不出原因：请看训练输出的末尾。",
)
ALL_WELL = Text(
    "All well: none of the {signals} warning signals of profile {profile} came up.",
    "一切正常：{profile} 的 {signals} 种告警信号均未出现。",
)
NO_SIGNAL_BUT = Text(
    "None of the {signals} warning signals of profile {profile} came up, but outside of their healthy range "
    "are: {metrics}.",
    "{profile} 的 {signals} 种告警信号均未出现，但有指标超出健康范围：{metrics}。",
)
NOTHING_TO_JUDGE = Text("No training record yet: nothing to judge.", "还没有训练记录，无从判断。")
LOSS_UNREADABLE = Text(
    "The loss of no record could be read: nothing to judge.", "没有一条记录的 loss 能读取，无从判断。"
)
LEFT = Text("{time} left", "剩余 {time}")
PER_STEP = Text("{time} per {unit}", "每{unit} {time}")
LAST_RECORD = Text("last record {when}", "上一条记录在 {when}")
AT_MOMENT = Text("at {moment}", "{moment}")
AGO = Text("{time} ago", "{time}前")

# Its metrics.
METRICS = Text("Metrics", "指标")
METRIC = Text("metric", "指标")
VALUE = Text("last value", "最新值")
RANGE = Text("healthy", "健康范围")
VERDICT = Text("verdict", "判断")
GOOD = {
    "up": Text("Higher is better.", "越高越好。"),
    "down": Text("Lower is better.", "越低越好。"),
    "neither": Text("Neither high nor low is good in itself.", "并非越高或越低越好。"),
}
TREND = Text("trend", "走势")
MEANING = Text("meaning", "含义")

# Its charts.
LIMIT = Text("limit", "限值")
OWN_LEVEL = Text("own level", "自身水平")
SPIKE = Text("spike", "尖峰")

# What happened.
USUAL = Text("usual", "平时")
LOWEST = Text("lowest so far", "此前最低")
USUAL_LEVEL = Text("usual level", "平时")
LEVEL_BEFORE = Text("{level} before {unit} {first}", "{level}（第 {first} {unit}之前）")
WHAT_HAPPENED = Text("What happened", "发生了什么")
INCIDENT = Text("Incident from {unit} {onset}", "事故：始于第 {onset} {unit}")
WORST = Text("worst at {unit} {peak}", "第 {peak} {unit}最严重")
LASTS = Text("not recovered", "未恢复")
RECOVERED = Text("recovered at {unit} {end}", "第 {end} {unit}恢复")
UNDONE = Text("ended by going back to {unit} {end}", "以回到第 {end} {unit}告终")
MORE_INCIDENTS = Counted(
    Text("... and 1 more incident in between", "……其间还有 1 次事故"),
    Text("... and {n} more incidents in between", "……其间还有 {n} 次事故"),
)
RECOVERED_AT = Text("Recovered at {unit} {end}", "第 {end} {unit}恢复正常")
WENT_BACK_TO = Text("Over, the run went back to {unit} {end}", "训练已回到第 {end} {unit}，事故结束")
UNRECOVERED = {
    "finished": Text("Finished without recovering", "训练结束，未恢复"),
    "failed": Text("Failed without recovering", "训练失败退出，未恢复"),
    "stalled": Text("Silent without recovering", "训练已无输出，未恢复"),
}
SILENT_SINCE = Text(
    "No record since {when}: it was likely killed, or it hangs.",
    "{when} 起没有新记录：可能被杀，也可能卡住。",
)
CUT_OFF_SINCE = Text(
    "No record since {when}: it was most likely ended long ago.",
    "{when} 起没有新记录：训练很可能早已结束。",
)
KEPT = Text(
    "checkpoints kept from rotation in {folder}: steps {steps}",
    "保留在 {folder} 中、不会被轮换删除的 checkpoint：第 {steps} 步",
)
BACK_TO = Text("last checkpoint before it: {checkpoint}", "事发前最后一个 checkpoint：{checkpoint}")
LOST_SINCE = Text(
    "GPU hours lost since {onset}: about {hours} ({gpus}, {pace})",
    "自{onset}起损失约 {hours} GPU 小时（{gpus}，{pace}）",
)
LOST_IN_IT = Text(
    "GPU hours lost until it was over: about {hours} ({gpus}, {pace})",
    "到事故结束时损失约 {hours} GPU 小时（{gpus}，{pace}）",
)
LOST_IN_ALL = Text(
    "GPU hours lost in all incidents: about {hours} ({gpus}, {pace})",
    "历次事故共损失约 {hours} GPU 小时（{gpus}，{pace}）",
)
LOST_ON = Counted(Text("1 GPU", "1 张 GPU"), Text("{n} GPUs", "{n} 张 GPU"))
LOST_STEP = Text("step {onset}", "第 {onset} 步"), Text("{time} a step", "每步 {time}")
LOST_RECORD = Text("record {onset}", "第 {onset} 条记录"), Text("{time} a record", "每条记录 {time}")
"""An onset and a pace, by steps; by records where nothing tells steps."""
HIDDEN_NAN = Text(
    "{metric} is exactly 0 at {unit} {step}, which is how a trainer shows a loss that is NaN.",
    "第 {step} {unit} {metric} 恰为 0，训练框架正是这样显示 NaN loss 的。",
)
FINDING = Text("{when}, {severity}: {title}. {text}", "{when}，{severity}：{title}。{text}")
STEP = Text("{unit} {first}", "第 {first} {unit}")
STEPS = Text("{unit}s {first} to {last}", "第 {first} 至 {last} {unit}")
STEPS_ON = Text("from {unit} {first} on", "第 {first} {unit}起")
TIMES = Text("{when}, {times} times", "{when}，共 {times} 次")
TWICE = Text("{when}, twice", "{when}，共 2 次")

# Why, and what to do.
WHY = Text("Likely causes", "可能的原因")
LOOK_FIRST = Text("What to look at first", "先看什么")
NO_CAUSE_SHOWN = Text(
    "The log alone does not show why. To ask first ({title}):",
    "仅凭日志看不出原因，先查（{title}）：",
)
REST_WITH_V = Text("The rest with -v.", "其余内容加 -v 查看。")
NOT_CLEAR = Text(
    "No cause stands out. These are possible:",
    "没有哪个原因特别突出，以下都有可能：",
)
IN_THE_SCRIPT = Text(
    " There is no flag for it: the trainer in the script takes "
    "EarlyStoppingCallback(early_stopping_patience=3) as one of its callbacks.",
    "没有对应的参数，需在脚本里给 trainer 的 callbacks 加上 "
    "EarlyStoppingCallback(early_stopping_patience=3)。",
)
NEAREST_TO_BEST = Text(
    " Of those on disk {checkpoint} is nearest to the best evaluation, at step {best}.",
    "磁盘上离最佳验证（第 {best} 步）最近的是 {checkpoint}。",
)
PROOF_MOVED = Text(
    "{metric} {before} to {at} between {unit}s {first} and {step}",
    "{metric} 在第 {first} 到 {step} {unit}之间从 {before} 变为 {at}",
)
PROOF_BETWEEN = Text(
    "{metric} {at} at {unit}s {first} to {step} (median)",
    "{metric} 在第 {first} 到 {step} {unit}的中位数为 {at}",
)
PROOF_AT = Text("{metric} {at} at {unit} {step}", "{metric} 在第 {step} {unit}为 {at}")
SILENT_AFTER = Text(
    "no record since {unit} {step} at {moment}", "第 {step} {unit}（{moment}）之后再没有新记录"
)
WHAT_TO_DO = Text("What to do", "怎么办")
NOW = Text(" (now {now})", "（现值 {now}）")
GAP = Text("Eval loss far above training loss", "eval loss 远高于训练 loss")
UNKNOWN = Text(" (the log does not say what it is now)", "（日志没有写现值）")
UNLESS_HIGHER = Text(
    " (unless it is higher already: the log does not say)", "（日志没有写现值，已经更高就不用改）"
)
UNLESS_LOWER = Text(
    " (unless it is lower already: the log does not say)", "（日志没有写现值，已经更低就不用改）"
)
FLAGS = Text("All proposed flags", "全部建议参数")
ONE_AT_A_TIME = Text(
    "Not all at once: one change after the other shows which one helps.",
    "不要一次全改：逐个调整才知道哪一个有效。",
)

# Where it comes from.
DETAILS = Text("Details", "详情")
LOG = Text("Log", "日志")
TAKEN = Text("{units}", "{units}数")  # in front of a line
TAKEN_RANGE = Text("{first} to {last}", "{first} 至 {last}")
TAKEN_OF = Text("{first} to {last} of {max} ({share})", "{first} 至 {last}，共 {max} {unit}（{share}）")
LAST_WRITTEN = Text("Last record written", "最后一条记录写入时间")
SETTINGS = Text("Hyper-parameters", "超参数")
SETTINGS_FROM = Text("As the run's own argument file says.", "取自训练目录中的参数文件。")
SETTINGS_SINCE_RESCUE = Text(
    "As the run's own argument file says, with what rescues have changed since.",
    "取自训练目录中的参数文件，并计入救援所做的改动。",
)
SETTING = Text("setting", "参数")
DIFFERENT_SETTINGS = Text("Hyper-parameters that differ", "不同的超参数")
SAME_SETTINGS = Text("The known hyper-parameters are the same.", "已知的超参数全部相同。")
SETTING_VALUE = Text("value", "取值")

# What there is no room for.
AND_MORE = Counted(Text("and 1 more", "另有 1 项"), Text("and {n} more", "另有 {n} 项"))
MORE = Counted(Text("... and 1 more", "……还有 1 条"), Text("... and {n} more", "……还有 {n} 条"))
MORE_METRICS = Counted(
    Text("... and 1 more metric", "……还有 1 个指标"), Text("... and {n} more metrics", "……还有 {n} 个指标")
)

# Where to read on.
RUNBOOK = Text("Runbook", "告警手册")

# Files that are no run.
NO_RUN = Text("no run: {reason}", "不是训练日志：{reason}")
NO_RUN_THERE = Text("no run: {reason}", "{reason}")  # where no file is there that could be one
NOT_KNOWN = Text("{reason}", "{reason}")  # where it is a run
IN_BRACKETS = Text(" ({text})", "（{text}）")
NO_RUN_REASONS: Mapping[NoRunReason, Text] = {
    NoRunReason.NOT_READ: Text("not read yet", "尚未读取"),
    NoRunReason.NOT_THERE: Text("no such file or folder (yet)", "找不到该文件或目录（可能尚未创建）"),
    NoRunReason.UNREADABLE: Text("{detail}", "{detail}"),
    NoRunReason.NO_LOG: Text(
        "no training log below it; a printed log that is not called *.log or *.out is read with --stdout-log",
        "该目录下没有找到训练日志；终端输出的日志若不叫 *.log 或 *.out，请加 --stdout-log",
    ),
    NoRunReason.EMPTY: Text("empty", "空文件"),
    NoRunReason.NO_RECORD: Text("no training record in it", "其中没有训练记录"),
    NoRunReason.NOT_UNDERSTOOD: Text(
        "health unknown: none of its training rows could be read; "
        "update llmtrain-exporter, or report one of these rows",
        "状况未知：其中的训练记录没有一条能读取；请升级 llmtrain-exporter，或反馈其中一行",
    ),
    NoRunReason.NOT_CHOSEN: Text(
        "none of its metrics is chosen by --history-metric (or history_metrics): {detail}",
        "其中没有任何指标符合 --history-metric（或 history_metrics）的选择：{detail}",
    ),
    NoRunReason.NO_SUCH_NAME: Text("no run of that name (yet)", "（还）没有这个名字的训练"),
    NoRunReason.BROKEN: Text("cannot be analysed: {detail}", "无法分析：{detail}"),
}


def no_run_reason(reason: NoRunReason, detail: str, lang: Lang) -> str:
    """Why there is no run, in words. `detail`: what the system or the program says of it."""
    return NO_RUN_REASONS[reason].of(lang).format(detail=detail)


PARTED = Text(
    "From {place} on they part: {metric} is about {one} in {this} and about {other} in {that}, "
    "a difference beyond their noise.",
    "从{place}起两者分开：{this} 的 {metric} 约为 {one}，{that} 约为 {other}，差异超出噪声。",
)
PARTED_LATER = Text("Later also {metrics}.", "随后还有 {metrics}。")
NOT_PARTED = Text(
    "In the {n} steps that {this} and {that} have both logged, no metric differs by more than its noise.",
    "在 {this} 与 {that} 都有记录的 {n} 步中，没有指标的差异超出噪声。",
)
TOO_FEW_TO_PART = Text(
    "{this} and {that} share {n} of the {fewest} logged steps that it takes to tell where they part.",
    "{this} 与 {that} 只有 {n} 步共同记录，至少需要 {fewest} 步才能判断从何处分开。",
)
