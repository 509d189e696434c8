"""Signals on how long the completions are, and how many of them are cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import GRPO, POLICIES
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal, in_each
from llmtrain_exporter.knowledge.text import Text

LENGTH_SPREAD: Annotated[float, "share of the baseline", src.RUNS] = 0.03
"""The spread of lengths is not taken to be smaller."""
LENGTH_NEAR_LIMIT: Annotated[float, "share of max_completion_length", src.GRPO_LENGTHS] = 0.9
"""Mean completion length from which on the limit shapes what is written."""
LENGTH_NEAR_RECORDS: Annotated[int, "records", src.RUNS] = 4
"""In a row that near to the limit."""
CLIPPED_JUMP: Annotated[float, "share of completions", src.GRPO_SPECIFIC] = 0.3
"""Cut off, that even in one record is a sign of a collapse if far less is normal: half of this less, and
less than half of it."""
CLIPPED_JUMPS: Mapping[Severity, int] = {Severity.WARNING: 2, Severity.CRITICAL: 3}
"""Such records in a row, from which on they are as bad as that. Source: real runs, dead by the third."""
CLIPPED_DEAD: Annotated[float, "share of completions", src.GRPO_SPECIFIC] = 0.7
"""Cut off from the first record on, of which it does not matter whether they become fewer."""
FALLS: Annotated[float, "rank correlation with time", src.RUNS] = -0.6
"""At which fewer are cut off than at first: the policy learns to end in time, ..."""
FALLS_IN: Annotated[int, "records", src.RUNS] = 16
"""... in so many, ..."""
FALLS_FEWEST: Annotated[int, "records", src.RUNS] = 8
"""... or in these, before which nobody knows."""
HIGH_BY_CHANCE: Annotated[float, "share of records", src.RUNS] = 0.1
"""With some cut off now and then: of few completions by chance, ..."""
HIGH_BEFORE: Annotated[int, "records", src.RUNS] = 3
"""... from so many on. ..."""
HIGH_RECORDS: Annotated[int, "records", src.RUNS] = 12
"""... So many in a row are none."""
CREEP_BLOCKS: Annotated[int, "blocks of records", src.RUNS] = 3
"""In a row, each longer than the one before, of completions that creep towards their limit."""
CREEP_AHEAD: Annotated[float, "blocks of records", src.RUNS] = 3.5
"""From the middle of the last block on, in which they reach it at that pace: 48 records after its end."""
CREEP_GROWTH: Annotated[float, "times the first of the blocks", src.RUNS] = 1.12
"""That the last one is at least; ..."""
CREEP_SIGMAS: Annotated[float, "standard deviations of a block's mean", src.RUNS] = 4.0
"""... and by which it is longer."""
CREEP_CLIPPED: Annotated[float, "share of completions", src.GRPO_LENGTHS] = 0.05
"""Cut off in a block's mean, that have begun to creep as well."""

LENGTH_SURGE = Signal(
    "length_surge",
    Family.LENGTH,
    (c.COMPLETION_LENGTH,),
    measure=Measure.RATIO,
    limits=in_each(POLICIES, {Severity.WARNING: Bound(1.5, src.GRPO_LENGTHS)}),
    advice=Advice(
        title=Text("Completions grow too long", "生成长度突升"),
        summary=Text(
            "Completions have become much longer than usual or nearly fill their limit.",
            "生成长度远超平时，或已接近上限。",
        ),
        finding=Text(
            "Mean completion length is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit}平均生成长度为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "The policy has stopped ending its answers where it used to. In the chain of a collapse this "
            "comes after KL and before the reward. Slow growth while the reward rises can be real reasoning.",
            "policy 不再像以前那样及时结束回答。在崩溃链条中，它排在 KL 之后、reward 之前。"
            "若缓慢变长且 reward 上升，可能是推理真的变长。",
        ),
        impact=Text(
            "Completions reach {max_completion_length} and are cut off: broken formats, no reward, slower "
            "steps.",
            "回答撞到 {max_completion_length} 被截断：格式破损、拿不到 reward、每步更慢。",
        ),
        causes=("length_shift", "policy_drift", "reward_hacking"),
        diagnosis=(
            Text(
                "Did kl or grad_norm jump just before? Then it is drift, and length only the symptom.",
                "之前 kl 或 grad_norm 是否突升？是则为策略漂移，长度只是症状。",
            ),
            Text(
                "Did the shortest completions grow too? Then stopping itself is broken, not only some "
                "answers.",
                "最短的回答也变长了吗？是则停止机制本身出了问题，而非个别回答。",
            ),
            Text(
                "Does a reward function pay for length?",
                "有没有哪个 reward 函数在奖励长度？",
            ),
        ),
        remedies=(
            "shorten_completions",
            "no_reward_for_truncated",
            "stop_words",
            "raise_beta",
            "read_completions",
        ),
        sources=(src.GRPO_LENGTHS, src.GRPO_EVENTS),
    ),
)

