"""The rewards for ms-swift, which loads this file: `--external_plugins`; before 4.0 and since."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from tests.tiny_training import sums

_swift: Any = importlib.import_module("swift.rewards" if find_spec("swift.rewards") else "swift.plugin")

# Before 4.0 ms-swift asks for the memory of its device at each row, and fails where that is the processor.
_cpu: Any = importlib.import_module("torch").cpu
if not hasattr(_cpu, "max_memory_reserved"):
    _cpu.max_memory_reserved = lambda device=None: 0  # noqa: ARG005

for _name in ("well_formed", "right"):
    _swift.orms[_name] = type(_name, (_swift.ORM,), {"__call__": staticmethod(getattr(sums, _name))})
