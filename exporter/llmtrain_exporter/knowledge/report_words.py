"""The words of reports and pictures, beside those that every output shares."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Counted, Text

# Pictures.
NOT_FINITE = Text("NaN or infinite", "NaN 或无穷")
MORE_LINES = Counted(Text("1 more not drawn", "另有 1 条未画"), Text("{n} more not drawn", "另有 {n} 条未画"))

# The frame.
REPORT = Text("Training report: {run}", "训练报告：{run}")
COMPARISON = Text("Training report: {n} runs", "训练报告：{n} 次训练")
CONTENTS = Text("Contents", "目录")
WRITTEN = Text(
    "Written by llmtrain-exporter {version}. Steps are training steps (global_step). All judgements follow "
    "from the log and the settings beside it.",
    "由 llmtrain-exporter {version} 生成。文中的“步”均指 global_step，所有判断均依据日志及其旁的参数文件。",
)
STOP = Text(".", "。")

APPENDIX = Text("Appendix: incidents, surges, metrics, settings", "附录：事故经过、突升突降、各指标与设置")
FOLDED = Text(
    "Open what you want to see. Paper has what is open, or all of it with --full.",
    "点开即可查看。打印时只包含已展开的部分；要全部打印，请用 --full 生成。",
)

# At a glance.
IN_SHORT = Text("In short", "概要")
DURATION = Text("Time on the trainer's clock", "训练用时（框架计时）")

# 1. What each metric means.
METRICS = Text("What each metric means, and how this run did", "各指标含义及表现")
METRICS_INTRO = Text(
    "The log holds {n} series of numbers; these say something of a run's health.",
    "日志中共有 {n} 个数值序列，以下为与训练健康有关的指标。",
)
EACH_METRIC = Text("Each metric in words", "逐个指标说明")
DETAILS = Text("Parts of these metrics", "这些指标的各个部分")
OTHERS = Text("All other numbers of the log", "日志中的其他数值")
SERIES = Text("series", "序列")
LOWEST = Text("lowest", "最低")
MEDIAN = Text("median", "中位数")
HIGHEST = Text("highest", "最高")
LAST = Text("last", "最新")
AT_STEP = Text("{value} ({unit} {step})", "{value}（第 {step} {unit}）")
IN_THE_RUN = Text("worst in the run", "全程最差")
MOSTLY = Text(
    "Mostly between {low} and {high} (8 of 10 records): about {began} in the first tenth of the run, "
    "{ended} in the last.",
    "多数时候在 {low} 到 {high} 之间（十条记录中的八条）：前十分之一约 {began}，最后十分之一约 {ended}。",
)
ALWAYS = Text("Always {value}.", "始终为 {value}。")
OUTSIDE = Text(
    "Outside of the healthy range ({range}) in {n} of {all} records.",
    "{all} 条记录中有 {n} 条超出健康范围（{range}）。",
)
SPIKES = Counted(
    Text(
        "1 record is a spike of 7 or more robust standard deviations.",
        "有 1 条记录是 7 倍稳健标准差以上的尖峰。",
    ),
    Text(
        "{n} records are spikes of 7 or more robust standard deviations.",
        "有 {n} 条记录是 7 倍稳健标准差以上的尖峰。",
    ),
)
ODD = Counted(
    Text("In 1 record the log says NaN or infinity.", "有 1 条记录的值是 NaN 或无穷。"),
    Text("In {n} records the log says NaN or infinity.", "有 {n} 条记录的值是 NaN 或无穷。"),
)
CHART = Text("{metric} over training {units}", "{metric} 随训练{units}数的变化")
CHART_LEGEND = Text(
    "Dashed: the run's own level before each record, and the limits. Green bar at the left: healthy. "
    "Triangles: spikes. Rings: evaluations. Red: incidents. Dotted vertical line: resumed.",
    "虚线：每条记录之前的自身水平与各限值；左侧绿条：健康范围；三角：尖峰；圆圈：验证；红色：事故；"
    "竖直点线：断点续训。",
)
GUARD_LEGEND = Text("Dashed green vertical line: the guard did something.", "竖直绿色虚线：guard 的操作。")

# 2. Surges and drops.
EVENTS = Text("Surges and drops", "突升与突降")
EVENTS_INTRO = Text(
    "Every time that a value left what is normal, in the order in which it began. Before: the run's own "
    "level, or the median of up to 10 values. At: the worst value. After: the median of up to 10 values that "
    "follow.",
    "按开始的先后列出每一次异常。“之前”为自身水平，或此前至多 10 个值的中位数；“当时”为最差的值；"
    "“之后”为随后至多 10 个值的中位数。",
)
NO_EVENTS = Text("Nothing: no value left what is normal for it.", "没有：所有数值都在正常范围内。")
SHARE = Text("of the run", "进度")
SIGNAL = Text("signal", "信号")
SEVERITY = Text("severity", "级别")
BEFORE = Text("before", "之前")
AT = Text("at", "当时")
AFTER = Text("after", "之后")
ON = Text("{first} on", "{first} 起")
LASTING = Text("lasts", "仍在持续")
MORE_EVENTS = Counted(
    Text("One more of the same kinds is left out.", "另有 1 次同类异常未列出。"),
    Text("{n} more of the same kinds are left out.", "另有 {n} 次同类异常未列出。"),
)
WHAT_IT_TELLS = Text("What it tells", "说明了什么")
WHAT_FOLLOWS = Text("If nothing is done", "不处理的后果")
LOOK_AT = Text("What to look at", "排查要点")
EACH_SIGNAL = Text("What these signals say", "这些信号的含义")

# 3. The chains.
CHAINS = Text("Incidents: what broke first, and what followed", "事故经过：谁先失常，谁随后")
INCIDENT_AT = Text(
    "Incident at {unit} {onset} ({share} of the run)", "第 {onset} {unit}的事故（进度 {share}）"
)
NO_INCIDENTS = Text("No incident.", "没有事故。")
STAGE_HEAD = Text("what broke", "失常的部分")
FROM_STEP = Text("from {unit}", "始于第几{unit}")
LATER = Text("{unit}s later", "晚多少{unit}")
CHAIN_CHART = Text(
    "The chain around {unit} {onset}, on one axis", "第 {onset} {unit}前后的完整链条（同一时间轴）"
)
WHOLE_RUN = Text("The whole run on one axis", "全程概览（同一时间轴）")
SIGNALS_IN_IT = Text("Signals: {signals}", "相关信号：{signals}")
MORE_CHAINS = Counted(
    Text("1 more incident in short:", "另有 1 次事故，简述如下："),
    Text("{n} more incidents in short:", "另有 {n} 次事故，简述如下："),
)
RECOVERY = Text("Why it became calm again", "为什么后来又恢复平稳")
RECOVERY_INTRO = Text(
    "The run recovered at {unit} {end}. What can bring a run back, and whether the log shows it:",
    "训练在第 {end} {unit}恢复。可能起作用的因素，以及日志中的依据：",
)
SHOWS = Text("{metric} went from {peak} to {after}", "{metric} 从 {peak} 回到 {after}")

# 4. Why.
CAUSES = Text("Likely causes, and what speaks for each", "可能的原因与依据")
NO_CAUSES = Text("Nothing speaks against this run.", "没有对本次训练不利的信号。")

# 5. What to change.
CHANGES = Text("What to change", "调整建议")
NO_CHANGES = Text("Nothing needs to be changed.", "无需调整。")
NO_CHANGES_TOLD = Text("The records call for no change.", "从记录看，没有需要调整的地方。")
SETTING_NOW = Text("now", "现值")
PROPOSED = Text("proposed", "建议值")
FLAG = Text("flag of {dialect}", "{dialect} 命令行参数")
PROPOSED_SETTINGS = Text("All proposed settings", "全部建议设置")
JUDGE = Text("to judge yourself", "视情况而定")
NO_FLAG = Text("no flag", "无对应参数")
MONITORING = Text("What to log, evaluate and save", "记录、验证与保存")
MONITORING_INTRO = Text(
    "So that the next report, and whoever goes back to a checkpoint, has enough to go by:",
    "为了让下一份报告有据可依，也为了有 checkpoint 可回：",
)
MONITORING_FINE = Text(
    "Logging, evaluation and saving are set often enough, as far as the settings are known.",
    "就已知参数而言，记录、验证和保存的频率都足够。",
)
MONITORING_UNKNOWN = Text(
    "How often it logs, evaluates and saves is not known: no settings lie beside the log.",
    "记录、验证和保存的频率未知：日志旁没有参数文件。",
)

# 6. Checkpoints.
CHECKPOINTS = Text("Which checkpoint", "选哪个 checkpoint")
BEST_NEAR = Text(
    "The checkpoint on disk nearest to that step: {checkpoint}.",
    "磁盘上离该步最近的 checkpoint：{checkpoint}。",
)
GO_BACK = Text(
    "To go back to before the incident at {unit} {onset}: {checkpoint}.",
    "若要回到第 {onset} {unit}事故之前：{checkpoint}。",
)
NO_WAY_BACK = Text(
    "No checkpoint from before the incident at {unit} {onset} was found beside the log.",
    "日志旁没有找到第 {onset} {unit}事故之前的 checkpoint。",
)
CHECKPOINTS_THERE = Text("Found beside the log: {names}.", "日志旁的 checkpoint：{names}。")
NO_CHECKPOINTS = Text("None was found beside the log.", "日志旁没有找到 checkpoint。")
NOT_BY_LOSS = Text(
    "In this kind of training the loss does not tell which checkpoint is the best: go by the reward of an "
    "evaluation.",
    "这类训练不能按 loss 挑选 checkpoint，应看验证集的 reward。",
)
BEST_REWARD = Text(
    "Highest evaluation reward: {value} at {unit} {step}.",
    "验证 reward 最高：第 {step} {unit}，{value}。",
)
NO_REWARD = Text(
    "Every evaluation has a reward of 0, so none is better than another.",
    "每次验证的 reward 都是 0，分不出好坏。",
)
NEVER_EVALUATED = Text(
    "There was no evaluation, so nobody knows which one is the best.",
    "没有做过验证，无从判断哪个最好。",
)

# 7. The checklist.
CHECKLIST_INTRO = Text(
    "The questions of the monitoring guide, answered by the whole log.",
    "监控指南中的问题，按整份日志作答。",
)
BEST_AT = Text("{unit} {step}, eval loss {loss}", "第 {step} {unit}，eval loss {loss}")

# 8. Open questions.
OPEN = Text("Open questions", "尚不清楚的问题")
OPEN_INTRO = Text(
    "What the log does not say, and what that hides.",
    "日志没有说明的内容，以及因此看不到的问题。",
)
NOTHING_OPEN = Text("Nothing that the signals need is missing.", "各信号所需的数据都有。")
HIDES = Text("{what} Unseen: {signals}.", "{what}看不到：{signals}。")
MISSING_METRIC = Text("{metric} is not logged.", "没有记录 {metric}。")
BETA_ZERO = Text("kl is not logged because beta is 0.", "beta 为 0，所以没有记录 kl。")
NO_EVALUATION = Text(
    "There is no evaluation, so overfitting does not show.",
    "没有验证记录，看不出过拟合。",
)
NO_SETTINGS = Text(
    "No argument file (args.json) lies beside the log: proposals cannot build on the run's own values.",
    "日志旁没有参数文件（args.json），无法在现有取值上给出建议。",
)
FEW_RECORDS = Text(
    "{n} training records are few: baselines are young and their limits wide.",
    "只有 {n} 条训练记录：基线尚不成熟，限值放得较宽。",
)
NO_CLOCK = Text(
    "The trainer logs no clock: speed and pauses are not known.",
    "框架没有记录时间，速度和停顿不得而知。",
)
UNKNOWN_KEYS = Text(
    "The catalogue does not know these keys, so nothing judges them: {keys}.",
    "指标目录不认识这些键，因此没有判断：{keys}。",
)
DROPPED_KEYS = Text("{n} keys are not told: there are too many.", "键太多，有 {n} 个未列出。")
SUPERSEDED = Text(
    "{n} records are of steps that were taken again after a resume; they count in no range above.",
    "有 {n} 条记录的步数在续训后重新训练过，以上统计不含它们。",
)
NOT_ENDED = Text(
    "The log has no closing row: whether the run was ended on purpose is not known.",
    "日志没有收尾的记录，不清楚训练是否是有意结束的。",
)

# Several runs.
COMPARED = Text("The runs side by side", "各次训练对比")
RUN = Text("run", "训练")
KEY_FIGURES = Text("Key figures", "关键数字")
OVERLAID_CHART = Text("{metric} of all runs over training steps", "各次训练的 {metric} 随步数的变化")
VERDICT = Text("verdict", "结论")
WORST = Text("what is wrong", "主要问题")
LAST_STEP = Text("last step", "最后一步")
INCIDENTS_HEAD = Text("incidents", "事故数")
FIRST_AT = Text("first at step", "首次事故（步）")
MEDIAN_OF = Text("{metric}, median", "{metric} 中位数")
HIGHEST_OF = Text("{metric}, highest", "{metric} 最高")
LAST_OF = Text("{metric}, last", "{metric} 最新")
BEST_OF = Text("eval loss, best", "最低 eval loss")
NO_RUNS = Text("Files that are no run", "不是训练日志的文件")
FILE = Text("file", "文件")
REASON = Text("reason", "原因")

# The command.
READING = Text("reading {name}", "读取 {name}")
DRAWING = Text("drawing {name}", "绘制 {name}")
