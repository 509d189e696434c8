"""Which language a client reads."""

from __future__ import annotations

import re

from starlette.requests import Request

from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.serve.pages.answers import header

_CHOICE = re.compile(r"\s*([A-Za-z*]{1,8})(?:-[\w-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


def language(request: Request) -> Lang:
    """The language that the address names, else the one that the client prefers of those we have."""
    asked = request.query_params.get("lang")
    known = {lang.value: lang for lang in Lang}
    if asked in known:
        return known[asked]
    return preferred(header(request, "accept-language"))


def preferred(accept_language: str) -> Lang:
    """The first of our languages by the client's own order; English where it names none of them."""
    found = [_CHOICE.fullmatch(choice) for choice in accept_language.split(",")]
    wanted = {choice[1].lower(): float(choice[2] or 1) for choice in reversed(found) if choice is not None}
    known = [lang for lang in Lang if wanted.get(lang.value, 0.0) > 0]
    return max(known, key=lambda lang: wanted[lang.value], default=Lang.EN)
