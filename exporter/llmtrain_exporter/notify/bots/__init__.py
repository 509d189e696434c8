"""One file per chat, each with its descriptor as `CHAT`; nothing else lies in this folder."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from llmtrain_exporter.notify.chat.descriptor import Chat

_NAMES = sorted(module.name for module in pkgutil.iter_modules(__path__))

CHATS: Mapping[str, Chat[Any]] = MappingProxyType(
    {name: import_module(f"{__name__}.{name}").CHAT for name in _NAMES}
)
"""Every chat by its kind, which is its file's name."""
