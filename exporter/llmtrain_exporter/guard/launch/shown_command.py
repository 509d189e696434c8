"""A command line as people may see it: what is secret in it stays untold."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from hashlib import blake2b

HIDDEN = "***"

_SECRET_NAME = re.compile(
    r"password|passwd|secret|credential|webhook|authorization|api_?key|private_?key|access_?key"
    r"|(?:^|[_.])(?:hub|hf|hugging_?face|auth|access|api|bearer|login|github|model_?scope|wandb|swanlab)_token$"
    r"|^token$|^use_hf_token$",
    re.IGNORECASE,
)
"""Names of settings and variables whose values are secret. `pad_token` and `max_tokens` are none."""

_SECRET_VALUE = re.compile(r"(?:hf_|sk-|ghp_|glpat-)[\w-]{16,}|(?<=://)[^/@\s]+:[^/@\s]+(?=@)")
"""Tokens by the form that their makers gave them, and the user and password of an address."""


def shown_command(words: Sequence[str]) -> str:
    """The words as a shell takes them, with *** for what is secret."""
    return shlex.join(_shown(words))


def identity_of_command(words: Sequence[str]) -> str:
    """By which the same command is known again, and nothing of it is told."""
    return blake2b("\0".join(words).encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _shown(words: Sequence[str]) -> Iterator[str]:
    hides_next = False
    for word in words:
        name, assigned, _ = word.partition("=")
        is_flag = word.startswith("-")
        is_secret = _SECRET_NAME.search(name.lstrip("-").replace("-", "_")) is not None
        if hides_next and not is_flag:
            yield HIDDEN
        elif assigned and is_secret:
            yield f"{name}={HIDDEN}"
        else:
            yield _SECRET_VALUE.sub(HIDDEN, word)
        hides_next = is_flag and not assigned and is_secret
