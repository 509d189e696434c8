"""Keys of Lightning, and of loops that people write themselves.

Transformers calls something else `train_loss`, which it logs with the last row alone.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import row
from llmtrain_exporter.knowledge.log_keys.log_key import feeds
from llmtrain_exporter.knowledge.metric import Key

_OTHERS = ("loss", *row.ENDS)

KEYS = (
    *feeds(
        c.LOSS,
        Key("train_loss", unless=_OTHERS),
        Key("training_loss", unless=("train_loss", *_OTHERS)),
        Key("train_loss_step", unless=("train_loss", *_OTHERS)),  # Lightning's, where it logs epochs as well
        Key("loss_step", unless=("train_loss", "train_loss_step", *_OTHERS)),
    ),
)
