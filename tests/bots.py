"""Chat bots for tests: servers that take and refuse messages as the real chats do, one for each.

Each listens on a free loopback port from `with` to the end of its block, checks what the real one checks, and
keeps what it has accepted. `fail(...)` makes it fail; its minutes are those of its `clock`.

    with Feishu(secret="s") as bot:
        ...                          # POST to bot.url
        bot.accepted[0].title, bot.accepted[0].text, bot.accepted[0].at
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import secrets
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

FAILURES = ("rate_limit", "error", "timeout", "drop", "refuse", "malformed", "garbage")
"""What `fail` takes: rate limit, 500, no answer, a closed connection, a wrong secret, a card that it cannot
read, an answer of somebody else's."""

SIGNATURE_SECONDS = 3600
"""Age from which on a signature is refused."""

S = TypeVar("S", bound="Bot")


@dataclass(frozen=True)
class Request:
    """A message as it came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    body: Any  # the JSON in it
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """A message that was accepted. `at`: Unix time; `text`: all below the title, in the chat's markup."""

    at: float
    title: str
    text: str
    body: Any
    picture: bytes | None = None
    size: int = 0


@dataclass(frozen=True)
class Answer:
    """What a bot answers."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818  # no error of the program
    """A message is not taken. `reason`: a word for tests; `answer`: as the real one puts it."""

    def __init__(self, reason: str, answer: Answer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer


class Bot:
    """One bot. `rates`: messages in seconds; `clock`: Unix time."""

    kind: str
    path: str
    rates: Sequence[tuple[int, float]]
    signs = False  # whether it can want messages signed
    block_seconds = 0.0  # for how long nothing is taken once a rate was exceeded

    def __init__(self, *, secret: str | None = None, port: int = 0) -> None:
        self.secret = secret
        self.token = secrets.token_hex(16)
        self.clock: Callable[[], float] = time.time
        self.answering = threading.Event()  # cleared: what comes is looked at, and answered when it is set
        self.answering.set()
        self.accepted: list[Message] = []
        self.refused: list[tuple[float, str]] = []
        self._port = port
        self._lock = threading.Lock()
        self._arrivals: list[float] = []
        self._blocked_until = 0.0
        self._failure: tuple[str, int | None] | None = None
        self._closed = threading.Event()

    # Running.

    def __enter__(self: S) -> S:
        self._closed.clear()
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()  # lets those go that hang
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address with its secret part, as the chat shows it to who adds a bot."""
        return f"http://127.0.0.1:{self._port}{self.path.format(token=self.token)}"

    @property
    def settings(self) -> dict[str, str]:
        """What a relay has to know to use this bot."""
        return {"url": self.url, **({"secret": self.secret} if self.secret else {})}

    @property
    def variables(self) -> dict[str, str]:
        """The same as environment."""
        return {f"LLMTRAIN_RELAY_{self.kind}_{key}".upper(): value for key, value in self.settings.items()}

    def rule(self, **more: object) -> dict[str, object]:
        """The same as an entry of `bots` in a relay's file."""
        return {"name": self.kind, "kind": self.kind, **self.settings, **more}

    # Behaviour.

    def fail(self, how: str | None, times: int | None = None) -> None:
        """Fail like this, one of FAILURES, so many times or until further notice; None: work again."""
        assert how is None or how in FAILURES, how
        with self._lock:
            self._failure = None if how is None else (how, times)

    def clear(self) -> None:
        """Forget what came."""
        with self._lock:
            self.accepted.clear()
            self.refused.clear()

    @property
    def cards(self) -> list[Message]:
        """What was accepted, but for pictures that came as messages of their own."""
        return [one for one in self.accepted if one.title]

    @property
    def reasons(self) -> Counter[str]:
        """How often what was refused why."""
        return Counter(reason for _, reason in self.refused)

    @property
    def came(self) -> int:
        """How many messages came, whatever became of them."""
        return len(self._arrivals)

    @property
    def hangs(self) -> bool:
        """Whether the next message is one that is never answered."""
        return self._failure is not None and self._failure[0] == "timeout"

    def most_in(self, seconds: float) -> int:
        """The most messages that came in any stretch of so many seconds."""
        arrivals = sorted(self._arrivals)
        return max((sum(0 <= at - first < seconds for at in arrivals) for first in arrivals), default=0)

    def take(self, request: Request) -> Answer:
        """Judge a message as the real one would."""
        with self._lock:
            now = self.clock()
            self._arrivals.append(now)
            failure = self._next_failure()
        self.answering.wait()
        try:
            if failure is not None:
                raise Refused(failure, self.failed(failure))
            self.check_address(request)
            self._check_rate(now)
            message = self.read(request, now)
        except Refused as refused:
            with self._lock:
                self.refused.append((now, refused.reason))
            return refused.answer
        with self._lock:
            self.accepted.append(message)
        return self.taken()

    def _next_failure(self) -> str | None:
        if self._failure is None:
            return None
        how, times = self._failure
        if times is not None:
            self._failure = (how, times - 1) if times > 1 else None
        return how

    def _check_rate(self, now: float) -> None:
        with self._lock:
            blocked = now < self._blocked_until
            for count, seconds in self.rates:
                recent = sum(now - at < seconds for at in self._arrivals)
                blocked = blocked or recent > count
            if blocked and self.block_seconds:
                self._blocked_until = max(self._blocked_until, now + self.block_seconds)
        if blocked:
            raise Refused("rate_limit", self.failed("rate_limit"))

    def failed(self, how: str) -> Answer:
        """The answer of a failure."""
        if how == "error":
            return Answer(500, "Internal Server Error")
        if how == "garbage":
            return Answer(200, "<html>Please log in</html>")
        return Answer(-1, how)  # timeout, drop: no answer at all

    def hang(self) -> None:
        """Keep a client waiting until the block ends."""
        self._closed.wait()

    def check_address(self, request: Request) -> None:
        """Raises Refused for an address that is no bot's."""
        raise NotImplementedError

    def read(self, request: Request, now: float) -> Message:
        """The message in a request. Raises Refused."""
        raise NotImplementedError

    def taken(self) -> Answer:
        """The answer to what was accepted."""
        raise NotImplementedError


