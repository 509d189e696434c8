"""A command line as people may see it: what is secret in it stays untold."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from hashlib import blake2b

HIDDEN = "***"

_SECRET = re.compile(
    r"passw|secret|credential|webhook|authorization"
    r"|(?:api|private|access|secret|wandb|swanlab)_?keys?$|(?:^|_)token$",
    re.IGNORECASE,
)
"""Names of settings and variables whose values are secret, with underscores for hyphens and points."""

_OF_TEXTS = re.compile(
    r"(?:pad|eos|bos|unk|mask|sep|cls|image|video|audio|stop|special|start|end|response|think)_token$",
    re.IGNORECASE,
)
"""Tokens that a model reads, and that are none."""

_ASSIGNED = re.compile(r"""(?<![\w.-])([\w.-]+)["']?\s*[=:]\s*["']?(?:Bearer\s+|Basic\s+)?""", re.IGNORECASE)
"""`NAME=value`, `"name": "value"`, `?name=value`, wherever in a word: a script for a shell is one word.

Each is the way to the value alone, and a name is looked at from its begin: words may be long.
"""

_FLAG_IN_SCRIPT = re.compile(r"""(?<![\w.-])(--[\w.-]+)\s+["']?(?!-)""")

_VALUE = re.compile(r"""[^\s"'&;,}\]]+""")

_SECRET_VALUE = re.compile(r"(?:hf_|sk-|gh[a-z]_|github_pat_|glpat-)[\w-]{16,}|(?<=://)[^/@\s]+(?=@)")
"""Tokens by the form that their makers gave them, and who is let in by an address."""


def shown_command(words: Sequence[str]) -> str:
    """The words as a shell takes them, with *** for what is secret."""
    return shlex.join(_shown(words))


def identity_of_command(words: Sequence[str]) -> str:
    """By which the same command is known again, and nothing of it is told."""
    return blake2b("\0".join(words).encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _shown(words: Sequence[str]) -> Iterator[str]:
    is_hidden = False
    for word in words:
        if word.startswith("--"):
            is_hidden = "=" not in word and _is_secret(word)
        elif is_hidden:
            yield HIDDEN
            continue
        yield _without_secrets(word)


def _is_secret(name: str) -> bool:
    name = name.strip("-").replace("-", "_").replace(".", "_")
    return _SECRET.search(name) is not None and _OF_TEXTS.search(name) is None


def _without_secrets(word: str) -> str:
    word = _SECRET_VALUE.sub(HIDDEN, word)
    for way in (_ASSIGNED, _FLAG_IN_SCRIPT):
        word = "".join(_hiding(word, way))
    return word


def _hiding(word: str, way: re.Pattern[str]) -> Iterator[str]:
    """The word in pieces, without the values to which that way leads from a secret name."""
    told = 0
    for named in way.finditer(word):
        value = _VALUE.match(word, named.end()) if _is_secret(named[1]) else None
        if value is not None and named.start() >= told:
            yield from (word[told : named.end()], HIDDEN)
            told = value.end()
    yield word[told:]
