"""Who may ask: basic authentication against bcrypt hashes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from hashlib import blake2b

import bcrypt


class Users:
    """Names with their bcrypt hashes, at least one. What was right once is known without bcrypt."""

    def __init__(self, hashes: Mapping[str, str], salt: bytes | None = None) -> None:
        self._hashes = {user: known.encode() for user, known in hashes.items()}
        self._stand_in = next(iter(self._hashes.values()))
        self._salt = secrets.token_bytes(32) if salt is None else salt
        self._seen: dict[str, bytes] = {}  # digests of right passwords: one a user, so it cannot grow

    def remembers(self, user: str, password: str) -> bool:
        """Whether this password was found right before. Takes microseconds."""
        return hmac.compare_digest(self._seen.get(user, b""), self._digest(user, password))

    def verify(self, user: str, password: str) -> bool:
        """Whether this is that user's password. Takes as long as bcrypt does, 50 ms and more."""
        known = self._hashes.get(user)
        # Of an unknown user another's hash is checked, so that the time does not tell who exists.
        right = bcrypt.checkpw(_key(password), known or self._stand_in) and known is not None
        if right:
            self._seen[user] = self._digest(user, password)
        return right

    def _digest(self, user: str, password: str) -> bytes:
        name = blake2b(user.encode("utf-8", "surrogatepass"), key=self._salt).digest()
        return blake2b(_key(password), key=name).digest()


def _key(password: str) -> bytes:
    # bcrypt reads 72 bytes; newer libraries refuse what older ones, and other exporters, cut off.
    return password.encode("utf-8", "surrogatepass")[:72]