class Feishu(Bot):
    """A custom bot of Feishu or Lark."""

    kind = "feishu"
    path = "/open-apis/bot/v2/hook/{token}"
    signs = True
    rates = ((100, 60.0), (5, 1.0))
    most_bytes = 20 * 1024

    def failed(self, how: str) -> Answer:
        """11232, 19021, 9499 in the body."""
        codes = {
            "rate_limit": Answer(
                200, {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]"}
            ),
            "refuse": Answer(
                200,
                {
                    "code": 19021,
                    "msg": "sign match fail or timestamp is not within one hour from current time",
                },
            ),
            "malformed": Answer(400, {"code": 9499, "msg": "Bad Request", "data": {}}),
            "address": Answer(
                200, {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}
            ),
        }
        return codes.get(how) or super().failed(how)

    def check_address(self, request: Request) -> None:
        """The token stands in the path."""
        if request.path != self.path.format(token=self.token):
            raise Refused("address", self.failed("address"))

    def read(self, request: Request, now: float) -> Message:
        """An interactive card, signed if the bot has a secret."""
        body = request.body
        if len(request.raw) > self.most_bytes or not isinstance(body, dict):
            raise Refused("malformed", self.failed("malformed"))
        if self.secret and not self._signed(body, now):
            raise Refused("refuse", self.failed("refuse"))
        try:
            assert body["msg_type"] == "interactive"
            title = body["card"]["header"]["title"]
            assert title["tag"] == "plain_text"
            texts = [element["text"]["content"] for element in body["card"]["elements"]]
            assert all(texts)
        except (AssertionError, KeyError, TypeError):
            raise Refused("malformed", self.failed("malformed")) from None
        return Message(now, title["content"], "\n\n".join(texts), body, None, len(request.raw))

    def _signed(self, body: Mapping[str, Any], now: float) -> bool:
        timestamp = body.get("timestamp", "")
        if not re.fullmatch(r"\d{10}", str(timestamp)) or abs(now - int(timestamp)) > SIGNATURE_SECONDS:
            return False
        key = f"{timestamp}\n{self.secret}".encode()
        return body.get("sign") == base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()

    def taken(self) -> Answer:
        """Both forms of success, as it does."""
        return Answer(
            200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
        )


