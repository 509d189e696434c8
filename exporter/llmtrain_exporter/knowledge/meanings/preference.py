"""What the metrics of chosen and rejected answers mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import preference as p
from llmtrain_exporter.knowledge.meaning import Good, Healthy, Meaning, Worry
from llmtrain_exporter.knowledge.meanings.plain import plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import DPO, REWARD_MODEL
from llmtrain_exporter.knowledge.text import Text

_GUESSING = Text("0.5 is guessing.", "0.5 等于瞎猜。")

PREFERENCE: Mapping[Metric, Meaning] = {
    c.PREFERENCE_REWARD: Meaning(
        Text(
            "beta times how much likelier an answer has become than it was for the reference model.",
            "beta 乘以该回答相对 reference model 的对数概率变化。",
        ),
        Good.NEITHER,
        (src.DPO,),
        {
            DPO: Healthy(
                note=Text(
                    "If both fall, the model loses good answers too; only their distance grows.",
                    "两者都下降说明好回答也在丢失，只是差距在变大。",
                ),
            ),
        },
        (c.PREFERENCE_MARGIN, c.LOGPS),
        {
            "chosen": Meaning(Text("Of the better answers.", "较好的回答。"), Good.UP, (src.DPO,)),
            "rejected": Meaning(Text("Of the worse answers.", "较差的回答。"), Good.DOWN, (src.DPO,)),
        },
    ),
    c.PREFERENCE_MARGIN: Meaning(
        Text(
            "Reward of the chosen minus reward of the rejected answers.",
            "chosen 与 rejected 的奖励之差。",
        ),
        Good.UP,
        (src.DPO, src.RUNS),
        {
            DPO: Healthy(
                0.0,
                worry=Worry.BELOW,
                note=Text(
                    "Growth without end (27, 120, 142) with loss 0 is over-optimised.",
                    "loss 为 0 而 margin 无止境增长（27、120、142）是过度优化。",
                ),
            ),
        },
        (c.PREFERENCE_ACCURACY, c.LOSS),
    ),
    c.PREFERENCE_ACCURACY: Meaning(
        Text(
            "Share of pairs in which the chosen answer has the higher reward.",
            "chosen 奖励更高的偏好对比例。",
        ),
        Good.UP,
        (src.DPO,),
        {
            DPO: Healthy(
                0.5,
                1.0,
                Worry.BELOW,
                note=_GUESSING,
            ),
            REWARD_MODEL: Healthy(0.5, 1.0, Worry.BELOW, note=_GUESSING),
        },
        (c.PREFERENCE_MARGIN,),
    ),
    c.LOGPS: Meaning(
        Text(
            "Log probability of whole answers; longer answers have lower ones.",
            "整条回答的对数概率，回答越长越低。",
        ),
        Good.NEITHER,
        (src.DPO,),
        related=(c.PREFERENCE_REWARD,),
    ),
    p.TOKEN_LOGPS: plain(
        "Log probability of the answers, mean per token: unlike the sum it does not depend on their length.",
        "回答的对数概率，按 token 取均值，与总和不同，不受长度影响。",
        related=(c.LOGPS,),
    ),
    p.LOGITS: plain(
        "Mean of the raw outputs over the answers' tokens. Their size says little: -19,546 was seen in a "
        "healthy KTO run. Both sides falling together goes with a model that degenerates.",
        "回答 token 的原始输出均值。绝对大小意义不大：健康的 KTO 训练也出现过 -19546。"
        "两侧一起下降往往伴随模型退化。",
        sources=(src.RUNS,),
        related=(c.PREFERENCE_REWARD, c.LOGPS),
    ),
    p.LOG_ODDS: plain(
        "How much likelier the chosen answer is than the rejected one, as log odds: what ORPO makes grow.",
        "chosen 相对 rejected 的对数几率，即 ORPO 所要拉大的量。",
        Good.UP,
        (src.ORPO,),
        related=(c.PREFERENCE_MARGIN,),
    ),
    p.LIKELIHOOD: plain(
        "Geometric mean of the token probabilities of an answer: its probability with the length taken out.",
        "回答各 token 概率的几何均值，即剔除长度影响后的概率。",
        sources=(src.ORPO,),
        related=(p.TOKEN_LOGPS,),
    ),
    p.WIN_PROBABILITY: plain(
        "How often the policy's answer is preferred to that of the mixture which it plays against. Half is "
        "a draw.",
        "policy 的回答胜过其对手（混合策略）的概率，一半即平手。",
        Good.UP,
        (src.NASH_MD,),
        related=(c.PREFERENCE_MARGIN,),
    ),
    p.EXAMPLES: plain(
        "Examples of each side. KTO and BCO need enough of both in every batch.",
        "两侧各有多少样本。KTO 与 BCO 要求每个 batch 两侧都足够。",
        related=(c.PREFERENCE_REWARD,),
    ),
    p.SUMMED: plain(
        "Sums that some versions of a trainer log beside the means made of them: internal, and larger with "
        "larger batches.",
        "某些版本的框架把用于求均值的中间总和也写进日志，batch 越大数值越大，仅供内部使用。",
        related=(p.EXAMPLES,),
    ),
}
