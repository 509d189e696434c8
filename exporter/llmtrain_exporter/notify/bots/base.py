"""What every chat has: a rate, a way to write a card, and a way to tell whether it took it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from llmtrain_exporter.notify.bucket import Rate
from llmtrain_exporter.notify.card import Card, Tone
from llmtrain_exporter.notify.client import Answer, Call
from llmtrain_exporter.notify.config.configure import Bot
from llmtrain_exporter.printable import printable

COLOURS = {
    Tone.CRITICAL: 0xD92D20,
    Tone.WARNING: 0xF79009,
    Tone.INFO: 0x2E90FA,
    Tone.GOOD: 0x12B76A,
    Tone.OVER: 0x98A2B3,
}
ZERO_WIDTH = "\u200b"


class Verdict(str, Enum):
    """What became of a message."""

    ACCEPTED = "accepted"
    LATER = "later"  # the same message may be taken some time from now
    NEVER = "never"  # this message is not taken; another might be
    CLOSED = "closed"  # no message is taken until a person has done something


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and why: in one word (a label value) and in a sentence.

    `wait`: seconds for which the bot wants to be left alone; None: it did not say.
    """

    verdict: Verdict
    reason: str = ""
    hint: str = ""
    wait: float | None = None


ACCEPTED = Judgement(Verdict.ACCEPTED)
RATE = Judgement(Verdict.LATER, "rate_limit", "it gets more messages than it may")
BUSY = Judgement(Verdict.LATER, "server_error", "its server has trouble")
UNREADABLE = Judgement(
    Verdict.LATER, "unreadable", "its answer is none of this chat's: is a proxy in between?"
)


def closed(reason: str, hint: str) -> Judgement:
    """A person has to do something."""
    return Judgement(Verdict.CLOSED, reason, hint)


def never(reason: str, hint: str) -> Judgement:
    """This card is not taken."""
    return Judgement(Verdict.NEVER, reason, hint)


@dataclass(frozen=True, slots=True)
class Chat:
    """One kind of chat.

    `message`: a card as this chat's JSON, and whether it had to be cut. `call`: the request that brings such
    a message to a bot at a Unix time, signed where the chat signs. `judge`: what an answer means. `picture`:
    a PNG as a message of its own; `attach`: a call with a PNG in it; `most_picture`: bytes of one.
    """

    rates: Sequence[Rate]
    message: Callable[[Card, Sequence[str]], tuple[dict[str, Any], bool]]
    call: Callable[[dict[str, Any], Bot, float], Call]
    judge: Callable[[Answer], Judgement]
    picture: Callable[[bytes], dict[str, Any]] | None = None
    attach: Callable[[dict[str, Any], Bot, bytes], Call] | None = None
    most_picture: int = 0


def encoded(message: object) -> bytes:
    """JSON in UTF-8, without escapes that would only make it longer."""
    try:
        return orjson.dumps(message)
    except TypeError:  # half of a surrogate pair, which UTF-8 cannot say
        return json.dumps(message).encode()


def size(message: object) -> int:
    """Bytes of a message as it is sent."""
    return len(encoded(message))


def plain_call(message: dict[str, Any], bot: Bot, _now: float) -> Call:
    """The request of a chat that signs nothing."""
    return Call(bot.url, encoded(message))


def by_status(answer: Answer) -> Judgement | None:
    """What the HTTP status alone tells, None if it tells nothing."""
    if answer.status == 429:
        return Judgement(Verdict.LATER, RATE.reason, RATE.hint, retry_after(answer))
    if answer.status >= 500 or answer.status == 408:
        return BUSY
    return None


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait, as the header says."""
    found = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
    try:
        seconds = float(found)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


def by_code(answer: Answer, key: str, codes: Mapping[int, Judgement]) -> Judgement:
    """The judgement of a chat that says in the body how it went, whatever the status."""
    said = body(answer)
    code = said.get(key)
    if type(code) is not int:
        return by_status(answer) or (UNREADABLE if answer.status < 400 else _strange(str(answer.status)))
    if code == 0:
        return ACCEPTED if answer.status < 300 else by_status(answer) or UNREADABLE
    return codes.get(code) or by_status(answer) or _strange(f"{code} {message(said)}")


def _strange(what: str) -> Judgement:
    return closed("unknown", f"it answers {what.strip()}")


def body(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer, empty if there is none."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def message(said: Mapping[str, Any]) -> str:
    """The words in such an object. They may quote what was sent."""
    words = next((said[key] for key in ("errmsg", "msg", "message") if isinstance(said.get(key), str)), "")
    return printable(words)[:200]


def defused(text: str) -> str:
    """Addresses in it are no links any more: chats make them of whatever looks like one."""
    return text.replace("://", f":{ZERO_WIDTH}//").replace("www.", f"www{ZERO_WIDTH}.")


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
