"""The words of the dashboards on all runs, on several runs and on the exporter, where the catalogue has none.

A panel's text says what it shows and when to worry.
"""

from __future__ import annotations

from typing import NamedTuple

from llmtrain_exporter.knowledge.text import Text


class Words(NamedTuple):
    """The title of a panel and its description."""

    title: Text
    text: Text


# The dashboards.
FLEET_TEXT = Text(
    "All runs of all hosts: which are in trouble, since when, and where to look next.",
    "所有机器上的全部训练：哪些出了问题、从何时开始、接下来看哪里。",
)
PREFERENCE_TEXT = Text(
    "Runs that learn from pairs of answers: DPO, ORPO, KTO, CPO, SimPO and reward models.",
    "从成对回答中学习的训练：DPO、ORPO、KTO、CPO、SimPO 与奖励模型。",
)
COMPARE_TEXT = Text(
    "Chosen runs beside each other: settings, results, and curves over step, time since start and clock.",
    "把选中的训练放在一起：参数、结果，以及按步数、按开始后时间、按钟表时间的曲线。",
)

# All runs: rows.
ALL_RUNS = Text("Runs", "训练列表")
OVER_TIME = Text("Over time", "随时间变化")
TROUBLE = Text("Alerts and incidents", "告警与事故")
HOSTS_ROW = Text("Hosts and throughput", "机器与吞吐")