class DingTalk(Bot):
    """A custom bot of DingTalk: too many messages, and it is blocked for ten minutes."""

    kind = "dingtalk"
    path = "/robot/send?access_token={token}"
    signs = True
    rates = ((20, 60.0),)
    block_seconds = 600.0
    most_bytes = 20_000

    def failed(self, how: str) -> Answer:
        """All inside HTTP 200."""
        codes = {
            "rate_limit": (130101, "send too fast, exceed 20 times per minute"),
            "refuse": (
                310000,
                "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]",
            ),
            "malformed": (40035, "缺少参数 json"),
            "too_long": (460101, "message too long, exceed 20000 bytes"),
            "address": (300005, "token is not exist"),
        }
        if how not in codes:
            return super().failed(how)
        return Answer(200, {"errcode": codes[how][0], "errmsg": codes[how][1]})

    def check_address(self, request: Request) -> None:
        """The token stands in the query."""
        if request.path != "/robot/send" or request.query.get("access_token") != self.token:
            raise Refused("address", self.failed("address"))

    def read(self, request: Request, now: float) -> Message:
        """Markdown, signed in the query."""
        if self.secret and not self._signed(request.query, now):
            raise Refused("refuse", self.failed("refuse"))
        if len(request.raw) > self.most_bytes:
            raise Refused("too_long", self.failed("too_long"))
        try:
            assert request.body["msgtype"] == "markdown"
            title, text = request.body["markdown"]["title"], request.body["markdown"]["text"]
            assert title
            assert text
            assert isinstance(request.body["at"]["isAtAll"], bool)
        except (AssertionError, KeyError, TypeError):
            raise Refused("malformed", self.failed("malformed")) from None
        return Message(now, title, text, request.body, None, len(request.raw))

    def _signed(self, query: Mapping[str, str], now: float) -> bool:
        timestamp = query.get("timestamp", "")
        if not re.fullmatch(r"\d{13}", timestamp) or abs(now - int(timestamp) / 1000) > SIGNATURE_SECONDS:
            return False
        assert self.secret is not None
        wanted = hmac.new(
            self.secret.encode(), f"{timestamp}\n{self.secret}".encode(), hashlib.sha256
        ).digest()
        return query.get("sign") == base64.b64encode(wanted).decode()

    def taken(self) -> Answer:
        """errcode 0"""
        return Answer(200, {"errcode": 0, "errmsg": "ok"})


class WeCom(Bot):
    """A group bot of WeCom."""

    kind = "wecom"
    path = "/cgi-bin/webhook/send?key={token}"
    rates = ((20, 60.0),)
    most_bytes = 4096
    most_picture = 2 * 1024 * 1024

    def failed(self, how: str) -> Answer:
        """All inside HTTP 200, with a hint that holds the address of who asks."""
        codes = {
            "rate_limit": (45009, "api freq out of limit, hint: [1700000000], from ip: 127.0.0.1"),
            "refuse": (93000, f"invalid webhook url, key {self.token}, hint: [1700000000]"),
            "malformed": (40058, "Invalid parameter, markdown.content exceed max length 4096"),
            "picture": (301019, "image's md5 not match"),
        }
        if how not in codes:
            return super().failed(how)
        return Answer(200, {"errcode": codes[how][0], "errmsg": codes[how][1]})

    def check_address(self, request: Request) -> None:
        """The key stands in the query."""
        if request.path != "/cgi-bin/webhook/send" or request.query.get("key") != self.token:
            raise Refused("address", self.failed("refuse"))

    def read(self, request: Request, now: float) -> Message:
        """Markdown or a picture."""
        body = request.body
        try:
            if body["msgtype"] == "image":
                return self._picture(body, now)
            assert body["msgtype"] == "markdown"
            content = body["markdown"]["content"]
            assert 0 < len(content.encode()) <= self.most_bytes
        except (AssertionError, KeyError, TypeError):
            raise Refused("malformed", self.failed("malformed")) from None
        title, _, text = content.removeprefix("### ").partition("\n")
        return Message(now, title, text, body, None, len(content.encode()))

    def _picture(self, body: Any, now: float) -> Message:
        png = base64.b64decode(body["image"]["base64"], validate=True)
        if hashlib.md5(png).hexdigest() != body["image"]["md5"] or len(png) > self.most_picture:
            raise Refused("picture", self.failed("picture"))
        return Message(now, "", "", body, png, len(png))

    def taken(self) -> Answer:
        """errcode 0"""
        return Answer(200, {"errcode": 0, "errmsg": "ok"})


