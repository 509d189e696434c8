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
from llmtrain_exporter.serve.read_again import ReadAgain
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.beside import with_checkpoints

ANSWERS_KEPT = 64


class RunAnswers:
    """The answers that were asked for last. Asked by many threads."""

    def __init__(self, fleet: Fleet, read_again: ReadAgain) -> None:
        """`read_again`: tells of runs that are over."""
        self._fleet = fleet
        self._read_again = read_again
        self._made: dict[Hashable, tuple[Shown, float | None, bytes]] = {}  # any thread; who comes last wins

    def answer(self, shown: Shown, form: Hashable, write: Callable[[Snapshot], bytes]) -> bytes:
        """The run as `write` puts it in that form (format, language); see `whole`."""
        key, unread_since = (shown.snapshot.run, form), shown.unread_since
        made = self._made.get(key)
        if made is not None and made[0] is shown and made[1] == unread_since:
            return made[2]
        run, is_whole = self._looked_up(shown)
        answer = write(run)
        if len(self._made) >= ANSWERS_KEPT:
            self._made.clear()
        if is_whole:
            self._made[key] = shown, unread_since, answer
        return answer

    def whole(self, shown: Shown) -> Snapshot:
        """All that is known of a run, its last values and checkpoints too. Its name: as in the label run."""
        return self._looked_up(shown)[0]

    def find(self, name: str) -> Snapshot | None:
        """The run of that name, without its last values and checkpoints; None where there is none."""
        shown = self._fleet.find(name)
        if shown is None:
            return None
        return self._looked_up(shown)[0] if shown.rests else shown.snapshot

    def _looked_up(self, shown: Shown) -> tuple[Snapshot, bool]:
        """The same, and whether nothing is missing because a log could not be read."""
        with nullcontext(True) if shown.pulse is None else shown.pulse.asking() as may:
            read = self._read_again.whole(shown) if shown.rests and may else None
            is_whole = read is not None or not shown.rests
            run = read or shown.snapshot
            if not is_whole:  # what an outline has of episodes is no more than that there were some
                run = replace(run, episodes=())
            run = with_checkpoints(run) if may else run
        run = self._fleet.with_samples(run)
        return replace(run, run=label_value(run.run)), is_whole


def run_json(run: Snapshot, shown: Shown, lang: Lang) -> bytes:
    """One run in words and numbers; see `story.run_object`."""
    content = {**full_object(run, lang), "note": shown.note, **unread_object(shown.unread_since)}
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def unread_object(since: float | None) -> dict[str, float]:
    """What is told of a run that cannot be read, see `Shown`; nothing of others."""
    return {} if since is None else {"unread_since_timestamp": since}
