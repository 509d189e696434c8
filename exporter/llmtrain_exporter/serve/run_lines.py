"""The lines of a run's samples, by metric family.

Runs of one kind have the same series. What their lines have in common, the form, is made once for all of
them: a run is its name and its numbers, and its lines are both of them put into the form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import orjson

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric, Type
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import escaped, label_value, number_text

FORMS_KEPT = 256
"""Runs differ by their reward functions and by what they log; who has more kinds of them waits longer."""

_FAMILY = {metric: family for family, metric in enumerate(METRICS)}
_DIGITS = b"0123456789+-.eE,"
_PIECES = 4  # of a line: up to the value of the label run, that, from there on, and the number


class LineForm:
    """What the lines of all runs with the same series have in common."""

    __slots__ = ("_families", "_in_order", "_pieces", "series")

    def __init__(self, series: tuple[Series, ...]) -> None:
        self.series = series
        order = sorted(range(len(series)), key=lambda at: _FAMILY[series[at].metric])
        frames = [(_FAMILY[series[at].metric], *_frame(series[at])) for at in order]
        self._in_order = itemgetter(*order, 0)  # with one too many: of a single one it would make no tuple
        self._pieces = [piece for _, head, tail in frames for piece in (head, b"", tail, b"")]
        self._families: list[tuple[int, slice]] = []  # and their pieces
        for family, lines in groupby(enumerate(frames), lambda line: line[1][0]):
            places = [at for at, _ in lines]
            self._families.append((family, slice(_PIECES * places[0], _PIECES * (places[-1] + 1))))

    def lines(self, name: bytes, numbers: bytes) -> dict[int, bytes]:
        """The lines of a run, by family. `numbers`: of the series, with commas in between."""
        ended = (numbers + b",").replace(b",", b"\n,").split(b",")  # each number ends its line
        pieces = self._pieces.copy()
        pieces[1::_PIECES] = [name] * len(self.series)
        pieces[3::_PIECES] = self._in_order(ended)[:-1]
        return {family: b"".join(pieces[own]) for family, own in self._families}


form_of = lru_cache(maxsize=FORMS_KEPT)(LineForm)


class Sheet(NamedTuple):
    """All samples of a run, as few bytes as can be: most are written again before anybody asks for them."""

    run: str
    form: LineForm
    numbers: bytes  # of the form's series, with commas in between
    own: Mapping[Series, float]  # its static facts, which are labels: no two runs need have the same

    def lines(self) -> dict[int, bytes]:
        """Its lines, by family."""
        name = value_text(self.run)
        lines = self.form.lines(name, self.numbers) if self.form.series else {}
        for series, value in self.own.items():
            form, family = LineForm((series,)), _FAMILY[series.metric]
            lines[family] = lines.get(family, b"") + form.lines(name, _numbers((value,)))[family]
        return lines

    def samples(self) -> dict[Series, float]:
        """The samples."""
        numbers = map(float, self.numbers.split(b",")) if self.form.series else ()
        return {**dict(zip(self.form.series, numbers, strict=True)), **self.own}


def sheet_of(run: str, samples: Mapping[Series, float]) -> Sheet:
    """The sheet of a run with these samples."""
    shared, own = samples, {series: samples[series] for series in samples if series.metric is c.RUN}
    if own:
        shared = {series: value for series, value in samples.items() if series not in own}
    return Sheet(run, form_of(tuple(shared)), _numbers(shared.values()), own)


def value_text(value: str) -> bytes:
    """The value of a label, as it stands between quotes."""
    return escaped(label_value(value)).encode()


def _frame(series: Series) -> tuple[bytes, bytes]:
    """A sample's line up to and from the value of the label run."""
    labels = b"".join(b',%s="%s"' % (label.encode(), value_text(value)) for label, value in series.labels)
    return f'{series.metric.sample_name}{{run="'.encode(), b'"%s} ' % labels


def _numbers(values: Iterable[float]) -> bytes:
    """All values as text, with commas in between.

    A whole number has no fraction, whether it was counted here or comes from where all of them are floats;
    that which is below 0 and rounded to it has one, or readers take it for an integer without a sign.
    """
    values = list(values)
    try:
        text = orjson.dumps(values)[1:-1]
    except TypeError:  # an integer that is too large for it
        text = b"other"
    # JSON knows finite numbers only; whatever it has words for is not one of them.
    if text.translate(None, _DIGITS):
        text = b",".join(number_text(value).encode() for value in values)
    return (text + b",").replace(b".0,", b",").replace(b"-0,", b"-0.0,")[:-1]


def header(metric: Metric, openmetrics: bool) -> bytes:
    """The lines HELP and TYPE. OpenMetrics names the family, the older format its samples."""
    name = metric.family_name if openmetrics else metric.sample_name
    kind = metric.type.value if openmetrics or metric.type is not Type.INFO else Type.GAUGE.value
    text = escaped(metric.help) if openmetrics else metric.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n".encode()
