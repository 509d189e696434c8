"""The bundled collapse, as the relay's sample needs it: what the exporter would answer about it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import orjson

from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.publish.demo import BUNDLED, COLLAPSE
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.history.columns import History
from llmtrain_exporter.watching.history.document import history_object
from llmtrain_exporter.watching.history.recorded import history as read_history

RUN = "demo/collapse"


def document(lang: Lang) -> Mapping[str, Any]:
    """The run as /api/v1/run tells it."""
    return _as_answered(full_object(_read().run, lang))


def history() -> Mapping[str, Any]:
    """Its values as /api/v1/history tells them."""
    return _as_answered(history_object(_read()))


def _read() -> History:
    now = time.time()
    scan = discover.discover([str(BUNDLED / COLLAPSE)], discover.SearchOptions(ignore_older=None), now)
    read = read_history(scan.found[0], RunOptions(), Readers(None), now)
    if not isinstance(read, History):
        raise FileNotFoundError(f"{BUNDLED}: is damaged; install the program anew")
    return read


def _as_answered(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """As JSON brings it, in which there is neither NaN nor infinity."""
    parsed: dict[str, Any] = json.loads(orjson.dumps({**answer, "run": RUN}))
    return parsed
