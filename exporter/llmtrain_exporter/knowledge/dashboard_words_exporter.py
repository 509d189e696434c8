"""The words of the dashboard on the exporter itself. A panel's text says what it shows and when to worry."""

from __future__ import annotations

from llmtrain_exporter.knowledge.dashboard_words_fleet import Words
from llmtrain_exporter.knowledge.text import Text

BOARD_TEXT = Text(
    "Health and cost of the exporter itself: what it watches, how long that takes, what went wrong.",
    "exporter 自身的健康与开销：看着哪些日志、花多少时间、出过什么错。",
)

COST = Text("Cost", "开销")
WORK = Text("Work", "工作")
WRONG = Text("What went wrong", "出错情况")
UP_EXPORTERS = Words(
    Text("Exporters up", "在线的 exporter"),
    Text(
        "Exporters that Prometheus reached at its last scrape. Fewer than yesterday: a host or its network "
        "is down.",
        "Prometheus 最近一次抓取成功的 exporter 数。比昨天少：有机器或网络掉线。",
    ),
)
READY = Words(
    Text("Ready", "就绪"),
    Text(
        "Whether every log that was there at the start is read. Not ready for minutes: very long logs or "
        "slow storage.",
        "启动时已有的日志是否都读完。几分钟仍未就绪：日志极长或存储很慢。",
    ),
)
WATCHED = Words(
    Text("Log files", "日志文件数"),
    Text(
        "Log files that are watched. 0: the folder is wrong, or not readable.",
        "正在监控的日志文件数。为 0：目录不对，或没有读权限。",
    ),
)
SERIES = Words(
    Text("Series", "序列数"),
    Text(
        "Series of all runs in one scrape. Prometheus pays for each; about 60 to 100 per run is usual.",
        "一次抓取中全部训练的序列数。Prometheus 要为每条付出代价；每次训练 60 到 100 条属正常。",
    ),
)
ERRORS_NOW = Words(
    Text("Errors", "错误数"),
    Text(
        "What went wrong in the shown time. Should be 0; the exporter's own log says which file and why.",
        "所选时间内出的错。应为 0；具体文件与原因见 exporter 自己的日志。",
    ),
)
VERSIONS = Words(
    Text("Versions", "版本"),
    Text(
        "Which version runs where. Different versions judge differently: update all together.",
        "各处运行的版本。版本不同，判断也可能不同：应一起升级。",
    ),
)
SERIES_OVER_TIME = Words(
    Text("Series over time", "序列数随时间"),
    Text(
        "Series of all runs, for each exporter. A step up without new runs: a run logs ever new keys.",
        "每个 exporter 的全部序列数。没有新训练却突然上升：有训练在不断写入新的键。",
    ),
)
OLDEST = Words(
    Text("Longest up", "最长运行"),
    Text(
        "Time since the exporter that runs longest was started. Short again and again: it is restarted.",
        "运行最久的 exporter 启动至今的时间。反复很短说明它在不断重启。",
    ),
)
CPU = Words(
    Text("Processor time", "CPU 占用"),
    Text(
        "Cores in use. A few per cent of one core for a thousand quiet runs; for a while after a start, one.",
        "占用的核数。上千个安静的训练约占一核的百分之几；刚启动时会占满一核一阵子。",
    ),
)
MEMORY = Words(
    Text("Resident memory", "常驻内存"),
    Text(
        "Memory of the process. Grows with the number of runs, about 60 KB each, and not with the length of "
        "logs. Steady growth with the same runs: a fault worth reporting.",
        "进程内存。随训练数增长，每次约 60 KB，与日志长度无关。训练数不变却一直涨：请报告。",
    ),
)
DESCRIPTORS = Words(
    Text("Open files", "打开的文件数"),
    Text(
        "Open file descriptors beside the limit. At the limit no new log can be opened: raise it.",
        "打开的文件描述符与上限。到了上限就打不开新日志：请调高。",
    ),
)
COLLECTIONS = Words(
    Text("Garbage collections", "垃圾回收"),
    Text(
        "Python's collections per second, by generation. Many of generation 2 cost pauses.",
        "Python 每秒的垃圾回收次数，按代。第 2 代频繁会造成停顿。",
    ),
)
SCRAPE_TIME = Words(
    Text("Time for a scrape", "抓取耗时"),
    Text(
        "Whole scrapes as Prometheus sees them, and the exporter's own part at the 99th percentile. Near the "
        "scrape timeout (10 s unless set) samples get lost.",
        "Prometheus 看到的整次抓取耗时，以及 exporter 自身部分的 99 分位。"
        "接近抓取超时（默认 10 秒）会丢样本。",
    ),
)
ROUND_TIME = Words(
    Text("Time for a round", "一轮读取耗时"),
    Text(
        "99th percentile of a look at all watched files. This is how late a new record can be; above a few "
        "seconds: too many files or slow storage.",
        "把所有文件看一遍的耗时，99 分位。新记录最多晚这么久；超过几秒：文件太多或存储太慢。",
    ),
)
SCAN_TIME = Words(
    Text("Time for a walk through the folders", "目录扫描耗时"),
    Text(
        "99th percentile of a search for new logs. Above 10 s: watch a smaller folder, or scan less often.",
        "查找新日志的耗时，99 分位。超过 10 秒：缩小目录，或降低扫描频率。",
    ),
)
READ_BYTES = Words(
    Text("Bytes read", "读取字节"),
    Text(
        "Bytes per second read from logs. High for long without a start: a log is rewritten again and again.",
        "每秒读取的日志字节。没有重启却长时间很高：有日志被反复重写。",
    ),
)
FILES = Words(
    Text("Files and runs", "文件与训练"),
    Text(
        "Watched files and exposed runs. Files that are no run stay below the line of files.",
        "监控的文件数与导出的训练数。不是训练日志的文件使两者有差。",
    ),
)
LEFT_OUT = Words(
    Text("Files left out", "未监控的文件"),
    Text(
        "Files that look like logs and are not watched, by reason: too old, too many, not readable. "
        "Not what you want: change `ignore_older`, the limits or the permissions.",
        "看起来像日志却没有监控的文件，按原因：太旧、太多、无权限。不合预期就改 ignore_older、上限或权限。",
    ),
)
ERRORS = Words(
    Text("Errors by kind", "错误：按类型"),
    Text(
        "Errors in each interval, by what failed. A single one is rarely harmful, a steady line always.",
        "每个时间段内的错误，按出错环节。偶尔一次通常无害，持续不断则一定有问题。",
    ),
)
STUCK_ROOTS = Words(
    Text("Paths that do not answer", "无响应的路径"),
    Text(
        "1 while the file system of a watched path does not answer. Its runs are shown as they were before.",
        "监视路径所在的文件系统没有响应时为 1。其中训练的数据停在那时。",
    ),
)
SKIPPED = Words(
    Text("Skipped lines", "跳过的行"),
    Text(
        "Lines of runs that were skipped in the shown time, by reason. Printed text is harmless; broken rows "
        "mean torn or mixed-up writes.",
        "所选时间内跳过的训练日志行，按原因。普通文字无害；损坏的行说明写入被撕裂或混写。",
    ),
)
NOT_RUNS = Words(
    Text("Lines of files that are no run", "非训练文件的行"),
    Text(
        "Lines skipped in files that turned out to be no training log, by reason. Many: point the exporter "
        "at a narrower folder.",
        "并非训练日志的文件中被跳过的行，按原因。很多时：把 exporter 指向更小的目录。",
    ),
)
DROPPED = Words(
    Text("Keys left out", "未导出的键"),
    Text(
        "Log keys without a series because a run reached its limit. Any: raise the limit, or log fewer keys.",
        "因到达上限而未导出的日志键。只要有：调高上限，或少记一些键。",
    ),
)
NO_ERRORS = Text("No errors", "没有错误")
NOTHING_LEFT_OUT = Text("Nothing left out", "没有遗漏")
NOTHING_SKIPPED = Text("Nothing skipped", "没有跳过")
NOT_SCRAPED = Text("No exporter is scraped", "没有抓取到 exporter")
SEEN_BY_PROMETHEUS = Text("{{instance}}, whole scrape", "{{instance}}，整次抓取")
OWN_PART = Text("{{instance}}, own part (p99)", "{{instance}}，自身部分（p99）")
LOWEST_LIMIT = Text("lowest limit", "最低上限")
GENERATION_OF = Text("{{instance}}, generation {{generation}}", "{{instance}}，第 {{generation}} 代")
FILES_OF = Text("{{instance}}, files", "{{instance}}，文件")
RUNS_OF = Text("{{instance}}, runs", "{{instance}}，训练")
VERSION = Text("version", "版本")
REASON, SO_MANY = Text("reason", "原因"), Text("how many", "数量")

