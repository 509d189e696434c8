"""What a run's page tells: the run as a document, with all that a page can add to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import orjson

from llmtrain_exporter.ingest.arguments import read_checkpoints
from llmtrain_exporter.knowledge import panels, words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.exposition import label_value
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.story import run_object
from llmtrain_exporter.story.metrics import metric_rows
from llmtrain_exporter.story.ranges import healthy_of, meaning_of

STORIES_KEPT = 32

Object = dict[str, object]


class Stories:
    """The stories that were asked for last. Many who look at one run share one answer until it changes."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._told: dict[tuple[str, Lang], tuple[Shown, bytes]] = {}  # any thread; who comes last wins

    def body(self, shown: Shown, lang: Lang) -> bytes:
        """The story of a run as JSON."""
        key = shown.snapshot.run, lang
        known = self._told.get(key)
        if known is not None and known[0] is shown:
            return known[1]
        body = orjson.dumps(story(shown, self._fleet, lang), option=orjson.OPT_APPEND_NEWLINE)
        if len(self._told) >= STORIES_KEPT:
            self._told.clear()
        self._told[key] = shown, body
        return body


def story(shown: Shown, fleet: Fleet, lang: Lang) -> Object:
    """One run in words and numbers; see `story.run_object`. `run`: as it stands in the label run."""
    found = fleet.with_samples(shown.snapshot)
    checkpoints = read_checkpoints(os.path.dirname(found.file))
    run = replace(found, run=label_value(found.run), checkpoints=checkpoints)
    return {
        **run_object.full_object(run, lang),
        "rows": list(_rows(run, lang)),
        "remaining_seconds": shown.remaining,
    }


def _rows(run: Snapshot, lang: Lang) -> Iterator[Object]:
    """The table of metrics; see `story.metrics`."""
    for row in metric_rows(run, lang):
        yield {
            "name": printable(row.name),
            "value": row.value,
            "healthy": row.healthy,
            "judged": row.judged,
            "judged_text": words.JUDGED[row.judged].of(lang),
            "main": row.main,
            "metric": row.series.metric.name,
            "group": panels.GROUPS[row.series.metric.group].of(lang),
            **_meaning(row.series, run.base, lang),
        }


def _meaning(one: Series, profile: str, lang: Lang) -> Object:
    meaning = meaning_of(one)
    if meaning is None:
        return {"meaning": one.metric.help, "note": None, "good": "neither"}
    healthy = healthy_of(one, profile)
    note = None if healthy is None or healthy.note is None else healthy.note.of(lang)
    return {"meaning": meaning.what.of(lang), "note": note, "good": meaning.good.value}
