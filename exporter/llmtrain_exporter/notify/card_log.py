"""Cards that no bot gets, where the log goes and in its format."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import TextIO

from llmtrain_exporter.logs import escaped, without_secrets
from llmtrain_exporter.notify.card import Card, PlainText, body_text

TITLE = "Card, and no bot to send it to"

log = logging.getLogger(__name__)


def text_lines(card: Card) -> list[str]:
    """A card as plain text. Texts of strangers stand in it: a line of it is still one line."""
    return [card.title, "", *body_text(card, PlainText()).split("\n")]


def card_log(log_format: str, stream: TextIO) -> Callable[[Card], None]:
    """Writes cards to a stream, as "text" or as "json"."""
    return lambda card: (_as_json if log_format == "json" else _as_text)(card, stream)


def _lines(card: Card) -> list[str]:
    return [escaped(without_secrets(line)) for line in text_lines(card)]


def _as_json(card: Card, stream: TextIO) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = {"time": moment, "level": "info", "logger": __name__, "message": TITLE, "card": _lines(card)}
    print(json.dumps(record, ensure_ascii=False), file=stream, flush=True)


def _as_text(card: Card, stream: TextIO) -> None:
    log.info("%s:", TITLE)
    print("\n".join(f"    {line}".rstrip() for line in _lines(card)), file=stream, flush=True)
