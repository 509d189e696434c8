"""How the policy or model is trained: loss, gradients, divergence, clipping, entropy."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry
from llmtrain_exporter.knowledge.catalogue.preference import OF_PAIRS, REWARDS_OF_PAIRS
from llmtrain_exporter.knowledge.metric import Group, Key

_O = Group.OPTIMISATION

LOSS = entry("loss", _O, "Loss as logged.", "loss", "ppo/loss/total", split=True, essential=True)
GRAD_NORM = entry("grad_norm", _O, "L2 norm of the gradients before clipping.", "grad_norm", essential=True)
LEARNING_RATE = entry(
    "learning_rate", _O, "Learning rate in force.", "learning_rate", "lr", "ppo/learning_rate"
)
KL = entry(
    "kl",
    _O,
    "Divergence of the policy from its reference model, mean per token unless the trainer says otherwise.",
    "kl",
    split=True,
    essential=True,
)
CLIP_RATIO = entry(
    "clip_ratio",
    _O,
    "Share of token probability ratios that hit the clipping bound.",
    "clip_ratio/{}",
    Key("clip_ratio", fixed="region_mean"),
    Key("policy/clipfrac_avg", fixed="region_mean"),
    Key("ppo/policy/clipfrac", fixed="region_mean"),
    Key("cispo_clip_ratio", fixed="cispo"),
    label="bound",
    split=True,
)
ENTROPY = entry(
    "entropy",
    _O,
    "Entropy of the predicted token distribution, in nats.",
    "entropy/{}",
    Key("entropy", fixed="mean"),
    Key("policy/entropy_avg", fixed="mean"),
    Key("ppo/policy/entropy", fixed="mean"),
    label="stat",
    split=True,
)
TOKEN_ACCURACY = entry(
    "token_accuracy_ratio",
    _O,
    "Share of tokens predicted right.",
    "token_acc",
    "mean_token_accuracy",
    Key("acc", unless=REWARDS_OF_PAIRS),
    Key(
        "accuracy", beside=("eval_loss",), unless=(*OF_PAIRS, "reward")
    ),  # says not of what: of tokens in SFT
    split=True,
)
SEQUENCE_ACCURACY = entry(
    "sequence_accuracy_ratio",
    _O,
    "Share of whole answers predicted right, token by token.",
    "seq_acc",
    "record_acc",
    split=True,
)

METRICS = (LOSS, GRAD_NORM, LEARNING_RATE, KL, CLIP_RATIO, ENTROPY, TOKEN_ACCURACY, SEQUENCE_ACCURACY)
