"""The exporter's own log: quiet, on standard error, as text or JSON lines."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TextIO

from llmtrain_exporter.printable import UNPRINTABLE

REPEATS = 10
WINDOW_SECONDS = 60.0
TEMPLATES_KEPT = 1000
"""Templates counted at a time: messages that are all different must not fill the memory."""

_SECRETS = (
    (re.compile(r"(://)[^/\s@]+@"), r"\1***@"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), r"\1 ***"),
    (
        re.compile(
            r"((?:password|passwd|secret|token|api_?key|[?&](?:key|sign))[\"']?\s*[=:]\s*[\"']?)[^\s&\"',;]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (re.compile(r"(://[^\s\"']*/(?:hook|services|webhook)s?/)[^\s\"']+", re.IGNORECASE), r"\1***"),
    (re.compile(r"(/bot)[0-9]+:[\w-]+"), r"\1***"),
)


def configure(log_format: str, level: str, stream: TextIO) -> None:
    """Send every logger's messages, uvicorn's too, to `stream` as "text" or "json"."""
    target = logging.StreamHandler(stream)
    target.setFormatter(JsonLines() if log_format == "json" else TextLines())
    logging.basicConfig(handlers=[RateLimit(target)], level=level.upper(), force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


@contextmanager
def preceded_by(act: Callable[[], object]) -> Iterator[None]:
    """Before any message is written meanwhile, act: what stands on the last line of a terminal is cleared."""

    def passes(_: logging.LogRecord) -> bool:
        act()
        return True

    handlers = [*logging.getLogger().handlers]
    if not handlers and logging.lastResort is not None:
        handlers.append(logging.lastResort)  # no log was asked for: warnings are shown all the same
    for handler in handlers:
        handler.addFilter(passes)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(passes)


def escaped(text: str) -> str:
    """The text with control characters written out: a newline is \\x0a."""
    return UNPRINTABLE.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def without_secrets(text: str) -> str:
    """The text without what looks like a password, a token or the address of a chat's webhook."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class TextLines(logging.Formatter):
    """One line per message; the lines of a traceback are indented, so that none can pass for a message."""

    def format(self, record: logging.LogRecord) -> str:
        """`2026-01-31T12:00:00.000Z WARNING llmtrain_exporter.serve: ...`"""
        head = f"{_when(record)} {record.levelname} {record.name}: {_message(record)}"
        return "\n    ".join((head, *map(escaped, _trace(self, record).splitlines())))


class JsonLines(logging.Formatter):
    """One JSON object per message: time, level, logger, message, and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The object on one line."""
        fields = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        trace = _trace(self, record)
        return json.dumps({**fields, "exception": trace} if trace else fields)


def _when(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    return escaped(without_secrets(record.getMessage()))


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return without_secrets(formatter.formatException(record.exc_info)) if record.exc_info else ""


@dataclass(slots=True)
class _Window:
    """The messages of one template since `start`; `held` is the last that was not written."""

    start: float
    count: int = 0
    held: logging.LogRecord | None = None


class RateLimit(logging.Handler):
    """Passes on a message with the same template REPEATS times a minute, and then how often it was repeated.

    What is held back is passed on when its minute is over and another message comes, or at the end. What is
    logged with extra={"each_one": True}, because it stands nowhere else, is passed on always.
    """

    def __init__(self, target: logging.Handler, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._target = target
        self._clock = clock
        self._windows: dict[tuple[str, int, str], _Window] = {}  # oldest first; under the handler's lock

    def emit(self, record: logging.LogRecord) -> None:
        """Called under the handler's lock."""
        now = self._clock()
        self._pass_on_finished(now)
        if hasattr(record, "each_one"):
            self._target.handle(record)
            return
        key = (record.name, record.levelno, str(record.msg))
        window = self._windows.setdefault(key, _Window(now))
        window.count += 1
        if window.count > REPEATS:
            window.held = record
        else:
            self._target.handle(record)

    def close(self) -> None:
        """Pass on what is still held back."""
        self.acquire()
        try:
            self._pass_on_finished(math.inf)
        finally:
            self.release()
        self._target.close()
        super().close()

    def _pass_on_finished(self, now: float) -> None:
        for summary in self._finished(now):
            self._target.handle(summary)

    def _finished(self, now: float) -> Iterator[logging.LogRecord]:
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if now - window.start < WINDOW_SECONDS and len(self._windows) < TEMPLATES_KEPT:
                return
            del self._windows[key]
            if window.held is not None:
                yield _summary(window.held, window.count - REPEATS)


def _summary(record: logging.LogRecord, times: int) -> logging.LogRecord:
    text = f"{record.getMessage()} [repeated {times} times]"
    return logging.makeLogRecord({**record.__dict__, "msg": text, "args": None, "exc_info": None})
