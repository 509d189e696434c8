"""The words of the dashboards that the catalogue does not have."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.metric import Group
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.text import Text

NO_DATA = Text("No data", "暂无数据")
NOT_LOGGED = Text("Not in this run's log", "本次训练的日志中没有此项")
FOLDER = Text("LLM training", "大模型训练")

# The dashboards.
FLEET_TITLE = Text("All runs", "全部训练")
GRPO_TITLE = Text("Run: GRPO", "单次训练：GRPO")
SFT_TITLE = Text("Run: SFT", "单次训练：SFT")
PREFERENCE_TITLE = Text("Run: DPO and the like", "单次训练：DPO 等偏好训练")
COMPARE_TITLE = Text("Compare runs", "训练对比")
EXPORTER_TITLE = Text("Exporter", "Exporter 自身")

# Variables and links.
DATASOURCE = Text("Data source", "数据源")
PROFILE = Text("Profile", "训练类型")
RUN = Text("Run", "训练")
EXPORTER_ADDRESS = Text("Exporter", "exporter 地址")
EXPORTER_ADDRESS_TEXT = Text(
    "Where your browser reaches the exporter; the links to its pages begin with this.",
    "浏览器访问 exporter 的地址，跳转到其页面的链接以此开头。",
)
HISTORY = Text("Curves", "曲线")
HISTORY_TEXT = Text(
    "Curves have every record of runs whose records were kept at their own times, and what was scraped of "
    "others. One can also have what was scraped of all.",
    "逐条保存过记录的训练，曲线包含每一条；其余的用抓取到的值。也可在此改为全部用抓取值。",
)
AUTOMATIC = Text("automatic", "自动")
AS_SCRAPED = Text("as scraped", "仅抓取值")
RUNS_PAGE = Text("Exporter's page", "exporter 页面")
RUNS_PAGE_TEXT = Text("All runs as the exporter itself shows them", "exporter 自带的全部训练页面")
RUN_PAGE = Text("The run's page", "本次训练详情页")
RUN_PAGE_TEXT = Text(
    "Verdict in words, advice with the run's own settings, charts over steps",
    "文字结论、结合本次超参数的建议，以及按步数绘制的曲线",
)
RUNBOOK = Text("Runbook", "runbook")
RUNBOOK_TEXT = Text("What each signal means and what to do", "各信号的含义与处理办法")

# Annotations.
INCIDENTS = Text("Incidents", "事故")
INCIDENT_MARK = Text("Incident from step {{step}}", "事故：始于第 {{step}} 步")
RESUMES = Text("Resumes", "断点续训")
RESUME_MARK = Text("Resumed", "断点续训")
RESCUES = Text("Rescues by the guard", "guard 的救援")
RESCUE_MARK = Text("Rescued, back to step {{step}}", "已救援：退回第 {{step}} 步")
STOPS = Text("Stops by the guard", "guard 停止训练")
STOP_MARK = Text("Stopped by the guard at step {{step}}", "guard 在第 {{step}} 步停止训练")
GUARD_CHANGES = Text("Changes by the guard", "guard 的在线调整")
CHANGE_MARK = Text("The guard changed a setting", "guard 调整了参数")
SKIPPED_UPDATES = Text("Updates skipped by the guard", "guard 跳过的更新")
SKIPPED_MARK = Text("The guard skipped an update", "guard 跳过了一次更新")
CRITICAL_SIGNALS = Text("Critical signals", "严重信号")
WARNING_SIGNALS = Text("Warnings", "警告信号")

# Lines.
BASELINE = Text("own level", "自身常态")
LIMITS = {
    Severity.INFO: Text("limit (info)", "限值（提示）"),
    Severity.WARNING: Text("limit (warning)", "限值（警告）"),
    Severity.CRITICAL: Text("limit (critical)", "限值（严重）"),
}

# Descriptions.
HEALTHY_BETWEEN = Text("Healthy: {low} to {high}.", "健康范围：{low} 到 {high}。")
HEALTHY_UP_TO = Text("Healthy: up to {high}.", "健康范围：不超过 {high}。")
HEALTHY_FROM = Text("Healthy: {low} and above.", "健康范围：不低于 {low}。")
WORRY = Text("When to worry:", "何时要警惕：")
COLON = Text(": ", "：")
SEVERITY = {
    Severity.INFO: Text("info", "提示"),
    Severity.WARNING: Text("warning", "警告"),
    Severity.CRITICAL: Text("critical", "严重"),
}
BOUNDS = {
    Measure.VALUE: Text("from {limit}", "≥ {limit}"),
    Measure.RATIO: Text("from {limit} times its own level", "达到自身常态的 {limit} 倍"),
    Measure.FALL: Text("from a fall by {percent} % of its own level", "比自身常态下跌 {percent}% 起"),
    Measure.SIGMA: Text("from {limit} robust standard deviations", "高出 {limit} 个稳健标准差起"),
    Measure.TRUTH: None,
    Measure.GAPS: Text("from {limit} of its own gaps between records", "超过自身记录间隔的 {limit} 倍"),
}
"""From where on a signal holds, by what its limit is in."""
BELOW = {
    Measure.VALUE: Text("at {limit} or less", "≤ {limit}"),
    Measure.RATIO: Text("at {percent} % of its own level or less", "降到自身常态的 {percent}% 及以下"),
}
"""The same for signals that hold below their limit."""
BOUNDS_OF = {
    "overfit": Text(
        "from an eval loss of {limit} times the training loss", "eval loss 达到训练 loss 的 {limit} 倍"
    ),
    "loss_unstable": Text("from rebounds to {limit} times the lowest", "反弹到最低点的 {limit} 倍"),
    "loss_plateau": Text(
        "when {percent} % are left of what it was epochs before", "仍有数个 epoch 前的 {percent}% 以上"
    ),
    "accuracy_drop": Text("from {limit} below its best", "比最好时低 {limit} 起"),
    "reward_flat": Text(
        "from a share of {percent} % of groups without spread, or a spread of 0",
        "{percent}% 的组奖励全同，或离散程度为 0",
    ),
    "entropy_collapse": Text("at {percent} % of its early level or less", "降到早期水平的 {percent}% 及以下"),
    "throughput_drop": Text("when {limit} times as slow as before", "慢到之前的 {limit} 倍"),
    "memory_growth": Text("from {limit} times its early level", "达到早期水平的 {limit} 倍"),
}
"""The same for signals that are held against something of their own."""
ENTROPY_RANGE = Text("at {limit} nats or less, or above the healthy range", "≤ {limit} nat，或高于健康范围")
RECORDS_IN_A_ROW = Text(", {records} records in a row", "，连续 {records} 条记录")
RECORDS_WITHIN = Text(", {records} of {within} records", "，{within} 条记录中有 {records} 条")
FLOOR = Text(" (floor {floor})", "（下限 {floor}）")
SEPARATOR = Text("; ", "；")

# More lines.
JUMP = {
    Severity.WARNING: Text("jump over own level (warning)", "突升界线（警告）"),
    Severity.CRITICAL: Text("jump over own level (critical)", "突升界线（严重）"),
}
DROP = Text("drop below own level (warning)", "骤降界线（警告）")

# Over the step.
AGAINST = Text("{title} ({axis})", "{title}（{axis}）")
STEP_AXIS = Text("step", "步数")
EVERY_STEP = Text("Every record over its step", "逐条记录，按步数")
SPIKE_MARK = Text("spike", "尖峰")
EVERY_RECORD = Text(
    "Every record at its step; after a resume the curve begins anew. Red: spikes, 7 robust standard "
    "deviations out. Without a history of the run (the variable Curves), what was scraped stands here.",
    "每条记录都在自己的步数上；断点续训后另起一段。红点：尖峰，偏离 7 个稳健标准差。"
    "没有该训练的逐条历史时（见变量“曲线”），显示抓取到的值。",
)

# The strip on top of a run's dashboard.
VERDICT = Text("Verdict", "结论")
STATE = Text("State", "状态")
PROGRESS = Text("Progress", "进度")
STEP = Text("Step", "步数")
OF_STEPS = Text("of", "共")
ETA = Text("Time left", "预计剩余")
ETA_TEXT = Text(
    "As the trainer estimates it, else the steps that are left at the speed of the last records. Shown while "
    "the run is running.",
    "训练框架的估计；日志中没有时按最近速度和剩余步数推算。仅在训练中显示。",
)
UNKNOWN = Text("–", "–")
AGE = Text("Last record", "最近一条记录")
AGE_TEXT = Text("How long ago the last record was written.", "最近一条记录距今多久。")
ACTIVE = Text("Active signals", "进行中的信号")
ACTIVE_TEXT = Text(
    "Warnings and critical conditions that hold right now; 0 is healthy. What each means and what to do is "
    "on the run's page and in the runbook.",
    "此刻成立的警告与严重信号个数，0 为健康。各信号的含义与处理办法见训练详情页和 runbook。",
)
INCIDENT_COUNT = Text("Incidents", "事故次数")

HEADLINE = Text("What to do, and why", "该做什么，为什么")
HEADLINE_TEXT = Text(
    "The worst signal that lasts, what to do first, and the best proved cause. All causes with their "
    "evidence, and what to set to which value, are on the run's page.",
    "当前最严重的信号、首先要做的事，以及证据最充分的原因。全部原因与证据、各参数该改成多少，见训练详情页。",
)
HEADLINE_PARTS = {
    "signal": Text("What is wrong", "出了什么问题"),
    "remedy": Text("Do first", "首先要做"),
    "cause": Text("Likely cause", "最可能的原因"),
}
NO_HEADLINE = Text("No signal lasts: nothing to do", "没有持续的信号：无需处理")
QUESTION, ANSWER = Text("question", "问题"), Text("answer", "回答")

WHAT_HAPPENED = Text("What happened", "发生了什么")
SIGNALS_OVER_TIME = Text("Signals over time", "信号时间线")
SIGNALS_TEXT = Text(
    "Each signal that was there in this time range: green not there, blue info, orange a warning, red "
    "critical. In a collapse read it from left to right: what breaks first is nearest to the cause.",
    "本时间范围内出现过的每个信号：绿为未出现，蓝为提示，橙为警告，红为严重。"
    "崩溃时从左往右看：最先失常的离原因最近。",
)
NO_SIGNAL = Text("No signal in this time range: all well", "本时间范围内没有任何信号：一切正常")
ORDER = Text("Order of the last incident", "最近一次事故的先后顺序")
ORDER_TEXT = Text(
    "The usual chain is KL or gradient, then length, then reward. KL or gradient first: the policy drifted. "
    "Length first: look at stopping. Reward first: look at the reward functions. Go back to a checkpoint "
    "from before the onset.",
    "典型链条是 KL 或梯度 → 长度 → reward。KL 或梯度在先：策略漂移；长度在先：查停止条件；"
    "reward 在先：查 reward 函数。应回滚到起始步之前的 checkpoint。",
)
NO_INCIDENT = Text("No incident so far", "至今没有事故")
PLACE = Text("order", "次序")
FAMILY = Text("what broke", "失常的指标")
ONSET = Text("from step", "起始步")

# Rows.
CHAIN = Text("The collapse chain: KL, length, reward", "崩溃链：KL、长度、reward")
OPTIMISATION = Text("Optimisation and stability", "优化与稳定性")
REWARDS = Text("Reward", "奖励")
LENGTHS = Text("Length and clipping", "生成长度与截断")
RUN_STATE = Text("State of the run", "运行状态")
SPIKES = Text("Spikes", "尖峰")
OBJECTIVE = Text("Parts of the loss, and the update", "loss 的组成与更新")
VALUE_FUNCTION = Text("Value function", "价值函数")
MISMATCH = Text("Sampler against trainer", "采样与训练的偏差")
DISTILLATION = Text("Distillation", "蒸馏")
ROLLOUT = Text("Sampling, tools and queues", "采样、工具与队列")
EVALUATIONS = Text("Evaluations", "验证")
SPEED = Text("Throughput, memory and batches", "吞吐、内存与 batch")
MORE = Text("{group}: more", "{group}：更多")
OTHERS = Text("Other numbers of the log", "日志中的其他数值")
CHECKLIST = Text("Checklist", "检查清单")
FIT = Text("Fit: training against evaluation", "拟合：训练与验证对比")
EVALUATION = Text("Evaluation, speed and memory", "验证、速度与内存")

GROUPS: Mapping[Group, Text] = {
    Group.OPTIMISATION: OPTIMISATION,
    Group.REWARD: REWARDS,
    Group.LENGTH: LENGTHS,
    Group.PREFERENCE: Text("Preference", "偏好"),
    Group.OBJECTIVE: OBJECTIVE,
    Group.VALUE: VALUE_FUNCTION,
    Group.MISMATCH: MISMATCH,
    Group.DISTILLATION: DISTILLATION,
    Group.ROLLOUT: ROLLOUT,
    Group.EVALUATION: EVALUATIONS,
    Group.PROGRESS: RUN_STATE,
    Group.SPEED: SPEED,
    Group.DERIVED: Text("Ratios", "比值"),
    Group.SPIKES: SPIKES,
    Group.SIGNALS: Text("Signals", "信号"),
    Group.INCIDENTS: Text("Incidents", "事故"),
    Group.STATE: Text("State", "状态"),
    Group.OTHER: OTHERS,
}
"""The headings under which charts and metrics stand, dashboards aside."""

# Panels.
KL = Text("KL from the reference", "KL 散度")
LOSS = Text("Loss", "loss")
GRAD_NORM = Text("Gradient norm", "梯度范数")
LEARNING_RATE = Text("Learning rate", "学习率")
CLIP_RATIO = Text("Clip ratio", "裁剪比例 clip ratio")
ENTROPY = Text("Entropy", "entropy")
REWARD = Text("Reward", "总奖励 reward")
REWARD_STD = Text("Spread of the reward", "奖励离散程度 reward_std")
REWARD_FUNCTIONS = Text("Reward functions: mean", "各 reward 函数：均值")
REWARD_FUNCTIONS_STD = Text("Reward functions: spread", "各 reward 函数：标准差")
ZERO_STD = Text("Groups without any spread", "组内奖励全同的占比")
VARIATION = Text("Spread over mean", "离散程度 / 均值")
LENGTH = Text("Completion length", "生成长度")
MEAN_LENGTH = Text("Mean completion length", "平均生成长度")
CLIPPED = Text("Completions cut off", "被截断的比例")
LENGTH_LIMIT = Text("Mean length over its limit", "平均长度 / 上限")
LONGEST = Text("max_completion_length", "max_completion_length")
STEP_TIME = Text("Time per step", "每步耗时")
STEP_MEAN = Text("mean since start", "启动以来平均")
STEP_RECENT = Text("last records", "最近记录")
STEP_LAST = Text("last step", "上一步")
MEMORY = Text("Device memory, peak", "显存峰值")
EPOCH = Text("Epoch", "epoch")
TOKENS = Text("Tokens", "token 数")
RECORDS = Text("Records and skipped lines per minute", "每分钟的记录与跳过的行")
RECORDS_TEXT = Text(
    "Log rows by kind, and lines that are no record by reason (dotted). Nothing while the run should be "
    "running: it logs nothing. Broken rows: something else writes into the log.",
    "日志行按类型、非记录行按原因（点线）统计。本该训练时为空说明没有新日志；"
    "出现损坏的行说明另有程序在写这个日志。",
)
NOTHING_READ = Text("Nothing was logged in this time range", "本时间范围内没有新日志")
SETTINGS = Text("What is trained", "训练信息")
LABEL, VALUE = Text("setting", "项目"), Text("value", "值")
SPIKE_SCORE = Text("Spike score", "尖峰分数")
SIGMAS = Text("7 sigma", "7σ")
SPIKE_SHARE = Text("Share of records that were spikes", "尖峰记录占比")
OTHER = Text("Other log keys", "其他日志键")
REMAINING = Text("{group}: rest", "{group}：其余指标")
REMAINING_TEXT = Text(
    "What is logged by some trainers and looked at for details; metrics.md says what each is.",
    "部分框架才记录、用于细查的指标，各自含义见 metrics.md。",
)
TRAIN_EVAL_LOSS = Text("Training against eval loss", "训练 loss 与 eval loss")
GAP_TEXT = Text(
    "The shaded band between the two is the gap.",
    "两条线之间的阴影就是差距。",
)
LOSS_RATIO = Text("Eval over training loss", "eval loss / 训练 loss")
LOSS_RATIO_SLIGHT = Text("slight overfitting", "轻微过拟合")
ACCURACY = Text("Token accuracy", "token 准确率")
ACCURACY_GAP = Text("Accuracy gap: evaluation minus training", "准确率差：验证 − 训练")
GAP_USUAL = Text("usual gap", "正常差距下限")
ENTROPY_HIGH = Text("upper end", "正常上限")
EVAL_SPEED = Text("Evaluation throughput", "验证吞吐量")
EVAL_TIME = Text("Evaluation runtime", "验证耗时")
SAMPLES, STEPS = Text("samples/s", "样本/秒"), Text("steps/s", "步/秒")
BEST = Text("Best checkpoint", "最佳 checkpoint")
BEST_LOSS = Text("lowest eval loss", "最低 eval loss")
BEST_STEP = Text("at step", "所在步")
BEST_RATIO = Text("eval / train loss", "当前 eval/训练 loss")
NO_EVALUATION = Text("Never evaluated", "没有做过验证")
CHECK_TEXT = Text(
    "One row for each question, answered as in the report. Green: yes, all is well. Yellow: not always, "
    "what speaks against it came and went. Red: no, it is still there. Grey: not known, the log has "
    "nothing that answers it (no evaluation, for instance), or the weights are NaN.",
    "每行一个问题，回答与报告一致：绿为“是”，一切正常；黄为“不总是”，曾经出现异常但已过去；"
    "红为“否”，异常仍在；灰为“无法判断”，日志中没有可供回答的内容（例如没有验证），或权重已是 NaN。",
)
GRPO_TEXT = Text(
    "One GRPO run: verdict, incidents and the collapse chain on top, then optimisation, reward, length and "
    "state.",
    "单次 GRPO 训练：上方为结论、事故与崩溃链，其后依次为优化、奖励、生成长度与运行状态。",
)
SFT_TEXT = Text(
    "One SFT run: verdict and checklist on top, then training against evaluation, gradients, speed and "
    "memory.",
    "单次 SFT 训练：上方为结论与检查清单，其后依次为训练与验证对比、梯度、速度与内存。",
)
