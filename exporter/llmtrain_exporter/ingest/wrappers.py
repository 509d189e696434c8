"""What hosts wrap a program's output in: Docker's json-file, the arrays of hosted notebooks."""

from __future__ import annotations

import orjson

LONGEST_WRAPPED = 1 << 20
"""Bytes of a line that is unwrapped, and of text that is held until its end comes."""

_NOTEBOOK = b'"data"'
_DOCKER = b'"log"'


class Unwrapper:
    """Takes the text of one log out of what a host put around it.

    Docker writes an object a line, and breaks lines of 16 KiB: a piece without a line's end waits for the
    rest of its stream.
    """

    def __init__(self) -> None:
        self._pieces: dict[str, str] = {}  # by stream

    def text(self, line: bytes) -> bytes:
        """The text in a line: itself where nothing is around it, empty where it waits for the rest."""
        if len(line) > LONGEST_WRAPPED:
            return line
        if _DOCKER in line and line.startswith(b"{"):
            return self._docker(line)
        return _notebook(line) if _NOTEBOOK in line else line

    def _docker(self, line: bytes) -> bytes:
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            return line
        text, stream = (entry.get(key) for key in ("log", "stream"))
        if not isinstance(text, str) or stream not in ("stdout", "stderr"):
            return line
        text = self._pieces.pop(stream, "") + text
        if not text.endswith("\n") and len(text) < LONGEST_WRAPPED:
            self._pieces[stream] = text
            return b""
        return text.rstrip("\n").encode(errors="replace")


def _notebook(line: bytes) -> bytes:
    """The text in an array of objects, each with a piece of the output."""
    try:
        pieces = orjson.loads(b"[" + line.strip(b" \t\r\n,[]") + b"]")
    except orjson.JSONDecodeError:
        return line
    texts = [piece.get("data") for piece in pieces if isinstance(piece, dict)]
    return "".join(text for text in texts if isinstance(text, str)).encode() or line