LENGTH_COLLAPSE = Signal(
    "length_collapse",
    Family.LENGTH,
    (c.COMPLETION_LENGTH,),
    measure=Measure.RATIO,
    below=True,
    limits=in_each(POLICIES, {Severity.WARNING: Bound(0.5, src.GRPO_LENGTHS)}),
    advice=Advice(
        title=Text("Completions become too short", "生成长度骤降"),
        summary=Text(
            "Completions have become much shorter than usual.",
            "生成长度远低于平时。",
        ),
        finding=Text(
            "Mean completion length fell to {value} at {unit} {step}, usual {baseline}.",
            "第 {step} {unit}平均生成长度降到 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "The policy ends early. After a surge this can be the recovery; otherwise it has learned that "
            "little text costs less than a wrong answer.",
            "policy 过早结束回答。若在突升之后，可能是在恢复；否则就是学会了少说比说错划算。",
        ),
        impact=Text(
            "Required parts of the answer go missing, and rewards that need them fall.",
            "回答缺少必要部分，依赖这些部分的 reward 下降。",
        ),
        causes=("length_shift", "empty_answers", "reward_hacking", "policy_drift"),
        diagnosis=(
            Text(
                "Was there a length surge just before? Then wait some records.",
                "之前刚突升过吗？是则再观察几条记录。",
            ),
            Text(
                "Which reward function fell with it, and which rose?",
                "哪个 reward 函数随之下降，哪个上升？",
            ),
        ),
        remedies=("read_completions", "fix_reward", "raise_beta", "stop_words"),
        sources=(src.GRPO_LENGTHS, src.GRPO_RECOVERY),
    ),
)

CLIPPED_HIGH = Signal(
    "clipped_high",
    Family.LENGTH,
    (c.COMPLETION_CLIPPED,),
    limits={
        GRPO: {
            Severity.WARNING: Bound(0.1, src.GRPO_LENGTHS, records=4),
            Severity.CRITICAL: Bound(0.3, src.GRPO_SPECIFIC, records=4),
        }
    },
    levels=(c.COMPLETION_CLIPPED,),
    advice=Advice(
        title=Text("Too many truncated completions", "截断比例过高"),
        summary=Text(
            "Too many completions are cut off at the length limit.",
            "被长度上限截断的回答过多。",
        ),
        finding=Text(
            "Clipped ratio is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit}截断比例为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "These completions ran into {max_completion_length}. A cut answer has no closing tag and no "
            "final result, so format and correctness both score 0.",
            "这些回答撞到了 {max_completion_length}。被截断就没有闭合标签和最终答案，格式分和正确性都为 0。",
        ),
        impact=Text(
            "The reward no longer measures quality. When nearly all are cut off the gradient vanishes and "
            "the run is dead, even with a low KL.",
            "reward 不再反映质量。几乎全部被截断时梯度消失，即使 KL 很低，训练也已经死了。",
        ),
        causes=("length_shift", "limit_too_small", "policy_drift", "dead_policy"),
        diagnosis=(
            Text(
                "High from the first records: the limit is too low for the task. Rising later: the policy "
                "ran away.",
                "从头就高：上限对任务来说太小。后来才升：policy 失控。",
            ),
            Text(
                "Read some cut completions: long reasoning, or endless repetition?",
                "看几条被截断的回答：是推理长，还是无限重复？",
            ),
            Text(
                "Are reward_std and grad_norm still above 0? If not, go back to a checkpoint.",
                "reward_std 和 grad_norm 还大于 0 吗？否则直接回滚。",
            ),
        ),
        remedies=(
            "no_reward_for_truncated",
            "shorten_completions",
            "raise_length_limit",
            "stop_words",
            "mask_truncated",
            "raise_beta",
            "roll_back",
            "guard",
        ),
        sources=(src.GRPO_LENGTHS, src.GRPO_SPECIFIC, src.RUNS),
    ),
)

LENGTH_CREEP = Signal(
    "length_creep",
    Family.FIT,
    (c.COMPLETION_LENGTH, c.COMPLETION_CLIPPED),
    clear_after=2,
    limits={GRPO: {Severity.WARNING: Bound(LENGTH_NEAR_LIMIT, src.GRPO_LENGTHS)}},
    limit_phrase=Text(
        "limit {limit} of max_completion_length, at this pace within 48 records",
        "限值为 max_completion_length 的 {limit}，按此速度 48 条记录内到达",
    ),
    limit_percent=True,
    advice=Advice(
        title=Text("Completions creep towards their limit", "生成长度逐渐逼近上限"),
        summary=Text(
            "Completions grow steadily and will reach their length limit soon.",
            "生成长度持续增长，很快会触到上限。",
        ),
        finding=Text(
            "Mean completion length is {value} at {unit} {step}, was {baseline}, and soon passes {limit} at "
            "this pace.",
            "第 {step} {unit}平均生成长度为 {value}，之前为 {baseline}，按此速度很快超过 {limit}。",
        ),
        meaning=Text(
            "Growth that goes with the reward can be real reasoning, and needs room. Growth without it is a "
            "policy that has stopped ending its answers. Either way the limit comes first.",
            "随 reward 一起增长可能是推理真的变长，需要更多空间；reward 不涨的增长说明 policy 不再收尾。"
            "无论哪种，先撞到的都是上限。",
        ),
        impact=Text(
            "The longest completions are cut off first, then most: they lose their end, their format and "
            "their reward.",
            "先是最长的回答被截断，然后是大多数：丢掉结尾、格式和 reward。",
        ),
        causes=("length_shift", "reward_hacking", "policy_drift"),
        diagnosis=(
            Text(
                "Does the reward rise with the length? If not, read the longest completions.",
                "reward 是否随长度上升？没有就去读最长的那些回答。",
            ),
            Text(
                "How many are cut off already, and what do they earn?",
                "已经有多少被截断？它们得多少分？",
            ),
            Text("Which reward function rises with the length?", "哪个 reward 函数随长度一起上升？"),
        ),
        remedies=("raise_length_limit", "no_reward_for_truncated", "shorten_completions", "read_completions"),
        sources=(src.GRPO_LENGTHS, src.DAPO, src.RUNS),
    ),
)

SIGNALS = (LENGTH_SURGE, LENGTH_COLLAPSE, CLIPPED_HIGH, LENGTH_CREEP)
