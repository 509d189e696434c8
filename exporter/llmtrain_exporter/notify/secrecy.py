"""What of a bot must not be told: bots quote what they were sent, and answers end up in logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from llmtrain_exporter.notify.call import Answer

LEAST_PIECE = 12  # characters of a part of a secret that may itself be the secret
SHORTEST = 4  # characters of anything that is taken for a secret


def pieces(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """The secrets and their telling parts, such as the token in an address; the longest first."""
    found = {piece for secret in secrets for piece in _of_one(secret) if len(piece) >= SHORTEST}
    return tuple(piece.encode() for piece in sorted(found, key=lambda piece: (-len(piece), piece)))


def _of_one(secret: str) -> Iterable[str]:
    host = urlsplit(secret).netloc if "://" in secret else ""
    inner = secret.partition(host)[2] if host else secret
    yield secret
    yield inner.rpartition("/")[2].rpartition("=")[2]
    yield from (part for part in re.split(r"[/?&=:]", inner) if len(part) >= LEAST_PIECE)


def without(answer: Answer, secret: Sequence[bytes]) -> Answer:
    """The answer without them. Done before words are cut short: half a secret is not found any more."""
    body = answer.body
    for piece in secret:
        body = body.replace(piece, b"***")
    return replace(answer, body=body)