# All runs: panels.
RUNS = Words(
    Text("Runs", "训练数"),
    Text(
        "All runs that are watched, in any state, of the chosen jobs and hosts. "
        "Fewer than you started: a log is missing or not found.",
        "所选 job 与机器上被监控的全部训练，不论状态。比你启动的少：有日志缺失或没被找到。",
    ),
)
RUNNING = Words(
    Text("Running", "训练中"),
    Text(
        "Runs whose log keeps growing at their own pace.",
        "日志仍按自身节奏增长的训练。",
    ),
)
STALLED = Words(
    Text("Stalled", "停滞"),
    Text(
        "Runs that have not ended and write nothing, for far longer than their own pace. "
        "Any: a process hangs, or was killed without a last word.",
        "没有结束却不再写日志，且远超自身节奏。只要有，就可能是进程卡死或被杀。",
    ),
)
FAILED = Words(
    Text("Failed", "失败退出"),
    Text(
        "Runs that left before their last step. Their traceback is in the printed log.",
        "没跑到最后一步就退出的训练，报错见打印日志。",
    ),
)
FINISHED = Words(
    Text("Finished", "已结束"),
    Text(
        "Runs that came to their end and are still watched.",
        "已跑完、仍在监控范围内的训练。",
    ),
)
BROKEN = Words(
    Text("Broken, live", "异常仍在跑"),
    Text(
        "Runs with something critical that still burn GPU time. Any: look at them first, in the table below.",
        "出现严重问题却还在消耗 GPU 的训练。只要有，就先看下面表格里的它们。",
    ),
)
WATCH = Words(
    Text("To watch", "需关注"),
    Text(
        "Runs with a warning now. Not lost yet; this is the time to act.",
        "当前有警告的训练。尚未出事，正是处理的时机。",
    ),
)
INCIDENTS_HOUR = Words(
    Text("Incidents, 1 h", "近 1 小时事故"),
    Text(
        "Incidents that began within the last hour: several parts of a run broke together. Should be 0.",
        "最近 1 小时内开始的事故，即同一训练的多类指标一起失常。应为 0。",
    ),
)
FIRING = Words(
    Text("Alerts firing", "触发中的告警"),
    Text(
        "Alerts of this project that fire now and that people are told of, warnings and critical ones. Those "
        "for which an incident or a worse alert of the same run stands are not counted. The list is below.",
        "本项目正在触发且会通知到人的警告与严重告警，列表见下。已由同一训练的事故或更严重告警代表的不计入。",
    ),
)
TABLE = Words(
    Text("All runs", "全部训练"),
    Text(
        "One line for each run, those in trouble first, then those that wrote last; 1,000 at most, so choose "
        "a host or a profile to see others. Its name leads to the run's dashboard, its state to its page at "
        "the exporter. ETA is worked out from the speed of the last records. "
        "Click a heading to sort, its funnel to filter.",
        "每次训练一行，有问题的在前，其后按最近写入排序；最多 1,000 行，要看其余的请选主机或 profile。"
        "点名称进入该训练的仪表盘，点状态进入 exporter 上的页面。"
        "剩余时间按最近记录的速度推算。点表头排序，点漏斗筛选。",
    ),
)
TIMELINE = Words(
    Text("Health of the runs in most trouble", "问题最多的训练：健康时间线"),
    Text(
        "The 25 runs that are worst now, then those that wrote last. Green healthy, yellow to watch, red "
        "broken. Red that lasts: nobody has stopped it yet. Many that turn red together: look at the "
        "machine, the storage or the data and not at the runs.",
        "当前最差的 25 次训练，其后按最近写入排序。绿色健康，黄色需关注，红色异常。"
        "红色一直延续：还没有人停下它。许多训练同时变红：先查机器、存储或数据，而不是训练本身。",
    ),
)
ALERTS = Words(
    Text("Firing alerts", "触发中的告警列表"),
    Text(
        "What people are told of now, the newest first. An incident stands for the signals of its run, and "
        "what is critical for lesser ones. Empty is good, if rules are loaded.",
        "当前会通知到人的告警，最新的在前。事故代表该训练的各个信号，严重告警代表较轻的。规则已加载时，空着是好事。",
    ),
)
INCIDENTS = Words(
    Text("Incidents of the runs", "各训练的事故"),
    Text(
        "The last incident of each run that had one, and the order in which its parts broke: the first is "
        "nearest to the cause. Go back to a checkpoint from before the step. GPU time: what all its "
        "incidents have cost.",
        "每次训练最近的一次事故，以及各类指标失常的先后：最先的离原因最近。应回滚到该步之前的 checkpoint。"
        "损失 GPU 时：历次事故合计。",
    ),
)
BY_STATE = Words(
    Text("Runs by state", "按状态"),
    Text(
        "How many runs were in which state. A step down of running together with one up of stalled or "
        "failed: a host or a queue went away.",
        "各状态的训练数。“训练中”下降而“停滞”或“失败”上升：有机器或队列掉线。",
    ),
)
BY_HEALTH = Words(
    Text("Runs by health", "按健康程度"),
    Text(
        "How many runs were healthy, to watch and broken, ended ones included. Red should be a thin line.",
        "健康、需关注、异常各有多少，含已结束的。红色应只有薄薄一层。",
    ),
)
BY_PROFILE = Words(
    Text("Runs by profile", "按训练类型"),
    Text(
        "What kinds of training there are. Limits and advice go by it; a run under `generic` has a log that "
        "does not tell its kind.",
        "有哪些类型的训练，限值与建议按它确定。归入 generic 的，日志没有说明类型。",
    ),
)
SIGNALS = Words(
    Text("What is wrong, by signal", "问题分布：按信号"),
    Text(
        "In how many runs each signal is there now. One signal in many runs: look for what they share.",
        "每种信号当前出现在多少次训练里。同一信号出现在许多训练里：找它们的共同点。",
    ),
)
THROUGHPUT = Words(
    Text("Records per second", "每秒记录数"),
    Text(
        "Log records read per second on each host, over five minutes. A fall to 0 while runs are going: the "
        "shared storage or the host is gone.",
        "每台机器每秒读到的日志记录数（5 分钟平均）。训练还在跑却降到 0：共享存储或机器出了问题。",
    ),
)
HOSTS = Words(
    Text("Hosts", "机器"),
    Text(
        "Each exporter with its runs and its speed of reading. A host without a line is not scraped.",
        "每个 exporter 的训练数与读取速度。没有出现的机器没有被抓取。",
    ),
)

# All runs: columns.
RUN = Text("run", "训练")
HEALTH = Text("health", "健康")
STATE = Text("state", "状态")
PROFILE = Text("profile", "类型")
PROGRESS = Text("progress", "进度")
ETA = Text("ETA", "剩余时间")
AGE = Text("last record", "上次记录")
STEP_TIME = Text("s/step", "每步耗时")
WORST = Text("worst signal", "最严重的信号")
SEVERITY = Text("severity", "级别")
HOST = Text("host", "机器")
ALERT = Text("alert", "告警")
FOR = Text("for", "已持续")
AGO = Text("ago", "距今")
LOSS, REWARD, KL = Text("loss", "loss"), Text("reward", "reward"), Text("KL", "KL")
STEP = Text("step", "步")
COUNT = Text("so far", "累计")
LOST = Text("GPU time", "GPU 损失")
LASTS = Text("lasts", "持续")
YES, NO = Text("yes", "是"), Text("no", "否")
ORDER = (Text("first", "最先"), Text("second", "其后"), Text("third", "第三"), Text("fourth", "第四"))
RUNS_COLUMN = Text("runs", "训练数")
BROKEN_COLUMN = Text("broken", "异常")
RECORDS_COLUMN = Text("records/s", "每秒记录")
UP_COLUMN = Text("exporter", "exporter")
UP, DOWN = Text("up", "在线"), Text("down", "离线")
SIGNAL = Text("signal", "信号")
DASHBOARD = Text("dashboard", "仪表盘")
TO_RUN = Text("Dashboard of this run", "该训练的仪表盘")
TO_PAGE = Text("Page of this run at the exporter", "该训练在 exporter 上的页面")
TO_HOST = Text("Runs of this host", "该机器的训练")

