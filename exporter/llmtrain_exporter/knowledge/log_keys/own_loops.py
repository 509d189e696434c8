"""Keys of Lightning, of Stable-Baselines3, and of loops that people write themselves.

Transformers calls something else `train_loss`, which it logs with the last row alone.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import row
from llmtrain_exporter.knowledge.log_keys.log_key import feeds, unnamed
from llmtrain_exporter.knowledge.metric import Key

_OTHERS = ("loss", *row.ENDS)

_OPTIMIZERS = ("AdamW", "Adam", "SGD", "Adafactor", "Lion", "Muon", "FusedAdam", "DeepSpeedCPUAdam")
"""As Lightning's LearningRateMonitor names them; the first of several groups of parameters counts."""

KEYS = (
    *feeds(
        c.LOSS,
        Key("train_loss", unless=_OTHERS),
        Key("training_loss", unless=("train_loss", *_OTHERS)),
        Key("train_loss_step", unless=("train_loss", *_OTHERS)),  # Lightning's, where it logs epochs as well
        Key("loss_step", unless=("train_loss", "train_loss_step", *_OTHERS)),
    ),
    *feeds(
        c.LEARNING_RATE,
        *(f"lr-{name}{group}" for name in _OPTIMIZERS for group in ("", "/pg1")),
    ),
    *unnamed("time/fps", "time/iterations", "time/time_elapsed", "time/total_timesteps"),
)
