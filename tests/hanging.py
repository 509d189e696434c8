"""A file system that stops to answer: a tiny FUSE server on /dev/fuse, for whoever may mount one.

It speaks no more of the protocol than one folder with one file takes. After `hang` nothing is answered, until
`answer` or until the mount is taken away.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH = 1, 2, 3, 14, 15, 18, 25
INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT = 26, 27, 28, 29, 36
FOLDER, FILE = 0o40755, 0o100644
ROOT_NODE, FILE_NODE = 1, 2
DIRECT_IO = 1
MNT_FORCE, MNT_DETACH = 1, 2
_IN = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
_OUT = struct.Struct("<IiQ")  # length, error, unique
_ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")


class HangingMount:
    """A mount with one file, as long as it answers."""

    def __init__(self, path: Path, device: int, name: str, content: bytes) -> None:
        self.path = path
        self.content = content
        self._name = name.encode()
        self._device = device
        self._answers = True
        self._unanswered: list[bytes] = []

    def hang(self) -> None:
        """Answer nothing from now on."""
        self._answers = False

    def answer(self) -> None:
        """Answer again, what was asked meanwhile too."""
        self._answers = True
        for request in self._unanswered:
            self._respond(request)

    def serve(self) -> None:
        """Answer until the mount is gone."""
        while True:
            try:
                request = os.read(self._device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                return
            if self._answers:
                self._respond(request)
            else:
                self._unanswered.append(request)

    def _respond(self, request: bytes) -> None:
        _, opcode, unique, node, *_ = _IN.unpack_from(request)
        if opcode in (FORGET, INTERRUPT):
            return
        body = self._body(opcode, node, request[_IN.size :])
        error = 0 if body is not None else -errno.ENOENT if opcode == LOOKUP else -errno.ENOSYS
        with contextlib.suppress(OSError):  # who asked has been interrupted
            os.write(self._device, _OUT.pack(_OUT.size + len(body or b""), error, unique) + (body or b""))

    def _body(self, opcode: int, node: int, given: bytes) -> bytes | None:
        if opcode == INIT:
            return struct.pack("<IIIIHHI", 7, 19, 65536, 0, 0, 0, 65536)
        if opcode == LOOKUP:  # valid for no time at all, here and below: each look asks again
            known = given.rstrip(b"\0") == self._name
            return (
                struct.pack("<QQQQII", FILE_NODE, 0, 0, 0, 0, 0) + self._state(FILE_NODE) if known else None
            )
        if opcode == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self._state(node)
        if opcode in (OPENDIR, OPEN):
            return struct.pack("<QII", 0, DIRECT_IO if opcode == OPEN else 0, 0)
        if opcode in (READ, READDIR):
            _, offset, size = struct.unpack_from("<QQI", given)
            whole = self.content if opcode == READ else self._entries()
            return whole[offset : offset + size]
        return b"" if opcode in (RELEASE, RELEASEDIR, FLUSH) else None

    def _entries(self) -> bytes:
        name = self._name
        entry = struct.pack("<QQII", FILE_NODE, 24 + -(-len(name) // 8) * 8, len(name), 8) + name
        return entry.ljust(24 + -(-len(name) // 8) * 8, b"\0")

    def _state(self, node: int) -> bytes:
        size, mode = (len(self.content), FILE) if node == FILE_NODE else (0, FOLDER)
        now = int(time.time())
        return _ATTRIBUTES.pack(
            node, size, 1, now, now, now, 0, 0, 0, mode, 1, os.getuid(), os.getgid(), 0, 4096, 0
        )


@contextmanager
def hanging_mount(path: Path, name: str, content: bytes) -> Iterator[HangingMount]:
    """The mount at `path`, with that file; skips the test where none may be made."""
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"/dev/fuse cannot be opened: {error.strerror}")
    path.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
    if libc.mount(b"hanging", os.fsencode(path), b"fuse", 0, options):
        os.close(device)
        pytest.skip(f"no FUSE can be mounted: {os.strerror(ctypes.get_errno())}")
    mount = HangingMount(path, device, name, content)
    server = threading.Thread(target=mount.serve, daemon=True)
    server.start()
    try:
        yield mount
    finally:
        # Whoever waits gets an error: the connection is aborted with the device.
        libc.umount2(os.fsencode(path), MNT_FORCE | MNT_DETACH)
        server.join(5)
        os.close(device)
