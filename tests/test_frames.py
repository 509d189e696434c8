"""Records of TFRecord in a followed file: torn ones are waited for, damaged ones passed over and counted."""

from __future__ import annotations

import contextlib
import os
import random
import struct
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.ingest.crc32c import crc32c, masked_crc32c
from llmtrain_exporter.ingest.follow import NUL_POLLS, NUL_SECONDS, Follower
from llmtrain_exporter.ingest.frames import LARGEST, MOST_POSSIBLE, Frames

from tests.event_files import checksum, frame

SHORT = [b"", b"a", b"record two", bytes(range(256))]
SOME = b"".join(map(frame, SHORT))


class Scene:
    """A file of records, its follower, and time that passes with each look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 100.0
        self.follower = Follower(str(path), Frames)
        self.dropped: Counter[str] = Counter()

    def append(self, data: bytes) -> None:
        """Written to the end of the file."""
        with self.path.open("ab") as file:
            file.write(data)

    def look(self, seconds: float = 1.0) -> list[bytes]:
        """What is new; time goes on."""
        self.now += seconds
        found: list[bytes] = []
        while (batch := self.follower.poll(self.now)) is not None:
            found += batch.lines
            self.dropped.update(batch.dropped)
        return found

    def wait(self) -> list[bytes]:
        """Look as often as anything is waited for."""
        return [record for _ in range(NUL_POLLS + 2) for record in self.look(NUL_SECONDS + 0.1)]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """An empty file that is followed."""
    (tmp_path / "events").touch()
    made = Scene(tmp_path / "events")
    with contextlib.closing(made.follower):
        yield made


def head(length: int) -> bytes:
    """A header whose checksum is right, whatever it promises."""
    packed = struct.pack("<Q", length)
    return packed + checksum(packed)


@pytest.mark.parametrize(
    ("data", "crc"),
    [(b"", 0), (b"\0" * 32, 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)],
)
def test_the_checksum_is_that_of_the_standard(data: bytes, crc: int) -> None:
    """Vectors of RFC 3720, B.4."""
    assert crc32c(data) == crc


@given(st.binary(max_size=100))
def test_the_mask_is_that_of_record_files(data: bytes) -> None:
    """As another implementation writes it."""
    assert struct.pack("<I", masked_crc32c(data)) == checksum(data)


def test_a_file_that_is_torn_at_each_byte_gives_each_record_once(scene: Scene) -> None:
    """Written a byte at a time, with a look after each: a record comes with its last byte, not before."""
    found = []
    for size in range(1, len(SOME) + 1):
        scene.append(SOME[size - 1 : size])
        found.append(scene.look())
    ends = [sum(len(frame(data)) for data in SHORT[: count + 1]) for count in range(len(SHORT))]
    assert [size + 1 for size, new in enumerate(found) if new] == ends
    assert [record for new in found for record in new] == SHORT
    assert not scene.dropped


@pytest.mark.parametrize("cut", range(1, len(SOME)))
def test_a_file_read_in_two_pieces_is_read_as_in_one(cut: int) -> None:
    """Wherever the cut is; what was consumed is told to the byte."""
    frames = Frames(0, NUL_POLLS)
    first = frames.take(SOME[:cut], 0, cut)
    assert frames.offset == cut
    tail = frames.tail
    assert first + frames.take(tail + SOME[cut:], len(tail), len(SOME)) == SHORT
    assert (frames.offset, frames.fingerprint.length, frames.dropped) == (len(SOME), len(SOME), {})


def test_half_a_record_costs_no_read_when_the_descriptor_is_given_back(scene: Scene) -> None:
    """Parked in its midst it is read from its begin again."""
    whole = frame(b"x" * 50)
    scene.append(SOME + whole[:30])
    assert scene.look() == SHORT
    scene.follower.park()
    scene.append(whole[30:])
    assert scene.look() == [b"x" * 50]


@pytest.mark.parametrize("place", range(len(frame(b"second"))))
def test_a_damaged_record_is_passed_over_and_counted(scene: Scene, place: int) -> None:
    """Whichever of its bytes is wrong, those around it are read."""
    bad = bytearray(frame(b"second"))
    bad[place] ^= 0x40
    scene.append(frame(b"first") + bytes(bad) + frame(b"third") + frame(b"fourth"))
    found = scene.look() + scene.wait()
    assert found[0] == b"first"
    assert found[-1] == b"fourth"
    assert b"second" not in found
    assert b"third" in found
    assert scene.dropped == {"broken_frame": 1}


def test_bytes_that_are_on_their_way_are_waited_for(scene: Scene) -> None:
    """Over NFS a file can have its size before its data: NULs, which become a record after all."""
    late = frame(b"late record")
    scene.append(frame(b"first") + b"\0" * len(late))
    assert scene.look() == [b"first"]
    assert scene.look(NUL_SECONDS + 0.1) == []
    with scene.path.open("r+b") as file:
        file.seek(len(frame(b"first")))
        file.write(late)
    assert scene.wait() == [b"late record"]
    assert not scene.dropped


def test_nuls_that_stay_are_passed_over(scene: Scene) -> None:
    """After a crash of the machine they are all there will ever be."""
    scene.append(frame(b"first") + b"\0" * 10_000 + frame(b"second"))
    assert scene.look() + scene.wait() == [b"first", b"second"]
    assert scene.dropped == {"broken_frame": 1}


def test_a_sparse_file_is_not_read_through(scene: Scene) -> None:
    """A terabyte of nothing costs no time."""
    scene.append(frame(b"first"))
    with scene.path.open("r+b") as file:
        file.truncate(1 << 40)
        file.seek(1 << 40)
        file.write(frame(b"last"))
    began = time.process_time()
    assert scene.look() + scene.wait() == [b"first", b"last"]
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "length", [LARGEST + 1, 1 << 30, MOST_POSSIBLE - 1, MOST_POSSIBLE, 1 << 60, (1 << 64) - 1]
)
def test_a_record_that_promises_more_than_there_can_be_costs_nothing(scene: Scene, length: int) -> None:
    """Neither memory nor a crash; what is in bounds of the format is a picture on its way."""
    scene.append(frame(b"first") + head(length) + b"x" * 1000)
    tracemalloc.start()
    try:
        assert scene.look() + scene.wait() == [b"first"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
    scene.append(frame(b"next"))
    assert scene.wait() == ([] if length < MOST_POSSIBLE else [b"next"])


def test_a_large_record_is_passed_without_being_held(scene: Scene) -> None:
    """Pictures and graphs lie among the numbers."""
    large = frame(os.urandom(1 << 20))
    scene.append(frame(b"first") + large[:500_000])
    assert scene.look() == [b"first"]
    scene.append(large[500_000:] + frame(b"second"))
    assert scene.look() == [b"second"]
    assert not scene.dropped


def test_a_file_that_begins_anew_is_read_anew(scene: Scene) -> None:
    """Truncated by its writer, who starts over."""
    scene.append(SOME)
    assert scene.look() == SHORT
    scene.path.write_bytes(frame(b"anew"))
    assert scene.wait() == [b"anew"]
    assert scene.follower.generation == 1


def test_garbage_of_any_kind_is_survived() -> None:
    """Mutated files in pieces of any size: no exception, and records that have a right checksum alone."""
    chance = random.Random(5)
    known = {*SHORT, b"x" * 500}
    for _ in range(2000):
        data = bytearray(b"".join(frame(chance.choice([*known])) for _ in range(6)))
        for _ in range(chance.randint(0, 4)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 20)] = os.urandom(chance.randint(0, 20))
        frames, found = Frames(0, 0), []
        while frames.offset < len(data):
            tail, before = frames.tail, frames.offset
            end = before + chance.randint(1, 200)
            found += frames.take(tail + bytes(data[before:end]), len(tail), len(data))
            if frames.offset == before:
                break
        assert set(found) <= known


def test_hostile_bytes_are_searched_fast() -> None:
    """What looks like the half of a header everywhere: some megabytes a second."""
    for data in (b"\0" * 5 + b"\1", b"\0" * 30 + b"\1", b"\0\0\0\0\1\0\0\0\0"):
        text = data * ((1 << 18) // len(data))
        began = time.process_time()
        Frames(0, 0).take(text, 0, len(text))
        assert time.process_time() - began < 2
