"""What the metrics of rewards and completions mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import objective
from llmtrain_exporter.knowledge.catalogue import reward as r
from llmtrain_exporter.knowledge.meaning import Good, Healthy, LimitOf, Meaning, Worry
from llmtrain_exporter.knowledge.meanings.plain import noted, on_its_own_level, plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import GRPO, REWARD_MODEL
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.length import LENGTH_NEAR_LIMIT
from llmtrain_exporter.knowledge.text import Text

_TOTAL: Mapping[Metric, Meaning] = {
    c.REWARD: Meaning(
        Text(
            "Mean score of the completions, all reward functions weighted and added up.",
            "回答的平均得分，各 reward 函数加权求和。",
        ),
        Good.UP,
        (src.GRPO_REWARDS,),
        {
            GRPO: Healthy(
                note=Text(
                    "The scale is that of your reward functions. A slow rise is health: from 1.0 to 2.0, "
                    "later 1.5 to 2.8 in one run. A level line can still hide one function that falls.",
                    "尺度由 reward 函数决定。缓慢上升即健康，例如某训练从 1.0～2.0 升到 1.5～2.8。"
                    "走平时也可能掩盖某一项在跌。",
                ),
            ),
        },
        (c.REWARD_STD, c.REWARD_FUNCTION_MEAN, c.KL, c.COMPLETION_LENGTH),
    ),
    c.REWARD_STD: Meaning(
        Text(
            "Spread of the reward. ms-swift: within groups; newer TRL: over the batch. Never compare the "
            "two.",
            "奖励的离散程度。ms-swift 为组内，新版 TRL 为整个 batch，两者不可比。",
        ),
        Good.NEITHER,
        (src.GRPO_REWARDS, src.TRAINERS),
        {
            GRPO: Healthy(
                note=Text(
                    "Must stay above 0: without spread there is no gradient.",
                    "必须大于 0：没有差异就没有梯度。",
                ),
            ),
        },
        (c.REWARD_ZERO_STD, c.REWARD_VARIATION),
    ),
    c.REWARD_FUNCTION_MEAN: Meaning(
        Text(
            "Mean score of one reward function. Look at each: the total can hide that one of them dies.",
            "单个 reward 函数的平均分。要逐个看：总分可能掩盖其中一项归零。",
        ),
        Good.UP,
        (src.GRPO_REWARDS,),
        related=(c.REWARD, c.COMPLETION_CLIPPED),
        parts={
            "*[Ff]ormat*": Meaning(
                Text(
                    "Share of completions with exactly the required tags, in order and consistent: 0 or 1 "
                    "each.",
                    "严格符合所要求标签及其一致性的回答比例，单条非 0 即 1。",
                ),
                Good.UP,
                (src.GRPO_REWARDS,),
                {
                    GRPO: Healthy(
                        0.9,
                        1.0,
                        Worry.BELOW,
                        note=Text(
                            "In collapses it falls to between 0.025 and 0.3 within one record.",
                            "崩溃时一条记录之内跌到 0.025 至 0.3。",
                        ),
                    )
                },
            ),
            "*[Cc]osine*": Meaning(
                Text(
                    "Similarity of a part of the completion to the reference, answer, caption or title for "
                    "instance.",
                    "回答中某一部分（如答案、描述、标题）与参考的余弦相似度。",
                ),
                Good.UP,
                (src.GRPO_REWARDS,),
                {GRPO: Healthy(0.0, 1.0)},
            ),
            "*[Mm]atch[Ss]tring*": Meaning(
                Text(
                    "Share of completions that match the reference string exactly: usually 0 or 1 each.",
                    "与参考字符串完全匹配的回答比例，单条通常为 0 或 1。",
                ),
                Good.UP,
                (src.GRPO_REWARDS,),
                {GRPO: Healthy(0.0, 1.0)},
            ),
        },
    ),
    c.REWARD_FUNCTION_STD: Meaning(
        Text(
            "Spread of one reward function over the batch. At 0 that function teaches nothing.",
            "单个 reward 函数在 batch 内的标准差。为 0 时它不再提供信号。",
        ),
        Good.NEITHER,
        (src.TRAINERS,),
        related=(c.REWARD_FUNCTION_MEAN, c.REWARD_ZERO_STD),
    ),
    c.REWARD_ZERO_STD: Meaning(
        Text(
            "Share of prompt groups in which all completions score the same and nothing is learned.",
            "组内得分完全相同、学不到东西的 prompt 组比例。",
        ),
        Good.DOWN,
        (src.TRAINERS, src.DAPO),
        {GRPO: Healthy(high=LimitOf("reward_flat", Severity.WARNING), worry=Worry.ABOVE)},
        (c.REWARD_STD, c.ENTROPY),
    ),
    c.REWARD_VARIATION: Meaning(
        Text(
            "Spread of the reward in relation to its mean.",
            "奖励离散程度与均值之比。",
        ),
        Good.NEITHER,
        (src.RUNS,),
        related=(c.REWARD, c.REWARD_STD),
    ),
    r.ZERO_STD_EXCLUDED: plain(
        "Share of prompt groups that the trainer leaves out since all their rewards are equal: sampled for "
        "nothing.",
        "因组内奖励全同而被框架剔除的 prompt 组比例，这部分采样白费了。",
        Good.DOWN,
        related=(c.REWARD_ZERO_STD,),
    ),
    r.REWARD_PART: plain(
        "PPO's accounts: the penalty for moving away from the reference model, and the score with it taken "
        "off. A score that rises while this falls is paid for with divergence.",
        "PPO 的奖励构成：偏离 reference model 的惩罚，以及扣除惩罚后的得分。"
        "得分上升而扣罚后下降，说明提升是靠偏离换来的。",
        sources=(src.ADAPTIVE_KL,),
        related=(c.REWARD, objective.RESPONSE_KL),
    ),
    r.REWARD_MODEL_SCORE: plain(
        "Scores that a reward model in training gives. Extremes that drift apart without end: it grows too "
        "sure.",
        "训练中的 reward model 给出的分数。最大与最小值无止境拉开说明模型过于自信。",
        related=(c.PREFERENCE_MARGIN, c.PREFERENCE_ACCURACY),
        healthy=on_its_own_level(REWARD_MODEL),
    ),
    r.JUDGE_SCORE: plain(
        "What the judge or reward model thinks of the policy's answers, and of the reference model's to "
        "the same prompts. The first should leave the second behind.",
        "评判者对 policy 与 reference model 同题回答的打分，前者应逐渐拉开差距。",
        Good.UP,
        related=(c.REWARD,),
    ),
    r.JUDGE_MARGIN: plain(
        "By how much the better of two answers to a prompt scores higher. Near 0 there is nothing to learn "
        "from.",
        "同一 prompt 的两条回答中较优者高出多少分，接近 0 则无可学习。",
        related=(c.REWARD, c.PREFERENCE_MARGIN),
    ),
    r.RUNNING_MEAN: plain(
        "Where BCO puts the line between good and bad answers: the running mean of their implicit rewards.",
        "BCO 区分好坏回答的分界，即隐式奖励的滑动均值。",
        related=(c.PREFERENCE_REWARD,),
    ),
    r.FEATURE_REWARD: plain(
        "Reward for completions whose features look like those of the data, and what it consists of: "
        "likeness, and variety among completions.",
        "按特征相似度给出的奖励及其组成：与数据的相似度，以及回答之间的多样性。",
        Good.UP,
        related=(c.REWARD,),
    ),
}

_BY_PART: Mapping[Metric, Meaning] = {
    r.REWARD_EXTREME: plain(
        "The worst and the best completion of a batch. A best one that never gets better has found the end "
        "of what the reward can tell apart.",
        "batch 中最差与最好的回答。最好的一条长期不变，说明奖励已分不出高下。",
        related=(c.REWARD, c.REWARD_STD),
    ),
    r.ENVIRONMENT_REWARD: plain(
        "Reward by environment: the total can hide that one of them is lost while another one rises.",
        "各环境的奖励。总分可能掩盖此消彼长。",
        Good.UP,
        related=(c.REWARD, r.GROUP_OUTCOMES),
        healthy=on_its_own_level(GRPO),
    ),
    r.SOLVED: plain(
        "What is solved, whatever the reward adds for form and length.",
        "真正解出的比例，不含格式与长度等附加奖励。",
        Good.UP,
        related=(c.REWARD,),
        healthy=on_its_own_level(GRPO),
    ),
    r.GROUP_OUTCOMES: plain(
        "Groups that are too hard, too easy, or of use: only those with right and wrong answers teach.",
        "太难、太易与有用的组各占多少，只有有对有错的组才有学习价值。",
        related=(c.REWARD_ZERO_STD,),
        healthy=noted(
            "The mixed share is what teaches. Where none are solved the data is too hard, where all are it "
            "is used up.",
            "有对有错的比例才是有效部分。全错说明题目太难，全对说明数据已学完。",
            GRPO,
        ),
        parts={
            "none*": plain("No completion is right.", "没有一条回答正确。", Good.DOWN),
            "all*": plain("Every completion is right.", "所有回答都正确。"),
            "mixed*": plain("Some are right.", "有对有错。", Good.UP),
        },
    ),
}
REWARD: Mapping[Metric, Meaning] = {**_TOTAL, **_BY_PART}

LENGTH: Mapping[Metric, Meaning] = {
    c.COMPLETION_LENGTH: Meaning(
        Text(
            "Tokens per completion. Hold it against max_completion_length and against what the task needs.",
            "每条回答的 token 数。要与 max_completion_length 和任务需要对照。",
        ),
        Good.NEITHER,
        (src.GRPO_LENGTHS,),
        {
            GRPO: Healthy(
                note=Text(
                    "One healthy run: mean 190 to 250 tokens of 512; in its collapses 330 to 480.",
                    "某健康训练：上限 512，平均 190 到 250；崩溃时 330 到 480。",
                ),
            ),
        },
        (c.COMPLETION_CLIPPED, c.COMPLETION_LENGTH_LIMIT, c.KL),
        {
            "mean": Meaning(Text("Mean over the batch.", "batch 均值。"), Good.NEITHER, (src.GRPO_LENGTHS,)),
            "min": Meaning(
                Text(
                    "Shortest of the batch. A jump up (to 379, later 144, in one collapse) means that "
                    "stopping is disturbed.",
                    "batch 中最短的。突升（某次崩溃升到 379，随后 144）说明停止条件被扰动。",
                ),
                Good.NEITHER,
                (src.GRPO_LENGTHS,),
            ),
            "max": Meaning(
                Text(
                    "Longest of the batch. Again and again at the limit: some completions are always cut "
                    "off.",
                    "batch 中最长的。反复顶到上限说明总有回答被截断。",
                ),
                Good.NEITHER,
                (src.GRPO_LENGTHS,),
            ),
        },
    ),
    c.COMPLETION_CLIPPED: Meaning(
        Text(
            "Share of completions cut off at max_completion_length. They lose their end and with it their "
            "reward.",
            "被 max_completion_length 截断的回答比例。丢了结尾，也就丢了奖励。",
        ),
        Good.DOWN,
        (src.GRPO_LENGTHS, src.GRPO_SPECIFIC),
        {
            GRPO: Healthy(
                0.0,
                LimitOf("clipped_high", Severity.WARNING),
                Worry.ABOVE,
                note=Text(
                    "About 0 in health; 0.35 to 0.9 in collapses.",
                    "健康时约为 0；崩溃时 0.35 到 0.9。",
                ),
            ),
        },
        (c.COMPLETION_LENGTH, c.REWARD_FUNCTION_MEAN),
    ),
    c.COMPLETION_LENGTH_LIMIT: Meaning(
        Text(
            "Mean completion length as a share of max_completion_length.",
            "平均生成长度占 max_completion_length 的比例。",
        ),
        Good.NEITHER,
        (src.GRPO_LENGTHS,),
        {
            GRPO: Healthy(
                high=LENGTH_NEAR_LIMIT,
                worry=Worry.ABOVE,
                note=Text(
                    "Well below 1, or many completions are cut off. About 0.37 to 0.49 in a healthy run.",
                    "应明显小于 1，否则大量回答被截断。某健康训练约 0.37 到 0.49。",
                ),
            ),
        },
        (c.COMPLETION_LENGTH, c.COMPLETION_CLIPPED),
    ),
}
