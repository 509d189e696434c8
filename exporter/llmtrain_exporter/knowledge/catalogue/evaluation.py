"""What only evaluations have: scores of texts and embeddings, several data sets."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.metric import Group, Key, Unit

_E = Group.EVALUATION
_MEASURES = tuple(
    f"{method}_{likeness}"
    for method in ("pearson", "spearman")
    for likeness in ("cosine", "euclidean", "manhattan", "dot_product")
)

TEXT_SCORE = entry(
    "eval_text_score_ratio",
    _E,
    "Overlap of generated texts with the reference texts.",
    *(Key(f"eval_{score}", Unit.PERCENT, score) for score in ("rouge-1", "rouge-2", "rouge-l", "bleu-4")),
    label="score",
)
RANKING_SCORE = entry(
    "eval_ranking_score_ratio",
    _E,
    "How far in front a reranker puts what is relevant.",
    *parts("mrr", "ndcg", before="eval_"),
    label="score",
)
EMBEDDING_CORRELATION = entry(
    "eval_embedding_correlation",
    _E,
    "Correlation of the likeness of embeddings with the likeness of their texts.",
    *parts(*_MEASURES, before="eval_"),
    label="measure",
)
EMBEDDING_SIMILARITY = entry(
    "eval_embedding_similarity",
    _E,
    "Mean likeness of the embeddings of pairs that belong together, and of those that do not.",
    Key("eval_mean_pos", fixed="positive"),
    Key("eval_mean_neg", fixed="negative"),
    label="side",
)
EMBEDDING_MARGIN = entry(
    "eval_embedding_margin",
    _E,
    "Likeness of pairs that belong together minus likeness of those that do not.",
    Key("eval_margin", beside=("eval_mean_pos", "eval_mean_neg")),
)
DATASET_LOSS = entry(
    "eval_dataset_loss", _E, "Loss on one of several evaluation sets.", "eval_{}_loss", label="dataset"
)
DATASET_PERPLEXITY = entry(
    "eval_dataset_perplexity",
    _E,
    "Perplexity on one of several evaluation sets.",
    "eval_{}_perplexity",
    label="dataset",
)
VALIDATION_SCORE = entry(
    "validation_score",
    _E,
    "Score on validation prompts, by what the trainer calls it: data set, measure, samples.",
    label="of",
)
VALIDATION_DETAIL = entry(
    "validation_detail",
    _E,
    "What else is known of those: their spread, best and worst of several samples, how they ended.",
    label="of",
)
VALIDATION_LENGTH = entry(
    "validation_length_tokens", _E, "Length of completions on validation prompts, in tokens.", label="of"
)

METRICS = (
    *(TEXT_SCORE, RANKING_SCORE, EMBEDDING_CORRELATION, EMBEDDING_SIMILARITY, EMBEDDING_MARGIN),
    *(DATASET_LOSS, DATASET_PERPLEXITY, VALIDATION_SCORE, VALIDATION_DETAIL, VALIDATION_LENGTH),
)
