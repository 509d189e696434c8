"""A request and its answer, without a way to send it: see `client`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a multipart body. `file_name`: of a file."""

    content: bytes = field(repr=False)
    media_type: str = "text/plain; charset=utf-8"
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request. Its address may be secret, and its body may hold a signature.

    `body`: JSON; `form`: a multipart body in its place. With neither it is a GET.
    """

    url: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    form: Mapping[str, FormField] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    direct: bool = False  # past the proxies of the environment


@dataclass(frozen=True, slots=True)
class Egress:
    """The way out, where it is not that of the environment.

    `proxy`: its address. `ca_file`: authorities in place of the usual ones.
    """

    proxy: str | None = None
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; `body` has at most the bytes that were asked for."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class NoAnswerError(Exception):
    """There was none. `reason`: timeout, tls, proxy, connection, redirect, too_large."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
