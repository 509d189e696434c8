"""The CRC-32 of two texts that follow one another, by those of each: neither has to be read again.

It is what zlib calls `crc32_combine`, which Python's own zlib does not hand on before 3.15. A CRC is the
remainder of a polynomial over GF(2), so the first one's is multiplied by x to the power of the second
text's bits, and the second one's is added.
"""

from __future__ import annotations

from functools import cache

_POLYNOMIAL = 0xEDB88320  # of CRC-32, the lowest power in the highest bit, as are all numbers here
_ONE, _X = 1 << 31, 1 << 30


def crc32_combine(first: int, second: int, length: int) -> int:
    """The CRC-32 of both; `length`: bytes of the second text."""
    return _product(_power(8 * length), first) ^ second


@cache
def _square(times: int) -> int:
    """x, squared so many times."""
    return _X if not times else _product(_square(times - 1), _square(times - 1))


def _power(bits: int) -> int:
    """x to that power."""
    found = _ONE
    for times in range(bits.bit_length()):
        if bits >> times & 1:
            found = _product(_square(times), found)
    return found


def _product(one: int, other: int) -> int:
    """The product of two polynomials, modulo that of CRC-32."""
    found = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            found ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return found
