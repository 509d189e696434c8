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
WHOLE = (NOT_A_MAPPING, TOO_MANY)
"""Those that are all that is said."""
