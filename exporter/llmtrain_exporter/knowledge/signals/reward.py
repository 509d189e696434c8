"""Signals on what the completions earn, and whether that still tells good from bad."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import GRPO, PPO
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

# When a reward function drops: at once, record after record, or in the mean of a block.
DROP_BEGINS: Annotated[float, "robust standard deviations", src.RUNS] = 3.0
"""By which the first record of a lasting drop must be low."""
DROP_DRIFT: Annotated[float, "robust standard deviations", src.CUSUM] = 1.5
"""By which a record must be low to count towards a lasting drop."""
DROP_MOST: Annotated[float, "robust standard deviations", src.RUNS] = 6.0
"""More of them do not count: one record alone cannot make a lasting drop."""
DROP_LASTS: Annotated[float, "sum of robust standard deviations", src.CUSUM] = 8.0
"""From which on a drop lasts. Of a normal variable such a sum is met once in e to the 24th records."""
DROP_LASTS_YOUNG: Annotated[float, "sum of robust standard deviations", src.RUNS] = 12.0
"""The same while the baseline is young."""
DROP_BELOW: Annotated[float, "share of the baseline", src.RUNS] = 0.6
"""Up to which a function's record can begin a drop, and go on with it."""
DROP_ALONE: Annotated[float, "share of the baseline", src.RUNS] = 0.35
"""Up to which one record is enough to be warned of, ..."""
DROP_ALONE_BY: Annotated[float, "robust standard deviations", src.RUNS] = 6.5
"""... if it is so low; a mean of few completions often halves by chance."""
DROP_OVER: Annotated[float, "share of the baseline", src.RUNS] = 0.8
"""At which a drop is forgotten."""
DROP_BLOCK: Annotated[float, "robust standard deviations of its mean", src.RUNS] = 5.0
"""By which a block of records must be low."""
FUNCTION_SPREAD: Annotated[float, "share of the baseline", src.RUNS] = 0.1
"""A function's spread is not taken to be smaller."""
FUNCTION_SPREAD_YOUNG: Annotated[float, "share of the baseline", src.RUNS] = 0.25
"""The same while the baseline is young."""
SPREADLESS: Annotated[float, "reward", src.RUNS] = 1e-9
"""A spread of the reward below this is none."""
FIRST_LEFT: Annotated[float, "share of the first rewards", src.RUNS] = 0.35
"""At which nearly all is lost, while the baseline is young or none."""
FIRST_DEVIATIONS: Annotated[float, "standard deviations", src.RUNS] = 4.0
"""Of the first rewards, by which it has to be lower as well."""
FIRST_COMPLETIONS: Annotated[int, "completions", src.TRAINERS] = 8
"""In a record at least: so far can its mean lie off by chance, for the spread that it has."""
FLAT_RECORDS: Annotated[int, "records", src.RUNS] = 16
"""In a row without a spread, where many of a run's records have none anyway, as with small batches: ..."""
FLAT_SHARE: Annotated[float, "share of records", src.RUNS] = 0.1
"""... so many."""

# When a reward slides: below its best, without a jump.
SLIDE_HELD: Annotated[float, "share of the best mean of a block", src.RUNS] = 0.9
"""Down to which a reward holds its best. Of rewards below 0 the shares are of the run's own range."""
SLIDE_LEFT: Annotated[float, "share of the best mean of a block", src.RUNS] = 0.75
"""At which it has slid."""
SLIDE_LOST: Annotated[float, "share of the best mean of a block", src.RUNS] = 0.5
"""At which it is lost, ..."""
SLIDE_LOST_RECORDS: Annotated[int, "records", src.RUNS] = 12
"""... in so many records in a row. The mean is half its records behind, and noise hides the first ones: half
is then lost for 18 to 20 records."""
SLIDE_RECORDS: Annotated[int, "records", src.RUNS] = 12
"""Whose mean is held against the best."""
SLIDE_NOISES: Annotated[float, "standard deviations of a record", src.RUNS] = 14.0
"""That are lost at least when all is lost of rewards below 0, of which no share is left, ..."""
SLIDE_NOISE_RECORDS: Annotated[int, "records", src.RUNS] = 48
"""... by how far so many are from the one before."""
SLIDE_SIGMAS: Annotated[float, "standard deviations of the difference", src.RUNS] = 5.0
"""By which that has to be lower."""

