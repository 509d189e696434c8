"""What is wrong with YAML that people write: where, and what is expected."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

AT = Text("line {line}, column {column}: {problem}", "第 {line} 行第 {column} 列：{problem}")
NOT_UTF8 = Text("not UTF-8 text at byte {byte}", "第 {byte} 字节处不是 UTF-8 文本")
TOO_LARGE = Text("larger than {size} KiB, which no configuration is", "大于 {size} KiB，配置文件不会这么大")
WRONG_TAG = Text(
    "a value does not fit its tag, such as !!bool; write it without",
    "有的值与它的标签（如 !!bool）不符；请去掉标签",
)
TOO_DEEP = Text("nested deeper than {levels} levels", "嵌套超过 {levels} 层")
ALIAS = Text(
    "*{name}: aliases are not supported; write the value out", "*{name}：不支持别名，请直接写出它的值"
)
TWICE = Text("{key}: stands twice, the first time on line {line}", "{key}：重复出现，第一次在第 {line} 行")

SYNTAX = Text("cannot be read as YAML: {message}", "无法作为 YAML 读取：{message}")
"""What the library for YAML says, in English; `HINTS` are of the most usual ones."""

COLON = Text(
    "cannot be read as YAML: mapping values are not allowed here; "
    "a text in which a colon and a space stand needs quotes, and names of one level begin in one column",
    "无法作为 YAML 读取：文本中含有冒号加空格时须加引号，同一层的名字须左对齐"
    "（mapping values are not allowed here）",
)
TAB = Text(
    "cannot be read as YAML: found character '\\t' that cannot start any token; indent with spaces",
    "无法作为 YAML 读取：不能用制表符缩进，请改用空格（found character '\\t' that cannot start any token）",
)
HINTS = {"mapping values are not allowed here": COLON, "found character '\\t'": TAB}
"""By what the library's message holds."""

TOLD = (AT, NOT_UTF8, TOO_LARGE, WRONG_TAG, TOO_DEEP, ALIAS, TWICE, *HINTS.values(), SYNTAX)
"""As an error says it, in English; the ones that more sentences fit come last."""
