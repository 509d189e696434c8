"""Grafana's library for dashboards, which only those need who render them (`pip install '.[render]'`).

It is written for Python 3.11, and its types cannot be checked for 3.10; so here it is untyped.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

_NAME = "grafana_foundation_sdk"


def _module(name: str) -> Any:
    with warnings.catch_warnings():
        # It would rather write the newer schema, which Grafana 12 does not read from files.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(f"{_NAME}.{name}")


bargauge = _module("builders.bargauge")
common = _module("builders.common")
dashboard = _module("builders.dashboard")
prometheus = _module("builders.prometheus")
stat = _module("builders.stat")
statetimeline = _module("builders.statetimeline")
statushistory = _module("builders.statushistory")
table = _module("builders.table")
timeseries = _module("builders.timeseries")
xychart = _module("builders.xychart")

common_models = _module("models.common")
models = _module("models.dashboard")
prometheus_models = _module("models.prometheus")
xychart_models = _module("models.xychart")

JSONEncoder = _module("cog.encoder").JSONEncoder

Made = Any
"""Something of the library: a builder, or what it built."""
