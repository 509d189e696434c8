"""Parses the lines of an exposition: what is kept as text alone is read when a page asks for it."""

from __future__ import annotations

import re

from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.model import Series, series

_LINE = re.compile(r'(\w+)\{run="(?:[^"\\]|\\.)*"(.*)\} (\S+)')
_LABEL = re.compile(r',(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")

_BY_NAME: dict[str, Metric] = {metric.sample_name: metric for metric in METRICS}


def parse_samples(lines: bytes) -> dict[Series, float]:
    """The samples of one run's lines, each of a metric of the catalogue and ended by a line feed."""
    found = (_LINE.fullmatch(line) for line in lines.decode().split("\n"))
    return {
        series(
            _BY_NAME[line[1]], *((name, _unescape(value)) for name, value in _LABEL.findall(line[2]))
        ): float(line[3])
        for line in found
        if line is not None
    }


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text)
