"""One request and its answer: bounded in time and size, no redirects, and errors that tell no address.

Addresses of bots are secrets, and the exceptions of `requests` quote them: only a word of what happened
leaves this module.
"""

from __future__ import annotations

import time

import requests

from llmtrain_exporter.notify.call import JSON, Answer, Call, Egress, NoAnswerError

CONNECT_SECONDS = 5.0


def ask(
    call: Call,
    seconds: float,
    most: int,
    auth: tuple[str, str] | None = None,
    egress: Egress = Egress(),  # noqa: B008  # it is frozen
) -> Answer:
    """The answer within so many seconds and bytes. Raises NoAnswerError.

    Proxies and authorities are those of the environment (HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE) where
    `egress` names no others.
    """
    deadline = time.monotonic() + seconds
    try:
        with _Plain() as session, _send(session, call, seconds, auth, egress) as answer:
            if answer.is_redirect:
                raise NoAnswerError("redirect")  # to a stranger, for all that is known
            if "," in answer.headers.get("Content-Encoding", ""):
                raise NoAnswerError("too_large")  # packed twice, a few bytes can fill the memory
            return Answer(answer.status_code, _read(answer, most, deadline), dict(answer.headers))
    except (requests.RequestException, OSError, ValueError) as error:
        raise NoAnswerError(_reason(error)) from None


class _Plain(requests.Session):
    """Without what `requests` does unasked."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002  # its name there
        """None: `requests` would read the whole body of a redirect, however long, before it tells of one."""
        return None


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Nobody's credentials. Without any `requests` takes those of ~/.netrc, for whatever host it is."""
    return request


def _send(
    session: requests.Session, call: Call, seconds: float, auth: tuple[str, str] | None, egress: Egress
) -> requests.Response:
    files = {name: (part.file_name, part.content, part.media_type) for name, part in call.form.items()}
    return session.request(
        "POST" if files or call.body is not None else "GET",
        call.url,
        params=call.params,
        data=call.body,
        files=files or None,
        headers={} if call.body is None else {"Content-Type": JSON},
        auth=auth or _nobody,
        proxies=_proxies(call, egress),
        verify=egress.ca_file or None,  # an empty text would mean: verify nothing
        timeout=(min(CONNECT_SECONDS, seconds), seconds),
        allow_redirects=False,
        stream=True,
    )


def _proxies(call: Call, egress: Egress) -> dict[str, str] | None:
    """None: those of the environment."""
    proxy = "" if call.direct else egress.proxy
    return None if proxy is None else {"http": proxy, "https": proxy}


def _read(answer: requests.Response, most: int, deadline: float) -> bytes:
    """The body. A time-out is one of a silence; who drips is stopped by the deadline."""
    pieces: list[bytes] = []
    for piece in answer.iter_content(min(1 << 14, max(most >> 6, 1))):
        pieces.append(piece)
        if sum(map(len, pieces)) > most:
            raise NoAnswerError("too_large")
        if time.monotonic() > deadline:
            raise NoAnswerError("timeout")
    return b"".join(pieces)


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.Timeout, "timeout"),
    (requests.exceptions.SSLError, "tls"),
    (requests.exceptions.ProxyError, "proxy"),
)


def _reason(error: Exception) -> str:
    # A read that times out in the middle of the body comes as a ConnectionError that says so.
    if "timed out" in str(error):
        return "timeout"
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "connection")
