"""What scores and losses of evaluations mean."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import evaluation as e
from llmtrain_exporter.knowledge.meaning import Good, Meaning
from llmtrain_exporter.knowledge.meanings.plain import noted, on_its_own_level, plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import GENERIC, GRPO, PPO, SFT

EVALUATION: Mapping[Metric, Meaning] = {
    e.TEXT_SCORE: plain(
        "How many words and word groups a generated text shares with the reference: 1 is the same text. "
        "Rewards likeness of words and not of meaning.",
        "生成文本与参考文本共有的词和词组比例，1 为完全相同。衡量的是用词相似，而非意思相同。",
        Good.UP,
        related=(c.TOKEN_ACCURACY, c.LOSS),
        healthy=on_its_own_level(SFT, GENERIC),
        parts={
            "rouge-1": plain("Single words.", "单个词。", Good.UP),
            "rouge-2": plain("Pairs of words in a row.", "相邻的两个词。", Good.UP),
            "rouge-l": plain("The longest sequence in common.", "最长公共子序列。", Good.UP),
            "bleu-4": plain(
                "Groups of up to four words, by precision.", "最多四个词的词组，按精确率。", Good.UP
            ),
        },
    ),
    e.RANKING_SCORE: plain(
        "1 where the relevant text always comes first.",
        "相关文本总排在最前时为 1。",
        Good.UP,
        healthy=on_its_own_level(SFT, GENERIC),
        parts={
            "mrr": plain(
                "Mean of one over the place of the first relevant text.",
                "首个相关文本排名倒数的均值。",
                Good.UP,
            ),
            "ndcg": plain(
                "The whole order, with places in front weighing more.",
                "整体排序质量，越靠前权重越大。",
                Good.UP,
            ),
        },
    ),
    e.EMBEDDING_CORRELATION: plain(
        "Whether embeddings are near each other where people find the texts alike: 1 always, 0 never.",
        "人认为相似的文本，其向量是否也接近：1 完全一致，0 毫无关系。",
        Good.UP,
        related=(e.EMBEDDING_SIMILARITY,),
        healthy=on_its_own_level(SFT, GENERIC),
        parts={
            "pearson*": plain("By the values themselves.", "按数值本身计算。", Good.UP),
            "spearman*": plain("By the order alone.", "仅按排序计算。", Good.UP),
        },
    ),
    e.EMBEDDING_SIMILARITY: plain(
        "The two should part. Both near 1: all embeddings have become one.",
        "两者应当拉开。都接近 1 说明所有向量坍缩到一处。",
        related=(e.EMBEDDING_MARGIN,),
        parts={
            "positive": plain("Pairs that belong together.", "正样本对。", Good.UP),
            "negative": plain("Pairs that do not.", "负样本对。", Good.DOWN),
        },
    ),
    e.EMBEDDING_MARGIN: plain(
        "How clearly the two kinds of pairs are told apart.",
        "正负样本对的区分度。",
        Good.UP,
        related=(e.EMBEDDING_SIMILARITY,),
        healthy=on_its_own_level(SFT, GENERIC),
    ),
    e.DATASET_LOSS: plain(
        "Loss on each of the evaluation sets: one that rises while the others fall is being forgotten.",
        "各验证集的 loss。某一个上升而其余下降，说明那部分能力正在遗忘。",
        Good.DOWN,
        related=(c.LOSS, c.EVAL_TRAIN_LOSS),
        healthy=on_its_own_level(SFT, GENERIC),
    ),
    e.DATASET_PERPLEXITY: plain(
        "Exponential of the loss on each of the evaluation sets.",
        "各验证集 loss 的指数。",
        Good.DOWN,
        related=(e.DATASET_LOSS,),
    ),
    e.VALIDATION_SCORE: plain(
        "What the run is done for: the score on prompts that it does not learn from. Where the training "
        "reward rises and this stays level, the reward is being hacked.",
        "训练真正的目标：在不参与学习的题目上的得分。训练奖励上升而它走平，说明在钻奖励的空子。",
        Good.UP,
        related=(c.REWARD, e.VALIDATION_DETAIL),
        healthy=noted("Should follow the training reward.", "应跟随训练奖励。", GRPO, PPO, GENERIC),
    ),
    e.VALIDATION_DETAIL: plain(
        "Spread, best and worst of several answers to a prompt, and how they ended: best far above mean "
        "leaves room to learn.",
        "同一题多次作答的离散程度、最好与最差，以及如何结束。最好远高于平均说明仍有提升空间。",
        related=(e.VALIDATION_SCORE,),
    ),
    e.VALIDATION_LENGTH: plain(
        "Length of the answers to validation prompts; should move with that in training.",
        "验证题上的回答长度，应与训练时同步变化。",
        related=(c.COMPLETION_LENGTH, e.VALIDATION_SCORE),
        healthy=on_its_own_level(GRPO, PPO),
    ),
}
