"""For Axolotl: `plugins: [llmtrain_exporter.guard.axolotl_plugin.GuardPlugin]` in the YAML of a training.

Source: axolotl/integrations/base.py, `BasePlugin` and `PluginManager`.
"""

from __future__ import annotations

import sys
from typing import Any

from llmtrain_exporter.guard.inside.callback import Guard

_BASE = "axolotl.integrations.base"


def callbacks_for(plugin: object, cfg: object, trainer: Any) -> list[Guard]:  # noqa: ARG001  # as Axolotl asks
    """The guard of a trainer that was made; none where the launcher has put one in."""
    present = trainer.callback_handler.callbacks
    return [] if any(isinstance(each, Guard) for each in present) else [Guard(trainer=trainer)]


def __getattr__(name: str) -> Any:
    """The plugin, a subclass of Axolotl's, which is loaded whenever somebody asks for it."""
    if name != "GuardPlugin":
        raise AttributeError(name)
    base = getattr(sys.modules.get(_BASE), "BasePlugin", object)
    return type(name, (base,), {"__doc__": __doc__, "add_callbacks_post_trainer": callbacks_for})