# What it means that rewards have no spread.
ALL_RIGHT: Annotated[float, "weight", src.DAPO] = 0.0
"""The task is solved: good news."""
NO_CONTRAST: Annotated[float, "weight", src.DAPO] = 1.0
"""Nothing is learned, ..."""
NOTHING_EARNED: Annotated[float, "weight", src.RUNS] = 2.0
"""... and nothing earned either."""
SCORE_FLOOR: Annotated[float, "score of a reward model", src.RUNS] = 0.3
"""A change of it that is smaller is none."""
SCORE_LOST: Annotated[float, "share of the baseline", src.RUNS] = 0.9
"""Of such a score, nearly all of which is lost, or more."""
DEAD_RECORDS: Annotated[int, "records", src.RUNS] = 10
"""In a row without reward, spread and gradient, after which the policy is dead."""
SOLVED_RECORDS: Annotated[int, "records", src.RUNS] = 5
"""Whose mean reward is near the run's best where a task is solved."""
PUNISHED: Annotated[float, "reward", src.RUNS] = 0.1
"""Mean of a block of rewards that much below 0, in a run in which none was above: its best is 0."""

REWARD_DROP = Signal(
    "reward_drop",
    Family.REWARD,
    (c.REWARD,),
    measure=Measure.FALL,
    clear_after=10,
    limits={
        GRPO: {
            Severity.WARNING: Bound(0.3, src.RUNS, records=2, floor=0.05),
            Severity.CRITICAL: Bound(SLIDE_LOST, src.RUNS, records=SLIDE_LOST_RECORDS, floor=0.05),
        },
        PPO: {  # the score of a reward model, whose 0 means nothing: many records have to be low
            Severity.WARNING: Bound(SLIDE_LOST, src.RUNS, records=4, floor=SCORE_FLOOR),
            Severity.CRITICAL: Bound(SCORE_LOST, src.RUNS, records=SLIDE_LOST_RECORDS, floor=SCORE_FLOOR),
        },
    },
    advice=Advice(
        title=Text("Reward drop", "reward 骤降"),
        summary=Text(
            "The total reward has fallen far below this run's own level.",
            "总 reward 远低于本次训练自身水平。",
        ),
        finding=Text(
            "reward fell to {value} at {unit} {step}, usual {baseline}.",
            "第 {step} {unit} reward 降到 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "What the policy writes now earns clearly less. In a collapse this is the last link of the "
            "chain, so look at what broke before.",
            "policy 现在的输出得分明显变低。在崩溃链条中这是最后一环，要回头看之前是什么先坏的。",
        ),
        impact=Text(
            "Updates now follow mostly failed completions; each further step can make it worse.",
            "后续更新主要来自失败的回答，每多一步都可能更糟。",
        ),
        causes=("reward_instability", "data_changed", "length_shift", "policy_drift", "gradient_explosion"),
        diagnosis=(
            Text(
                "Which reward function fell? If only one, look there first.",
                "哪个 reward 函数在跌？只有一个就先看它。",
            ),
            Text(
                "Did the prompts change, to a harder part of the data set for instance?",
                "题目是否变了，例如进入更难的数据段？",
            ),
            Text(
                "Did an outside scorer or sandbox fail, and return 0 for all?",
                "外部打分服务或沙箱是否出错、统一返回 0？",
            ),
        ),
        remedies=(
            *("read_completions", "compare_samples", "roll_back", "raise_beta"),
            *("lower_learning_rate", "fix_reward"),
        ),
        sources=(src.GRPO_REWARDS, src.GRPO_CAUSES),
    ),
)

