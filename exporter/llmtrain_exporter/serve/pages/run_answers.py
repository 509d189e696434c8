"""What is answered about one run: made once for all who look at it, until it changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

import orjson

from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.serve.exposition import label_value
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.live import with_checkpoints

ANSWERS_KEPT = 64


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
    return orjson.dumps(full_object(run, lang), option=orjson.OPT_APPEND_NEWLINE)
