"""The words of the web pages that nothing else needs."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.metric_titles import TITLES
from llmtrain_exporter.knowledge.text import Lang, Text

CHART: Mapping[Metric, Text] = {
    c.LOSS: dashboard_words.LOSS,
    c.GRAD_NORM: dashboard_words.GRAD_NORM,
    c.LEARNING_RATE: dashboard_words.LEARNING_RATE,
    c.KL: dashboard_words.KL,
    c.CLIP_RATIO: dashboard_words.CLIP_RATIO,
    c.ENTROPY: dashboard_words.ENTROPY,
    c.TOKEN_ACCURACY: dashboard_words.ACCURACY,
    c.REWARD: dashboard_words.REWARD,
    c.REWARD_STD: dashboard_words.REWARD_STD,
    c.REWARD_FUNCTION_MEAN: dashboard_words.REWARD_FUNCTIONS,
    c.REWARD_FUNCTION_STD: dashboard_words.REWARD_FUNCTIONS_STD,
    c.REWARD_ZERO_STD: dashboard_words.ZERO_STD,
    c.COMPLETION_LENGTH: dashboard_words.LENGTH,
    c.COMPLETION_CLIPPED: dashboard_words.CLIPPED,
    c.PREFERENCE_REWARD: Text("Reward of chosen and rejected", "chosen 与 rejected 的隐式奖励"),
    c.PREFERENCE_MARGIN: Text("Margin: chosen minus rejected", "margin：chosen − rejected"),
    c.PREFERENCE_ACCURACY: Text("Pairs told apart", "偏好准确率"),
    c.LOGPS: Text("Log probability", "对数概率 logps"),
    c.PROGRESS: dashboard_words.PROGRESS,
    c.EPOCH: dashboard_words.EPOCH,
    c.TOKENS: dashboard_words.TOKENS,
    c.ELAPSED: Text("Time since the trainer's start", "训练进程已运行时间"),
    c.REMAINING: dashboard_words.ETA,
    c.SECONDS_PER_STEP: dashboard_words.STEP_TIME,
    c.STEP_TIME: Text("Duration of the last step", "上一步耗时"),
    c.MEMORY: dashboard_words.MEMORY,
    c.EVAL_RUNTIME: dashboard_words.EVAL_TIME,
    c.EVAL_SAMPLES: Text("Evaluation throughput, samples/s", "验证吞吐量（样本/秒）"),
    c.EVAL_STEPS: Text("Evaluation throughput, steps/s", "验证吞吐量（步/秒）"),
    **TITLES,
}
"""The titles of charts; a metric that is not among them goes by its name."""

_PINNED = Text("Pinned", "已置顶")  # of runs and of charts

PAGE: Mapping[str, Text] = {
    # Every page.
    "site": Text("This exporter", "本站"),
    "crumbs": Text("Back", "返回"),
    "skip": Text("Skip to the content", "跳到正文"),
    "all_runs": Text("All runs", "全部训练"),
    "metrics": Text("Metrics", "Metrics"),
    "runbook": words.RUNBOOK,
    "lost": Text("The exporter does not answer; trying again.", "exporter 暂无应答，正在重试。"),
    "no_script": Text("The charts need JavaScript.", "曲线需要 JavaScript。"),
    "progress": Text("Progress", "进度"),
    "more": words.AND_MORE.many,
    # The list.
    "reading": Text("Still reading the logs that were there at the start.", "仍在读取启动时已有的日志。"),
    "watching": Text("Watching {roots}", "监视 {roots}"),
    "nothing": Text("nothing", "（空）"),
    "unread": Text(
        "Not read since {time}: the file system of its log does not answer. All that stands here is older.",
        "自 {time} 起未能读取：日志所在的文件系统没有响应，以下内容都是此前的。",
    ),
    "unread_short": Text("not read since {time}", "自 {time} 起未读取"),
    "problems": Text("These cannot be read:", "以下路径无法读取："),
    "count": words.RUNS.many,
    "count_of": Text("{n} of {total} runs", "{total} 次训练中的 {n} 次"),
    "none_match": Text("No run matches.", "没有符合条件的训练。"),
    "none_yet": Text(
        "No run yet: no training log below the watched paths.", "还没有训练：所监视的路径下没有训练日志。"
    ),
    "search": Text("Search names, labels and notes", "搜索名称、标签与备注"),
    "group": Text("Group by", "分组"),
    "no_group": Text("nothing", "不分组"),
    "without_label": Text("without {label}", "无 {label}"),
    "columns": Text("Columns", "指标列"),
    "eval_loss": Text("Eval loss", "验证 loss"),
    "pinned_runs": _PINNED,
    "other_runs": Text("Other runs", "其他训练"),
    "pin": Text("Pin to the top", "置顶"),
    "unpin": Text("Unpin", "取消置顶"),
    "search_button": Text("Search", "搜索"),
    "health": Text("Health", "健康"),
    "state": Text("State", "状态"),
    "profile": Text("Profile", "类型"),
    "any": Text("all", "全部"),
    "run": Text("Run", "训练"),
    "left": Text("Time left", "预计剩余"),
    "course": Text("Course", "走势"),
    "course_reward": Text("Reward", "reward"),
    "course_loss": Text("Loss", "loss"),
    "course_of": Text(
        "{metric} over the run: from {first} to {last}", "{metric} 全程走势：从 {first} 到 {last}"
    ),
    "last_record": Text("Last record", "最近记录"),
    "earlier": Text("earlier: {title}", "此前：{title}"),
    "pick": Text("Compare {run}", "对比 {run}"),
    "compare_button": Text("Compare", "对比"),
    "clear": Text("Clear selection", "清除选择"),
    "previous": Text("Previous", "上一页"),
    "next": Text("Next", "下一页"),
    "range": Text("{first} to {last} of {n}", "第 {first}–{last} 项，共 {n} 项"),
    "pages": Text("Pages", "分页"),
    # A run.
    "note": Text("Note", "备注"),
    "no_run": Text("There is no run of that name: {run}", "没有叫这个名字的训练：{run}"),
    "contents": Text("On this page", "本页内容"),
    "order": Text("Order in which it broke", "失常的先后顺序"),
    "show_in_charts": Text("Show in the charts", "在图中查看"),
    "copy": Text("Copy", "复制"),
    "charts": Text("Charts", "曲线"),
    "all_metrics": Text("Show all {n}", "显示全部 {n} 项"),
    # Runs side by side.
    "compare": Text("Compare runs", "训练对比"),
    "compare_none": Text("Choose two runs or more in the list.", "请在列表中选择两次或以上的训练。"),
    "compare_many": Text(
        "At most {n} runs are compared; the others are left out.", "最多对比 {n} 次训练，其余略去。"
    ),
    "side_by_side": Text("Side by side", "并列对照"),
    "worst": Text("Worst", "最严重"),
    "incident_count": Text("Incidents", "事故数"),
    "best_loss": Text("Best eval loss", "最低 eval loss"),
    "remove": Text("Remove {run}", "移除 {run}"),
    "parting": Text("Where they part", "从何处分开"),
    "differ": words.DIFFERENT_SETTINGS,
    "none_differ": words.SAME_SETTINGS,
    "unknown": words.HEALTH["unknown"],
}
"""What the server says on the pages and nowhere else, by the names that templates know."""

SCRIPT: Mapping[str, Text] = {
    "theme": Text("Appearance", "外观"),
    "theme_auto": Text("as the system", "跟随系统"),
    "theme_light": Text("light", "浅色"),
    "theme_dark": Text("dark", "深色"),
    "compare_chosen": Text("Compare {n} runs", "对比 {n} 次训练"),
    "copied": Text("Copied", "已复制"),
    # Charts.
    "chart": Text("chart", "曲线图"),
    "axis": Text("Horizontal axis", "横轴"),
    "over_step": Text("step", "步数"),
    "over_record": Text("record", "记录"),
    "over_epoch": Text("epoch", "epoch"),
    "over_tokens": Text("tokens", "token 数"),
    "over_time": Text("time", "时间"),
    "over_elapsed": Text("time since start", "已用时间"),
    "without_axis": Text("The log does not say this of: {runs}", "以下训练的日志没有该项：{runs}"),
    "smoothing": Text("Smoothing", "平滑"),
    "smoothing_means": Text(
        "Exponential, over the points that are drawn. The numbers in the legends stay those of the log.",
        "对所绘制的点作指数平滑；图例中的数值仍为日志原值。",
    ),
    "smoothed": Text("smoothed", "平滑后"),
    "filter_charts": Text("Filter charts (regex)", "筛选曲线（正则）"),
    "filter_broken": Text("No regular expression: {error}", "正则表达式有误：{error}"),
    "filter_slow": Text("This expression takes too long.", "该表达式匹配耗时过长。"),
    "filter_none": Text("No chart matches.", "没有匹配的曲线。"),
    "pinned": _PINNED,
    "pinned_only": Text("Pinned only", "仅看置顶"),
    "download": Text("Download", "下载"),
    "download_all": Text("Download the values of all charts shown", "下载所示全部曲线的数值"),
    "whole": Text("Whole run", "显示全程"),
    "logarithmic": Text("Logarithmic", "对数刻度"),
    "log": Text("log", "对数"),
    "log_x": Text("log x", "对数 x"),
    "log_y": Text("log y", "对数 y"),
    "log_missing": Text(
        "Points at or below 0, not on a logarithmic scale: {n} of {total}.",
        "对数刻度无法显示：{total} 个点中有 {n} 个不大于 0。",
    ),
    "log_x_missing": Text(
        "Records at or below 0, not on a logarithmic axis: {n}.",
        "对数横轴无法显示：{n} 条记录的位置不大于 0。",
    ),
    "zoom_outside": Text(
        "Nothing is recorded from {from} to {to}: the whole run is shown.",
        "{from}至{to}之间没有记录，现显示全程。",
    ),
    "about": Text("What {title} means", "{title} 的含义"),
    "chart_keys": Text(
        "Drag to zoom, double-click for the whole run. With the keyboard: arrow keys move the cursor, "
        "+ and - zoom, 0 shows the whole run.",
        "拖动可放大，双击还原。键盘：方向键移动游标，+ 与 - 缩放，0 显示全程。",
    ),
    "chart_text": Text(
        "{title}: chart of {n} points, lowest {low}, highest {high}, last {last}.",
        "{title}：{n} 个点的曲线，最低 {low}，最高 {high}，最新 {last}。",
    ),
    "chart_empty": Text("{title}: no values.", "{title}：没有数值。"),
    "reading_log": Text("Reading the log ...", "正在读取日志……"),
    "no_history": Text("The log cannot be read: {error}", "日志无法读取：{error}"),
    "thinned": Text(
        "{n} of {records} records drawn; every spike is among them. Zoom in for all.",
        "绘制 {records} 条记录中的 {n} 条，尖峰全部保留；放大可看全部。",
    ),
    "own_level": words.OWN_LEVEL,
    "limit_warning": Text("limit (warning)", "限值（警告）"),
    "limit_critical": Text("limit (critical)", "限值（严重）"),
    "evaluation": Text("evaluation", "验证"),
    "before_resume": Text("before the resume", "续训前"),
    "key_peak": Text("worst of a signal", "信号最严重处"),
    "key_spike": words.SPIKE,
    "key_incident": Text("incident", "事故"),
    "key_resume": Text("resume", "断点续训"),
    "key_guard": Text("act of the guard", "guard 的操作"),
    "key_healthy": Text("healthy range", "健康范围"),
    "legend": Text("What the marks mean", "图例"),
}
"""What the scripts of the pages say, by the names that they know; `{placeholder}`s are filled there."""


def page_texts(lang: Lang) -> dict[str, str]:
    """All that templates say, in one language; words of the knowledge as "verdict", "health.broken"."""
    shared = {
        "colon": words.COLON,
        "flags": words.FLAGS,
        "metric_table": words.METRICS,
        "setting": words.SETTING,
        "verdict": words.VERDICT,
        "loss": dashboard_words.LOSS,
        "reward": PAGE["course_reward"],
        "kl": words.STAGE["kl"],
        "grad_norm": dashboard_words.GRAD_NORM,
        "entropy": dashboard_words.ENTROPY,
        "length": dashboard_words.LENGTH,
        **{f"health.{key}": text for key, text in words.HEALTH.items()},
    }
    return {name: text.of(lang) for name, text in {**PAGE, **shared}.items()}


def script_texts(lang: Lang) -> dict[str, str]:
    """All that scripts say; units of time as "unit.min"."""
    units = {f"unit.{unit}": text for unit, text in words.UNITS.items()}
    known = {**SCRIPT, "pin": PAGE["pin"], "ago": words.AGO, "more": PAGE["more"], **units}
    places = {
        unit: words.STEP.of(lang).format(unit=one.of(lang), first="{first}")
        for unit, (one, _) in words.COUNTED_IN.items()
    }
    return {**{name: text.of(lang) for name, text in known.items()}, **places}
