"""Which labels `instance` are believed: an alert is anybody's word, the settings are not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?", re.ASCII)
_PART_OF_A_NAME = "[A-Za-z0-9-]*"  # between two dots, so that gpu-* is no host of somebody else's domain


class KnownInstances:
    """Those that {instance} in an address may stand for."""

    def __init__(self, patterns: Iterable[str] = (), exporters: Iterable[str] = ()) -> None:
        """`patterns`: HOST:PORT, with * for a part of a name; `exporters`: addresses that are asked."""
        self._patterns = tuple(map(_pattern, patterns))
        self._hosts = frozenset(urlsplit(url).netloc for url in exporters)

    def knows(self, instance: str) -> bool:
        """Whether it is one of them. Only what is no longer than a host is held against patterns."""
        if _HOST.fullmatch(instance) is None:
            return False
        return instance in self._hosts or any(pattern.fullmatch(instance) for pattern in self._patterns)


def _pattern(instance: str) -> re.Pattern[str]:
    return re.compile(_PART_OF_A_NAME.join(map(re.escape, instance.split("*"))))
