"""What a client asks for in its headers: a format, a compression, to be let in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)


def wants_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics 1.0.0 is asked for by its name, and no less than the text format is."""
    openmetrics = text = 0.0
    for name, parameters, quality in _choices(accept):
        version = parameters.get("version")
        if name == "application/openmetrics-text" and version in (None, "1.0.0"):
            openmetrics = max(openmetrics, quality)
        elif name in ("text/*", "*/*") or (name == "text/plain" and version in (None, "0.0.4")):
            text = max(text, quality)
    return 0 < openmetrics >= text


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the answer may be compressed with gzip."""
    qualities = {name: quality for name, _, quality in _choices(accept_encoding)}
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def credentials(authorization: str) -> tuple[str, str] | None:
    """User and password of basic authentication, None if there is none to be read."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def _choices(header: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, parameters and quality of each choice in such a header; a quality that is none counts as 0."""
    for choice in header.lower().split(","):
        name, *pairs = choice.split(";")
        split = (pair.partition("=") for pair in pairs)
        parameters = {key.strip(): value.strip(' \t"') for key, _, value in split}
        quality = parameters.pop("q", "1")
        yield name.strip(), parameters, float(quality) if _QUALITY.fullmatch(quality) else 0.0
