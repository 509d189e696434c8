"""A run that is over: what of it is still exposed, and all of it packed away for pages and API."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from llmtrain_exporter.analyse.shared import shared
from llmtrain_exporter.knowledge.lasting import LASTING, LASTING_UNLESS_ZERO, LEFT_OUT
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.printable import label_value


def lasting(samples: Mapping[Series, float]) -> dict[Series, float]:
    """Those samples of a run that are exposed when it has been over for a while."""
    return {series: value for series, value in samples.items() if _lasts(series, value)}


def _lasts(series: Series, value: float) -> bool:
    if not LEFT_OUT.isdisjoint(series.labels):
        return False
    return series.metric in LASTING or (series.metric in LASTING_UNLESS_ZERO and value != 0)


class PackedSamples(NamedTuple):
    """All samples of a run in a tenth of the memory: most runs share their series with others."""

    keys: tuple[Series, ...]
    numbers: bytes


def pack(samples: Mapping[Series, float]) -> PackedSamples:
    """The samples of a run, their label values as they are exposed."""
    keys = shared(tuple(map(_exposed, samples)))
    return PackedSamples(keys, zlib.compress(array("d", samples.values()).tobytes()))


def unpack(packed: PackedSamples) -> dict[Series, float]:
    """The samples that were packed."""
    return dict(zip(packed.keys, array("d", zlib.decompress(packed.numbers)), strict=True))


@lru_cache(1 << 15)
def _exposed(key: Series) -> Series:
    return series(key.metric, *((name, label_value(value)) for name, value in key.labels))
