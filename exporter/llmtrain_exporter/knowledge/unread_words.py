"""Why a file or folder cannot be read."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

FOLDER, PIPE = Text("a folder", "目录"), Text("a named pipe", "命名管道")
SOCKET = Text("a socket", "套接字")
CHARACTERS, BLOCKS = Text("a character device", "字符设备"), Text("a block device", "块设备")
ELSE = Text("something else", "别的东西")
NOT_A_FILE = Text("is {kind}, not a regular file", "是{kind}，不是普通文件")
REFUSED = Text(
    "{reason} for user {user}, group {group}: run as the owner, or let others read it",
    "用户 {user}、用户组 {group} 无权读取（{reason}）：请以所有者身份运行，或允许其他用户读取",
)
SILENT = Text("does not answer: not read since {time}", "没有响应：自 {time} 起未能读取")
SILENT_AT = Text(
    "does not answer at {place}: not read since {time}", "在 {place} 处没有响应：自 {time} 起未能读取"
)
SYSTEM = Text("{message}", "系统提示：{message}")
"""Whatever else the system says of a file; it says so in its own language."""

KINDS = (FOLDER, PIPE, SOCKET, CHARACTERS, BLOCKS, ELSE)
TOLD = (NOT_A_FILE, REFUSED, SILENT_AT, SILENT, *KINDS)
"""As an error says it, in English."""
