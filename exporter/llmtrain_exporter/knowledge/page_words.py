"""The words of the web pages that nothing else needs."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import panels, words
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Lang, Text

CHART: Mapping[Metric, Text] = {
    c.LOSS: panels.LOSS,
    c.GRAD_NORM: panels.GRAD_NORM,
    c.LEARNING_RATE: panels.LEARNING_RATE,
    c.KL: panels.KL,
    c.CLIP_RATIO: panels.CLIP_RATIO,
    c.ENTROPY: panels.ENTROPY,
    c.TOKEN_ACCURACY: panels.ACCURACY,
    c.REWARD: panels.REWARD,
    c.REWARD_STD: panels.REWARD_STD,
    c.REWARD_FUNCTION_MEAN: panels.REWARD_FUNCTIONS,
    c.REWARD_FUNCTION_STD: panels.REWARD_FUNCTIONS_STD,
    c.REWARD_ZERO_STD: panels.ZERO_STD,
    c.COMPLETION_LENGTH: panels.LENGTH,
    c.COMPLETION_CLIPPED: panels.CLIPPED,
    c.PREFERENCE_REWARD: Text("Reward of chosen and rejected", "chosen 与 rejected 的隐式奖励"),
    c.PREFERENCE_MARGIN: Text("Margin: chosen minus rejected", "margin：chosen − rejected"),
    c.PREFERENCE_ACCURACY: Text("Pairs told apart", "偏好准确率"),
    c.LOGPS: Text("Log probability", "对数概率 logps"),
    c.PROGRESS: panels.PROGRESS,
    c.EPOCH: panels.EPOCH,
    c.TOKENS: panels.TOKENS,
    c.ELAPSED: Text("Time since the trainer's start", "训练进程已运行时间"),
    c.REMAINING: panels.ETA,
    c.SECONDS_PER_STEP: panels.STEP_TIME,
    c.STEP_TIME: Text("Duration of the last step", "上一步耗时"),
    c.MEMORY: panels.MEMORY,
    c.EVAL_RUNTIME: panels.EVAL_TIME,
    c.EVAL_SAMPLES: Text("Evaluation throughput, samples/s", "验证吞吐量（样本/秒）"),
    c.EVAL_STEPS: Text("Evaluation throughput, steps/s", "验证吞吐量（步/秒）"),
}
"""The titles of charts; a metric that is not among them goes by its name."""

PAGE: Mapping[str, Text] = {
    # Every page.
    "skip": Text("Skip to the content", "跳到正文"),
    "all_runs": Text("All runs", "全部训练"),
    "theme": Text("Appearance", "外观"),
    "theme_auto": Text("as the system", "跟随系统"),
    "theme_light": Text("light", "浅色"),
    "theme_dark": Text("dark", "深色"),
    "metrics": Text("Metrics", "Metrics"),
    "lost": Text("The exporter does not answer; trying again.", "exporter 暂无应答，正在重试。"),
    "no_script": Text(
        "This page needs JavaScript; the list of runs works without it.",
        "本页需要 JavaScript；训练列表无需即可使用。",
    ),
    # The list.
    "reading": Text("Still reading the logs that were there at the start.", "仍在读取启动时已有的日志。"),
    "watching": Text("Watching {roots}", "监视 {roots}"),
    "nothing": Text("nothing", "（空）"),
    "count": Text("{n} runs", "{n} 次训练"),
    "count_of": Text("{n} of {total} runs", "{total} 次训练中的 {n} 次"),
    "none_match": Text("No run matches.", "没有符合条件的训练。"),
    "none_yet": Text(
        "No run yet: no training log below the watched paths.", "还没有训练：所监视的路径下没有训练日志。"
    ),
    "search": Text("Search by name", "按名称搜索"),
    "search_button": Text("Search", "搜索"),
    "health": Text("Health", "健康"),
    "state": Text("State", "状态"),
    "profile": Text("Profile", "类型"),
    "any": Text("all", "全部"),
    "run": Text("Run", "训练"),
    "progress": Text("Progress", "进度"),
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
    "compare_chosen": Text("Compare {n} runs", "对比 {n} 次训练"),
    "clear": Text("Clear selection", "清除选择"),
    "previous": Text("Previous", "上一页"),
    "next": Text("Next", "下一页"),
    "range": Text("{first} to {last} of {n}", "第 {first}–{last} 项，共 {n} 项"),
    "pages": Text("Pages", "分页"),
    # A run.
    "no_run": Text("There is no run of that name: {run}", "没有叫这个名字的训练：{run}"),
    "loading": Text("Loading ...", "加载中……"),
    "verdict": Text("Verdict", "结论"),
    "by_now": Text("by now: {health}", "目前：{health}"),
    "all_well": Text("All well: no signal speaks against this run.", "一切正常：没有任何信号。"),
    "nothing_to_judge": Text("No training record yet: nothing to judge.", "还没有训练记录，无从判断。"),
    "step": Text("step {step}", "第 {step} 步"),
    "left_of": Text("{left} left", "预计还需 {left}"),
    "last_ago": Text("last record {ago}", "最近记录：{ago}"),
    "best": Text("best evaluation: loss {loss} at step {step}", "最佳验证：第 {step} 步，eval loss {loss}"),
    "happened": Text("What happened", "发生了什么"),
    "incident": Text("Incident from step {onset}", "事故：始于第 {onset} 步"),
    "worst_at": Text("worst at step {peak}", "第 {peak} 步最严重"),
    "lasts": Text("not recovered", "未恢复"),
    "recovered": Text("recovered at step {end}", "第 {end} 步恢复"),
    "undone": Text("ended by going back to step {end}", "以回到第 {end} 步告终"),
    "back_to": Text("Last checkpoint before it: {checkpoint}", "事发前最后一个 checkpoint：{checkpoint}"),
    "order": Text("Order in which it broke", "失常的先后顺序"),
    "collapse": Text("collapse", "崩溃"),
    "from_on": Text("from step {first} on", "第 {first} 步起"),
    "steps": Text("steps {first} to {last}", "第 {first} 至 {last} 步"),
    "times": Text("{n} times", "共 {n} 次"),
    "show_in_charts": Text("Show in the charts", "在图中查看"),
    "more": Text("and {n} more", "另有 {n} 项"),
    "contents": Text("On this page", "本页内容"),
    "why": Text("Likely causes", "可能的原因"),
    "to_do": Text("What to do", "怎么办"),
    "now": Text("now {now}", "现为 {now}"),
    "copy": Text("Copy", "复制"),
    "copied": Text("Copied", "已复制"),
    "flags": Text("All proposed flags", "全部建议参数"),
    "charts": Text("Charts", "曲线"),
    "axis": Text("Horizontal axis", "横轴"),
    "over_step": Text("step", "步数"),
    "over_time": Text("time", "时间"),
    "no_times": Text("This log has no times.", "该日志不含时间。"),
    "whole": Text("Whole run", "显示全程"),
    "logarithmic": Text("Logarithmic", "对数刻度"),
    "log": Text("log", "对数"),
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
    "own_level": Text("own level", "自身常态"),
    "limit_warning": Text("limit (warning)", "限值（警告）"),
    "limit_critical": Text("limit (critical)", "限值（严重）"),
    "evaluation": Text("evaluation", "验证"),
    "before_resume": Text("before the resume", "续训前"),
    "key_peak": Text("worst of a signal", "信号最严重处"),
    "key_spike": Text("spike", "尖峰"),
    "key_incident": Text("incident", "事故"),
    "key_resume": Text("resume", "断点续训"),
    "key_healthy": Text("healthy range", "健康范围"),
    "legend": Text("What the marks mean", "图例"),
    "metric_table": Text("Metrics", "指标"),
    "metric": Text("Metric", "指标"),
    "all_metrics": Text("Show all {n}", "显示全部 {n} 项"),
    "value": Text("Last value", "最新值"),
    "healthy": Text("Healthy", "健康范围"),
    "judged": Text("Verdict", "判断"),
    "meaning": Text("Meaning", "含义"),
    "good_up": Text("higher is better", "越高越好"),
    "good_down": Text("lower is better", "越低越好"),
    "details": Text("Details", "详情"),
    "settings": Text("Hyper-parameters", "超参数"),
    "setting": Text("Setting", "参数"),
    "log_file": Text("Log", "日志"),
    "producer": Text("Written by", "写日志的框架"),
    "resumes": Text("Resumes", "断点续训"),
    "resume": Text("from step {from} back to {to}", "从第 {from} 步回到第 {to} 步"),
    "skipped": Text("Skipped lines", "未计入的行"),
    "none": Text("none", "无"),
    # Runs side by side.
    "compare": Text("Compare runs", "训练对比"),
    "runbook": Text("Runbook", "告警手册"),
    "problems": Text("These cannot be read:", "以下路径无法读取："),
    "compare_none": Text("Choose two runs or more in the list.", "请在列表中选择两次或以上的训练。"),
    "compare_many": Text(
        "At most {n} runs are compared; the others are left out.", "最多对比 {n} 次训练，其余略去。"
    ),
    "differ": Text("Hyper-parameters that differ", "不同的超参数"),
    "none_differ": Text("All known hyper-parameters are the same.", "已知的超参数全部相同。"),
    "remove": Text("Remove {run}", "移除 {run}"),
    "unknown": Text("not known", "未知"),
    "side_by_side": Text("Side by side", "并列对照"),
    "incident_count": Text("Incidents", "事故数"),
    "best_loss": Text("Best eval loss", "最低 eval loss"),
    "worst": Text("Worst", "最严重"),
}
"""What the pages say, by the names that templates and scripts know; `{placeholder}`s are filled there."""


def all_words(lang: Lang) -> dict[str, str]:
    """All that a page says, in one language; words of the knowledge as "state.running" or "health.broken"."""
    tables = {"state": words.STATE, "health": words.HEALTH, "judged": words.JUDGED, "stage": words.STAGE}
    units = {f"unit.{unit}": text for unit, text in words.UNITS.items()}
    counts = {"records": words.TRAIN_RECORDS, "evaluations": words.EVALUATIONS}
    known = {f"{name}.{key}": text for name, table in tables.items() for key, text in table.items()}
    for name, counted in counts.items():
        known |= {f"{name}.one": counted.one, f"{name}.many": counted.many}
    return {
        name: text.of(lang)
        for name, text in {
            **PAGE,
            "ago": words.AGO,
            "comma": words.COMMA,
            "colon": words.COLON,
            **units,
            **known,
        }.items()
    }