REWARD_FUNCTION_DROP = Signal(
    "reward_function_drop",
    Family.REWARD,
    (c.REWARD_FUNCTION_MEAN,),
    measure=Measure.RATIO,
    below=True,
    limits={
        GRPO: {
            Severity.WARNING: Bound(0.5, src.GRPO_EVENTS, records=2, within=3, floor=0.05),
            Severity.CRITICAL: Bound(SLIDE_LOST, src.RUNS, records=SLIDE_LOST_RECORDS, floor=0.05),
        }
    },
    advice=Advice(
        title=Text("One reward function drops", "单项奖励骤降"),
        summary=Text(
            "One reward function has fallen to a fraction of its usual level.",
            "某个 reward 函数跌到平时水平的一小部分。",
        ),
        finding=Text(
            "Reward function {function} fell to {value} at {unit} {step}, usual {baseline}.",
            "第 {step} {unit}奖励 {function} 降到 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "The policy fails at one thing it could do before, a format for instance. The total reward can "
            "stay level while another function makes up for it.",
            "policy 在原本会做的某一项上失败了，例如格式。其他项若补上，总 reward 可能看不出变化。",
        ),
        impact=Text(
            "A broken format makes other rewards fail too. Alone, it is a typical sign of reward hacking.",
            "格式一坏，其他奖励也会跟着失败。若只有这一项跌，常是 reward hacking。",
        ),
        causes=("reward_instability", "reward_hacking", "data_changed", "length_shift", "policy_drift"),
        diagnosis=(
            Text(
                "Are completions cut off at the same steps? Then the end of the format is missing.",
                "同一步是否大量截断？是则缺的是格式的结尾。",
            ),
            Text(
                "Did another function or the length rise at the same time? Then one is bought with the "
                "other.",
                "另一项奖励或长度是否同时上升？是则在拿这一项换那一项。",
            ),
        ),
        remedies=("read_completions", "fix_reward", "raise_beta", "no_reward_for_truncated", "roll_back"),
        sources=(src.GRPO_REWARDS, src.GRPO_CAUSES, src.RUNS),
    ),
)

REWARD_FLAT = Signal(
    "reward_flat",
    Family.REWARD,
    (c.REWARD_ZERO_STD, c.REWARD_STD),
    limits={
        GRPO: {
            Severity.INFO: Bound(0.9, src.RUNS, records=5, floor=ALL_RIGHT),
            Severity.WARNING: Bound(0.9, src.RUNS, records=5, floor=NO_CONTRAST),
            Severity.CRITICAL: Bound(1.0, src.RUNS, records=DEAD_RECORDS, floor=NOTHING_EARNED),
        }
    },
    limit_phrase=Text("limit: {limit} of the groups score the same", "限值：{limit} 的组奖励相同"),
    limit_percent=True,
    levels=(c.REWARD_ZERO_STD,),
    no_alert={Severity.INFO: "where all are right it is good news; dashboards and the page show it"},
    advice=Advice(
        title=Text("No spread in rewards", "奖励无差异"),
        summary=Text(
            "All completions of a group get the same reward, so nothing is learned.",
            "同组回答的奖励完全相同，学不到东西。",
        ),
        finding=Text(
            "Rewards have no spread at {unit} {step}: {metric} is {value}.",
            "第 {step} {unit}奖励没有差异：{metric} 为 {value}。",
        ),
        findings={
            Severity.INFO: Text(
                "Nearly all is right, so that rewards have no spread at {unit} {step}: {metric} is {value}.",
                "第 {step} {unit}回答几乎全对，奖励因此没有差异：{metric} 为 {value}。",
            ),
            Severity.CRITICAL: Text(
                "All wrong, so that rewards have no spread at {unit} {step}: {metric} is {value}.",
                "第 {step} {unit}回答全错，奖励因此没有差异：{metric} 为 {value}。",
            ),
        },
        meaning=Text(
            "GRPO compares the completions of a prompt with each other. Equal rewards give advantage 0 and "
            "gradient 0. With a high reward the task is solved; with reward 0 the policy is dead or the "
            "task too hard.",
            "GRPO 比较同一 prompt 的各条回答。奖励相同则 advantage 和梯度都为 0。reward 高说明题目已解决；"
            "reward 为 0 说明 policy 已死或题目太难。",
        ),
        impact=Text(
            "The GPUs work and nothing is learned.",
            "GPU 在跑，但什么也没学到。",
        ),
        causes=(
            "no_contrast",
            "solved",
            "constant_reward",
            "never_rewarded",
            "dead_policy",
            "lost_exploration",
            "reward_instability",
        ),
        diagnosis=(
            Text(
                "Is the reward high or near 0? Are completions cut off?",
                "reward 是高还是接近 0？回答是否被截断？",
            ),
            Text(
                "Does the reward function really run, or return a constant after an error?",
                "reward 函数真的在执行吗，还是出错后返回常数？",
            ),
            Text(
                "How many completions per prompt ({num_generations}), at which {temperature}?",
                "每个 prompt 采样几条（{num_generations}），{temperature}？",
            ),
        ),
        remedies=(
            "more_contrast",
            "harder_prompts",
            "fix_reward",
            "easier_start",
            "keep_exploring",
            "roll_back",
            "read_completions",
        ),
        sources=(src.RUNS, src.DAPO),
    ),
)

SIGNALS = (REWARD_DROP, REWARD_FUNCTION_DROP, REWARD_FLAT)
