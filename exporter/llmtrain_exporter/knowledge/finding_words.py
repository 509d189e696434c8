"""What is said of files that were found, of those that were left out, and of what would have them read."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.no_run import (
    BARE_CHECKPOINT,
    EMPTY_FILE,
    NOT_A_TRAINING,
    NOT_SEEN,
    ODD_NAME,
    OTHER_FILES,
    OTHER_FORMAT,
    SOME_OTHER_FILES,
    UNREAD_ROWS,
    Content,
    UnreadRows,
)
from llmtrain_exporter.knowledge.text import Counted, Text

# A file in which no row of a training was found.
READ_BY_NAME = Text("Read as {format}, as its name says.", "按文件名当作 {format} 读取。")
READ_BY_CONTENT = Text(
    "Read as {format}, since its name does not say what it is. Formats tried: {formats}.",
    "文件名看不出格式，当作 {format} 读取。试过的格式：{formats}。",
)
ANY_TEXT = Text("what programs print", "程序的终端输出")
BEGINS = Text("It begins with:", "文件开头：")

_ELSEWHERE = Text(
    "name its event files (TensorBoard), or what W&B, SwanLab or MLflow keep of it",
    "请指定它的事件文件（TensorBoard），或 W&B、SwanLab、MLflow 保存的数据",
)
ROWS_ARE_ELSEWHERE: Mapping[UnreadRows, Text] = {
    UnreadRows.AREAL: Text(
        f"the table that AReaL draws, which is not read: {_ELSEWHERE.en}",
        f"AReaL 在终端画的表格，不读取：{_ELSEWHERE.zh}",
    ),
    UnreadRows.NEMO_RL: Text(
        f"the report that NeMo-RL prints, which is not read: {_ELSEWHERE.en}",
        f"NeMo-RL 打印的报告，不读取：{_ELSEWHERE.zh}",
    ),
    UnreadRows.PRIME_RL: Text(
        "what prime-rl prints, which is not read: name the metrics.jsonl in its output folder",
        "prime-rl 的终端输出，不读取：请指定其输出目录里的 metrics.jsonl",
    ),
    UnreadRows.LITGPT: Text(
        "the metrics.csv of litgpt, which is not read: name what litgpt prints",
        "litgpt 的 metrics.csv，不读取：请指定 litgpt 的终端输出",
    ),
    UnreadRows.BARS: Text(
        f"values behind progress bars alone, which are no rows: {_ELSEWHERE.en}",
        f"只有进度条后面的数值，不算记录：{_ELSEWHERE.zh}",
    ),
}
"""What shows a training in a way that is not read, and what has its rows."""

SHOWS_TRAINING = Text("A training stands in it: {rows}.", "文件里是训练：{rows}。")

WHAT_TO_DO: Mapping[Content, Text] = {
    Content.NOTHING: Text(
        "Nothing stands in it yet. Python holds back what it prints to a file: python -u, or "
        "PYTHONUNBUFFERED=1, writes each line at once.",
        "文件里还没有内容。Python 输出到文件时会先缓存：用 python -u 或 PYTHONUNBUFFERED=1 可逐行写出。",
    ),
    Content.NO_ROW_YET: Text(
        "It has no row of a training yet: trackers hold rows back for a while, TensorBoard for up to two "
        "minutes, and a process that trains nothing writes none. Name what the training prints, where that "
        "has rows.",
        "其中还没有训练记录：跟踪工具会先缓存一段时间（TensorBoard 最长两分钟），不做训练的进程则不写记录。"
        "如果终端输出里已有记录，请指定终端输出。",
    ),
    Content.NO_STORE: Text(
        "No run of a tracker stands in it: another program wrote it, it is damaged, or no training has "
        "begun. Name the database or the folder of the tracker, or the log of the training; docs/sources.md "
        "says what is read.",
        "其中没有跟踪工具的训练：可能是其他程序的文件或已损坏，也可能训练还没有开始。请指定跟踪工具的数据库或目录，"
        "或训练的日志；docs/sources.zh.md 列出了能读取的文件。",
    ),
    Content.POINTER: Text(
        "It is what Git LFS leaves in place of a file: git lfs pull fetches the log itself.",
        "这只是 Git LFS 的指针文件：用 git lfs pull 取回日志本身。",
    ),
    Content.PACKED: Text(
        "It is packed: unpack it, and name what comes out.", "文件是压缩过的：请先解压，再指定解压出的文件。"
    ),
    Content.NO_MARK: Text(
        "It is text in UTF-16 without the mark that says so, or behind other text, as PowerShell's >> leaves "
        "it. Write it as UTF-8: iconv -f UTF-16LE -t UTF-8 FILE > NEW, or Out-File -Encoding utf8.",
        "这是没有 BOM 的 UTF-16 文本，或接在其他编码的文本之后（PowerShell 的 >> 会这样写）。请转成 UTF-8："
        "iconv -f UTF-16LE -t UTF-8 文件 > 新文件，或使用 Out-File -Encoding utf8。",
    ),
    Content.BINARY: Text(
        "It is no text file. Name the log or the output folder of the training; docs/sources.md says what is "
        "read.",
        "这不是文本文件。请指定训练的日志或输出目录；docs/sources.zh.md 列出了能读取的文件。",
    ),
    Content.JSON: Text(
        "It is JSON without a row of a training: perhaps another program's file. Name the "
        "log or the output folder of the training; docs/sources.md says what is read.",
        "文件是 JSON，但没有训练记录，可能是其他程序的同名文件。请指定训练的日志或输出目录；"
        "docs/sources.zh.md 列出了能读取的文件。",
    ),
    Content.TEXT: Text(
        "A training prints its first row after logging_steps steps. If it has come that far, name the log "
        "that has the rows: docs/sources.md lists what is read. If your trainer is not among it, please "
        "report one row of its log.",
        "训练要到第 logging_steps 步才打印第一行记录：若已过这一步，请指定含有记录的日志。"
        "docs/sources.zh.md 列出了能读取的格式；如果没有你用的训练框架，请把其中一行记录反馈给我们。",
    ),
}
"""But for `Content.UNREAD_ROWS`, where the way of showing them tells."""

# What lies in a folder, and what a search has left out, by reason.
SEEN = Text("What lies there:", "该目录中有：")
NOTHING_SEEN = Text("Nothing lies there yet.", "该目录中还没有文件。")
MORE_SEEN = Counted(Text("... and 1 more", "……另有 1 项"), Text("... and {n} more", "……另有 {n} 项"))
LOOKED_FOR = Text(
    "Rows of a training are looked for in files called {names}.", "会在这些文件里找训练记录：{names}。"
)
NO_LOG_WHAT_TO_DO = Text(
    "Where a training has begun, name its log or its output folder; docs/sources.md lists what is read.",
    "如果训练已经开始，请指定它的日志或输出目录；docs/sources.zh.md 列出了能读取的格式。",
)
WATCH_WAITS = Text(
    "Where none has, llmtrain-exporter watch waits for the first record.",
    "如果还没有开始，llmtrain-exporter watch 会一直等到第一条记录。",
)
SHOWN_WHEN_BEGUN = Text(
    "Where none has, it is shown here as soon as it has a first record.",
    "如果还没有开始，出现第一条记录后会立即显示在这里。",
)
LEFT_OUT: Mapping[str, Text] = {
    NOT_A_TRAINING: Text("text without a row of a training", "文本，其中没有训练记录"),
    NOT_SEEN: Text(
        "no row of a training in the 64 KB of it that were looked at: read whole with {detail}",
        "看过的 64 KB 里没有训练记录：如需读取全部请加 {detail}",
    ),
    EMPTY_FILE: Text("empty", "空文件"),
    ODD_NAME: Text(
        "rows of a training stand in it, under an odd name: read with {detail}",
        "其中有训练记录，但文件名不常见：请加 {detail}",
    ),
    OTHER_FORMAT: Text(
        "a log of {detail} under another name: name the file itself",
        "{detail} 的日志，但文件名不同：请直接指定该文件",
    ),
    UNREAD_ROWS: Text("{detail}", "{detail}"),
    OTHER_FILES: Text("other files, which are not read: {detail}", "其他不读取的文件：{detail}"),
    SOME_OTHER_FILES: Text(
        "other files, which are not read, and more than were counted: {detail}",
        "其他不读取的文件，数量太多，只统计了一部分：{detail}",
    ),
    "covered": Text(
        "of the same training as {instead}, which is followed", "与 {instead} 属于同一训练，读取后者"
    ),
    "duplicate": Text("the same file as {instead}", "与 {instead} 是同一文件"),
    BARE_CHECKPOINT: Text(
        "a checkpoint in which no trainer_state.json stands", "检查点，其中没有 trainer_state.json"
    ),
    "checkpoint": Text("a checkpoint, which is no run of its own", "检查点，不单独算作训练"),
    "skipped_folder": Text(
        "not entered: folders of that name hold no logs; name it to have it searched",
        "未进入：这类目录一般没有日志；如需查找请直接指定",
    ),
    "too_deep": Text(
        "not entered: deeper than --max-depth; name it to have it searched",
        "未进入：深度超过 --max-depth；如需查找请直接指定",
    ),
    "leads_up": Text(
        "not entered: a link to a folder in which all of this lies", "未进入：链接指向包含本目录的上级目录"
    ),
    "system_folder": Text(
        "not entered: the kernel shows itself there, as in /proc", "未进入：内核的虚拟文件系统，例如 /proc"
    ),
    "too_many_by_links": Text(
        "not entered: links lead to more than 20,000 folders; name it to have it searched",
        "未进入：经链接可到达的目录超过 20,000 个；如需查找请直接指定",
    ),
    "too_old": Text("silent for longer than --ignore-older", "静默时间超过 --ignore-older"),
    "rotated": Text("an older or packed part of a log", "日志轮转或压缩后的旧部分"),
    "not_a_file": Text("no regular file", "不是普通文件"),
    "unreadable": Text("cannot be read: {detail}", "无法读取：{detail}"),
}

# What `config --explain` prints.
RUN = Text("run {run}", "训练 {run}")
FOLLOWED = Text("followed: {path}, as {format}, {basis}", "读取：{path}，格式 {format}，{basis}")
BASES: Mapping[str, Text] = {
    "name": Text("by its name", "依据文件名"),
    "asked": Text("named by hand", "由使用者直接指定"),
    "stdout_log": Text("by --stdout-log", "依据 --stdout-log"),
    "content": Text("by the rows of a training in it", "因为其中有训练记录"),
    BARE_CHECKPOINT: Text(
        "a checkpoint in which no trainer_state.json stands", "检查点，其中没有 trainer_state.json"
    ),
    "checkpoint": Text("in the newest checkpoint", "取自最新的检查点"),
}
GROWS = Text("it grows with each row", "每条记录即时写入")
NOW_AND_THEN = Text("it is written now and then", "每隔一段时间写入一次")
NO_ROW_SO_FAR = Text(
    "no row of a training stands in its first and last 32 KB: check of the file reads all of it",
    "文件开头和结尾各 32 KB 里没有训练记录：用 check 指定该文件会读取全部内容",
)
SETTINGS_FROM = Text("settings: {paths}", "超参数来自：{paths}")
ADDS = Text("added: {path}, what the rows of that lack", "补充：{path}，补上前者缺少的指标")
BESIDE = Text("not read: {path}, of the same folder and training", "未读取：{path}，同一目录的同一训练")
COVERED = Text("not read: {path}, of the same training", "未读取：{path}，属于同一训练")
GOES_ON = Text("and then: {path}, in which the resumed training goes on", "接着：{path}，续训后写在这里")
TOGETHER = Text(
    "together with: {path}, which another process of the same training writes",
    "一并读取：{path}，由同一训练的另一个进程写入",
)
LEFT_OUT_HEAD = Text("left out", "未读取")
NO_RUNS = Text("no run", "没有找到训练")
WHY_FOLLOWED = Text(
    "Of several logs of one training the one with the most rows is followed. Where several have the same, "
    "what a trainer logs as data goes before what a tracker keeps of that, then comes what it prints, at "
    "last what only checkpoints have.",
    "同一训练有多个日志时，读取记录最多的；记录一样多时，依次为框架自己的数据日志、跟踪工具保存的数据、终端输出、只在检查点写入的文件。",
)
