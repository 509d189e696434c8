"""Files as W&B and SwanLab write them, made of rows."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from zlib import crc32

from llmtrain_exporter.ingest.dialects import swanlab, wandb
from llmtrain_exporter.ingest.leveldb_log import BLOCK

from tests.event_files import sized, varint

_KINDS = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}  # begins, ends
_HISTORY, _CONFIG, _EXIT = 2, 5, 18  # fields of W&B's Record


def framed(*payloads: bytes, preamble: bytes = wandb.PREAMBLE) -> bytes:
    """The payloads as LevelDB's log has them, cut where a block ends."""
    log = bytearray(preamble + b"\0")
    for payload in payloads:
        left, done = payload, False
        while not done:
            room = BLOCK - len(log) % BLOCK
            if room < 7:
                log += b"\0" * room
                continue
            begins = left == payload
            piece, left = left[: room - 7], left[room - 7 :]
            done = not left
            kind = bytes([_KINDS[begins, done]])
            log += struct.pack("<IH", crc32(kind + piece), len(piece)) + kind + piece
    return bytes(log)


def wandb_file(
    path: Path,
    rows: Iterable[Mapping[str, object]],
    exit_code: int | None = None,
    settings: Mapping[str, object] | None = None,
) -> Path:
    """A run of W&B: each row with its `_timestamp`.

    `exit_code`: with which its process ended; None: it did not. `settings`: what it states behind the rows.
    """
    items = b"".join(_item(key, cell) for key, cell in (settings or {}).items())
    stated = (sized(_CONFIG, items),) if items else ()
    payloads = [sized(_HISTORY, b"".join(_item(key, cell) for key, cell in row.items())) for row in rows]
    ended = () if exit_code is None else (sized(_EXIT, b"\x08" + varint(exit_code)),)
    return _write(path, framed(*payloads, *stated, *ended))


def swanlab_file(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """A run of SwanLab before 0.8: each row with its `step` and `_timestamp`."""
    scalars = (
        {"model_type": "Scalar", "data": {"key": key, "step": row["step"], "metric": _metric(cell, row)}}
        for row in rows
        for key, cell in row.items()
        if key not in ("step", "_timestamp")
    )
    payloads = (json.dumps(scalar).encode() for scalar in scalars)
    return _write(path, framed(*payloads, preamble=swanlab.PREAMBLE))


def _metric(cell: object, row: Mapping[str, object]) -> Mapping[str, object]:
    at = datetime.fromtimestamp(float(str(row["_timestamp"])), timezone.utc)
    return {"data": cell, "create_time": at.isoformat()}


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _item(key: str, cell: object) -> bytes:
    return sized(1, sized(2, key.encode()) + sized(16, json.dumps(cell).encode()))
