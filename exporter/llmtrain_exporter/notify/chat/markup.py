"""What the markups of chats have in common: whatever a text holds, it must do nothing there."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.notify.card import Tone

COLOURS = {
    Tone.CRITICAL: 0xD92D20,
    Tone.WARNING: 0xF79009,
    Tone.INFO: 0x2E90FA,
    Tone.GOOD: 0x12B76A,
    Tone.OVER: 0x98A2B3,
}
ZERO_WIDTH = "\u200b"


def defused(text: str) -> str:
    """Addresses in it are no links any more: chats make them of whatever looks like one."""
    return text.replace("://", f":{ZERO_WIDTH}//").replace("www.", f"www{ZERO_WIDTH}.")


def utf16_units(text: str) -> int:
    """Characters as many chats count them: units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class BoldMarkdown:
    """Markdown whose clients do not all show code. `_table`: what stands for the characters of the markup."""

    newline = "\n"
    _table: Mapping[int, str]

    def plain(self, text: str) -> str:
        """Words, nothing in them taken for markup."""
        return defused(text).translate(self._table)

    def strong(self, text: str) -> str:
        """In bold."""
        return f"**{self.plain(text)}**" if text else ""

    def code(self, text: str) -> str:
        """In bold too, since not every client shows code."""
        return self.strong(text)

    def link(self, text: str, url: str) -> str:
        """[words](address)"""
        return f"[{self.plain(text)}]({url})"


class LookAlikes(BoldMarkdown):
    """Of a chat that cannot escape: what is markup becomes a character that looks like it."""

    _table: Mapping[int, str] = str.maketrans(
        {"<": "\uff1c", ">": "\uff1e", "*": "\u2217", "`": "\u02cb", "~": "\u223c", "]": f"]{ZERO_WIDTH}"}
    )
