"""What output is wrapped in: Docker's json-file, Kubernetes' CRI, JSON of loggers, arrays of notebooks."""

from __future__ import annotations

import re

import orjson

LONGEST_WRAPPED = 1 << 20
"""Bytes of a line that is unwrapped, and of text that is held until its end comes."""

HINTS = (b'{"', b"[{", b",", b"20", b" ")
"""A line that begins otherwise is not wrapped."""

_NOTEBOOK = b'"data"'
_MESSAGE = re.compile(rb'"(?:message|msg|event|textPayload)"[ ]?:')
_MESSAGES = ("message", "msg", "event", "textPayload")
_OF_LOGGERS = frozenset(
    ("level", "levelname", "log_level", "loglevel", "lvl", "severity", "logger", "log.level", "textPayload")
)  # the members that tell that an object is a logger's
_DOCKER = b'"log"'
_CRI = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]{8,20}(?:Z|[-+]\d\d:\d\d) (stdout|stderr) ([FP]) ")


class Unwrapper:
    """Takes the text of one log out of what a host put around it.

    Docker writes an object a line, CRI a time, the stream and whether the line is whole; both break lines of
    16 KiB: a piece without a line's end waits for the rest of its stream.
    """

    def __init__(self) -> None:
        self._pieces: dict[bytes, bytes] = {}  # by stream

    def text(self, line: bytes) -> bytes:
        """The text in a line: itself where nothing is around it, empty where it waits for the rest."""
        if len(line) > LONGEST_WRAPPED:
            return line
        if line.startswith(b"20"):
            labelled = _CRI.match(line)
            return line if labelled is None else self._cri(labelled, line[labelled.end() :])
        if _DOCKER in line and line.startswith(b"{"):
            return self._docker(line)
        if _NOTEBOOK in line:
            return _notebook(line)
        return _message(line) if line.startswith(b"{") and _MESSAGE.search(line) else line

    def _cri(self, labelled: re.Match[bytes], text: bytes) -> bytes:
        return self._whole(labelled[1], text, ended=labelled[2] == b"F")

    def _docker(self, line: bytes) -> bytes:
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            return line
        text, stream = (entry.get(key) for key in ("log", "stream"))
        if not isinstance(text, str) or stream not in ("stdout", "stderr"):
            return line
        whole = self._whole(stream.encode(), text.encode(errors="replace"), ended=text.endswith("\n"))
        return whole.rstrip(b"\n")

    def _whole(self, stream: bytes, text: bytes, ended: bool) -> bytes:
        """The line that a piece completes; empty while its end is still to come."""
        text = self._pieces.pop(stream, b"") + text
        if not ended and len(text) < LONGEST_WRAPPED:
            self._pieces[stream] = text
            return b""
        return text


def _notebook(line: bytes) -> bytes:
    """The text in an array of objects, each with a piece of the output."""
    try:
        pieces = orjson.loads(b"[" + line.strip(b" \t\r\n,[]") + b"]")
    except orjson.JSONDecodeError:
        return line
    texts = [piece.get("data") for piece in pieces if isinstance(piece, dict)]
    return "".join(text for text in texts if isinstance(text, str)).encode() or line


def _message(line: bytes) -> bytes:
    """The text that a logger puts into an object; where numbers stand beside it these are the row."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    if _OF_LOGGERS.isdisjoint(entry) or any("loss" in key or "reward" in key for key in entry):
        return line
    texts = (entry.get(key) for key in _MESSAGES)
    text = next((text for text in texts if isinstance(text, str)), None)
    return line if text is None else text.encode(errors="replace").rstrip(b"\n")


def unwrapped(text: bytes) -> bytes:
    """Several lines of a log without what a host put around each; as they are where it put nothing there."""
    lines = text.split(b"\n")
    unwrapper = Unwrapper()
    if unwrapper.text(lines[0]) == lines[0]:
        return text
    return b"\n".join(map(Unwrapper().text, lines))
