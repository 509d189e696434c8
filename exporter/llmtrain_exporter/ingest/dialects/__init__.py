"""One file per dialect, each with its descriptor as `DIALECT`; nothing else lies in this folder."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from llmtrain_exporter.ingest.dialect import Dialect


@cache
def registered() -> Mapping[str, Dialect]:
    """Every dialect by its name, in the order of the names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    dialects: dict[str, Dialect] = {name: import_module(f"{__name__}.{name}").DIALECT for name in names}
    return MappingProxyType(dialects)
