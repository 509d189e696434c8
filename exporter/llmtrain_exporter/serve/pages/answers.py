"""Answers that a client need not fetch twice, and smaller where it can unpack them."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import orjson
from starlette.requests import Request
from starlette.responses import Response

from llmtrain_exporter.serve.deflate import deflate, gzip_pieces
from llmtrain_exporter.web.negotiate import accepts_gzip

WORTH_IT = 1000  # bytes
JSON = "application/json"
REVALIDATED = "no-cache"
"""Kept by the client, and asked after each time."""

BY_SIZE, BY_LANGUAGE = "Accept-Encoding", "Accept-Encoding, Accept-Language"
"""What of a request an answer depends on, beside its address."""


def header(request: Request, name: str) -> str:
    """A header's value, empty where it is missing; what was sent in several lines as one."""
    return ",".join(request.headers.getlist(name))


def tag_of(body: bytes) -> str:
    """The entity tag of a body, the same for its compressed form."""
    return f'W/"{blake2b(body, digest_size=12).hexdigest()}"'


def known(request: Request, tag: str) -> bool:
    """Whether the client has what goes by that tag."""
    return tag in header(request, "if-none-match")


def unchanged(tag: str, cache: str = REVALIDATED, vary: str = BY_SIZE) -> Response:
    """Nothing new since the client has asked before."""
    return Response(None, 304, {"ETag": tag, "Cache-Control": cache, "Vary": vary})


def answer(
    request: Request,
    body: bytes,
    kind: str,
    status: int = 200,
    *,
    tag: str = "",
    cache: str = REVALIDATED,
    vary: str = BY_SIZE,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The body, or 304 where the client has it.

    `kind`: media type; `tag`: the entity tag, made from the body without it; `cache`: how long it is kept.
    """
    tag = tag or tag_of(body)
    if status == 200 and known(request, tag):
        return unchanged(tag, cache, vary)
    sent = {"ETag": tag, "Cache-Control": cache, "Vary": vary, **(headers or {})}
    if len(body) < WORTH_IT or not accepts_gzip(header(request, "accept-encoding")):
        return Response(body, status, sent, kind)
    packed = b"".join(gzip_pieces(deflate(body), b""))
    return Response(packed, status, {**sent, "Content-Encoding": "gzip"}, kind)


def json_answer(
    request: Request, content: object, status: int = 200, *, tag: str = "", vary: str = BY_SIZE
) -> Response:
    """The content as JSON. NaN and infinities become null. `tag`, `vary`: see `answer`."""
    body = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
    return answer(request, body, JSON, status, tag=tag, vary=vary)
