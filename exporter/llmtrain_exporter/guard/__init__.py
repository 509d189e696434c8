"""The guard: inside a training that it watches (callback, hook), and around it (protect, launch, rescue).

`from llmtrain_exporter.guard import Guard` is all that a script of one's own needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmtrain_exporter.guard.inside.callback import Guard as Guard


def __getattr__(name: str) -> Any:
    """The callback, when it is asked for: whoever wants another part of this room does without it."""
    if name != "Guard":
        raise AttributeError(name)
    from llmtrain_exporter.guard.inside.callback import Guard

    return Guard
