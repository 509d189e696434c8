"""Alerts on the exporter itself: whether it is there, and sees what it should."""

from __future__ import annotations

from llmtrain_exporter.knowledge.alerting import times
from llmtrain_exporter.knowledge.alerting.entry import Alert, AlertTexts, Scope
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Text

DOWN = Alert(
    "LlmTrainExporterDown",
    Severity.CRITICAL,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("Exporter down", "exporter 无法访问"),
        summary=Text(
            "An exporter cannot be scraped: its runs go unwatched.", "抓取不到 exporter：训练无人看护。"
        ),
        description=Text("Exporter {instance} does not answer.", "exporter {instance} 没有响应。"),
        advice=Text(
            "See whether its process or container runs, and what it has logged.",
            "看它的进程或容器是否在运行，日志里说了什么。",
        ),
        meaning=Text(
            "Prometheus cannot scrape the exporter, or has no target of that job at all.",
            "Prometheus 抓取不到该 exporter，或该 job 没有任何 target。",
        ),
        impact=Text(
            "Nothing is known of its runs: a run can collapse unnoticed. What was firing is held for a "
            "while and then dropped.",
            "它看护的训练状况未知，崩溃了也没人知道。正在触发的告警会保留一段时间，之后消失。",
        ),
        diagnosis=(
            Text(
                "The target's last error on the page Targets of Prometheus.",
                "Prometheus 的 Targets 页上的最近错误。",
            ),
            Text(
                "Does it run, and listen on an address that Prometheus reaches?",
                "进程在吗？监听的地址 Prometheus 访问得到吗？",
            ),
            Text(
                "Do TLS and password of the scrape fit its web configuration?",
                "抓取的 TLS 与密码是否与其 web 配置一致？",
            ),
        ),
        mitigation=(
            Text(
                "Start it again: it reads its logs from the first byte and misses nothing.",
                "重新启动即可：它会从头读日志，什么都不会漏。",
            ),
            Text("Taken out of service: remove the target.", "若已下线：删掉该 target。"),
        ),
    ),
    holds=times.DOWN,
)
ERRORS = Alert(
    "LlmTrainExporterErrors",
    Severity.WARNING,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("Exporter has errors", "exporter 报错"),
        summary=Text("An exporter has run into errors.", "exporter 出错。"),
        description=Text(
            "Exporter {instance} has had errors since it started: {errors}.",
            "exporter {instance} 启动以来的错误：{errors}。",
        ),
        advice=Text(
            "Read its log: each error stands there with the file that it is about.",
            "看它的日志：每个错误都写明了是哪个文件。",
        ),
        meaning=Text(
            "Kind scan: a folder cannot be searched. read: a log cannot be read. analyse: a log could not be "
            "made sense of, and its run is no longer shown. http: an answer failed.",
            "scan：无法遍历目录；read：无法读取日志；analyse：日志无法分析，该训练不再显示；http：应答失败。",
        ),
        impact=Text(
            "Some runs may be missing, or stand still while they train on.",
            "有的训练可能缺失，或看起来停住而实际在跑。",
        ),
        diagnosis=(
            Text(
                "scan and read: permissions, a vanished mount, too many open files?",
                "scan 与 read：权限、挂载丢失，还是打开文件数超限？",
            ),
            Text(
                "analyse: the traceback in the log of the exporter.",
                "analyse：看 exporter 日志里的 traceback。",
            ),
        ),
        mitigation=(
            Text(
                "Let the exporter's user read the folders, or point it elsewhere.",
                "让 exporter 的用户能读这些目录，或改指别处。",
            ),
            Text(
                "analyse: keep a copy of that log and report it; the other runs are not affected.",
                "analyse：留一份该日志并反馈；其他训练不受影响。",
            ),
        ),
    ),
)
SKIPPED = Alert(
    "LlmTrainExporterSkippedLines",
    Severity.WARNING,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("Log lines not understood", "有日志行无法识别"),
        summary=Text("Many lines of training logs are not understood.", "训练日志中有大量无法识别的行。"),
        description=Text(
            "Exporter {instance} has skipped lines: {skipped}.",
            "exporter {instance} 跳过了日志行：{skipped}。",
        ),
        advice=Text(
            "Look at the newest lines of that log: is it the trainer's own, written by one process?",
            "看该日志最新的几行：是框架自己写的吗，是否只有一个进程在写？",
        ),
        meaning=Text(
            "Lines are left out because they are no records. A crash may tear one line; many mean a format "
            "that is not known, or several processes that write over each other.",
            "有些行因不是记录而未计入。崩溃可能撕裂一行；数量多说明格式未知，或多个进程互相覆盖。",
        ),
        impact=Text(
            "What stands in these lines is not judged: trouble can be missed.",
            "这些行里的内容没有被判断，问题可能漏掉。",
        ),
        diagnosis=(
            Text(
                "The reason is a label of the run's counter of skipped lines.",
                "原因见该训练跳过行数计数器的 reason 标签。",
            ),
            Text(
                "Was the trainer upgraded, or its log redirected?",
                "框架是否升级过，日志是否被重定向？",
            ),
        ),
        mitigation=(
            Text("Let one process alone write each log.", "保证每个日志只有一个进程写。"),
            Text(
                "A new format: keep a copy of the log and report it.",
                "若是新格式：留一份日志并反馈。",
            ),
        ),
    ),
)
LIMITED = Alert(
    "LlmTrainExporterSeriesLimit",
    Severity.WARNING,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("Too many series", "指标序列过多"),
        summary=Text(
            "An exporter leaves out runs or series because a limit is reached.",
            "exporter 达到上限，有训练或指标未显示。",
        ),
        description=Text(
            "Exporter {instance}: logs left out: {left_out}; runs with series left out: {dropped}.",
            "exporter {instance}：未监视的日志：{left_out}；有指标未显示的训练：{dropped}。",
        ),
        advice=Text(
            "Raise max_runs, max_other_keys or max_reward_functions, or watch fewer folders.",
            "调高 max_runs、max_other_keys 或 max_reward_functions，或少看一些目录。",
        ),
        meaning=Text(
            "There are more runs below the watched folders than max_runs, or a run logs more keys than may "
            "become series.",
            "所监视目录下的训练多于 max_runs，或某个训练的日志键多于可成为序列的数量。",
        ),
        impact=Text(
            "What is left out is neither shown nor judged.",
            "被略去的既不显示，也不判断。",
        ),
        diagnosis=(
            Text(
                "Old runs: does ignore_older let them go?",
                "是旧训练太多吗？ignore_older 会把它们放掉吗？",
            ),
            Text(
                "Does a trainer put numbers into the names of its keys, step after step?",
                "框架是否把数字写进键名，每步都产生新键？",
            ),
        ),
        mitigation=(
            Text(
                "Lower ignore_older, or watch the folders that matter.",
                "调低 ignore_older，或只看重要的目录。",
            ),
            Text(
                "Raise the limit, and mind the memory of Prometheus.",
                "调高上限，同时留意 Prometheus 的内存。",
            ),
        ),
    ),
)
NOT_READY = Alert(
    "LlmTrainExporterNotReady",
    Severity.WARNING,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("Exporter still reading", "exporter 尚未就绪"),
        summary=Text(
            "An exporter still reads old logs and is not ready.", "exporter 仍在读旧日志，尚未就绪。"
        ),
        description=Text(
            "Exporter {instance} has not read all of its logs yet.",
            "exporter {instance} 还没读完所有日志。",
        ),
        advice=Text(
            "Look at its rate of bytes read: is it slow storage, or are there too many old logs?",
            "看它的读取速率：是存储太慢，还是旧日志太多？",
        ),
        meaning=Text(
            "After a start each log is read from its first byte; runs appear one by one as theirs is read.",
            "启动后每个日志都从头读起，读完一个，该训练才出现。",
        ),
        impact=Text(
            "Some runs are not watched yet.",
            "部分训练暂时无人看护。",
        ),
        diagnosis=(
            Text(
                "Do bytes read still grow? If not, storage hangs.",
                "已读字节数还在增长吗？不增长说明存储卡住。",
            ),
            Text("Did its container get less CPU than it needs?", "容器分到的 CPU 够吗？"),
        ),
        mitigation=(
            Text("Lower ignore_older so that old logs are left alone.", "调低 ignore_older，不读旧日志。"),
            Text(
                "Give it a whole core, or put exporters nearer to the logs.",
                "给它一个完整的核，或把 exporter 放得离日志近一些。",
            ),
        ),
    ),
    holds=times.NOT_READY,
)
ROOT_STUCK = Alert(
    "LlmTrainRootStuck",
    Severity.CRITICAL,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("Logs do not answer", "日志目录无响应"),
        summary=Text(
            "A watched path does not answer: its runs go unwatched.",
            "监视的路径没有响应：其中的训练无人看护。",
        ),
        description=Text(
            "Exporter {instance} hangs at {path}: nothing of it is read any more.",
            "exporter {instance} 卡在 {path}：其中的日志已无法读取。",
        ),
        advice=Text(
            "See whether `ls` on that path comes back on that machine; if not, its mount hangs.",
            "在那台机器上对该路径执行 `ls`，看能否返回；不能返回就是挂载卡死了。",
        ),
        meaning=Text(
            "The file system below a watched path (NFS, FUSE, Lustre) neither answers nor fails, or the logs "
            "of that path have not been looked at for minutes. Other paths are read as before.",
            "该路径所在的文件系统（NFS、FUSE、Lustre）既不应答也不报错，或已有几分钟没能查看其中的日志。"
            "其他路径照常读取。",
        ),
        impact=Text(
            "Its runs are shown as they were at the last look: one can collapse, stall or end unnoticed.",
            "其中训练的数据停在最后一次读取时：崩溃、卡住或结束都不会被发现。",
        ),
        diagnosis=(
            Text(
                "The exporter's log and its page `/-/healthy` say since when, and at which path.",
                "exporter 的日志和 `/-/healthy` 页面写明了从何时起、卡在哪个路径。",
            ),
            Text(
                "Does the file server run, and does the network reach it? `dmesg` tells of NFS and FUSE.",
                "文件服务器在运行吗，网络通吗？NFS 与 FUSE 的信息看 `dmesg`。",
            ),
            Text(
                "Do trainings on that mount hang as well? Then their GPUs wait for it.",
                "同一挂载上的训练是否也卡住了？那样 GPU 都在空等。",
            ),
        ),
        mitigation=(
            Text(
                "Bring the file server back, or unmount (`umount -l`, `fusermount -uz`) and mount anew: the "
                "exporter goes on by itself.",
                "恢复文件服务器，或卸载（`umount -l`、`fusermount -uz`）后重新挂载：exporter 会自动继续。",
            ),
            Text(
                "It does not go on after that: start the exporter again.",
                "若之后仍未继续：重启 exporter。",
            ),
        ),
    ),
    holds=times.ROOT_STUCK,
)
NO_RUNS = Alert(
    "LlmTrainNoRuns",
    Severity.INFO,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("No runs watched", "没有可监控的训练"),
        summary=Text("An exporter watches no run at all.", "exporter 没有看到任何训练。"),
        description=Text(
            "Exporter {instance} is ready and finds no run.",
            "exporter {instance} 已就绪，但没找到训练。",
        ),
        advice=Text(
            "Check the folders that it watches, and their mount in the container.",
            "检查它监视的目录，以及容器里的挂载。",
        ),
        meaning=Text(
            "No training log lies below the watched folders, or all are older than ignore_older.",
            "所监视目录下没有训练日志，或都早于 ignore_older。",
        ),
        impact=Text(
            "None on a machine that does not train; elsewhere its runs go unwatched.",
            "机器没在训练就无影响；否则训练无人看护。",
        ),
        diagnosis=(
            Text(
                "Does `llmtrain-exporter check` on that folder find a log?",
                "对该目录执行 `llmtrain-exporter check`，能找到日志吗？",
            ),
            Text(
                "Which files are left out, by reason, do the exporter's own metrics say.",
                "exporter 自身指标里有未监视文件的数量与原因。",
            ),
        ),
        mitigation=(Text("Correct the watched folder or the mount.", "改正监视目录或挂载。"),),
    ),
    holds=times.NO_RUNS,
)
OLD_SETTINGS = Alert(
    "LlmTrainExporterOldSettings",
    Severity.WARNING,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("Settings not taken", "新设置未生效"),
        summary=Text("An exporter could not read its settings again.", "exporter 重新读取设置失败。"),
        description=Text(
            "Exporter {instance} goes by its old settings: the new ones cannot be used.",
            "exporter {instance} 仍按旧设置运行：新设置无法使用。",
        ),
        advice=Text(
            "Its log says which line of which file is wrong. Correct it, and send SIGHUP again.",
            "日志写明了哪个文件哪一行有误；改正后再发一次 SIGHUP。",
        ),
        meaning=Text(
            "It was asked by SIGHUP to read its settings again, and something is wrong with them, or with a "
            "certificate, a list of users or a secret that they name.",
            "收到 SIGHUP 后重新读取设置，但设置本身，或其中引用的证书、用户列表、密钥有误。",
        ),
        impact=Text(
            "It works on as before. A new start fails until the file is in order.",
            "目前照旧运行；在文件改好之前，重启会失败。",
        ),
        diagnosis=(
            Text(
                "Does `llmtrain-exporter config --check FILE` find what is wrong?",
                "`llmtrain-exporter config --check FILE` 能指出错误吗？",
            ),
            Text(
                "Was a certificate replaced before its key, or written only in part?",
                "证书是否先于私钥更换，或只写了一半？",
            ),
        ),
        mitigation=(
            Text("Correct the file, then send SIGHUP again.", "改正文件，再发一次 SIGHUP。"),
            Text("Or take the change back.", "或撤回改动。"),
        ),
    ),
)
EXPORTER_ALERTS = (DOWN, ROOT_STUCK, ERRORS, SKIPPED, LIMITED, NOT_READY, NO_RUNS, OLD_SETTINGS)
