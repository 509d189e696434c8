"""What it means when sampler and trainer disagree: the first sign of a collapse that comes from it."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import mismatch as m
from llmtrain_exporter.knowledge.meaning import Good, Healthy, Meaning, Worry
from llmtrain_exporter.knowledge.meanings.plain import noted, on_its_own_level, plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.text import Text

MISMATCH: Mapping[Metric, Meaning] = {
    m.MISMATCH_KL: plain(
        "How far the sampler's probabilities lie from the trainer's for the same weights. Should be "
        "numerical noise; it grows before reward and gradients tell of anything.",
        "同一份权重下，采样引擎与训练引擎给出的概率相差多少。正常只是数值噪声，会先于奖励和梯度出现异常。",
        Good.DOWN,
        (src.VERL_CORRECTION, src.NEMO_GRPO, src.PRIME_TRAINING),
        related=(m.IMPORTANCE_RATIO, m.EFFECTIVE_SAMPLES, c.GRAD_NORM),
        healthy={
            GRPO: Healthy(
                -0.1,
                0.1,
                note=Text(
                    "About 1e-3 is usual. A mean that keeps growing is the warning, long before it is out "
                    "of range.",
                    "通常在 1e-3 左右。持续增长本身就是预警，远早于超出范围。",
                ),
            ),
        },
        parts={
            "kl": plain(
                "The mean of the log ratios: an estimate without bias that may be below 0.",
                "对数比的均值，无偏估计，可能为负。",
                Good.DOWN,
                (src.SWIFT_MISMATCH,),
            ),
            "k3_kl": plain(
                "An estimate that is never negative and scatters less.",
                "恒为非负、方差更小的估计。",
                Good.DOWN,
                (src.SWIFT_MISMATCH,),
            ),
        },
    ),
    m.LOGP_DIFFERENCE: plain(
        "By how much the log probability of a token differs between the two engines, as an absolute value.",
        "同一 token 在两个引擎中的对数概率之差，取绝对值。",
        Good.DOWN,
        (src.NEMO_GRPO, src.TRAINERS),
        related=(m.MISMATCH_KL, m.IMPORTANCE_RATIO),
        healthy=noted(
            "No absolute limit is known: growth against the run's own level counts. A mean of 0.05 is a "
            "factor of 1.05 on a probability, from where on a fault in the framework is likely.",
            "没有公认的绝对限值，看的是相对自身水平的增长。均值 0.05 相当于概率相差 1.05 倍，"
            "从此处起很可能是框架出了问题。",
            GRPO,
        ),
        parts={
            "max": plain(
                "The worst token of the batch. Single ones are far off in healthy runs, too.",
                "batch 中最差的 token。健康的训练里个别 token 也会差很多。",
            ),
        },
    ),
    m.LOG_PERPLEXITY_DIFFERENCE: plain(
        "The same over whole completions: log perplexity by the trainer minus that by the sampler.",
        "整条回答上的差异：训练引擎的对数困惑度减采样引擎的对数困惑度。",
        sources=(src.SWIFT_MISMATCH,),
        related=(m.PERPLEXITY_RATIO, m.LOGP_DIFFERENCE),
        healthy=on_its_own_level(GRPO),
    ),
    m.PERPLEXITY_RATIO: plain(
        "Above 1 the trainer is less sure of the completions than the sampler that wrote them.",
        "大于 1 表示训练引擎对这些回答不如采样引擎有把握。",
        sources=(src.VERL_CORRECTION, src.SWIFT_MISMATCH),
        related=(m.MISMATCH_PERPLEXITY,),
        healthy=noted(
            "Near 1 in health; the sources know of no limit.", "健康时接近 1，资料中没有给出限值。", GRPO
        ),
    ),
    m.MISMATCH_PERPLEXITY: plain(
        "How surprised each engine is by the completions. The two should move together.",
        "两个引擎各自对回答的困惑度，应同步变化。",
        sources=(src.SWIFT_MISMATCH,),
        related=(m.PERPLEXITY_RATIO,),
    ),
    m.MISMATCH_LOG_PERPLEXITY: plain(
        "The mean negative log probability of a token by each engine.",
        "两个引擎各自的平均负对数概率。",
        sources=(src.SWIFT_MISMATCH,),
        related=(m.LOG_PERPLEXITY_DIFFERENCE,),
    ),
    m.CHI_SQUARED: plain(
        "How much the importance weights scatter: what the correction costs in noise.",
        "重要性权重的离散程度，即校正所付出的噪声代价。",
        Good.DOWN,
        (src.VERL_CORRECTION,),
        related=(m.EFFECTIVE_SAMPLES, m.IMPORTANCE_RATIO),
        parts={
            "token": plain(
                "By tokens. Above 1 the distribution has shifted badly.",
                "按 token 计。大于 1 说明分布偏移严重。",
                Good.DOWN,
                (src.VERL_CORRECTION,),
                healthy={GRPO: Healthy(high=1.0, worry=Worry.ABOVE)},
            ),
            "sequence": plain(
                "By whole completions, where ratios multiply: far larger, and without a limit in the "
                "sources.",
                "按整条回答计，比值连乘，因此大得多，资料中没有限值。",
                Good.DOWN,
                (src.SWIFT_MISMATCH,),
            ),
        },
    ),
    m.IMPORTANCE_RATIO: plain(
        "Weight by which a completion counts so that the update fits the policy that is trained and not "
        "the one that sampled. 1 where both agree; the trainer usually caps it.",
        "用于校正采样与训练策略差异的权重，两者一致时为 1，框架通常会截断上限。",
        sources=(src.VERL_CORRECTION, src.SWIFT_MISMATCH, src.NEMO_GRPO),
        related=(m.EFFECTIVE_SAMPLES, m.IMPORTANCE_CLIPPED, m.MISMATCH_KL),
        parts={
            "mean": plain(
                "Mean weight. Far from 1 the update is biased.",
                "平均权重。明显偏离 1 说明更新有偏。",
                sources=(src.VERL_CORRECTION,),
                healthy={
                    GRPO: Healthy(
                        0.5,
                        2.0,
                        note=Text(
                            "1 is ideal. Weights of whole completions lie lower than those of tokens.",
                            "理想值为 1。按整条回答计算时低于按 token 计算。",
                        ),
                    )
                },
            ),
            "min": plain("The smallest weight: it hardly counts any more.", "最小权重，几乎不再起作用。"),
            "max": plain(
                "The largest weight, often the cap itself: single tokens that explode.",
                "最大权重，常等于截断上限，反映个别爆掉的 token。",
            ),
        },
    ),
    m.EFFECTIVE_SAMPLES: plain(
        "How much of the batch still counts: near 0 a few completions make the whole update.",
        "batch 中真正起作用的比例，接近 0 表示更新几乎由个别回答决定。",
        Good.UP,
        (src.VERL_CORRECTION, src.SWIFT_MISMATCH),
        related=(m.CHI_SQUARED, m.IMPORTANCE_RATIO),
        healthy={GRPO: Healthy(0.3, 1.0, Worry.BELOW)},
    ),
    m.IMPORTANCE_CLIPPED: plain(
        "Share of weights beyond the bound, cut to it or left out.",
        "超出界限而被截断或丢弃的权重比例。",
        Good.DOWN,
        (src.SWIFT_MISMATCH,),
        related=(m.IMPORTANCE_RATIO,),
        healthy=on_its_own_level(GRPO),
    ),
    m.PROBABILITY_DIFFERENCE: plain(
        "By how much the probability of a token differs between the two engines.",
        "同一 token 在两个引擎中的概率之差，取绝对值。",
        Good.DOWN,
        (src.VERL_TRANSFER,),
        related=(m.LOGP_DIFFERENCE, m.PROBABILITY_CORRELATION),
        parts={
            "mean": plain(
                "Over all tokens of the batch.",
                "batch 内全部 token 的均值。",
                Good.DOWN,
                (src.VERL_TRANSFER,),
                healthy={
                    GRPO: Healthy(
                        0.0,
                        0.01,
                        Worry.ABOVE,
                        note=Text(
                            "Above it for long: look for what the engines do differently.",
                            "长期高于此值，应排查两个引擎的差异。",
                        ),
                    )
                },
            ),
            "max": plain("The token that is furthest off.", "相差最大的 token。"),
        },
    ),
    m.PROBABILITY_CORRELATION: plain(
        "1 where both engines agree on every token, 0 where they have nothing in common.",
        "两个引擎对每个 token 都一致时为 1，毫不相干时为 0。",
        Good.UP,
        related=(m.PROBABILITY_DIFFERENCE,),
        healthy=noted("Close to 1; no source gives a limit.", "应接近 1，资料中没有限值。", GRPO),
    ),
    m.MULTIPLICATIVE_ERROR: plain(
        "1 where both agree. A steep rise is a fault of the weight update, a high level one of the "
        "framework.",
        "两者一致时为 1。陡升多为权重同步出错，长期偏高则是框架的问题。",
        Good.DOWN,
        (src.NEMO_GRPO, src.NEMO_ACCURACY),
        related=(m.LOGP_DIFFERENCE,),
        parts={
            "token": plain(
                "Mean over tokens.",
                "按 token 平均。",
                Good.DOWN,
                (src.NEMO_ACCURACY,),
                healthy={
                    GRPO: Healthy(
                        1.0,
                        1.05,
                        Worry.ABOVE,
                        note=Text(
                            "Above it a fault of the framework is likely.", "高于此值很可能是框架出错。"
                        ),
                    )
                },
            ),
        },
    ),
    m.IMPORTANCE_BEYOND: plain(
        "Weights outside of the bounds, told apart by side: high ones are tokens that the sampler thought "
        "unlikely.",
        "超出界限的权重比例，分上下两侧；偏高的一侧是采样时认为不太可能的 token。",
        Good.DOWN,
        (src.VERL_CORRECTION,),
        related=(m.IMPORTANCE_CLIPPED, m.IMPORTANCE_RATIO),
        healthy=on_its_own_level(GRPO),
    ),
    m.REJECTED: plain(
        "What the correction refuses to learn from. Rising: the engines drift apart, and the step costs "
        "more for less.",
        "因差异过大而拒绝学习的比例，上升说明两个引擎渐行渐远，每步收益变少。",
        Good.DOWN,
        (src.VERL_CORRECTION, src.TRAINERS),
        related=(m.MISMATCH_KL, m.EFFECTIVE_SAMPLES),
        healthy=on_its_own_level(GRPO),
    ),
    m.RETOKENISED: plain(
        "Turns whose prompt, tokenised again, is not what the model wrote: it learns from other tokens "
        "than it sampled.",
        "重新分词后与模型原输出对不上的轮次比例，模型所学的 token 并非当初采样的 token。",
        Good.DOWN,
        related=(m.TOKEN_DRIFT, m.MISMATCH_KL),
        parts={
            "fork": plain(
                "They part from the turn before, so that a new sample begins.",
                "与上一轮不再衔接，只能另起一个样本。",
                Good.DOWN,
            ),
            "realign": plain(
                "They part and could be brought together again.", "对不上但重新对齐成功。", Good.DOWN
            ),
        },
    ),
    m.TOKEN_DRIFT: plain(
        "How many tokens such turns are off.",
        "这些轮次偏移了多少 token。",
        Good.DOWN,
        related=(m.RETOKENISED,),
    ),
}