class Slack(Bot):
    """An incoming webhook of Slack."""

    kind = "slack"
    path = "/services/T0/B0/{token}"
    rates: tuple[tuple[int, float], ...] = ((1, 1.0),)
    burst = 3  # short bursts are let through

    def __init__(self, *, secret: None = None, port: int = 0) -> None:
        super().__init__(secret=secret, port=port)
        self.rates = ((1 + self.burst, 1.0), (60, 60.0))

    def failed(self, how: str) -> Answer:
        """By HTTP status, with a word."""
        codes = {
            "rate_limit": Answer(429, "rate_limited", {"Retry-After": "1"}),
            "refuse": Answer(403, "invalid_token"),
            "malformed": Answer(400, "invalid_blocks"),
            "address": Answer(404, "no_service"),
        }
        return codes.get(how) or super().failed(how)

    def check_address(self, request: Request) -> None:
        """The token is the end of the path."""
        if request.path != self.path.format(token=self.token):
            raise Refused("address", self.failed("address"))

    def read(self, request: Request, now: float) -> Message:
        """Text and blocks, none of them too long."""
        try:
            blocks = [block for each in request.body["attachments"] for block in each["blocks"]]
            texts = [block["text"]["text"] for block in blocks]
            assert len(blocks) <= 50
            assert all(0 < len(text) <= 3000 for text in texts)
            assert request.body["text"]
        except (AssertionError, KeyError, TypeError):
            raise Refused("malformed", self.failed("malformed")) from None
        return Message(now, request.body["text"], "\n\n".join(texts), request.body, None, len(request.raw))

    def taken(self) -> Answer:
        """ok"""
        return Answer(200, "ok")


class Discord(Bot):
    """A webhook of Discord."""

    kind = "discord"
    path = "/api/webhooks/1234567890/{token}"
    rates = ((5, 2.0),)

    def failed(self, how: str) -> Answer:
        """By HTTP status, with an object."""
        codes = {
            "rate_limit": Answer(
                429, {"message": "You are being rate limited.", "retry_after": 0.3, "global": False}
            ),
            "refuse": Answer(401, {"message": "Invalid Webhook Token", "code": 50027}),
            "malformed": Answer(400, {"embeds": ["0"]}),
            "address": Answer(404, {"message": "Unknown Webhook", "code": 10015}),
        }
        return codes.get(how) or super().failed(how)

    def check_address(self, request: Request) -> None:
        """The token is the end of the path."""
        if request.path != self.path.format(token=self.token):
            raise Refused("address", self.failed("address"))

    def read(self, request: Request, now: float) -> Message:
        """An embed, maybe with a picture."""
        try:
            (embed,) = request.body["embeds"]
            assert 0 < _utf16(embed["title"]) <= 256
            assert 0 < _utf16(embed["description"]) <= 4096
            assert _utf16(embed["title"] + embed["description"]) <= 6000
            assert _utf16(request.body["content"]) <= 2000
            assert isinstance(request.body["allowed_mentions"]["parse"], list)
            picture = None
            if "image" in embed:
                assert embed["image"]["url"] == "attachment://chart.png"
                picture = request.files["files[0]"]
        except (AssertionError, KeyError, TypeError, ValueError):
            raise Refused("malformed", self.failed("malformed")) from None
        return Message(now, embed["title"], embed["description"], request.body, picture, len(request.raw))

    def taken(self) -> Answer:
        """204, and nothing in it."""
        return Answer(204)


