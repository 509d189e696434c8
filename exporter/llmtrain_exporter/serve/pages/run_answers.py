"""What is answered about one run: made once for all who look at it, until it changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import replace

import orjson

from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.printable import label_value
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.beside import with_checkpoints

ANSWERS_KEPT = 64


class RunAnswers:
    """The answers that were asked for last. Asked by many threads."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._made: dict[Hashable, tuple[Shown, float | None, bytes]] = {}  # any thread; who comes last wins

    def answer(self, shown: Shown, form: Hashable, write: Callable[[Snapshot], bytes]) -> bytes:
        """The run as `write` puts it in that form (format, language); see `whole`."""
        key, unread_since = (shown.snapshot.run, form), shown.unread_since
        made = self._made.get(key)
        if made is not None and made[0] is shown and made[1] == unread_since:
            return made[2]
        answer = write(self.whole(shown))
        if len(self._made) >= ANSWERS_KEPT:
            self._made.clear()
        self._made[key] = shown, unread_since, answer
        return answer

    def whole(self, shown: Shown) -> Snapshot:
        """All that is known of a run, its last values and checkpoints too. Its name: as in the label run."""
        run = self._fleet.with_samples(shown.snapshot)
        with nullcontext(True) if shown.pulse is None else shown.pulse.asking() as may:
            run = with_checkpoints(run) if may else run
        return replace(run, run=label_value(run.run))


def run_json(run: Snapshot, unread_since: float | None, lang: Lang) -> bytes:
    """One run in words and numbers; see `story.run_object`. `unread_since`: see `Shown`."""
    content = {**full_object(run, lang), **unread_object(unread_since)}
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def unread_object(since: float | None) -> dict[str, float]:
    """What is told of a run that cannot be read, see `Shown`; nothing of others."""
    return {} if since is None else {"unread_since_timestamp": since}
