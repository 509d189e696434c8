"""Signals on whether a policy still explores: its entropy on the way down or up, before it is dead."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

EARLY_STEPS: Annotated[int, "steps", src.RUNS] = 150
"""In which most runs that lose their entropy lose it."""
EARLY_LEFT: Annotated[float, "share of the first block's entropy", src.RUNS] = 0.5
"""At which too much is lost so early, where the reward has not risen for it."""
ENTROPY_SPREAD: Annotated[float, "share of the baseline", src.RUNS] = 0.05
"""The spread of an entropy is not taken to be smaller."""
EXPLODED_SIGMAS: Annotated[float, "robust standard deviations", src.RUNS] = 4.0
"""Above the run's own, from which on an entropy can have exploded; the early fall widens its range."""
REWARD_BESIDE: Annotated[int, "records", src.RUNS] = 8
"""Whose mean reward says whether an entropy was paid for, ..."""
FALL_RECORDS: Annotated[int, "records", src.RUNS] = 24
"""... held against the rest of so many; a fall that takes no longer is sudden."""
ENTROPY_HELD: Annotated[float, "share of the baseline", src.RUNS] = 0.85
"""Down to which an entropy is as usual."""
HELD_BLOCKS: Annotated[int, "blocks of records", src.RUNS] = 3
"""In which an entropy is level, ..."""
HELD_WITHIN: Annotated[float, "times the lowest of them", src.RUNS] = 1.15
"""... if none of them is higher, ..."""
FADED: Annotated[float, "share of their mean", src.RUNS] = 0.5
"""... and to which it has faded since, however slowly."""
PAID_BY: Annotated[float, "standard deviations of a record", src.RUNS] = 0.75
"""By which a block's mean reward is higher where a slow course is worth it."""
RISEN: Annotated[float, "times the lowest block", src.RUNS] = 3.0
"""To which it has risen, however slowly."""
STEEP_RECORDS: Annotated[int, "records", src.RUNS] = 16
"""In which the limit's share is lost in a steep fall, against the median of their first ..."""
STEEP_HALF: Annotated[int, "records", src.RUNS] = 8
"""... so many, ..."""
STEEP_GOES_ON: Annotated[float, "share of the median of the rest", src.RUNS] = 0.8
"""... and which still goes on: an early fall that has ended is none."""

_HINT = "a single record, or an early fall, is only a hint"

ENTROPY_FALL = Signal(
    "entropy_fall",
    Family.FIT,
    (c.ENTROPY,),
    measure=Measure.RATIO,
    below=True,
    limits={
        GRPO: {
            Severity.INFO: Bound(0.6, src.RUNS),
            Severity.WARNING: Bound(0.6, src.RUNS, records=3, within=4),
        }
    },
    no_alert={Severity.INFO: _HINT},
    advice=Advice(
        title=Text("Entropy falls fast", "entropy 快速下降"),
        summary=Text(
            "Entropy falls while the reward does not rise: exploration is being lost for nothing.",
            "entropy 下降而 reward 没有上升：探索能力在白白流失。",
        ),
        finding=Text(
            "entropy is {value} at {unit} {step}, usual {baseline}.",
            "第 {step} {unit} entropy 为 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "A policy trades entropy for reward. Here it pays and gets nothing: probability gathers on few "
            "tokens although they earn no more. That comes well before the entropy is at its floor.",
            "policy 用 entropy 换取 reward。这里付出了却没有收获：概率集中到少数 token，"
            "得分却没有提高。这远早于 entropy 触底。",
        ),
        impact=Text(
            "At the floor all samples of a group are alike, and there is nothing left to learn from.",
            "触底之后同组样本几乎一样，再也学不到东西。",
        ),
        causes=("lost_exploration", "reward_hacking", "high_learning_rate"),
        diagnosis=(
            Text(
                "Does the reward rise at the same steps? Then it is learning, as long as it goes on rising.",
                "同一时间 reward 在上升吗？在升就是在学习，只要继续升就没问题。",
            ),
            Text(
                "Does the share of groups without spread rise? Then samples are becoming alike.",
                "组内无差异的比例在上升吗？在升说明采样正在趋同。",
            ),
            Text(
                "Read some completions: the same opening, the same phrases again and again?",
                "读几条回答：是否开头相同、反复使用同样的句子？",
            ),
        ),
        remedies=("keep_exploring", "lower_learning_rate", "raise_beta", "more_contrast"),
        sources=(src.ENTROPY, src.DAPO, src.RUNS),
    ),
)

ENTROPY_EXPLOSION = Signal(
    "entropy_explosion",
    Family.FIT,
    (c.ENTROPY,),
    measure=Measure.RATIO,
    limits={GRPO: {Severity.WARNING: Bound(2.0, src.RUNS, records=3, within=4, floor=0.3)}},
    advice=Advice(
        title=Text("Entropy explodes", "entropy 暴涨"),
        summary=Text(
            "Entropy has risen far above the run's own level: the policy no longer knows what to write.",
            "entropy 远高于本次训练自身水平：policy 已不知道该写什么。",
        ),
        finding=Text(
            "entropy rose to {value} at {unit} {step}, usual {baseline}.",
            "第 {step} {unit} entropy 升到 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "Token probabilities flatten, and text turns into noise. It comes with updates that are too "
            "large, with an entropy bonus that is too high, or when sampler and trainer disagree.",
            "token 概率变平，文本变成噪声。常见于更新过大、entropy 奖励过高，或推理引擎与训练端不一致。",
        ),
        impact=Text(
            "Completions lose their end and their format; length and reward follow.",
            "回答失去结尾和格式，随后长度和 reward 失控。",
        ),
        causes=("policy_drift", "high_learning_rate", "gradient_explosion", "length_shift"),
        diagnosis=(
            Text(
                "Do completions grow and run into their limit at the same steps?",
                "同一时间回答是否变长并触到上限？",
            ),
            Text(
                "Did kl or grad_norm jump before? Without a kl in the log, look at grad_norm.",
                "之前 kl 或 grad_norm 是否突升？日志里没有 kl 就看 grad_norm。",
            ),
            Text(
                "Is there an entropy bonus, and is the upper clipping bound wider than the lower one?",
                "是否加了 entropy 奖励？裁剪上界是否比下界宽？",
            ),
        ),
        remedies=("lower_learning_rate", "tighten_clip", "raise_beta", "roll_back", "read_completions"),
        sources=(src.RUNS, src.DAPO),
    ),
)

SIGNALS = (ENTROPY_FALL, ENTROPY_EXPLOSION)
