"""The value function (critic) of PPO and its relatives."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry
from llmtrain_exporter.knowledge.metric import Group, Key

_V = Group.VALUE

VALUE_LOSS = entry(
    "value_loss",
    _V,
    "Loss of the value function.",
    "loss/value_avg",
    "value_loss",
    "ppo/loss/value",
    split=True,
    essential=True,
)
VALUE_CLIP_RATIO = entry(
    "value_clip_ratio",
    _V,
    "Share of values that hit the clipping bound.",
    "val/clipfrac_avg",
    "ppo/val/clipfrac",
    split=True,
)
VALUE_EXPLAINED_VARIANCE = entry(
    "value_explained_variance",
    _V,
    "Share of the returns' variance that the value function explains; below 0 it is worse than their mean.",
    "ppo/val/var_explained",
    split=True,
)
VALUE_ERROR = entry(
    "value_error", _V, "Mean squared error of the predicted values.", "ppo/val/error", split=True
)
VALUE = entry(
    "value",
    _V,
    "Return that the value function, or the method's own estimate, expects.",
    Key("ppo/val/vpred", fixed="predicted"),
    Key("ppo/val/mean", fixed="mean"),
    Key("ppo/val/var", fixed="variance"),
    Key("v_star", fixed="optimal"),
    label="stat",
    split=True,
)
RETURN = entry(
    "return",
    _V,
    "Discounted reward from a token on.",
    Key("ppo/returns/mean", fixed="mean"),
    Key("ppo/returns/var", fixed="variance"),
    label="stat",
    split=True,
)
VALUE_GRAD_NORM = entry("value_grad_norm", _V, "L2 norm of the value function's gradients before clipping.")
VALUE_LEARNING_RATE = entry("value_learning_rate", _V, "Learning rate of the value function.")

METRICS = (
    *(VALUE_LOSS, VALUE_EXPLAINED_VARIANCE, VALUE_CLIP_RATIO, VALUE_ERROR, VALUE, RETURN),
    *(VALUE_GRAD_NORM, VALUE_LEARNING_RATE),
)
