"""What is answered about one run: made once for all who look at it, until it changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace

import orjson

from llmtrain_exporter.knowledge import panels, words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.exposition import label_value
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.story.facts import remaining
from llmtrain_exporter.story.metrics import metric_rows
from llmtrain_exporter.story.ranges import healthy_of, meaning_of
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.live import with_checkpoints

ANSWERS_KEPT = 64

Object = dict[str, object]


class RunAnswers:
    """The answers that were asked for last. Asked by many threads."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._made: dict[Hashable, tuple[Shown, bytes]] = {}  # any thread; who comes last wins

    def answer(self, shown: Shown, form: Hashable, write: Callable[[Snapshot], bytes]) -> bytes:
        """The run as `write` puts it in that form (format, language); see `whole`."""
        key = shown.snapshot.run, form
        made = self._made.get(key)
        if made is not None and made[0] is shown:
            return made[1]
        answer = write(self.whole(shown))
        if len(self._made) >= ANSWERS_KEPT:
            self._made.clear()
        self._made[key] = shown, answer
        return answer

    def whole(self, shown: Shown) -> Snapshot:
        """All that is known of a run, its last values and checkpoints too. Its name: as in the label run."""
        run = with_checkpoints(self._fleet.with_samples(shown.snapshot))
        return replace(run, run=label_value(run.run))


def run_json(run: Snapshot, lang: Lang) -> bytes:
    """One run in words and numbers; see `story.run_object`."""
    content = {
        **full_object(run, lang),
        "rows": list(_rows(run, lang)),
        "remaining_seconds": remaining(run),
    }
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


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


def _meaning(series: Series, profile: str, lang: Lang) -> Object:
    meaning = meaning_of(series)
    if meaning is None:
        return {"meaning": series.metric.help, "note": None, "good": "neither"}
    healthy = healthy_of(series, profile)
    note = None if healthy is None or healthy.note is None else healthy.note.of(lang)
    return {"meaning": meaning.what.of(lang), "note": note, "good": meaning.good.value}