# The relay.
RELAY = Text("Chat relay", "聊天转发")
CARDS = Words(
    Text("Cards by result", "卡片：按结果"),
    Text(
        "Cards of each bot and what became of them. `sent` was taken by the chat, `known` was told before, "
        "`later` waits for another try, `never` is lost: look at the reasons beside it.",
        "每个机器人的卡片及其结果。sent 已送达，known 之前已告知，later 稍后重试，never 已丢失。",
    ),
)
REFUSED = Words(
    Text("Messages that failed", "发送失败"),
    Text(
        "Messages that a bot did not take, by reason. A wrong address or signature needs a person; the "
        "chat's own trouble passes.",
        "机器人没有接收的消息，按原因。地址或签名错误需要人处理；聊天平台自身的故障会过去。",
    ),
)
WAITING = Words(
    Text("Cards that wait", "排队的卡片"),
    Text(
        "Cards that wait because the chat allows only so many messages a minute. Long queues: too many "
        "alerts go to one group.",
        "因聊天平台每分钟限额而排队的卡片。长时间排队：发到同一个群的告警太多。",
    ),
)
SEND_TIME = Words(
    Text("Time to deliver", "送达耗时"),
    Text(
        "Time that a bot took to answer, 99th percentile. Above a few seconds: the network to the chat.",
        "机器人应答耗时，99 分位。超过几秒：检查到聊天平台的网络。",
    ),
)
NO_RELAY = Text("No relay is scraped", "没有抓取到 relay")
NOTHING_REFUSED = Text("Nothing failed", "没有失败")
