"""What the metrics of spikes, signals, incidents and a run's state mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import guard_metrics as g
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.meaning import Good, Meaning
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text


def _plain(en: str, zh: str, good: Good, *related: Metric, source: Text = src.RUNS) -> Meaning:
    return Meaning(Text(en, zh), good, (source,), related=related)


SPIKES: Mapping[Metric, Meaning] = {
    a.BASELINE: _plain(
        "What is usual for this run: the median of its last records. Stands still while an incident lasts.",
        "本次训练的常态：最近若干记录的中位数。incident 期间冻结。",
        Good.NEITHER,
        a.BASELINE_RATIO,
    ),
    a.BASELINE_RATIO: _plain(
        "Last value over what is usual. Far above 1: a jump.",
        "最近一个值与常态之比。远大于 1 即突升。",
        Good.NEITHER,
        a.BASELINE,
        a.SPIKE_SCORE,
    ),
    a.SPIKE_SCORE: _plain(
        "How far the last value lies outside of the run's usual spread, in robust standard deviations.",
        "最近一个值偏离常态的程度，单位为稳健标准差。",
        Good.NEITHER,
        a.SPIKE,
        source=src.OLMO,
    ),
    a.SPIKE: _plain(
        "1 while the last value is a spike. One alone is often harmless.",
        "最近一个值为尖峰时为 1。单次尖峰往往无害。",
        Good.DOWN,
        a.SPIKES,
        source=src.OLMO,
    ),
    a.SPIKES: _plain(
        "Spikes so far. Counts those between two scrapes too.",
        "累计尖峰数，两次抓取之间的也不漏。",
        Good.DOWN,
        a.SPIKE_RECORDS,
        source=src.OLMO,
    ),
    a.SPIKE_RECORDS: _plain(
        "Share of records that were spikes: the spike score of OLMo 2. Compare runs by it.",
        "尖峰记录占比，即 OLMo 2 的 spike score，可用来比较不同训练。",
        Good.DOWN,
        a.SPIKES,
        source=src.OLMO,
    ),
}

SIGNALS: Mapping[Metric, Meaning] = {
    a.SIGNAL_ACTIVE: _plain(
        "1 while a condition holds. The runbook says what to do about each.",
        "某条件成立时为 1，处理办法见 runbook。",
        Good.DOWN,
        a.LIMIT,
        a.SIGNAL_PEAK,
    ),
    a.SIGNAL_RECORDS: _plain(
        "Records at which the condition held. Alerts count these, so that no short spike is missed.",
        "条件成立的记录数。告警基于它，短暂的尖峰也不会漏。",
        Good.DOWN,
        a.SIGNAL_ACTIVE,
    ),
    a.SIGNAL_PEAK: _plain(
        "Worst value of the last episode: how bad it got.",
        "最近一次触发期间的最差值，即严重到什么程度。",
        Good.NEITHER,
        a.LIMIT,
    ),
    a.SIGNAL_STEP: _plain(
        "Step at which the last episode began: where to look in the log.",
        "最近一次触发的起始步，从日志的这里看起。",
        Good.NEITHER,
        a.SIGNAL_PEAK,
    ),
    a.HEADLINE: _plain(
        "What is worst about the run now (`signal`, `severity`), why (`cause`) and what to do first "
        "(`remedy`), as its page has it; the lists of runs go by it.",
        "当前最严重的问题（`signal`、`severity`）、原因（`cause`）与首先要做的事（`remedy`），"
        "与该训练的页面一致，训练列表也以此为准。",
        Good.NEITHER,
        a.SIGNAL_ACTIVE,
    ),
    a.RUN_CHECK: _plain(
        "What a question of the SFT checklists is answered by the log: 1 yes, 0.5 not always, 0 no, -1 not "
        "known.",
        "SFT 检查清单中某一问题按日志得出的回答：1 是，0.5 不总是，0 否，-1 无法判断。",
        Good.UP,
        a.SIGNAL_ACTIVE,
        source=src.SFT_CHECKLIST,
    ),
    a.LIMIT: _plain(
        "Limit in force. Comes from the profile and can be changed in the configuration.",
        "当前生效的限值。来自 profile，可在配置中修改。",
        Good.NEITHER,
        a.SIGNAL_ACTIVE,
    ),
}

INCIDENTS: Mapping[Metric, Meaning] = {
    a.INCIDENT_ACTIVE: _plain(
        "1 while several parts of the run are broken at once.",
        "多类指标同时失常期间为 1。",
        Good.DOWN,
        a.INCIDENT_STAGE,
        source=src.GRPO_EVENTS,
    ),
    a.INCIDENTS: _plain(
        "Incidents so far. More than one: the settings are the reason, not one batch.",
        "累计 incident 数。多于一次说明问题在参数，不在某个 batch。",
        Good.DOWN,
        a.INCIDENT_ONSET,
        source=src.GRPO_EVENTS,
    ),
    a.INCIDENT_STAGE: _plain(
        "Order in which the families broke, the first with 1; the first is nearest to the cause.",
        "各类指标失常的先后，最先为 1；最先的离原因最近。",
        Good.NEITHER,
        a.INCIDENT_STAGE_STEP,
        source=src.GRPO_EVENTS,
    ),
    a.INCIDENT_STAGE_STEP: _plain(
        "When each family broke. What broke long after the first followed from it and could have been "
        "spared.",
        "各类指标各自失常的步数。离第一个越远，越是它的后果，也越来得及避免。",
        Good.NEITHER,
        a.INCIDENT_STAGE,
        source=src.GRPO_EVENTS,
    ),
    a.INCIDENT_ONSET: _plain(
        "Step at which the last incident began. Go back to a checkpoint from before it.",
        "最近一次 incident 的起始步，应回滚到它之前的 checkpoint。",
        Good.NEITHER,
        a.INCIDENTS,
        source=src.GRPO_EVENTS,
    ),
    a.INCIDENT_ONSET_TIME: _plain(
        "When the last incident was recognised, for the time axis.",
        "最近一次 incident 被识别的时间，用于时间轴。",
        Good.NEITHER,
        a.INCIDENT_ONSET,
        source=src.GRPO_EVENTS,
    ),
    a.LOST_GPU_TIME: _plain(
        "What incidents have cost: their steps, by the run's own pace and its GPUs. Absent where one of both "
        "is unknown.",
        "事故造成的损失：其间的步数 × 自身速度 × GPU 数。速度或 GPU 数未知时没有此项。",
        Good.DOWN,
        a.INCIDENT_ONSET,
        c.GPUS,
        source=src.GRPO_EVENTS,
    ),
    g.KEPT: _plain(
        "Good checkpoints of a run in trouble, kept in llmtrain-kept below its output folder: one of them is "
        "to go back to. Absent while nothing speaks against the run.",
        "训练出问题时保留下来的良好 checkpoint，在输出目录的 llmtrain-kept 里，供回退。无问题时没有此项。",
        Good.NEITHER,
        a.INCIDENT_ACTIVE,
        source=src.GRPO_RECOVERY,
    ),
    g.KEPT_STEP: _plain(
        "Where to go back to: the newest checkpoint that is still good. What was trained since is lost then.",
        "应回退到的位置：最新一个仍然良好的 checkpoint，此后的训练会丢掉。",
        Good.NEITHER,
        a.INCIDENT_ONSET,
        source=src.GRPO_RECOVERY,
    ),
    g.KEPT_BYTES: _plain(
        "Disk that only kept checkpoints take. What the trainer still has itself costs nothing.",
        "仅由保留的 checkpoint 占用的磁盘。训练器自己仍有的那些不另占空间。",
        Good.DOWN,
        g.KEPT,
    ),
    g.ACTIONS: _plain(
        "keep: a checkpoint is kept from now on. part: its links became copies, since its step may be saved "
        "again. let_go: removed, for the ladder or for room. set_aside: somebody has changed it.",
        "keep：开始保留一个 checkpoint。part：该步可能重新保存，硬链接已改为副本。"
        "let_go：按间隔或因空间不足而删除。set_aside：被别人改动过，另放一边。",
        Good.NEITHER,
        g.KEPT,
    ),
    g.OBSTACLES: _plain(
        "Checkpoints that could not be kept. The exporter's log says once what to do about each reason.",
        "未能保留 checkpoint 的次数。每种原因该怎么办，exporter 的日志里会说一次。",
        Good.DOWN,
        g.KEPT,
    ),
    g.STATE: _plain(
        "What became of a guarded training. stopped or gave_up: it stands still, its file says what to do.",
        "有 guard 的训练现状如何。stopped 或 gave_up：训练已停，接下来怎么做写在文件里。",
        Good.NEITHER,
        g.STOPS,
        g.RESCUES,
    ),
    g.STOPS: _plain(
        "Stops because of an incident, those before a rescue too. More than rescues: the last one stands.",
        "因事故停止训练的次数，包括救援之前的停止。比救援次数多，说明最后一次停下后没有再启动。",
        Good.DOWN,
        g.RESCUES,
        source=src.GRPO_RECOVERY,
    ),
    g.STOP_STEP: _plain(
        "Where the training was stopped last.", "最近一次停止训练的位置。", Good.NEITHER, g.STOPS
    ),
    g.STOP_TIME: _plain(
        "When the training was stopped last, for the time axis.",
        "最近一次停止训练的时间，用于时间轴。",
        Good.NEITHER,
        g.STOP_STEP,
    ),
    g.RESCUES: _plain(
        "Starts from an earlier good checkpoint with gentler settings. More than one: the first was too "
        "little.",
        "从较早的良好 checkpoint、以更温和的设置重新启动的次数。多于一次说明第一次还不够温和。",
        Good.DOWN,
        g.WASTED_STEPS,
        source=src.GRPO_RECOVERY,
    ),
    g.RESCUE_STEP: _plain(
        "Where the last rescue went on. What was trained after it before is given up.",
        "最近一次救援的起点。此前在它之后训练的步数作废。",
        Good.NEITHER,
        g.RESCUES,
    ),
    g.RESCUE_TIME: _plain(
        "When the last rescue went on, for the time axis.",
        "最近一次救援重新启动的时间，用于时间轴。",
        Good.NEITHER,
        g.RESCUE_STEP,
    ),
    g.SKIPPED_UPDATES: _plain(
        "Updates whose gradient was not finite, or far above its usual norm. Many: no single bad batch.",
        "梯度不是有限值或远超平时而没有执行的更新。次数多说明不只是个别坏 batch。",
        Good.DOWN,
        c.GRAD_NORM,
    ),
    g.CHANGES: _plain(
        "Changes of learning rate, beta or clipping in the running training, each within its bounds.",
        "训练中对学习率、beta 或梯度裁剪的在线调整，均在界限之内。",
        Good.NEITHER,
        c.LEARNING_RATE,
    ),
    g.WASTED_STEPS: _plain(
        "What rescues have cost: steps from the checkpoint that one went back to until it was stopped.",
        "救援的代价：从停止处退回到 checkpoint 之间的步数。",
        Good.DOWN,
        g.RESCUES,
        a.LOST_GPU_TIME,
    ),
}

STATE: Mapping[Metric, Meaning] = {
    c.RUN: _plain(
        "What is trained, by what, with which settings.",
        "训练的是什么、用什么框架、什么参数。",
        Good.NEITHER,
        source=src.TRAINERS,
    ),
    c.RUN_STATE: _plain(
        "What the run is doing: waiting, running, stalled, finished or failed.",
        "训练处于什么状态：等待、运行、停滞、完成或失败。",
        Good.NEITHER,
        c.LAST_RECORD,
    ),
    c.RUN_HEALTH: _plain(
        "How the run is at its last record: 0 healthy, 1 keep an eye on it, 2 broken.",
        "最新一条记录时的状况：0 健康，1 需关注，2 已损坏。",
        Good.DOWN,
        a.SIGNAL_ACTIVE,
    ),
    c.GPUS: _plain(
        "What the run holds while it is there. Those of a broken run are wasted.",
        "训练占用的 GPU 数。已损坏的训练占着多少，就浪费多少。",
        Good.NEITHER,
        c.RUN_HEALTH,
        a.LOST_GPU_TIME,
    ),
    c.HISTORY_TIME_SOURCE: _plain(
        "How the time of a record is known that was sent with it: it was seen to come, its log states it, or "
        "it is reckoned from the trainer's clock, the file's last write, the date in the folder's name. "
        "Curves over steps are exact in any case.",
        "随记录发送的时间从何而来：exporter 实时读到、日志自带，或由训练框架的计时、文件最后写入时间、"
        "目录名中的日期推算。以 step 为横轴的曲线不受影响，始终精确。",
        Good.NEITHER,
        c.LAST_RECORD,
        source=src.TRAINERS,
    ),
    c.LAST_RECORD: _plain(
        "When the log last grew. Judge the silence by the run's own pace.",
        "日志最近一次增长的时间。停更多久算异常，要看它自身的节奏。",
        Good.UP,
        c.RUN_STATE,
        c.RECENT_SECONDS_PER_STEP,
    ),
    c.RESUMES: _plain(
        "Times the steps went back. Just after one, loss and speed can look odd.",
        "步数倒退的次数。刚续训完，loss 和速度可能看着反常。",
        Good.DOWN,
        c.STEP,
        source=src.TRAINERS,
    ),
    c.RECORDS: _plain(
        "Log rows read. An SFT run without evaluations cannot show overfitting.",
        "已读取的日志行数。没有验证记录的 SFT 看不出过拟合。",
        Good.UP,
        c.SKIPPED,
    ),
    c.SKIPPED: _plain(
        "Skipped lines. Ordinary output is harmless; broken rows are not.",
        "跳过的行。普通输出无害，损坏的行要查。",
        Good.DOWN,
        c.RECORDS,
    ),
    c.DROPPED_SERIES: _plain(
        "Keys of the log that are not exposed because the run has too many.",
        "因键过多而未导出的日志键数。",
        Good.DOWN,
        c.OTHER,
    ),
}

OTHER: Mapping[Metric, Meaning] = {
    c.OTHER: _plain(
        "A number of the log without a name of its own here, shown as it is.",
        "本项目没有命名的日志数值，原样导出。",
        Good.NEITHER,
        source=src.TRAINERS,
    ),
}
