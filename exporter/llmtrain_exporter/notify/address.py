"""Web addresses that do nothing in a chat but lead somewhere."""

from __future__ import annotations

import re
from urllib.parse import quote

MOST_CHARACTERS = 900  # quoted; three of them fit into the smallest message, and into its smallest block
# What no chat's markup takes for the end of an address. % stays, for what was quoted before.
_SAFE = "%/:=&?~#+!$,;@"
_ADDRESS = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)([/?#].*)?", re.DOTALL)


def safe(url: str) -> str | None:
    """An http or https address without anything that ends a link in some chat; None if it is none."""
    parts = _ADDRESS.fullmatch(url)
    if parts is None or not url.isprintable() or len(url) > MOST_CHARACTERS:
        return None
    quoted = parts[1] + quote(parts[2] or "", safe=_SAFE)
    return quoted if len(quoted) <= MOST_CHARACTERS else None