# All runs: where there is nothing.
NO_RUNS = Text("No runs", "没有训练")
NO_ALERTS = Text("No alert fires", "没有触发中的告警")
NO_INCIDENTS = Text("No incident", "没有事故")
NO_SIGNALS = Text("No signal is active", "没有活动的信号")
NOTHING_READ = Text("Nothing read yet", "尚未读到记录")

# Preference runs: rows and panels.
PAIRS = Text("Preference", "偏好")
FIT = Text("Loss and optimisation", "loss 与优化")
PREFERENCE_REWARDS = Text("Rewards of chosen and rejected", "chosen 与 rejected 的奖励")
MARGIN = Text("Reward margin", "奖励差 margin")
PAIR_ACCURACY = Text("Pairs ranked right", "偏好对排序准确率")
LOG_PROBABILITIES = Text("Log probabilities", "对数概率 logps")
STARTS_AT = Text("ln 2, where DPO starts", "ln 2（DPO 的起点）")
GUESSING = Text("guessing", "瞎猜水平")

# Several runs: rows and panels.
SIDE_BY_SIDE = Text("Side by side", "并排对照")
OVER_STEPS = Text("Over the step", "按步数")
SINCE_START = Text("Over the time since start", "按开始后的时间")
BY_THE_CLOCK = Text("By the clock", "按钟表时间")
SETTINGS = Words(
    Text("Settings", "参数"),
    Text(
        "What each run was started with, as far as its log and its argument file tell. The last two are "
        "worked out from the log. Look for the column in which good and bad runs differ.",
        "各训练的启动参数，取自日志与参数文件；最后两列由日志推算。看哪一列把好的和坏的区分开。",
    ),
)
HYPER_PARAMETERS = Words(
    Text("Hyper-parameters", "超参数"),
    Text(
        "The numbers in each run's argument file. A row in which good and bad runs differ is the first "
        "suspect; a column is empty where no args.json or the like lies beside the log.",
        "各训练参数文件里的数值。好坏训练取值不同的那一行最可疑；日志旁没有 args.json 等文件时，该列为空。",
    ),
)
RESULTS = Words(
    Text("Where they stand", "目前的结果"),
    Text(
        "The last values of each run. Compare eval loss only on the same data, reward only with the same "
        "reward functions, and spikes by their share: healthy runs stay below a few per cent.",
        "各训练的最新值。eval loss 只有在同一份数据上可比，reward 只有在同样的 reward 函数下可比；"
        "尖峰看占比，健康的训练不过百分之几。",
    ),
)
ON_STEPS = Text(
    "Here over the optimizer step: the fair axis for runs of different speed, not for different batch sizes.",
    "此处按 optimizer 步数：速度不同的训练用它最公平，batch 大小不同的则不然。",
)
ON_TIME = Text(
    "Here over the training time since the start, where the trainer logs it: what the same hours give.",
    "此处按开始后的训练时间（仅限日志中记有时间的训练）：同样的时长得到多少。",
)
ON_CLOCK = Text(
    "Here by the clock: what happened to several runs at the same moment has a cause outside of them.",
    "此处按钟表时间：多个训练同一时刻出的事，原因在训练之外。",
)
PEAK_RATE = Text("peak lr", "峰值 lr")
PARAMETER = Text("hyper-parameter", "超参数")
TRAINING_LOSS, EVAL_LOSS_TITLE = Text("Training loss", "训练 loss"), Text("Eval loss", "eval loss")
ELAPSED = Text("since start", "开始后的时间")
EVAL_LOSS = Text("eval loss", "eval loss")
BEST_EVAL = Text("best eval loss", "最低 eval loss")
SPIKES = Text("spikes", "尖峰占比")
INCIDENT_COUNT = Text("incidents", "事故")
OF_STEPS = Text("of", "总步数")
NOT_LOGGED_BY_ANY = Text("None of these runs logs it", "所选训练都没有记录此项")
