"""What the ranks of a training do alike: the first decides, a broadcast tells the others.

Nothing that one rank does alone may wait for the others. So before the first broadcast each rank looks
whether all of them have a guard: one that could not load it would leave the others waiting for ever.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_PRESENT = "llmtrain_guard/{}"


class Ranks:
    """The processes of one training. `together` is None until it is known whether all have a guard."""

    def __init__(self, distributed: ModuleType | None, device: object) -> None:
        """`distributed`: torch.distributed where there are several processes. `device`: of the broadcast."""
        self._distributed: Any = distributed
        self._device = device
        self.rank = distributed.get_rank() if distributed else 0
        self.size = distributed.get_world_size() if distributed else 1
        self.together: bool | None = None if distributed else True

    def arrive(self) -> None:
        """Say that this rank has a guard; before its first step."""
        if self._distributed is not None:
            self._store().set(_PRESENT.format(self.rank), "1")

    def look(self) -> bool:
        """Whether all ranks have a guard. After a first step, which none ends before all have begun it."""
        if self.together is None:
            self.together = bool(self._store().check([_PRESENT.format(rank) for rank in range(self.size)]))
        return self.together

    def agree(self, values: Sequence[float]) -> tuple[float, ...]:
        """The first rank's numbers, as 32-bit floats, on each rank. All call it, at the same place."""
        if self._distributed is None:
            return tuple(values)
        torch = sys.modules["torch"]
        told = torch.tensor(list(values), dtype=torch.float32, device=self._device)
        self._distributed.broadcast(told, src=0)
        return tuple(told.tolist())

    def _store(self) -> Any:
        return self._distributed.distributed_c10d._get_default_store()  # there is no other way


def ranks_of(device: object) -> Ranks:
    """Those of this process. `device`: that of the training."""
    distributed = sys.modules.get("torch.distributed")
    several = (
        distributed is not None
        and distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )
    return Ranks(distributed if several else None, device)
