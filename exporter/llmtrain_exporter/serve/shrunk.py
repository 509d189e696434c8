"""A run that is over: what of it is still exposed, and all of it packed away for pages and API."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from llmtrain_exporter.knowledge.lasting import LASTING, LASTING_UNLESS_ZERO, LEFT_OUT
from llmtrain_exporter.model import Series
from llmtrain_exporter.serve.exposition_parser import parse_samples


def lasting(samples: Mapping[Series, float]) -> dict[Series, float]:
    """Those samples of a run that are exposed when it has been over for a while."""
    return {series: value for series, value in samples.items() if _lasts(series, value)}


def _lasts(series: Series, value: float) -> bool:
    if not LEFT_OUT.isdisjoint(series.labels):
        return False
    return series.metric in LASTING or (series.metric in LASTING_UNLESS_ZERO and value != 0)


def pack(lines: bytes) -> bytes:
    """The lines of a run's samples in a tenth of the memory."""
    return zlib.compress(lines)


def unpack(packed: bytes) -> dict[Series, float]:
    """The samples that were packed."""
    return parse_samples(zlib.decompress(packed))
