"""The chats: how each wants its message, what it refuses, and how it says so. One module per chat."""

from collections.abc import Mapping

from llmtrain_exporter.notify.bots import dingtalk, discord, feishu, slack, wecom
from llmtrain_exporter.notify.bots.base import Chat

CHATS: Mapping[str, Chat] = {
    "feishu": feishu.CHAT,
    "dingtalk": dingtalk.CHAT,
    "wecom": wecom.CHAT,
    "slack": slack.CHAT,
    "discord": discord.CHAT,
}
"""By the kind that stands in the settings."""
