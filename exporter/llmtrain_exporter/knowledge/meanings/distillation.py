"""What the metrics of distillation mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import distillation as d
from llmtrain_exporter.knowledge.meaning import Good, Meaning
from llmtrain_exporter.knowledge.meanings.plain import on_its_own_level, plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import GENERIC, GRPO, SFT

DISTILLATION: Mapping[Metric, Meaning] = {
    d.DISTILLATION_DIVERGENCE: plain(
        "Distance between student and teacher on the same tokens. Should fall.",
        "学生与教师在相同 token 上的距离，应当下降。",
        Good.DOWN,
        related=(c.LOSS, d.TEACHER_ENTROPY),
        healthy=on_its_own_level(SFT, GRPO, GENERIC),
    ),
    d.TEACHER_DIVERGENCE: plain(
        "Distance to each teacher: one that does not fall is not learnt from.",
        "与各位教师的距离，哪位不降就是没学到。",
        Good.DOWN,
        related=(d.DISTILLATION_DIVERGENCE,),
    ),
    d.TEACHER_ENTROPY: plain(
        "How unsure the teacher is. High on the student's own texts: they are strange to it.",
        "教师的不确定程度。在学生自己的文本上偏高，说明这些文本对教师很陌生。",
        related=(c.ENTROPY,),
    ),
    d.TEACHER_TOKENS: plain(
        "How much each teacher has to say.",
        "各位教师负责的 token 比例。",
        related=(d.TEACHER_DIVERGENCE,),
    ),
    d.TEACHER_TIME: plain(
        "What a teacher costs in time.",
        "教师打分的耗时。",
        Good.DOWN,
        related=(c.STEP_TIME,),
    ),
    d.DISTILLATION_REWARD: plain(
        "How good the student's own samples are before it learns from the best of them.",
        "学生自采样本的得分，之后再从其中较好的样本学习。",
        Good.UP,
        related=(d.DISTILLATION_GROUPS,),
    ),
    d.DISTILLATION_REWARD_FUNCTION: plain(
        "Mean of each reward function over the student's own samples.",
        "学生自采样本上各 reward 函数的平均分。",
        Good.UP,
        related=(d.DISTILLATION_REWARD,),
    ),
    d.DISTILLATION_GROUPS: plain(
        "Of which kind the student's own samples are.",
        "学生自采样本的构成。",
        related=(c.REWARD_ZERO_STD,),
        parts={
            "flat_group": plain(
                "Groups with one and the same reward: nothing to choose from.",
                "奖励全同的组，无从择优。",
                Good.DOWN,
            ),
            "success_group": plain(
                "Groups in which at least one sample was right.", "至少有一个样本答对的组。", Good.UP
            ),
            "reprompted_sample": plain(
                "Samples that were asked for again with a hint.", "加提示后重新生成的样本。"
            ),
        },
    ),
    d.PROBABILITY_MASS: plain(
        "How much of all probability lies on the tokens that the divergence is taken over. Low: it sees "
        "little of the whole.",
        "散度所覆盖 token 上的概率总量，偏低说明只看到分布的一小部分。",
        related=(d.DISTILLATION_DIVERGENCE,),
    ),
    d.OVERLAP: plain(
        "Whether the student thinks of the same tokens as its teacher. Should rise.",
        "学生与教师想到的候选 token 有多少相同，应当上升。",
        Good.UP,
        related=(d.DISTILLATION_DIVERGENCE,),
        healthy=on_its_own_level(SFT, GRPO, GENERIC),
    ),
}
