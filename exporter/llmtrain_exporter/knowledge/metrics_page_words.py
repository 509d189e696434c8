"""The words of the reference of all metrics."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.metric import Unit
from llmtrain_exporter.knowledge.text import Text

HEAD = Text(
    """# Metrics

Every series has the label `run`. Units are base units: seconds, bytes, tokens, ratios from 0 to 1. A key that
a record lacks keeps its last value; a metric that a run never logged is absent. NaN and infinities are shown
as such. A healthy range is that of a profile (`grpo`, `sft`, ...) and comes from the sources beside it; a
value outside of it is worth a look, and no alert.

This page is rendered from `exporter/llmtrain_exporter/knowledge/` by `llmtrain-exporter render`.
""",
    """# 指标

每个序列都有 `run` 标签。单位一律为基本单位：秒、字节、token、0 到 1 的比例。某条记录缺少的键保持上一个值；
训练从未记录过的指标不会出现。NaN 与无穷照原样导出。健康范围按训练类型（`grpo`、`sft` 等）给出，
出自同一行所列的来源；超出范围只表示值得看一眼，并不告警。

本页由 `llmtrain-exporter render` 根据 `exporter/llmtrain_exporter/knowledge/` 生成。
""",
)
COLUMNS = (
    Text("metric", "指标"),
    Text("labels", "标签"),
    Text("what", "含义"),
    Text("healthy", "健康范围"),
    Text("log keys", "日志键"),
    Text("sources", "来源"),
)
IN_SOME_ROWS = Text(" (by the other keys of its row)", "（视同一行的其他键而定）")
WRITTEN_IN: Mapping[Unit, Text] = {
    Unit.PERCENT: Text(" (percent)", "（百分数）"),
    Unit.GIBIBYTES: Text(" (GiB)", "（GiB）"),
    Unit.GIGABYTES: Text(" (GB)", "（GB）"),
    Unit.MILLI: Text(" (thousandths)", "（千分之一）"),
    Unit.BILLIONS: Text(" (billions)", "（十亿）"),
    Unit.TERA: Text(" (tera)", "（tera）"),
    Unit.PER_SECOND: Text(" (its inverse)", "（取倒数）"),
}
"""Units that a log may have instead of the base unit."""
OF_PART = Text("`{part}`, {profiles}: {text}", "`{part}`，{profiles}：{text}")
OF_WHOLE = Text("{profiles}: {text}", "{profiles}：{text}")
BETWEEN = Text(", ", "、")
"""Between profiles."""
