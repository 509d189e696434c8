"""Compressed texts: what is joined of them is what they are, whichever library compresses."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.serve import deflate as module
from llmtrain_exporter.serve.crc32 import crc32_combine
from llmtrain_exporter.serve.deflate import KeptText, deflate, gzip_pieces, joined

TEXTS = st.lists(st.binary(max_size=200), max_size=5)


@given(st.binary(), st.binary(max_size=2000))
def test_the_checksum_of_two_texts_follows_from_those_of_each(first: bytes, second: bytes) -> None:
    """As if both had been read in one go."""
    found = crc32_combine(zlib.crc32(first), zlib.crc32(second), len(second))
    assert found == zlib.crc32(first + second)


def test_a_long_text_counts_in_whole() -> None:
    """Its length is more than the powers that are known by then."""
    length = 5_000_000_017
    half = crc32_combine(0, zlib.crc32(b"x"), 1)
    whole = crc32_combine(crc32_combine(half, 0, length), 0, length)
    assert whole == crc32_combine(half, 0, 2 * length)


@pytest.mark.parametrize("without_wheel", [False, True])
@given(texts=TEXTS, end=st.binary(max_size=50))
def test_joined_texts_are_one_member(without_wheel: bool, texts: list[bytes], end: bytes) -> None:
    """Compressed one by one, by either library, they unpack to one text."""
    with pytest.MonkeyPatch.context() as patch:
        if without_wheel:
            patch.setattr(module, "fast", zlib)
            patch.setattr(module, "crc32_combine", crc32_combine)
        body = b"".join(gzip_pieces(joined(map(deflate, texts)), end))
    assert gzip.decompress(body) == b"".join(texts) + end


@given(st.binary())
def test_a_packed_text_reads_as_it_was(plain: bytes) -> None:
    """It is compressed once, whoever asks for that first."""
    text = KeptText(plain)
    assert text.plain() == plain
    assert (text.pack(), text.pack()) == (True, False)
    stream = text.deflated()
    assert (text.plain(), text.size) == (plain, len(plain))
    assert text.deflated() is stream
