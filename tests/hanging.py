"""A file system that stops to answer: a tiny FUSE server on /dev/fuse, for whoever may mount one.

It speaks no more of the protocol than mounting and hanging take: the first request is answered, and then its
root folder is, until `hang` is called. From then on nothing is, until the mount is taken away.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOOKUP, GETATTR, INIT, OPENDIR, READDIR, RELEASEDIR, FORGET = 1, 3, 26, 27, 28, 29, 2
FOLDER = 0o40755
MNT_FORCE, MNT_DETACH = 1, 2
_IN = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
_OUT = struct.Struct("<IiQ")  # length, error, unique
_ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")


class HangingMount:
    """A mount whose folder is empty as long as it answers."""

    def __init__(self, path: Path, device: int) -> None:
        self.path = path
        self._device = device
        self._answers = threading.Event()
        self._answers.set()

    def hang(self) -> None:
        """Answer nothing from now on."""
        self._answers.clear()

    def serve(self) -> None:
        """Answer until the mount is gone."""
        while True:
            try:
                request = os.read(self._device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                return
            _, opcode, unique, node, *_ = _IN.unpack_from(request)
            if opcode == INIT or self._answers.is_set():
                self._answer(opcode, unique, node)

    def _answer(self, opcode: int, unique: int, node: int) -> None:
        if opcode == FORGET:
            return
        body = self._body(opcode, node)
        error = 0 if body is not None else -errno.ENOENT if opcode == LOOKUP else -errno.ENOSYS
        os.write(self._device, _OUT.pack(_OUT.size + len(body or b""), error, unique) + (body or b""))

    @staticmethod
    def _body(opcode: int, node: int) -> bytes | None:
        bodies = {
            INIT: struct.pack("<IIIIHHI", 7, 19, 65536, 0, 0, 0, 65536),
            # Valid for no time at all: each look asks again.
            GETATTR: struct.pack("<QII", 0, 0, 0)
            + _ATTRIBUTES.pack(node, 0, 0, 0, 0, 0, 0, 0, 0, FOLDER, 2, 0, 0, 0, 4096, 0),
            OPENDIR: struct.pack("<QII", 0, 0, 0),
            READDIR: b"",
            RELEASEDIR: b"",
        }
        return bodies.get(opcode)


@contextmanager
def hanging_mount(path: Path) -> Iterator[HangingMount]:
    """The mount at `path`; skips the test where none may be made."""
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
    mount = HangingMount(path, device)
    server = threading.Thread(target=mount.serve, daemon=True)
    server.start()
    try:
        yield mount
    finally:
        # Whoever waits gets an error: the connection is aborted with the device.
        libc.umount2(os.fsencode(path), MNT_FORCE | MNT_DETACH)
        server.join(5)
        os.close(device)
