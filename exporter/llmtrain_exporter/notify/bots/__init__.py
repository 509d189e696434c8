"""The chats: how each wants its message, what it refuses, and how it says so. One module per chat.

A new chat is a module with a `CHAT`, and its place in the list here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmtrain_exporter.notify.bots import dingtalk, discord, feishu, slack, telegram, wecom
from llmtrain_exporter.notify.bots.chat import Chat

CHATS: Mapping[str, Chat[Any]] = {
    module.CHAT.kind: module.CHAT for module in (feishu, dingtalk, wecom, slack, discord, telegram)
}
"""By the kind that stands in the settings."""