class Telegram(Bot):
    """A bot of Telegram in one group, behind the Bot API."""

    kind = "telegram"
    path = "/bot123456789:{token}/sendMessage"
    rates = ((1, 1.0), (20, 60.0))
    chat_id, topic = "-1001234567890", 7
    most_text, most_caption, most_picture = 4096, 1024, 10 * 1024 * 1024

    @property
    def settings(self) -> dict[str, str]:
        """Token, chat and server in place of an address."""
        server = f"http://127.0.0.1:{self._port}"
        return {"token": f"123456789:{self.token}", "chat_id": self.chat_id, "api_url": server}

    def failed(self, how: str) -> Answer:
        """By HTTP status, and the same in an object; what is wrong with a message stands in words."""
        codes = {
            "rate_limit": (429, "Too Many Requests: retry after 1"),
            "refuse": (403, "Forbidden: bot was kicked from the supergroup chat"),
            "malformed": (
                400,
                'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 7',
            ),
            "address": (401, "Unauthorized"),
            "chat": (400, "Bad Request: chat not found"),
            "topic": (400, "Bad Request: message thread not found"),
            "empty": (400, "Bad Request: message text is empty"),
            "too_long": (400, "Bad Request: message is too long"),
            "caption": (400, "Bad Request: message caption is too long"),
            "picture": (400, "Bad Request: IMAGE_PROCESS_FAILED"),
        }
        if how not in codes:
            return super().failed(how)
        status, words = codes[how]
        parameters = {"parameters": {"retry_after": 1}} if status == 429 else {}
        return Answer(status, {"ok": False, "error_code": status, "description": words, **parameters})

    def check_address(self, request: Request) -> None:
        """The token stands in the path, and the method after it."""
        if request.path.rpartition("/")[0] != self.path.format(token=self.token).rpartition("/")[0]:
            raise Refused("address", self.failed("address"))

    def read(self, request: Request, now: float) -> Message:
        """A text or a photo to the group, in HTML."""
        body = request.body if isinstance(request.body, dict) else {}
        if str(body.get("chat_id")) != self.chat_id:
            raise Refused("chat", self.failed("chat"))
        if str(body.get("message_thread_id", self.topic)) != str(self.topic):
            raise Refused("topic", self.failed("topic"))
        photo = request.path.endswith("/sendPhoto")
        markup = body.get("caption" if photo else "text", "")
        if body.get("parse_mode") != "HTML" or not isinstance(markup, str):
            raise Refused("malformed", self.failed("malformed"))
        shown = self._parsed(markup)
        if photo:
            return self._photo(request, markup, shown, now)
        if not shown.strip() or _utf16(shown) > self.most_text:
            wrong = "too_long" if shown.strip() else "empty"
            raise Refused(wrong, self.failed(wrong))
        title, text = shown.partition("\n")[0], markup.partition("\n")[2].lstrip("\n")
        return Message(now, title, text, body, None, _utf16(shown))

    def _photo(self, request: Request, markup: str, shown: str, now: float) -> Message:
        png = request.files.get("photo", b"")
        if _utf16(shown) > self.most_caption:
            raise Refused("caption", self.failed("caption"))
        if not png.startswith(b"\x89PNG") or len(png) > self.most_picture:
            raise Refused("picture", self.failed("picture"))
        return Message(now, "", markup, request.body, png, len(png))

    def _parsed(self, markup: str) -> str:
        """What people see of a text in HTML: a few tags, closed in order, and escaped everywhere else."""
        shown, opened = "", []
        for word in re.findall(r"<[^<>]*>|[^<>]+|[<>]", markup):
            tag = re.fullmatch(r'<(b|code|a)( href="[^"]+")?>|</(b|code|a)>', word)
            if tag is None and (set(word) & set("<>") or re.search(r"&(?!(amp|lt|gt|quot);)", word)):
                raise Refused("malformed", self.failed("malformed"))
            if tag is None:
                shown += html.unescape(word)
            elif tag[1] and (tag[1] == "a") == bool(tag[2]):
                opened.append(tag[1])
            elif not opened or opened.pop() != tag[3]:
                raise Refused("malformed", self.failed("malformed"))
        if opened:
            raise Refused("malformed", self.failed("malformed"))
        return shown

    def taken(self) -> Answer:
        """ok, and the message."""
        return Answer(200, {"ok": True, "result": {"message_id": len(self.accepted)}})


KINDS: Mapping[str, type[Bot]] = {
    kind.kind: kind for kind in (Feishu, DingTalk, WeCom, Slack, Discord, Telegram)
}


def bot(kind: str) -> Bot:
    """A bot of that kind, with a secret where it can have one."""
    signs = KINDS[kind].signs
    return KINDS[kind](secret="SEC" + secrets.token_hex(16) if signs else None)


@contextmanager
def all_bots() -> Iterator[dict[str, Bot]]:
    """One of each kind, running, by kind."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(bot(kind)) for kind in KINDS}


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is nothing to print."""


def _handler(bot: Bot) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            body, files = _parsed(raw, self.headers.get("content-type", ""))
            answer = bot.take(Request(parts.path, query, dict(self.headers), raw, body, files))
            if answer.status < 0:
                self._say_nothing(answer.body)
                return
            content = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            encoded = b"" if answer.body is None else content.encode()
            self.send_response(answer.status)
            for key, value in {**answer.headers, "Content-Length": str(len(encoded))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(encoded)

        def _say_nothing(self, how: str) -> None:
            if how == "timeout":
                bot.hang()
            # A reset and no orderly end, as of a server that died.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


def _parsed(raw: bytes, kind: str) -> tuple[Any, dict[str, bytes]]:
    if not kind.startswith("multipart/form-data"):
        return _json(raw) if kind.startswith("application/json") else None, {}
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw, policy=policy.HTTP)
    fields: dict[str, bytes] = {}
    files: dict[str, bytes] = {}
    for part in message.iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(content, bytes)
        (files if part.get_filename() else fields)[str(name)] = content
    if "payload_json" in fields:
        return _json(fields["payload_json"]), files
    return {name: value.decode() for name, value in fields.items()}, files


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
