"""What is said of a file with notes about runs that cannot be used."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

MOST_PATTERNS = 200
"""Globs in a file; each run is held against every one of them. Names cost nothing."""

NOT_A_MAPPING = Text(
    "must be a mapping from names of runs to texts, as in `my-run: bad data, ask Li`",
    "必须是“训练名: 备注”形式的映射，例如 `my-run: 数据有误，问小李`",
)
TOO_MANY = Text(f"has more than {MOST_PATTERNS} globs", f"通配符多于 {MOST_PATTERNS} 个")
NOT_A_TEXT = Text("line {line}: {name}: must be a text", "第 {line} 行：{name}：备注必须是文本")
QUOTES = Text(
    "{problem} (a name that begins with * or [ needs quotes)", "{problem}（以 * 或 [ 开头的训练名须加引号）"
)
TOLD = (NOT_A_MAPPING, TOO_MANY, NOT_A_TEXT, QUOTES)
"""As the file's reader says it, in English."""
