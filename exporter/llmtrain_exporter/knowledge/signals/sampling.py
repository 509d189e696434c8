"""Signals on samples that come late: from a policy that is no longer the one in training, or for nothing."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import rollout
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

DROPPING_SHARE: Annotated[float, "share of a block's records", src.RUNS] = 0.5
"""In which samples are thrown away where that is no single burst."""

POLICY_STALE = Signal(
    "policy_stale",
    Family.FIT,
    (rollout.STALENESS,),
    clear_after=2,
    limits={GRPO: {Severity.INFO: Bound(4.0, src.TRAINERS)}},
    levels=(rollout.STALENESS,),
    no_alert={Severity.INFO: "how old samples may be depends on how far each update moves the policy"},
    advice=Advice(
        title=Text("Samples come from an old policy", "样本来自过旧的 policy"),
        summary=Text(
            "The mean sample is as many weight updates old as trainers allow at the most.",
            "样本的平均陈旧度已达到训练框架的默认上限。",
        ),
        finding=Text(
            "Samples are {value} updates old at {unit} {step}, limit {limit}.",
            "第 {step} {unit}样本落后 {value} 次更新，限值 {limit}。",
        ),
        meaning=Text(
            "Sampling and training run side by side, and the sampler is behind. The older its policy, the "
            "more of an update is correction and the less is learning.",
            "采样与训练并行，而采样端落后了。policy 越旧，更新里重要性校正的成分越多、真正学到的越少。",
        ),
        impact=Text(
            "Importance ratios spread and are clipped; single tokens explode, and a run can go over.",
            "重要性比值发散并被大量裁剪，个别 token 爆炸，训练可能崩溃。",
        ),
        causes=("stale_samples", "longer_samples", "slow_machine"),
        diagnosis=(
            Text(
                "Is the queue full? Then the sampler is faster than training, and samples wait in it.",
                "队列是否占满？是则采样快于训练，样本在队列里变旧。",
            ),
            Text(
                "How long does sending the weights take, and how often is it done?",
                "同步权重要多久、多久一次？",
            ),
            Text(
                "Do clip ratio and importance ratios rise with it?",
                "裁剪比例和重要性比值是否随之上升？",
            ),
        ),
        remedies=("fresher_samples", "lower_learning_rate"),
        sources=(src.TRAINERS, src.PRIME_TRAINING),
    ),
)

SAMPLES_DROPPED = Signal(
    "samples_dropped",
    Family.FIT,
    (rollout.DROPPED_SAMPLES,),
    clear_after=2,
    limits={GRPO: {Severity.INFO: Bound(1.0, src.TRAINERS)}},
    limit_phrase=Text("limit: {limit} a record", "限值：每条记录 {limit}"),
    no_alert={Severity.INFO: "some loss is the price of sampling ahead; its cost is for somebody to judge"},
    advice=Advice(
        title=Text("Samples are thrown away", "样本被丢弃"),
        summary=Text(
            "Record after record, samples are generated and then not trained on.",
            "接连多条记录都有样本生成后未用于训练。",
        ),
        finding=Text(
            "{value} samples were thrown away at {unit} {step} ({metric}).",
            "第 {step} {unit}丢弃了 {value} 个样本（{metric}）。",
        ),
        meaning=Text(
            "They were too old when their turn came, or longer than what a batch holds. Long ones are "
            "dropped first, so what is left is shorter than what the policy writes.",
            "轮到它们时已经过旧，或者超出 batch 能放下的长度。先被丢的往往是长回答，剩下的会偏短。",
        ),
        impact=Text(
            "GPU time is lost, and the policy learns from a skewed choice of its answers.",
            "浪费 GPU 时间，policy 学到的也是有偏的那部分回答。",
        ),
        causes=("stale_samples", "longer_samples", "length_shift"),
        diagnosis=(
            Text(
                "Too old or too long? The label of the metric says which.",
                "是过旧还是过长？看该指标的标签。",
            ),
            Text(
                "Does the queue hold more than training uses until the weights change?",
                "队列里的样本是否多于一次权重更新前用得完的量？",
            ),
        ),
        remedies=("fresher_samples", "shorten_completions"),
        sources=(src.TRAINERS,),
    ),
)

SIGNALS = (POLICY_STALE, SAMPLES_DROPPED)
