"""What a bot's answer means: taken, later, never, or not before a person has done something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import Answer
from llmtrain_exporter.printable import printable


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
    hint: Text | None = None
    wait: float | None = None


ACCEPTED = Judgement(Verdict.ACCEPTED)
RATE = Judgement(Verdict.LATER, "rate_limit", words.RATE)
BUSY = Judgement(Verdict.LATER, "server_error", words.BUSY)
UNREADABLE = Judgement(Verdict.LATER, "unreadable", words.UNREADABLE)


def closed(reason: str, hint: Text) -> Judgement:
    """A person has to do something."""
    return Judgement(Verdict.CLOSED, reason, hint)


def never(reason: str, hint: Text) -> Judgement:
    """This card is not taken."""
    return Judgement(Verdict.NEVER, reason, hint)


KEYWORD = closed("keyword", words.KEYWORD)
UNREADABLE_CARD = never("card", words.CARD)


def unread_card(answer: str) -> Judgement:
    """The card cannot be read; `answer`: what the chat says of it."""
    return never("card", filled(words.CARD_BECAUSE, answer=answer))


def filled(text: Text, **values: object) -> Text:
    """A text in each language, with these values."""
    return Text(text.en.format(**values), text.zh.format(**values))


def by_status(answer: Answer, wait: object = None) -> Judgement | None:
    """What the HTTP status alone tells, None if it tells nothing. `wait`: seconds that the body asks for."""
    if answer.status == 429:
        asked = _seconds(_header(answer, "retry-after"))
        return Judgement(Verdict.LATER, RATE.reason, RATE.hint, _seconds(wait) if asked is None else asked)
    if answer.status >= 500 or answer.status == 408:
        return BUSY
    return None


def _header(answer: Answer, wanted: str) -> str:
    return next((value for name, value in answer.headers.items() if name.lower() == wanted), "")


def _seconds(wait: object) -> float | None:
    """A time to wait, None if it is none, or more than a day."""
    try:
        seconds = float(wait) if isinstance(wait, str | int | float) else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


def by_code(answer: Answer, key: str, codes: Mapping[int, Judgement]) -> Judgement:
    """The judgement of a chat that says in the body how it went, whatever the status."""
    content = body(answer)
    code = content.get(key)
    if type(code) is not int:
        return by_status(answer) or (UNREADABLE if answer.status < 400 else _strange(str(answer.status)))
    if code == 0:
        return ACCEPTED if answer.status < 300 else by_status(answer) or UNREADABLE
    return codes.get(code) or by_status(answer) or _strange(f"{code} {own_words(content)}")


def _strange(what: str) -> Judgement:
    return closed("unknown", filled(words.STRANGE, answer=what.strip()))


def body(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer, empty if there is none."""
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def own_words(content: Mapping[str, Any]) -> str:
    """The words in such an object. They may quote what was sent."""
    keys = ("errmsg", "msg", "message", "description")
    return printable(next((content[key] for key in keys if isinstance(content.get(key), str)), ""))[:200]
